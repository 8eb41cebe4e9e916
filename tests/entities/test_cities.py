"""Cities: found under their names in ten languages and in Slavic cases, the right one of several, linked to GeoNames."""

from __future__ import annotations

import gzip
import re
import time
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import entities, text
from stream.entities import mentions, merging
from stream.entities.cities import Cities
from stream.records import Entity, EntityType, Link

pytestmark = pytest.mark.models

PATH = entities.ASSETS / "cities.tsv.gz"


@cache
def _cities() -> Cities:
    return Cities.load(PATH)


@cache
def _models() -> entities.Models:
    return entities.load(pipelines={})


def _find(body: str, *, language: str, title: str | None = None) -> tuple[Entity, ...]:
    return entities.find(text.clean(title, body), language=language, article_id="a", models=_models())


def _linked(found: tuple[Entity, ...]) -> dict[str, str]:
    return {entity.name: entity.link.id for entity in found if entity.link is not None and entity.link.scheme == "geonames"}


@pytest.mark.parametrize(
    ("name", "language", "city"),
    [
        ("Parigi", "it", 2988507),
        ("Monaco", "it", 2993458),
        ("Monaco di Baviera", "it", 2867714),
        ("Colonia", "es", 2886242),
        ("Aia", "it", 2747373),
        ("Rom", "de", 3169070),
        ("Lissabon", "de", 2267057),
        ("Genève", "fr", 2660646),
        ("Den Haag", "nl", 2747373),
        ("SAN SEBASTIÁN", "es", 3110044),
        ("San Sebastian", "en", 3110044),
        ("LIMA", "es", 3936456),
        ("Тбилиси", "ru", 611717),
        ("Київ", "uk", 703448),
        ("Port Sudan", "en", 377039),
    ],
)
def test_a_city_has_many_names(name: str, language: str, city: int) -> None:
    """In the languages of the service, with or without accents, in capitals."""
    found = _cities().find(name, language=language)

    assert found is not None
    assert found.id == str(city)


@pytest.mark.parametrize(
    ("form", "language", "nominative"),
    [
        ("Дніпрі", "uk", "Дніпро"),
        ("Харкова", "uk", "Харків"),
        ("Тернополя", "uk", "Тернопіль"),
        ("Миколаєві", "uk", "Миколаїв"),
        ("Кривого Рогу", "uk", "Кривий Ріг"),
        ("Празі", "uk", "Прага"),
        ("Сумах", "uk", "Суми"),
        ("Рівного", "uk", "Рівне"),
        ("Череповца", "ru", "Череповец"),
        ("Казани", "ru", "Казань"),
        ("Ростове-на-Дону", "ru", "Ростов-на-Дону"),
        ("Нижнем Новгороде", "ru", "Нижний Новгород"),
        ("Poznaniu", "pl", "Poznań"),
        ("Krakowie", "pl", "Kraków"),
        ("Pradze", "pl", "Praga"),
        ("Łodzi", "pl", "Łódź"),
        ("Lublina", "pl", "Lublin"),
        ("Джубы", "ru", "Джуба"),
    ],
)
def test_a_case_form_leads_to_the_nominative(form: str, language: str, nominative: str) -> None:
    """Endings, and what changes before them: і and о, г and з, ę and e."""
    found = _cities().find(form, language=language)

    assert found is not None
    assert found.name == nominative


@pytest.mark.parametrize(
    ("word", "language"), [("Лесю", "uk"), ("Карого", "uk"), ("Китая", "ru"), ("Jawie", "pl"), ("Toscana", "it")]
)
def test_what_only_looks_like_a_small_town_is_none(word: str, language: str) -> None:
    """A first name, a horse, China, Java; a region that a town is called after."""
    assert _cities().find(word, language=language) is None


@pytest.mark.parametrize(
    ("name", "countries", "city"),
    [
        ("San José", (), 5392171),
        ("San José", ("CR",), 3621849),
        ("Córdoba", (), 3860259),
        ("Córdoba", ("ES",), 2519240),
        ("Córdoba", ("ES", "AR"), 3860259),
        ("Paris", ("US", "FR"), 2988507),
        ("Valencia", ("ES",), 2509954),
    ],
)
def test_the_largest_of_a_name_unless_the_article_names_the_country_of_another(
    name: str, countries: tuple[str, ...], city: int
) -> None:
    """San José is in California, and in an article about Costa Rica in Costa Rica."""
    found = _cities().find(name, language="es", countries=countries)

    assert found is not None
    assert found.id == str(city)


def test_an_article_about_costa_rica_means_its_own_capital() -> None:
    """The country is named in another sentence; the link is GeoNames'."""
    found = _find(
        "Protestas en San José por la reforma. El gobierno de Costa Rica pidió calma a los manifestantes.", language="es"
    )

    assert _linked(found)["San José"] == "3621849"


def test_one_city_under_two_names_is_one_entity() -> None:
    """Saint Petersburg and Sankt Petersburg are one, linked once."""
    found = _find(
        "Flights to Saint Petersburg were delayed on Monday. Airlines in Sankt-Petersburg said that the runway was closed.",
        language="en",
    )
    places = [entity for entity in found if entity.link == Link(scheme="geonames", id="498817")]

    assert [len(entity.mentions) for entity in places] == [2]


def test_case_forms_of_a_city_are_one_entity_in_the_nominative() -> None:
    """Дніпра and Дніпрі are Дніпро, though the nominative stands nowhere."""
    found = _find("У Дніпрі відкрили нову школу для дітей переселенців. До Дніпра приїхали сто родин з Харкова.", language="uk")

    assert _linked(found) == {"Дніпро": "709930", "Харків": "706483"}
    assert [len(entity.mentions) for entity in found if entity.name == "Дніпро"] == [2]


def test_people_keep_their_names() -> None:
    """Denzel Washington and Jordan Henderson are no cities; nor is a surname that stands alone after them."""
    found = _find("Denzel Washington met Jordan Henderson in Florence. Washington praised Henderson.", language="en")
    people = {entity.name for entity in found if entity.type is EntityType.PER}

    assert {"Denzel Washington", "Jordan Henderson"} <= people
    assert _linked(found) == {"Florence": "3176959"}


@given(st.text(max_size=30), st.sampled_from(["it", "uk", "ru", "pl", "xx"]))
def test_any_name_may_be_asked_for(name: str, language: str) -> None:
    """No text makes the search fail, or find a city of no population and no country."""
    found = _cities().find(name, language=language)

    assert found is None or (found.id.isdecimal() and len(found.country) == 2)


def test_the_file_is_sorted_and_every_name_is_found() -> None:
    """What bisection needs; every hundredth name leads to a city that bears it."""
    lines = gzip.decompress(PATH.read_bytes()).splitlines()
    names = [line.split(b"\t")[0] for line in lines]

    assert names == sorted(names)
    assert all(_cities().find(name.decode(), language="xx") is not None for name in names[::100])


def test_looking_a_name_up_takes_microseconds() -> None:
    """Thirty new names of an article cost less than a millisecond; the bound is loose, for a busy machine."""
    names = [f"Місто{number}ові" for number in range(1000)]
    started = time.process_time()
    for name in names:
        _cities().find(name, language="uk")

    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("body", "language", "name", "city"),
    [
        ("LIMA - Il presidente del Perù ha parlato ieri ai giornalisti.", "it", "Lima", "3936456"),
        ("SAN SEBASTIÁN, 3 sep (EFE).- El festival abrió con una película sobre el mar.", "es", "San Sebastián", "3110044"),
        ("Le ministre est rentré à N'Djamena dans la nuit.", "fr", "N'Djamena", "2427123"),
        ("Он приехал в Алма-Ату в мае. Алма-Ата встретила его дождём. В Алма-Ате прошла встреча.", "ru", "Алматы", "1526384"),
        ("В ООН не засуджували рейд Ісламабада, лише попросили мапу.", "uk", "Ісламабад", "1176615"),
        ("Kirgistan uznał dyplomy uczelni z Ułan Bator.", "pl", "Ułan Bator", "2028462"),
    ],
)
def test_a_city_is_a_place_whatever_the_reader_took_it_for(body: str, language: str, name: str, city: str) -> None:
    """Datelines in capitals, capitals that were read as people, names that were torn at a hyphen or an apostrophe."""
    found = _find(body, language=language)
    places = [entity for entity in found if entity.link == Link(scheme="geonames", id=city)]

    assert [(entity.name, entity.type) for entity in places] == [(name, EntityType.LOC)]
    assert {one.text for entity in found for one in entity.mentions}.isdisjoint({"Djamena", "Алма", "Ата"})


def _merged(body: str, language: str, readings: dict[str, EntityType]) -> tuple[Entity, ...]:
    """The entities where the reader says of each name, at its first place, that it is of that type."""
    document = text.clean(None, body)
    places = [(document.text.index(name), name, kind) for name, kind in readings.items()]
    named = [mentions.Named("text", start, start + len(name), name, kind) for start, name, kind in places]
    return merging.entities(named, document=document, language=language, article_id="a", gazetteer=_models().gazetteer)


@pytest.mark.parametrize(
    ("body", "language", "readings"),
    [
        ("Il Cesena batte il Bari in casa.", "it", {"Cesena": EntityType.ORG, "Bari": EntityType.ORG}),
        ("Victoria thanked her doctors on Friday.", "en", {"Victoria": EntityType.PER}),
        ("Charlotte would exchange letters with her sister.", "en", {"Charlotte": EntityType.PER}),
        ("Peñaranda: «No he pactado con nadie».", "es", {"Peñaranda": EntityType.PER}),
        ("«Дніпро» пережило навалу гостей.", "uk", {"Дніпро": EntityType.ORG}),
        ("The first Ottawa Redblacks home game was sold out.", "en", {"Ottawa": EntityType.ORG}),
        ("La Roma pareggia, il Monaco vince.", "it", {"Roma": EntityType.ORG, "Monaco": EntityType.ORG}),
        ("Delhi Singh spoke. Later Delhi left.", "en", {"Delhi Singh": EntityType.PER, "Delhi": EntityType.PER}),
    ],
)
def test_a_better_reading_is_left_alone(body: str, language: str, readings: dict[str, EntityType]) -> None:
    """Clubs, people with the names of cities, a word that belongs to a longer name."""
    assert not any(entity.type is EntityType.LOC for entity in _merged(body, language, readings))


@pytest.mark.parametrize(
    ("body", "language", "name", "kind"),
    [
        ("Tbilisi said that it would respond.", "en", "Tbilisi", EntityType.ORG),
        ("На цьому вже місяць наполягає Бішкек.", "uk", "Бішкек", EntityType.PER),
        ("Oltre alle due tappe ad Austin si corre in casa.", "it", "Austin", EntityType.ORG),
        ("Für den Verein aus Šiauliai kam er zu zwei Spielen.", "de", "Šiauliai", EntityType.ORG),
    ],
)
def test_nothing_but_a_city_is_a_place(body: str, language: str, name: str, kind: EntityType) -> None:
    """Capitals; large cities where a place stands."""
    (found,) = _merged(body, language, {name: kind})

    assert found.type is EntityType.LOC
    assert found.link is not None


@pytest.mark.parametrize(
    ("body", "language", "place"),
    [
        ("LAS PALMAS - Los Gobiernos pidieron más barcos.", "es", "LAS PALMAS"),
        ("SAN SEBASTIÁN, 3 sep (EFE).- El festival abrió.", "es", "SAN SEBASTIÁN"),
        ("TBILISI (Reuters) - The premier warned the neighbours. Tbilisi closed the border.", "en", "TBILISI"),
        ("НАЙРОБІ — Повстанці заперечують причетність.", "uk", "НАЙРОБІ"),
    ],
)
def test_the_dateline_of_an_agency_is_a_place_whatever_the_reader_saw(body: str, language: str, place: str) -> None:
    """Also where it saw nothing, or half of the name."""
    tagged = mentions.Tagged("text", body, (), ())

    first, *_ = mentions.read(tagged, language=language, gazetteer=_models().gazetteer)

    assert (first.start, first.text, first.type) == (0, place, EntityType.LOC)


@pytest.mark.parametrize(
    "body",
    ["ANSA - Il governo tace.", "ROMA-LAZIO 2-1, decide un gol nel finale.", "Roma - Il governo tace.", "HIV - was man weiß."],
)
def test_not_everything_in_capitals_is_a_dateline(body: str) -> None:
    """An agency, a match, a word that is not in capitals, a disease."""
    assert list(mentions.read(mentions.Tagged("text", body, (), ()), language="it", gazetteer=_models().gazetteer)) == []


def test_the_club_of_the_town_of_the_dateline_stays_a_club() -> None:
    """BARI is where it was written; Bari, twice, plays."""
    body = "BARI - Il Bari perde in casa. Il Bari resta ultimo."
    places = [(match.start(), match.group()) for match in re.finditer("BARI|Bari", body)]
    named = [
        mentions.Named("text", start, start + 4, name, EntityType.LOC if name.isupper() else EntityType.ORG)
        for start, name in places
    ]

    found = merging.entities(named, document=text.clean(None, body), language="it", article_id="a", gazetteer=_models().gazetteer)

    assert {(entity.type, len(entity.mentions)) for entity in found} == {(EntityType.LOC, 1), (EntityType.ORG, 2)}


def test_a_province_in_brackets_is_a_place() -> None:
    """FI after a town is Florence's province and no party."""
    found = _find("I danni sono a Scarperia (FI), Vernio (PO) e nei dintorni.", language="it")

    assert {entity.type for entity in found} == {EntityType.LOC}


def test_what_is_written_like_an_organisation_is_not_always_one() -> None:
    """A tax, a constitution and a time zone name nobody."""
    found = _find("Il Parlamento di Skopje ha modificato la Costituzione. Il PIL cresce, il Covid-19 no.", language="it")

    assert {one.text for entity in found for one in entity.mentions}.isdisjoint({"Costituzione", "PIL", "Covid-19"})
