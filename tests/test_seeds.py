"""The seeds are what they say they are: articles of ten languages, each judged by an analyst, and one refusal per reason."""

from __future__ import annotations

import gzip
import json
import pathlib
import re
import unicodedata
from typing import Literal

import pydantic
import pytest

from stream.records import Article, EntityType, EventType, Reason

SEEDS = pathlib.Path(__file__).parent.parent / "seeds"
LANGUAGES = {"it": 8, "en": 7, "uk": 5, "de": 4, "fr": 4, "es": 4, "ru": 4, "pl": 3, "pt": 3, "nl": 3}
VALUE_LIMIT = 1_048_576


class Truth(pydantic.BaseModel):
    """What an analyst says of one article (``seeds/README.md``)."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    class Mention(pydantic.BaseModel):
        """A name that must be found."""

        model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

        type: EntityType
        text: str = pydantic.Field(min_length=2)

    file: str
    line: int
    language: str
    entities: tuple[Mention, ...]
    events: tuple[EventType, ...]
    hypothetical: tuple[EventType, ...]
    never: tuple[EventType, ...] = pydantic.Field(alias="not")
    primary: EventType
    furniture: tuple[str, ...]


def _read_articles() -> dict[tuple[str, int], Article]:
    articles: dict[tuple[str, int], Article] = {}
    for path in sorted(SEEDS.glob("*.ndjson")):
        for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), start=1):
            articles[path.name, number] = Article.model_validate_json(line)
    for path in sorted(SEEDS.glob("*.txt")):
        title, _, text = path.read_text(encoding="utf-8").partition("\n")
        articles[path.name, 1] = Article(title=title, text=text)
    return articles


def _read_truths() -> dict[str, Truth]:
    raw = (SEEDS / "expected.json").read_text(encoding="utf-8")
    return pydantic.TypeAdapter(dict[str, Truth]).validate_json(raw)


def _read_refusal(reason: Reason) -> bytes:
    (path,) = (SEEDS / "rejected").glob(f"{reason}.*")
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


ARTICLES = {f"{file}:{line}": article for (file, line), article in _read_articles().items()}
TRUTHS = {f"{truth.file}:{truth.line}": (key, truth) for key, truth in _read_truths().items()}
JUDGED = pytest.mark.parametrize("place", sorted(TRUTHS))


def test_every_article_is_judged_and_every_judgement_has_its_article() -> None:
    """A seed without a truth proves nothing, and a truth without a seed is a leftover."""
    assert set(TRUTHS) == set(ARTICLES)


@JUDGED
def test_a_judgement_is_filed_under_the_id_of_its_article(place: str) -> None:
    """A test finds the truth of what the service says by `article_id`; where the id is derived, by file and line."""
    key, _ = TRUTHS[place]

    assert key == (ARTICLES[place].id or place)


def test_ids_are_unique_and_some_are_left_to_be_derived() -> None:
    """Two seeds with one id would overwrite each other downstream; an id that is absent is a case of its own."""
    ids = [article.id for place, article in ARTICLES.items() if ".ndjson:" in place]
    given = [identifier for identifier in ids if identifier is not None]

    assert len(set(given)) == len(given)
    assert 2 <= ids.count(None) <= 4


def test_no_two_seeds_tell_the_same_story() -> None:
    """A text pasted twice would count twice in every measurement."""
    texts = [article.text for article in ARTICLES.values()]

    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("language", "least"), LANGUAGES.items())
def test_each_of_the_ten_languages_has_its_file(language: str, least: int) -> None:
    """`it.ndjson` holds Italian and nothing else, and enough of it."""
    languages = [truth.language for _, truth in TRUTHS.values() if truth.file == f"{language}.ndjson"]

    assert set(languages) == {language}
    assert len(languages) >= least


def test_languages_without_a_lexicon_are_there_too() -> None:
    """An article in any language comes out enriched with what can be done: some are in a language that we know little of."""
    others = {truth.language for _, truth in TRUTHS.values() if truth.file == "other.ndjson"}

    assert len(others) >= 3
    assert not others & set(LANGUAGES)


@JUDGED
def test_a_name_that_must_be_found_stands_in_the_article(place: str) -> None:
    """`Ucraina` can be asked for only where `Ucraina` is written, whole and not as part of `Ucrainano`."""
    article, (_, truth) = ARTICLES[place], TRUTHS[place]

    for mention in truth.entities:
        whole = re.compile(rf"(?<!\w){re.escape(mention.text)}(?!\w)")
        assert whole.search(article.title or "") or whole.search(article.text), mention.text


@JUDGED
def test_a_judgement_does_not_contradict_itself(place: str) -> None:
    """A type cannot be both true and a false event, and the main event is one of the events."""
    _, truth = TRUTHS[place]

    assert not set(truth.events) & set(truth.never)
    assert truth.primary in truth.events or (truth.primary is EventType.NONE and not truth.events)
    assert EventType.NONE not in {*truth.events, *truth.hypothetical, *truth.never}


@JUDGED
def test_an_article_without_an_event_allows_none(place: str) -> None:
    """Of a football match every one of the sixteen types is false."""
    _, truth = TRUTHS[place]

    if truth.primary is EventType.NONE:
        assert set(truth.never) == set(EventType) - {EventType.NONE}


def test_a_dozen_articles_in_many_languages_report_no_event() -> None:
    """Sport, weather, business and culture are what false events are made of: they are not missing in any language of size."""
    silent = [truth.language for _, truth in TRUTHS.values() if truth.primary is EventType.NONE]

    assert len(silent) >= 12
    assert set(LANGUAGES) <= set(silent)


def test_every_event_type_that_we_promise_is_somewhere() -> None:
    """Each type is asserted by an article, except the two that appear only as what might happen."""
    asserted = {event for _, truth in TRUTHS.values() for event in truth.events}
    spoken_of = asserted | {event for _, truth in TRUTHS.values() for event in truth.hypothetical}

    assert set(EventType) - spoken_of == {EventType.NONE}
    assert set(EventType) - asserted <= {EventType.NONE, EventType.CONCEDE, EventType.COOPERATE}


@JUDGED
def test_a_furniture_line_is_a_line_of_its_own_and_names_nobody_who_must_be_found(place: str) -> None:
    """`Leggi anche: …` stands between paragraphs; a name that occurs only there must not be asked for."""
    article, (_, truth) = ARTICLES[place], TRUTHS[place]
    lines = article.text.splitlines()

    for furniture in truth.furniture:
        assert furniture in lines
        rest = article.text.replace(furniture, "") + (article.title or "")
        assert all(mention.text in rest for mention in truth.entities)


@JUDGED
def test_an_article_is_of_the_length_of_agency_copy(place: str) -> None:
    """Between 90 and 260 words, except the one that is a headline alone."""
    article = ARTICLES[place]
    words = len(article.text.split()) + len((article.title or "").split())

    assert 90 <= words <= 260 or (words < 12 and article.title is None)


@JUDGED
def test_a_text_is_composed_and_has_no_control_characters(place: str) -> None:
    """Offsets of the truth and of the record agree only when normalisation has nothing to change but what is odd on purpose."""
    article = ARTICLES[place]
    whole = f"{article.title or ''}\n{article.text}"

    assert unicodedata.is_normalized("NFC", whole)
    assert not {char for char in whole if unicodedata.category(char) == "Cc"} - {"\n", "\r"}


def test_the_odd_ones_are_there() -> None:
    """HTML, Windows line ends with no-break spaces, a wrong declared language and doubled words each have their article."""
    texts = [article.text for article in ARTICLES.values()]
    wrong = [place for place, article in ARTICLES.items() if article.language not in {None, TRUTHS[place][1].language}]
    doubled = [
        text for text in texts if len(re.findall(r"\b(la la|le le|ha ha|un un|una una|non non|sul sul|della della)\b", text)) >= 2
    ]

    assert any("<p" in text for text in texts)
    assert any("\r\n" in text and "\N{NO-BREAK SPACE}" in text for text in texts)
    assert wrong
    assert len(doubled) == 3


def test_every_reason_has_exactly_one_refusal() -> None:
    """A reason without a case would be a promise that nobody has tried."""
    names = sorted(path.name.partition(".")[0] for path in (SEEDS / "rejected").iterdir())

    assert names == sorted(Reason)


def test_a_refusal_is_wrong_in_the_way_that_its_name_says() -> None:
    """Each case gets as far as its reason and no further: `not_json` is UTF-8, `invalid` is JSON, `no_text` is an article."""
    with pytest.raises(UnicodeDecodeError):
        _read_refusal(Reason.NOT_UTF8).decode()
    with pytest.raises(json.JSONDecodeError):
        json.loads(_read_refusal(Reason.NOT_JSON).decode())
    with pytest.raises(pydantic.ValidationError):
        Article.model_validate(json.loads(_read_refusal(Reason.INVALID)))
    wordless = Article.model_validate_json(_read_refusal(Reason.NO_TEXT))

    assert _read_refusal(Reason.EMPTY) == b""
    assert wordless.title is None
    assert not re.search(r"\w", re.sub(r"<[^>]+>|&\w+;", "", wordless.text))


@pytest.mark.parametrize(
    ("reason", "marker"), [(Reason.CRASHED, "NEWSSTREAM-TEST-CRASH"), (Reason.TIMED_OUT, "NEWSSTREAM-TEST-HANG")]
)
def test_what_the_test_hook_honours_is_an_ordinary_article(
    reason: Reason, marker: Literal["NEWSSTREAM-TEST-CRASH", "NEWSSTREAM-TEST-HANG"]
) -> None:
    """Only the marker makes it special, and no other seed contains it."""
    article = Article.model_validate_json(_read_refusal(reason))

    assert marker in article.text
    assert not any("NEWSSTREAM-TEST" in seed.text for seed in ARTICLES.values())


def test_sizes_are_on_the_right_side_of_the_limit() -> None:
    """One value is over the limit; the other is under it by less than the envelope that enrichment puts around it."""
    output = _read_refusal(Reason.OUTPUT_TOO_LARGE)

    assert len(_read_refusal(Reason.TOO_LARGE)) > VALUE_LIMIT
    assert VALUE_LIMIT - 400 < len(output) <= VALUE_LIMIT
    assert Article.model_validate_json(output).metadata
