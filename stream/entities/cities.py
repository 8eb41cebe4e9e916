"""Cities above 15,000 people by their names, kept as one string that is searched by bisection: many names, little memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from stream.entities import words
from stream.records import ModelInfo

_LARGE = 500
"""Thousands of people from which a city's own name means that city, unless something says otherwise."""

_READ = 200
"""Names with one beginning that are looked at for the nominative of a case form."""

_REMEMBERED = 4096
"""Names whose cities are kept: news repeats its places."""

_SECOND = 100
"""Thousands of people from which another name of a city is taken where the article names its country."""

_SHORT = 5
"""Letters of a case form that may be many a word's."""

_HOMES = {"uk": "UA", "ru": "RU", "pl": "PL"}
"""The country whose small towns are known in a language."""


@dataclass(frozen=True, slots=True)
class City:
    """A city under one of its names."""

    id: str
    """Of GeoNames."""
    name: str
    """The name that was found, in the nominative."""
    country: str
    """ISO 3166-1 code."""
    thousands: int
    """People, in thousands."""
    kind: str
    """Whose name it is: ``c`` CLDR's for the city of a time zone, ``m`` GeoNames' own, ``o`` another one."""
    languages: str
    """Codes of the languages in which CLDR has the name, with commas."""

    @property
    def large(self) -> bool:
        """Whether the name alone, in a text about anything, means this city."""
        return self.kind == "c" or (self.kind == "m" and self.thousands >= _LARGE)


class Cities:
    """Looks cities up, inflected or not."""

    def __init__(self, data: bytes, info: ModelInfo) -> None:
        """Keep `data`: lines sorted by their bytes, as the README beside the assets describes them."""
        self.info = info
        self._data = data
        self._found = lru_cache(maxsize=_REMEMBERED)(self._find)

    @classmethod
    def load(cls, path: Path) -> Cities:
        """The cities in the compressed file at `path`."""
        packed = path.read_bytes()
        info = ModelInfo(name="cities", version="geonames-15000", sha256=hashlib.sha256(packed).hexdigest())
        return cls(zlib.decompress(packed, wbits=zlib.MAX_WBITS | 16), info)

    def find(self, name: str, *, language: str, countries: Collection[str] = ()) -> City | None:
        """The city that a name means: the largest, unless one of that name lies in a country that the article names.

        Args:
            name: as it stands in the text.
            language: code of the article's language; case endings are understood in Slavic ones.
            countries: ISO codes of the countries that the article names.

        """
        found = self._found(name, language)
        if not found or found[0].country in countries:
            return found[0] if found else None
        at_home = (city for city in found if city.country in countries and (city.kind != "o" or city.thousands >= _SECOND))
        return next(at_home, found[0])

    def _find(self, name: str, language: str) -> tuple[City, ...]:
        folded = words.folded(name)
        exact = tuple(self._named(folded))
        if language not in words.INFLECTED or (exact and (exact[0].kind != "o" or not folded.isascii())):
            return exact
        found: list[tuple[City, ...]] = []
        for stems in words.nominatives(folded, language=language):
            found += (tuple(self._named(name)) for name in self._stemmed(stems, folded, language))
        found = [cities for cities in found if _is_near(cities[0], language, folded)]

        def unlike(cities: tuple[City, ...]) -> tuple[object, ...]:
            best = cities[0]
            nominative = words.unlike_nominative(words.folded(best.name), language=language)
            return (-best.thousands, language not in best.languages, best.kind == "o", *nominative)

        best = min(found, key=unlike, default=())
        if exact and not (best and best[0].id == exact[0].id and best[0].kind != "o"):
            return exact  # a name that is in the list; but Lublina is not only Latvian, it is a form of Lublin
        return best

    def _named(self, folded: str) -> Iterator[City]:
        key = folded.encode() + b"\t"
        at = self._first(key)
        while self._data.startswith(key, at):
            end = self._data.index(b"\n", at)
            yield _city(self._data[at:end])
            at = end + 1

    def _stemmed(self, stems: tuple[str, ...], form: str, language: str) -> set[str]:
        """The folded names that have these stems, of which `form` may be a case form."""
        key = stems[0].encode()
        at = self._first(key)
        names = set()
        for _ in range(_READ):
            if not self._data.startswith(key, at):
                break
            end = self._data.index(b"\n", at)
            name = self._data[at:end].partition(b"\t")[0].decode()
            if words.stems(name, language=language) == stems and words.may_be_form(form, name):
                names.add(name)
            at = end + 1
        return names

    def _first(self, key: bytes) -> int:
        """Where the first line begins that is not less than `key`."""
        data = self._data
        low, high = 0, len(data)
        while low < high:
            middle = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = data.find(b"\n", middle) + 1 or len(data)
            if data[middle:end] < key:
                low = end
            else:
                high = middle
        return low


def _is_near(city: City, language: str, form: str) -> bool:
    """Whether a city is so well known, or so near, that a word which looks like a case form of its name is one."""
    if city.kind == "c" or city.country == _HOMES.get(language):
        return True
    return city.thousands >= (_SECOND if len(form) > _SHORT else _LARGE)


def _city(line: bytes) -> City:
    folded, shown, number, country, thousands, kind, languages = line.decode().split("\t")
    return City(number, shown or folded.title(), country, int(thousands), kind, languages)
