"""Languages that the service was not built for: what comes out of them, and what must not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream import entities, text
from stream.entities import elsewhere, encoder, segments
from stream.entities.gazetteer import Gazetteer
from stream.evaluation import corpus
from stream.records import EntityType

OTHERS = Path(__file__).parents[2] / "training" / "others"
UNREAD = ("ar", "el", "fa", "he", "hi", "ja", "ka", "ko", "zh")


@cache
def _base() -> Gazetteer:
    return Gazetteer.load(entities.ASSETS / "gazetteer.tsv")


@cache
def _models() -> entities.Models:
    return entities.load(pipelines={})


def _found(language: str, body: str) -> list[str]:
    known = elsewhere.extended(_base(), language)
    assert isinstance(known, elsewhere.Elsewhere)
    return [body[start:end] for start, end, _ in known.find(body)]


def _country(language: str, name: str) -> str | None:
    known = elsewhere.extended(_base(), language).lookup(name, language=language)
    return known.link.id if known is not None and known.link is not None else None


@pytest.mark.parametrize(
    ("language", "body", "names"),
    [
        ("el", "Ο υπουργός της Ιταλίας μίλησε στα Ηνωμένα Έθνη για το Κίεβο.", ["Ιταλίας", "Ηνωμένα Έθνη", "Κίεβο"]),
        ("ar", "وصل الوزير إلى باريس وزار فرنسا وألمانيا", ["باريس", "فرنسا", "ألمانيا"]),
        ("fa", "وزیر خارجه روسیه وارد تهران شد", ["روسیه", "تهران"]),
        ("he", "השר הגיע לפריז ונפגש עם נציגי האיחוד האירופי בצרפת", ["פריז", "האיחוד האירופי", "צרפת"]),
        ("hi", "यूक्रेन और फ़्रांस के मंत्री दिल्ली में मिले", ["यूक्रेन", "फ़्रांस", "दिल्ली"]),
        ("ja", "首相は東京でドイツの外相と会談した", ["東京", "ドイツ"]),
        ("ka", "მინისტრი პარიზში ჩავიდა და საქართველოს შესახებ ისაუბრა", ["პარიზში", "საქართველოს"]),
        ("ko", "독일은 서울에서 열린 유럽 연합 회의에 참석했다", ["독일", "서울", "유럽 연합"]),
        ("zh", "外长抵达北京，与法国和印度尼西亚代表会谈", ["北京", "法国", "印度尼西亚"]),
        ("th", "นายกรัฐมนตรีไทยเดินทางไปญี่ปุ่น", ["ไทย", "ญี่ปุ่น"]),
    ],
)
def test_countries_and_capitals_are_found_in_scripts_that_the_encoder_does_not_read(
    language: str, body: str, names: list[str]
) -> None:
    """Inflected in Greek and Georgian, glued to a preposition in Hebrew, to a particle in Korean, to anything in Chinese."""
    assert _found(language, body) == names


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("zh", "马里兰州的北京大学校友是日本人，住在印度洋边"),  # Maryland, a university, a people, an ocean
        ("ja", "インドネシア語と東京大学と日本語"),  # no India, a university, a language
        ("ko", "독일인 기자는 이런 수단이 인도적이라고 했다"),  # a German, means, humane
        ("ka", "მან თქვა, რომ ყველაფერი კარგადაა"),  # რომ is "that", რომი is Rome
        ("el", "Ο Γεώργιος είδε τη Γαλλική ταινία και η ρώμη του μεγάλωσε"),  # a man, an adjective, strength in small letters
        ("ar", "المؤسسات العراقية والدعم مالي"),  # an adjective, "financial"
        ("he", "הישראלי הודו בטעות"),  # the Israeli, "they admitted"
        ("fa", "روز دوشنبه کمک مالی رسید"),  # Monday, financial
        ("th", "อเมริกากลาง"),  # no Riga in America
        ("ja", "Paris Match"),
    ],
)
def test_no_country_is_seen_in_a_longer_or_another_word(language: str, body: str) -> None:
    """What only contains the letters of a country is none."""
    assert set(_found(language, body)) <= {"インドネシア", "อเมริกา"}


@pytest.mark.parametrize(
    ("language", "name", "code"),
    [
        ("cs", "Ukrajině", "UA"),
        ("cs", "Německa", "DE"),
        ("sk", "Rakúsku", "AT"),
        ("hu", "Németországban", "DE"),
        ("fi", "Saksassa", "DE"),
        ("hr", "Austriji", "AT"),
        ("hr", "Australiji", "AU"),
        ("sl", "Nigeriji", "NG"),
        ("sl", "Niger", "NE"),
        ("lt", "Lietuvoje", "LT"),
        ("sr", "Србије", "RS"),
        ("sr", "Srbiji", "RS"),
        ("bg", "Украйна", "UA"),
        ("tr", "Ukrayna", "UA"),
        ("id", "Jepang", "JP"),
        ("vi", "Nhật Bản", "JP"),
        ("no", "Tyskland", "DE"),
        ("cs", "Praha", None),
        ("el", "Ουκρανίας", "UA"),
        ("ar", "ألمانيا", "DE"),
    ],
)
def test_countries_are_linked_in_other_languages(language: str, name: str, code: str | None) -> None:
    """By their names in CLDR, in any case; the nearest one, never a neighbour."""
    assert _country(language, name) == code


def test_a_short_name_is_no_country_where_the_encoder_saw_nothing() -> None:
    """``Áo`` is Austria in Vietnamese, and a shirt; ``Ukrainska`` begins like Ukraine, and is an adjective."""
    short = elsewhere.extended(_base(), "vi").lookup("Áo")
    alike = elsewhere.extended(_base(), "sv").lookup("Ukrainska")
    sure = elsewhere.extended(_base(), "sv").lookup("Ukraina")

    assert [known.certain for known in (short, alike, sure) if known is not None] == [False, False, True]


@pytest.mark.parametrize("language", ["it", "uk", "und", "xx", "tlh"])
def test_nothing_is_added_to_the_ten_languages_nor_to_unknown_ones(language: str) -> None:
    """The gazetteer stays what it is."""
    assert elsewhere.extended(_base(), language) is _base()


def test_the_table_is_sorted_and_names_what_cldr_names() -> None:
    """Sorted lines; every code is a territory, every language one of CLDR in another script."""
    lines = [line for line in elsewhere._FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [line.split("\t") for line in lines]

    assert lines == sorted(lines)
    assert len({(language, key) for language, key, _ in rows}) == len(rows)
    assert all(elsewhere.script(language) != "read" for language, _, _ in rows)
    for language, key, names in rows:
        known = elsewhere.extended(_base(), language)
        for name in names.split("|"):
            found = known.lookup(name)
            assert (found is None) == (key == "-"), (language, key, name)
            if found is not None and len(key) == 2:
                assert found.key in {f"iso3166:{key}", f"list:{key.lower()}"}


@pytest.mark.models
@pytest.mark.parametrize("language", UNREAD)
def test_places_and_unions_come_out_of_articles_in_other_scripts(language: str) -> None:
    """Of the countries, cities and unions of two articles nine in ten, and nothing that is none; no people, as the page says."""
    gold, said = set(), set()
    for number, one in enumerate(corpus.read(OTHERS / f"{language}.txt")):
        document = text.clean(None, one.text)
        found = entities.find(document, language=language, article_id="a", models=_models())
        gold |= {(number, mention.start, mention.end) for mention in one.mentions if mention.type == "LOC"}
        gold |= {(number, mention.start, mention.end) for mention in one.mentions if mention.type == "ORG"}
        said |= {(number, mention.start, mention.end) for entity in found for mention in entity.mentions}

    assert said <= gold
    assert len(said) >= 8


@pytest.mark.models
def test_forms_of_one_country_are_one_entity_with_its_link() -> None:
    """Ιταλία and Ιταλίας; Ukrajina and Ukrajině."""
    greek = entities.find(text.clean(None, "Η Ιταλία αρνήθηκε. Ο πρωθυπουργός της Ιταλίας έφυγε."), **_as("el"))
    czech = entities.find(text.clean(None, "Ukrajina děkuje. Česko pomůže Ukrajině znovu."), **_as("cs"))

    assert [(one.name, one.type, len(one.mentions)) for one in greek] == [("Ιταλία", EntityType.LOC, 2)]
    assert {(one.name, one.link.id, len(one.mentions)) for one in czech if one.link} == {
        ("Ukrajina", "UA", 2),
        ("Česko", "CZ", 1),
    }


@pytest.mark.models
def test_what_the_encoder_cannot_read_costs_nothing_and_what_it_can_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Greek paragraph is no window; Latin letters in it make it one."""
    reader = encoder.Encoder(entities.BUNDLED, "accurate")
    windows: list[int] = []
    inner = reader._read

    def counted(ids: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        windows.append(len(ids))
        return inner(ids)

    monkeypatch.setattr(reader, "_read", counted)

    reader.read(segments.split("Ο Νίκος έφυγε από την Αθήνα. 北京大学。 قال الوزير"))
    before = list(windows)
    mixed = reader.read(segments.split("Η Microsoft ανακοίνωσε την Τρίτη ότι ο Bill Gates θα έρθει."))

    assert before == []
    assert len(windows) == 1
    assert [tag for tag in mixed.tags if tag != "O"] == ["B-ORG", "B-PER", "I-PER"]


def _as(language: str) -> dict[str, Any]:
    return {"language": language, "article_id": "a", "models": _models()}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from((*UNREAD, "th", "ur", "hy")),
    st.lists(
        st.sampled_from(
            "Ιταλίας ב צרפת ה و فرنسا 中国 马里兰 ドイツ 독일은 유럽 연합 रूस რომის ไทย . \u0301 \u200c ' \" a".split()
        ),
        max_size=30,
    ),
    st.sampled_from(("", " ", "  ", "\n")),
)
def test_any_text_gives_names_that_stand_where_they_say(language: str, words: list[str], joint: str) -> None:
    """Whatever stands beside what: in order, never empty, never overlapping, without space at an end."""
    body = joint.join(words)

    known = elsewhere.extended(_base(), language)
    assert isinstance(known, elsewhere.Elsewhere)
    found = list(known.find(body))

    assert all(body[start:end] and body[start:end] == body[start:end].strip() for start, end, _ in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


@pytest.mark.parametrize("language", UNREAD)
def test_a_long_text_is_searched_in_bounded_time(language: str) -> None:
    """Sixty thousand characters, of names alone, of letters one by one, and in one word."""
    known = elsewhere.extended(_base(), language)
    assert isinstance(known, elsewhere.Elsewhere)
    name = next(iter(known._names))
    for body in ((name + " ") * (60_000 // len(name)), "א ب α 한 中 " * 6_000, name[0] * 60_000, "ולכב" * 15_000):
        started = time.process_time()
        list(known.find(body))
        assert time.process_time() - started < 5
