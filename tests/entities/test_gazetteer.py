"""Names that are known: institutions, parties, media, companies and office holders, countries in Slavic cases."""

from __future__ import annotations

import re
from functools import cache

import pytest

from stream import entities, text
from stream.entities import mentions, merging
from stream.entities.gazetteer import Gazetteer
from stream.records import Entity, EntityType, Link

pytestmark = pytest.mark.models

PATH = entities.ASSETS / "gazetteer.tsv"


@cache
def _gazetteer() -> Gazetteer:
    return Gazetteer.load(PATH)


def _merged(body: str, language: str, readings: dict[str, EntityType]) -> dict[str, Entity]:
    """The entities by name, where the reader says of each name, at all its places, that it is of that type."""
    named = []
    for name, kind in readings.items():
        named += [mentions.Named("text", one.start(), one.end(), name, kind) for one in re.finditer(rf"\b{name}\b", body)]
    free = sorted(
        (one for one in named if not any(one is not two and _within(one, two) for two in named)), key=lambda one: one.start
    )
    found = merging.entities(free, document=text.clean(None, body), language=language, article_id="a", gazetteer=_gazetteer())
    return {entity.name: entity for entity in found}


def _within(one: mentions.Named, two: mentions.Named) -> bool:
    return two.start <= one.start and one.end <= two.end


def _rows() -> list[list[str]]:
    return [line.split("\t") for line in PATH.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def test_every_name_of_the_list_leads_to_its_own_entry() -> None:
    """No name stands twice, none is a country's."""
    wrong = [
        (key, alias)
        for _, key, _, _, *cells in _rows()
        for cell in cells
        for alias in cell.partition(":")[2].split("|")
        if (known := _gazetteer().lookup(alias)) is None or known.key != f"list:{key}"
    ]

    assert wrong == []


def test_ids_have_the_form_of_their_register() -> None:
    """Q and digits, or digits alone; no id stands twice."""
    ids = [register for _, _, _, register, *_ in _rows() if register not in "-?"]

    assert all(re.fullmatch(r"Q[1-9][0-9]*|[1-9][0-9]*", one) for one in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("code", "language", "forms"),
    [
        ("CN", "uk", "Китай Китаю Китаєм Китаї КНР"),
        ("EG", "uk", "Єгипет Єгипту Єгипті Єгиптом"),
        ("NL", "uk", "Нідерланди Нідерландів Нідерландам Нідерландах"),
        ("MX", "uk", "Мексика Мексики Мексиці Мексику"),
        ("BY", "uk", "Білорусь Білорусі Білоруссю"),
        ("XK", "uk", "Косово Косова Косові"),
        ("EG", "ru", "Египет Египта Египту Египте Египтом"),
        ("CN", "ru", "Китай Китая Китаю Китаем Китае"),
        ("UY", "ru", "Уругвай Уругвая Уругвае"),
        ("VA", "ru", "Ватикан Ватикана Ватикане"),
        ("PL", "pl", "Polska Polski Polsce Polskę Polską"),
        ("DE", "pl", "Niemcy Niemiec Niemczech Niemcom"),
        ("IT", "pl", "Włochy Włoch Włoszech Włochami"),
        ("HU", "pl", "Węgry Węgier Węgrzech Węgrami"),
        ("IN", "pl", "Indie Indii Indiach Indiami"),
        ("CA", "pl", "Kanada Kanady Kanadzie Kanadę"),
    ],
)
def test_countries_are_known_in_their_cases(code: str, language: str, forms: str) -> None:
    """Also where the stem changes before the ending."""
    found = {form: _gazetteer().lookup(form, language=language) for form in forms.split()}

    assert {form: known.link.id if known and known.link else None for form, known in found.items()} == dict.fromkeys(found, code)


@pytest.mark.parametrize("name", ["Jordan", "Georgia", "Chad", "Monaco", "Mali"])
def test_a_country_that_may_be_something_else_forces_nothing(name: str) -> None:
    """A person, a club, another word: the reader's type stands."""
    known = _gazetteer().lookup(name)

    assert known is not None
    assert not known.certain


def test_a_country_has_the_names_of_the_article_s_language() -> None:
    """Argelia is Algeria in Spanish; in English it is a town in Colombia. English names are known everywhere."""
    spanish, english = (_gazetteer().lookup("Argelia", language=language) for language in ("es", "en"))

    assert spanish is not None
    assert spanish.country
    assert english is None
    assert _gazetteer().lookup("Algeria", language="es") is not None


@pytest.mark.parametrize(
    ("name", "language", "key"),
    [
        ("Сил швидкої підтримки", "uk", "rsf"),
        ("Слуги народу", "uk", "servant-people"),
        ("Следственного комитета", "ru", "sk-rf"),
        ("Platformy Obywatelskiej", "pl", "platforma"),
        ("Corte europea dei diritti dell'uomo", "it", "echr"),
        ("EuGH", "de", "ecj"),
        ("Hisbollah", "de", "hezbollah"),
        ("CEDEAO", "fr", "ecowas"),
        ("Guarda Nacional Republicana", "pt", "gnr"),
        ("Vlaams Belang", "nl", "vlaams-belang"),
    ],
)
def test_institutions_are_known_by_the_names_of_their_language(name: str, language: str, key: str) -> None:
    """Acronyms, full names, case forms."""
    known = _gazetteer().lookup(name, language=language)

    assert known is not None
    assert known.key == f"list:{key}"
    assert known.type is EntityType.ORG


def test_an_acronym_and_its_name_are_one_without_brackets() -> None:
    """ISIS and the Islamic State are one organisation, whatever stands between them."""
    found = _merged(
        "Isis ha colpito ancora. Lo Stato Islamico rivendica.", "it", {"Isis": EntityType.ORG, "Stato Islamico": EntityType.LOC}
    )

    assert [(entity.type, len(entity.mentions)) for entity in found.values()] == [(EntityType.ORG, 2)]


def test_a_head_of_state_is_one_person_in_every_transcription() -> None:
    """A known full name has a link; the surname alone, however transcribed, is the same person."""
    found = _merged(
        "Volodymyr Zelenskiy spoke. Later Zelensky left.",
        "en",
        {"Volodymyr Zelenskiy": EntityType.PER, "Zelensky": EntityType.PER},
    )

    assert [(entity.link, len(entity.mentions)) for entity in found.values()] == [(Link(scheme="wikidata", id="Q3874799"), 2)]


def test_a_surname_belongs_to_the_relative_who_was_named() -> None:
    """Melania Trump is not linked to her husband, nor is the surname after her."""
    found = _merged("Melania Trump smiled. Trump waved.", "en", {"Melania Trump": EntityType.PER, "Trump": EntityType.PER})

    assert [(name, entity.link, len(entity.mentions)) for name, entity in found.items()] == [("Melania Trump", None, 2)]


def test_a_name_that_may_be_something_else_is_what_the_article_says() -> None:
    """Forbes the magazine alone; with John Murray Forbes it is his family."""
    magazine = _merged("Forbes lists him again.", "en", {"Forbes": EntityType.ORG})
    family = _merged(
        "The island of Forbes was bought by John Murray Forbes.",
        "en",
        {"John Murray Forbes": EntityType.PER, "Forbes": EntityType.ORG},
    )

    assert [entity.type for entity in magazine.values()] == [EntityType.ORG]
    assert {name: len(entity.mentions) for name, entity in family.items()} == {"John Murray Forbes": 2}
