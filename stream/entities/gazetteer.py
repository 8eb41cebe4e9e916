"""Names that are known: countries from CLDR in every language of the service, and a list of our own."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import babel
from babel import Locale

from stream.entities import words
from stream.entities.cities import Cities
from stream.records import EntityType, Link, ModelInfo

LANGUAGES = ("it", "en", "uk", "de", "fr", "es", "ru", "pl", "pt", "nl")
_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
"""CLDR's territories that ISO 3166-1 does not have."""


_SHORTEST_OF_ONE, _SHORTEST_OF_ALL = 4, 6
"""Letters that a name has at least if it has case endings: one written for a language that has them, one for all."""

_DEMONYM_STEM = 4
"""Letters that an adjective shares with the name of its country."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that a name stands for."""

    key: str
    type: EntityType
    link: Link | None
    names: Mapping[str, str]
    """Its name by language; ``""`` for every other one."""
    certain: bool = True
    """Whether the name can hardly mean anything else."""
    splits: bool = False
    """Whether a person's name after it is another name."""

    @property
    def country(self) -> bool:
        """Whether it is a country or a territory."""
        return self.link is not None and self.link.scheme == "iso3166"

    def name(self, language: str) -> str | None:
        """Its name in a language."""
        return self.names.get(language) or self.names.get("")


class Gazetteer:
    """Looks names up, inflected or not."""

    def __init__(
        self,
        info: ModelInfo,
        entries: Mapping[str, Known],
        inflected: Mapping[tuple[str, ...], Known],
        foreign: Mapping[str, str],
        cities: Cities,
    ) -> None:
        """`foreign`: names of countries that are no English ones, with the codes of the languages that have them."""
        self.info = info
        self._foreign = foreign
        self.cities = cities
        self._entries = entries
        self._inflected = inflected
        self._beginnings = {name[:_DEMONYM_STEM] for name, known in entries.items() if known.country}

    @classmethod
    def load(cls, path: Path) -> Gazetteer:
        """The list at `path` (its format is at its head), with the countries and the cities in the same folder."""
        listed, countries = path.read_bytes(), path.with_name("countries.tsv").read_bytes()
        entries: dict[str, Known] = {}
        spoken: dict[str, set[str]] = {}
        inflected: dict[tuple[str, ...], Known] = {}
        for known, aliases in (*_countries(_also(countries.decode())), *_listed(listed.decode())):
            for language, alias in aliases:
                folded = words.folded(alias)
                if entries.setdefault(folded, known).country:
                    spoken.setdefault(folded, set()).add(language)
                if len(folded) >= (_SHORTEST_OF_ONE if language else _SHORTEST_OF_ALL):
                    for one in (language,) if language else words.INFLECTED:
                        inflected.setdefault((one, *words.stems(folded, language=one)), known)
        info = ModelInfo(
            name="gazetteer", version=f"1+cldr-{babel.__version__}", sha256=hashlib.sha256(listed + countries).hexdigest()
        )
        foreign = {
            name: sys.intern(" ".join(sorted(languages))) for name, languages in spoken.items() if not languages & {"", "en"}
        }
        return cls(info, entries, inflected, foreign, Cities.load(path.with_name("cities.tsv.gz")))

    def lookup(self, name: str, *, language: str = "") -> Known | None:
        """What a name stands for, if it is known."""
        folded = words.folded(name)
        found = self._entries.get(folded)
        if found is not None and language in LANGUAGES and language not in self._foreign.get(folded, language):
            found = None  # Argelia is Algeria in Spanish, and a town in any other language
        if found is not None or language not in words.INFLECTED:
            return found
        return self._inflected.get((language, *words.stems(folded, language=language)))

    def is_demonym(self, word: str, *, language: str) -> bool:
        """Whether a word is the adjective of a country ("Kenyan", "Українська"), and so names no place."""
        if not words.looks_like_demonym(word, language=language):
            return False
        folded = words.folded(word)
        return folded not in self._entries and folded[:_DEMONYM_STEM] in self._beginnings


def _countries(also: Mapping[str, list[tuple[str, str]]]) -> Iterator[tuple[Known, list[tuple[str, str]]]]:
    by_code: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
                by_code.setdefault(code, {})[language] = name
    for code, names in sorted(by_code.items()):
        known = Known(
            key=f"iso3166:{code}", type=EntityType.LOC, link=Link(scheme="iso3166", id=code), names={**names, "": names["en"]}
        )
        aliases = [*names.items(), *also.get(code, ())]
        for certain in (True, False):
            some = [alias for alias in aliases if (words.folded(alias[1]) not in _AMBIGUOUS) is certain]
            yield replace(known, certain=certain), some


_AMBIGUOUS = frozenset("jordan georgia monaco chad чад mali малі мали niger нигер guinea cuba kuba oman tonga macao togo".split())
"""Countries' names that are also a person's, or another word, in one of the languages."""


def _also(text: str) -> Mapping[str, list[tuple[str, str]]]:
    """Further names by country, each with its language."""
    names: dict[str, list[tuple[str, str]]] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            code, *cells = line.split("\t")
            for cell in cells:
                language, _, values = cell.partition(":")
                names.setdefault(code, []).extend((language, alias) for alias in values.split("|"))
    return names


def _link(register: str) -> Link | None:
    """``Q7184`` is of Wikidata, ``703448`` of GeoNames, ``-`` of neither."""
    if register == "-":
        return None
    return Link(scheme="geonames" if register.isdecimal() else "wikidata", id=register)


def _listed(text: str) -> Iterator[tuple[Known, list[tuple[str, str]]]]:
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kind, key, flags, register, *names = line.split("\t")
        aliases = []
        canonical: dict[str, str] = {}
        for cell in names:
            languages, _, values = cell.partition(":")
            for language in languages.split(",") if languages else ("",):
                for alias in values.split("|"):
                    aliases.append((language, alias.strip()))
                    canonical.setdefault(language, alias.strip())
        canonical.setdefault("", next(iter(canonical.values())))
        yield (
            Known(
                key=f"list:{key}",
                type=EntityType(kind),
                link=_link(register),
                names=canonical,
                certain="?" not in flags,
                splits="+" in flags,
            ),
            aliases,
        )
