"""Who and what is mentioned: names found where they stand, merged into entities, countries linked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from stream import entities, text
from stream.entities import encoder, mentions, merging, segments, words
from stream.entities.gazetteer import Gazetteer
from stream.entities.pieces import Pieces
from stream.records import Document, Entity, EntityType, Sentence

pytestmark = pytest.mark.models

SEEDS = Path(__file__).parents[2] / "seeds"


@cache
def _models() -> entities.Models:
    return entities.load(pipelines={})


def _find(body: str, *, language: str, title: str | None = None) -> tuple[Entity, ...]:
    document = text.clean(title, body)
    return entities.find(document, language=language, article_id="a", models=_models())


def _by_name(found: tuple[Entity, ...]) -> dict[str, Entity]:
    return {entity.name: entity for entity in found}


ITALIAN = (
    "BRUXELLES - Secondo Bloomberg, la NATO ha inviato armi all'Ucraina. Il presidente Donald Trump ha sentito Volodymyr "
    "Zelensky; il Cremlino, con il portavoce Dmitry Peskov, ha protestato. Trump ha poi lasciato la Casa Bianca. "
    "Zelensky era a Kiev."
)


def test_names_of_an_italian_agency_story_are_found_with_their_types() -> None:
    """Bloomberg is no person, the Kremlin is no place, an article glued by an apostrophe is no part of a name."""
    found = {(entity.name, entity.type.value) for entity in _find(ITALIAN, language="it")}

    assert {
        ("Bloomberg", "ORG"),
        ("NATO", "ORG"),
        ("Ucraina", "LOC"),
        ("Donald Trump", "PER"),
        ("Volodymyr Zelensky", "PER"),
        ("Cremlino", "ORG"),
        ("Dmitry Peskov", "PER"),
        ("Kiev", "LOC"),
    } <= found


def test_a_surname_alone_is_the_person_whose_full_name_stands_before() -> None:
    """Trump is Donald Trump, Zelensky is Volodymyr Zelensky: one entity each, with both mentions."""
    found = _by_name(_find(ITALIAN, language="it"))

    assert [mention.text for mention in found["Donald Trump"].mentions] == ["Donald Trump", "Trump"]
    assert [mention.text for mention in found["Volodymyr Zelensky"].mentions] == ["Volodymyr Zelensky", "Zelensky"]


def test_two_people_of_one_surname_stay_two() -> None:
    """A surname alone belongs to the one named last."""
    found = _by_name(
        _find("Michelle Obama arrived in Oslo. Barack Obama stayed in Chicago. Obama will speak on Friday.", language="en")
    )

    assert len(found["Michelle Obama"].mentions) == 1
    assert [mention.text for mention in found["Barack Obama"].mentions] == ["Barack Obama", "Obama"]


def test_case_endings_do_not_make_new_entities() -> None:
    """Зеленський, Зеленського and Зеленським are one; so are Росія and Росії, linked to their country."""
    found = _find(
        "Володимир Зеленський прибув до Варшави. Прем'єр Польщі зустрівся із Зеленським. Росія заявила протест. "
        "Міністр Росії мовчав. Виступ Зеленського тривав годину.",
        language="uk",
    )
    people = [entity for entity in found if entity.type is EntityType.PER]
    russia = [entity for entity in found if entity.link is not None and entity.link.id == "RU"]

    assert [len(entity.mentions) for entity in people] == [3]
    assert [len(entity.mentions) for entity in russia] == [2]


@pytest.mark.parametrize(
    ("sentence", "language", "code"),
    [
        ("Gli Stati Uniti hanno chiesto una tregua.", "it", "US"),
        ("The United Kingdom closed its embassy in Minsk.", "en", "GB"),
        ("Deutschland liefert Panzer an die Ukraine.", "de", "DE"),
        ("Les Pays-Bas ont accueilli les réfugiés.", "fr", "NL"),
        ("Россия закрыла границу с Грузией.", "ru", "RU"),
        ("Polska zamknęła przejście na granicy.", "pl", "PL"),
        ("España reconoció al nuevo gobierno.", "es", "ES"),
        ("Portugal enviou medicamentos para Maputo.", "pt", "PT"),
        ("Oekraïne vraagt om meer munitie.", "nl", "UA"),
        ("Україна отримала генератори.", "uk", "UA"),
    ],
)
def test_countries_are_linked_in_ten_languages(sentence: str, language: str, code: str) -> None:
    """The name of a country in the article's own language leads to its ISO 3166 code."""
    links = {entity.link.id for entity in _find(sentence, language=language) if entity.link is not None}

    assert code in links


def test_an_acronym_in_brackets_stands_for_the_name_before_it() -> None:
    """Both, and the acronym alone later, are one organisation."""
    found = _find(
        "The Northern Fisheries Council (NFC) met in Bergen. Boats were counted by the NFC on Friday.",
        language="en",
    )
    councils = [entity for entity in found if "Council" in entity.name]

    assert len(councils) == 1
    assert [mention.text for mention in councils[0].mentions][-1] == "NFC"


def test_furniture_is_never_a_mention() -> None:
    """A teaser between two paragraphs names another story's people: they are not of this one."""
    body = (
        "Il ministro Carlo Rossi è arrivato a Torino per incontrare i sindacati della zona.\n\n"
        "Leggi anche: Maria Bianchi lascia la guida della Fiat\n\n"
        "Il ministro ha poi visitato la fabbrica e ha parlato con gli operai per un'ora."
    )

    names = {mention.text for entity in _find(body, language="it") for mention in entity.mentions}

    assert "Carlo Rossi" in names
    assert not any("Bianchi" in name for name in names)


def test_title_and_lead_make_an_entity_salient() -> None:
    """What the title names comes first; shares of attention add up to one."""
    found = _find(
        "The mayor of Oslo spoke for an hour. Later trains to Bergen were late. A bus in Bergen broke down.",
        language="en",
        title="Oslo closes its harbour",
    )

    assert found[0].name == "Oslo"
    assert sum(entity.salience for entity in found) == pytest.approx(1, abs=0.01)


def test_adjectives_of_place_are_no_places() -> None:
    """Kenyan and Colombian name nothing."""
    names = {entity.name for entity in _find("A Kenyan court freed two Colombian sailors in Mombasa.", language="en")}

    assert "Mombasa" in names
    assert not names & {"Kenyan", "Colombian"}


def test_a_pipeline_of_the_user_s_own_is_used_for_its_language(tmp_path: Path) -> None:
    """Labels are mapped, other components are left out, its name and version are in the provenance."""
    nlp = spacy.blank("it")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "GPE", "pattern": "Borgonovo"}, {"label": "PERSON", "pattern": "Tizio"}])  # type: ignore[attr-defined]
    nlp.add_pipe("sentencizer")
    nlp.meta["name"], nlp.meta["version"] = "tiny", "3.1"
    nlp.to_disk(tmp_path / "tiny")
    models = entities.load(pipelines={"it": str(tmp_path / "tiny")})
    document = text.clean(None, "A Borgonovo arriva Tizio.")

    italian = entities.find(document, language="it", article_id="a", models=models)

    assert {(entity.name, entity.type.value) for entity in italian} == {("Borgonovo", "LOC"), ("Tizio", "PER")}
    assert ("it_tiny", "3.1") in {(info.name, info.version) for info in models.infos}


def test_a_pipeline_that_is_not_there_is_named() -> None:
    """The message says which one, and for which language."""
    with pytest.raises(ValueError, match=r"no_such_pipeline.*'it'"):
        entities.load(pipelines={"it": "no_such_pipeline"})


def test_a_pipeline_without_names_is_refused(tmp_path: Path) -> None:
    """A sentence splitter is no recogniser."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "mute")

    with pytest.raises(ValueError, match="recognises no names"):
        entities.load(pipelines={"en": str(tmp_path / "mute")})


def test_loading_the_models_leaves_no_file_behind(tmp_path: Path) -> None:
    """No telemetry, no cache: see docs/decisions/onnxruntime.md."""
    code = "from stream import entities; entities.load(pipelines={})"

    subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        check=True,
        timeout=60,
    )

    assert list(tmp_path.rglob("*")) == []


def test_an_ambiguous_name_is_not_forced_to_be_a_country() -> None:
    """Michael Jordan is no kingdom."""
    found = _by_name(_find("Michael Jordan flew to Rome. Jordan smiled.", language="en"))

    assert found["Michael Jordan"].type is EntityType.PER
    assert found["Michael Jordan"].link is None


@pytest.mark.parametrize(
    ("sentence", "language", "name", "kind"),
    [
        ("Il presidente Usa Barack Obama ha visitato Lisbona.", "it", "Barack Obama", "PER"),
        ("L'incidente è avvenuto nel Comune di Vercelli, sulla strada per Torino.", "it", "Comune di Vercelli", "ORG"),
        ("Microsoft vuole comprare Yahoo!, scrive il New York Times.", "it", "Yahoo!", "ORG"),
        ("Le ministre a reçu M. Dupont à Lyon.", "fr", "Dupont", "PER"),
        ("Talks with M. Night Shyamalan went on in Philadelphia.", "en", "M. Night Shyamalan", "PER"),
    ],
)
def test_a_name_is_whole_and_nothing_but_the_name(sentence: str, language: str, name: str, kind: str) -> None:
    """A country before a person, a name torn at its small word, a mark or an initial that belongs to it, a form of address."""
    assert (name, kind) in {(entity.name, entity.type.value) for entity in _find(sentence, language=language)}


def test_offices_pronouns_and_common_nouns_name_nobody() -> None:
    """The Pope without a name, Він, a police that somebody has: no entity."""
    texts = {
        "it": "Il Papa ha parlato ai fedeli a Roma. La cattedrale era piena.",
        "uk": "Він приїхав до Києва. Йому допомогла міська влада.",
    }

    names = {mention.text for code, body in texts.items() for entity in _find(body, language=code) for mention in entity.mentions}

    assert {"Roma", "Києва"} <= names
    assert not names & {"Papa", "cattedrale", "Він", "Йому", "влада", "міська влада"}


def test_a_list_of_thousands_of_names_is_merged_in_time() -> None:
    """Merging looks at namesakes alone: an honours list of 5,000 people takes seconds, not minutes."""
    people = [f"{first}{number} {last}{number}" for number in range(1000) for first, last in zip("ABCDE", "VWXYZ", strict=True)]
    body = ", ".join(people)
    document = Document(title=None, text=body, sentences=(Sentence("text", 0, len(body), body),))
    spans = [(match.start(), match.end()) for match in re.finditer(r"\w+ \w+", body)]
    found = [mentions.Named("text", start, end, body[start:end], EntityType.PER) for start, end in spans]
    known = Gazetteer.load(entities.ASSETS / "gazetteer.tsv")

    started = time.process_time()
    merged = merging.entities(found, document=document, language="en", article_id="a", gazetteer=known)
    seconds = time.process_time() - started

    assert len(merged) == len(people)
    assert seconds < 5


def test_words_that_pass_by_are_not_kept() -> None:
    """A service that runs for months must not remember every misspelt word: spaCy's store of strings does not grow."""
    strings = _models().pipeline("en").nlp.vocab.strings
    _find("Anna Karlsson spoke in Oslo.", language="en")
    before = len(strings)

    _find("Zxqvuthra Klombertsnik spoke to Wybrzixel in Quolmburg.", language="en")

    assert len(strings) == before


@settings(max_examples=60, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("aAbB Éé'’\"-.,()\n\t ЖжІіŁł漢א🙂\u0301\u200bKyiv"),
        max_size=300,
    )
)
def test_any_text_gives_mentions_that_stand_where_they_say(body: str) -> None:
    """Whatever the characters: no exception, offsets index the text, ids are unique, mentions do not overlap."""
    document = text.clean(None, body)

    found = entities.find(document, language="en", article_id="a", models=_models())

    spans = sorted((mention.start, mention.end, mention.text) for entity in found for mention in entity.mentions)
    assert all(document.text[start:end] == name for start, end, name in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert len({entity.id for entity in found}) == len(found)


def test_stems_make_case_forms_equal_and_surnames_differ() -> None:
    """Осмонова is a form of Осмонов; Ірану is none of Ірак."""
    assert words.stem("осмонова", language="ru") == words.stem("осмонов", language="ru")
    assert words.stem("ірану", language="uk") != words.stem("іраку", language="uk")


def test_the_gazetteer_is_sorted_and_unique() -> None:
    """A list that people keep up: sorted lines, one per thing."""
    path = entities.ASSETS / "gazetteer.tsv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    keys = [tuple(line.split("\t")[:2]) for line in lines]

    assert lines == sorted(lines)
    assert len(set(keys)) == len(keys)
    assert Gazetteer.load(path).lookup("Nazioni Unite") is not None


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "uk"])
def test_every_window_of_ordinary_news_is_read(language: str) -> None:
    """The bound on dense text is far from any article: sixty thousand characters of news have two thirds of its windows."""
    with (SEEDS / f"{language}.ndjson").open(encoding="utf-8") as lines:
        whole = "\n\n".join(json.loads(line)["text"] for line in lines)
    news = segments.split((whole * 30)[:60_000])
    pieces = Pieces(entities.BUNDLED)

    windows = list(encoder._windows(news, [pieces.ids(segment) for segment in news]))

    assert len(windows) < encoder.most_windows(news) * 0.75


def test_a_list_of_namesakes_is_read_in_bounded_time() -> None:
    """Seven thousand people with one surname: comparing all with all once took twenty seconds."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"{one.upper()}{two}{three} Li" for one in letters for two in letters for three in letters][:7_000]
    whole = " ".join(names)
    found = [
        mentions.Named("text", match.start(), match.end(), match.group(), EntityType.PER)
        for match in re.finditer(r"\w+ Li", whole)
    ]
    document = Document(None, whole, (Sentence("text", 0, len(whole), whole),))
    started = time.process_time()

    merged = merging.entities(found, document=document, language="en", article_id="a", gazetteer=_models().gazetteer)

    assert len(merged) == len(names)
    assert time.process_time() - started < 5


def test_a_name_ends_with_the_sentence_in_which_it_begins() -> None:
    """A full stop alone belongs to no sentence, and is no part of a name that is read across it."""
    document = text.clean(None, "U.S. . U.S.")

    found = entities.find(document, language="en", article_id="a", models=_models())

    assert found
    assert all(document.text[one.start : one.end] == one.text for entity in found for one in entity.mentions)
