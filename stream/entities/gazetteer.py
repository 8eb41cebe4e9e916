"""Names that are known: countries from CLDR in every language of the service, and a list of our own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import babel
from babel import Locale

from stream.entities import words
from stream.records import EntityType, Link, ModelInfo

LANGUAGES = ("it", "en", "uk", "de", "fr", "es", "ru", "pl", "pt", "nl")
_NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
"""CLDR's territories that ISO 3166-1 does not have."""


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

    def __init__(self, info: ModelInfo, entries: Mapping[str, Known], inflected: Mapping[tuple[str, ...], Known]) -> None:
        self.info = info
        self._entries = entries
        self._inflected = inflected
        self._beginnings = {name[:_DEMONYM_STEM] for name, known in entries.items() if known.country}

    @classmethod
    def load(cls, path: Path) -> Gazetteer:
        """The list at `path` (its format is at its head), and CLDR's countries."""
        data = path.read_bytes()
        entries: dict[str, Known] = {}
        inflected: dict[tuple[str, ...], Known] = {}
        for known, aliases in (*_countries(), *_listed(data.decode("utf-8"))):
            for language, alias in aliases:
                folded = words.folded(alias)
                entries.setdefault(folded, known)
                if len(folded) > 3:
                    for one in (language,) if language else words.INFLECTED:
                        inflected.setdefault((one, *words.stems(folded, language=one)), known)
        info = ModelInfo(name="gazetteer", version=f"1+cldr-{babel.__version__}", sha256=hashlib.sha256(data).hexdigest())
        return cls(info, entries, inflected)

    def lookup(self, name: str, *, language: str = "") -> Known | None:
        """What a name stands for, if it is known."""
        folded = words.folded(name)
        found = self._entries.get(folded)
        if found is not None or language not in words.INFLECTED:
            return found
        return self._inflected.get((language, *words.stems(folded, language=language)))

    def is_demonym(self, word: str, *, language: str) -> bool:
        """Whether a word is the adjective of a country ("Kenyan", "Українська"), and so names no place."""
        if not words.looks_like_demonym(word, language=language):
            return False
        folded = words.folded(word)
        return folded not in self._entries and folded[:_DEMONYM_STEM] in self._beginnings


def _countries() -> Iterator[tuple[Known, list[tuple[str, str]]]]:
    by_code: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
                by_code.setdefault(code, {})[language] = name
    for code, names in sorted(by_code.items()):
        known = Known(
            key=f"iso3166:{code}",
            type=EntityType.LOC,
            link=Link(scheme="iso3166", id=code),
            names={**names, "": names["en"]},
            certain=code not in _AMBIGUOUS,
        )
        yield known, [*names.items(), *((language, alias) for language, alias in _ALSO.get(code, ()))]


_AMBIGUOUS = frozenset({"JO", "GE", "TD", "ML", "GN", "NE", "CU", "OM", "TO", "MO"})
"""Countries whose name is also a person's, or another word, in one of the languages."""

_ALSO: Mapping[str, tuple[tuple[str, str], ...]] = {
    "US": (
        *(("", alias) for alias in ("USA", "US", "U.S.", "U.S.A.", "EE.UU.", "EEUU", "EUA", "США", "VS")),
        ("en", "United States of America"),
        ("it", "Stati Uniti d'America"),
        ("uk", "Сполучених Штатів"),
        ("uk", "Сполученими Штатами"),
        ("uk", "Сполученим Штатам"),
        ("ru", "Соединенные Штаты Америки"),
        ("ru", "Соединенных Штатов"),
        ("ru", "Соединённых Штатов"),
        ("pl", "Stanów Zjednoczonych"),
        ("pl", "Stanom Zjednoczonym"),
        ("de", "USA"),
    ),
    "GB": (
        *(
            ("", alias)
            for alias in ("UK", "U.K.", "Great Britain", "Britain", "Gran Bretagna", "Grossbritannien", "Grande-Bretagne")
        ),
        *(("", alias) for alias in ("Gran Bretaña", "Grã-Bretanha", "Groot-Brittannië", "Велика Британія", "Великої Британії")),
        *(
            ("", alias)
            for alias in ("Великій Британії", "Великую Британию", "Британія", "Британия", "Великобритания", "Wielkiej Brytanii")
        ),
        ("uk", "Великобританія"),
    ),
    "RU": (("en", "Russian Federation"), ("it", "Federazione Russa"), ("uk", "РФ"), ("ru", "РФ"), ("ru", "Российская Федерация")),
    "CZ": (("en", "Czech Republic"), ("it", "Repubblica Ceca"), ("it", "Cechia"), ("uk", "Чехія"), ("pl", "Czechy")),
    "CN": (("it", "Repubblica Popolare Cinese"),),
    "NL": (("en", "Holland"), ("it", "Olanda"), ("nl", "Holland"), ("pl", "Holandia"), ("uk", "Голландія"), ("es", "Holanda")),
    "TR": (("en", "Turkey"), ("en", "Türkiye")),
    "MM": (("en", "Burma"), ("it", "Birmania"), ("en", "Myanmar")),
    "BY": (("it", "Bielorussia"), ("uk", "Білорусь"), ("ru", "Белоруссия"), ("de", "Weissrussland")),
    "KR": (("en", "South Korea"), ("it", "Corea del Sud"), ("de", "Südkorea")),
    "KP": (("en", "North Korea"), ("it", "Corea del Nord"), ("de", "Nordkorea")),
    "PS": (("en", "Palestine"), ("it", "Palestina")),
    "AE": (("en", "UAE"), ("it", "Emirati Arabi"), ("", "ОАЕ"), ("", "ОАЭ")),
    "CD": (("en", "DRC"), ("it", "RDC"), ("fr", "RDC")),
    "CI": (("en", "Ivory Coast"), ("it", "Costa d'Avorio")),
    "MD": (("", "Moldova"), ("it", "Moldavia"), ("ru", "Молдавия")),
    "UA": (("de", "Ukraine"), ("en", "Ukraine")),
}
"""Other names of countries, and forms that the endings alone do not explain."""


def _listed(text: str) -> Iterator[tuple[Known, list[tuple[str, str]]]]:
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kind, key, flags, wikidata, *names = line.split("\t")
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
                link=Link(scheme="wikidata", id=wikidata) if wikidata != "-" else None,
                names=canonical,
                certain="?" not in flags,
                splits="+" in flags,
            ),
            aliases,
        )
