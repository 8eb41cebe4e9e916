"""Names in languages that the service was not built for: countries, well-known cities, the UN, the EU and NATO, from CLDR.

The encoder reads every language in Latin and Cyrillic letters, so what is added there is links. Other scripts are not in its
vocabulary: what this module knows is all that is found in them, where it is a word of its own by the rules of the script.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import babel
from babel import Locale, UnknownLocaleError

from stream.entities import words
from stream.entities.gazetteer import LANGUAGES, Gazetteer, Known
from stream.records import EntityType, Link, ModelInfo

Script = Literal["read", "words", "hangul", "run"]
"""Whether the encoder reads it; else how words are told apart: by spaces, by spaces before and particles after, not at all."""

_FILE = Path(__file__).parents[1] / "assets" / "entities" / "elsewhere.tsv"
_RUNS = frozenset(("zh", "ja", "th", "lo", "km", "my"))
_CASED = frozenset(("el", "hy"))
"""Languages in other scripts that write names with a capital."""

_LOCALES = {"sr": ("sr", "sr_Latn"), "zh": ("zh", "zh_Hant"), "no": ("nb",), "tl": ("fil",)}
"""CLDR's names of a language, where it has others than ours, or several."""

_ROOT = "und"
"""What CLDR knows by this name is no language."""

_LETTERS = 60
"""Of a word that may be in a name."""

_SURE = 5
"""Letters of a country that is marked where the encoder saw nothing: ``Áo``, Austria in Vietnamese, is a shirt too."""

_LEAST_SHARED = 4
_NO_COUNTRIES = frozenset(("AC", "CP", "CQ", "DG", "EA", "EZ", "IC", "JE", "QO", "TA", "XA", "XB", "ZZ"))
_UNIONS = {"UN": "Q1065", "EU": "Q458", "NATO": "Q7184"}
_ZONES = """
    Africa/Accra Africa/Addis_Ababa Africa/Bamako Africa/Cairo Africa/Casablanca Africa/Dakar Africa/Dar_es_Salaam
    Africa/Harare Africa/Johannesburg Africa/Kampala Africa/Khartoum Africa/Kigali Africa/Kinshasa Africa/Lagos
    Africa/Luanda Africa/Maputo Africa/Mogadishu Africa/Monrovia Africa/Nairobi Africa/Ouagadougou Africa/Tripoli
    America/Bogota America/Buenos_Aires America/Caracas America/Chicago America/Havana America/Los_Angeles
    America/Mexico_City America/Montevideo America/New_York America/Port-au-Prince America/Sao_Paulo America/Toronto
    America/Vancouver Asia/Almaty Asia/Ashgabat Asia/Baghdad Asia/Baku Asia/Bangkok Asia/Beirut Asia/Bishkek
    Asia/Calcutta Asia/Colombo Asia/Damascus Asia/Dhaka Asia/Dubai Asia/Dushanbe Asia/Gaza Asia/Jakarta Asia/Jerusalem
    Asia/Kabul Asia/Karachi Asia/Katmandu Asia/Kuala_Lumpur Asia/Manila Asia/Nicosia Asia/Phnom_Penh Asia/Pyongyang
    Asia/Rangoon Asia/Riyadh Asia/Seoul Asia/Shanghai Asia/Taipei Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Tokyo
    Asia/Ulaanbaatar Asia/Vladivostok Asia/Yerevan Australia/Melbourne Australia/Sydney Europe/Amsterdam Europe/Athens
    Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Chisinau
    Europe/Copenhagen Europe/Dublin Europe/Helsinki Europe/Istanbul Europe/Kiev Europe/Lisbon Europe/Ljubljana
    Europe/London Europe/Madrid Europe/Minsk Europe/Moscow Europe/Oslo Europe/Paris Europe/Podgorica Europe/Prague
    Europe/Riga Europe/Rome Europe/Sarajevo Europe/Skopje Europe/Sofia Europe/Stockholm Europe/Tallinn Europe/Tirane
    Europe/Vienna Europe/Vilnius Europe/Warsaw Europe/Zagreb Europe/Zurich
""".split()
"""Time zones whose example city is a capital, or as well known: CLDR has their names in every language."""

_ENDINGS = {
    "el": {
        **dict.fromkeys(("ασ", "ησ", "α", "η"), "α"),
        **dict.fromkeys(("ουσ", "εσ", "οι", "ων"), "ων"),
        **dict.fromkeys(("οσ", "ου", "ον", "ο"), "ο"),
    },
    "ka": dict.fromkeys("ისთვის ისთან იდან ადან აში აზე ათან დან თან ამ ას ში ზე მა ით ის მდე ს ი ა მ".split(), ""),
}
"""Case endings as they stand in plain names, and what stands for them: Γεωργίας is a form of Γεωργία, Γεώργιος is none."""

_SHORTEST_STEM, _LONGEST_ENDING = 3, 6
_CUT = "\N{VERTICAL LINE}"
"""Where an ending was cut off."""
_PREFIXES = {"ar": re.compile("[وف]?[بلك]?"), "he": re.compile("[וש]?[שכ]?[בלמהכ]?")}
"""Small words that are written together with a name after them."""

_PARTICLES = re.compile(
    "(?:은|는|이|가|을|를|에|의|로|으로|와|과|도|만|에서|에게|까지|부터|보다|에는|에서는|에도|에서도|와의|과의|로부터|으로부터|나|이나|이며|측|군)?"
)
_WORD = re.compile(r"[\w\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff]+(?:['’\"״׳][^\W\d_]+)*")
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_SAME = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "״": '"', "׳": "'", "\u200c": " "})
"""Letters that are typed one for the other."""

_TRANSCRIBED = frozenset("尔斯兰利亚乌特德克拉娜莎丝姆奇诺维夫布卡格纳爾蘭亞烏諾維納")
"""Characters that sound out foreign names: two others beside one are a part of a longer name (马里, Mali: 马里兰, Maryland)."""

_PART_OF_MORE = re.compile("人|语|語|文|族|籍|裔|海|洋|系|大学|大學|银行|銀行|日报|日報|时报|時報|新聞|電力|証券|证券|交易所")
"""What makes another word of the place before it: its people, language, sea, university, bank, newspaper."""


class Elsewhere(Gazetteer):
    """A gazetteer that knows one more language."""

    def __init__(self, base: Gazetteer, language: str) -> None:
        self.__dict__.update(vars(base))
        self._base = base
        self._language = language
        self._script = script(language)
        self._names = _names(language)
        self._stems = {_stems(name, language): known for name, known in reversed(list(self._names.items()))}
        self._words: dict[str, int] = {}  # of the longest name that begins with a word, or its stem; in Korean, with two letters
        for name in self._names:
            first, count = name.split()[0], name.count(" ") + 1
            for one in (name[:2],) if self._script == "hangul" else (first, _stem(first, language)):
                self._words[one] = max(count, self._words.get(one, 0))
        self._near: dict[str, list[tuple[str, Known]]] = {}
        for name, known in self._names.items():
            self._near.setdefault(name[:_LEAST_SHARED], []).append((name, known))
        alternatives = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        self._any = re.compile(alternatives) if self._script == "run" else None

    def lookup(self, name: str, *, language: str = "") -> Known | None:
        """What a name stands for, in this language too, in whatever case."""
        plain = _plain(name)
        found = self._of_form(plain)
        if found is None:
            found = self._base.lookup(name, language=language)
        if found is None and self._script == "read":
            found = self._alike(plain)
        return found

    def _alike(self, plain: str) -> Known | None:
        """The country whose name a place begins like; only where the encoder saw a place, so the answer is never certain."""
        best, shared = None, 0
        for name, known in self._near.get(plain[:_LEAST_SHARED], ()):
            common = _common(name, plain)
            if common > shared and common >= max(_LEAST_SHARED, len(name) - 2) and len(plain) - common <= _LEAST_SHARED:
                best, shared = known, common
        return None if best is None else Known(best.key, best.type, best.link, best.names, certain=False)

    def find(self, text: str) -> Iterator[tuple[int, int, EntityType]]:
        """Start, end and type of the names in a text that the encoder does not read, in order; none in one that it reads."""
        if self._any is not None:
            for match in self._any.finditer(text):
                if _stands_alone(text, match.start(), match.end()):
                    yield match.start(), match.end(), self._names[match.group()].type
        elif self._script != "read":
            yield from self._in_words(text)

    def _in_words(self, text: str) -> Iterator[tuple[int, int, EntityType]]:
        found = [match.span() for match in _WORD.finditer(text)]
        number = 0
        while number < len(found):
            most = self._most_words(text, *found[number])
            for last in range(min(len(found), number + most) - 1, number - 1, -1):
                if any(text[one[1] : other[0]] not in (" ", "\u200c") for one, other in pairwise(found[number : last + 1])):
                    continue
                name = self._named(text, found[number][0], found[last][1])
                if name is not None:
                    yield name
                    number = last
                    break
            number += 1

    def _most_words(self, text: str, start: int, end: int) -> int:
        """How many words a name has at most that begins with this one; 0 where none does."""
        if end - start > _LETTERS or (self._language in _CASED and not text[start].isupper()):
            return 0
        if self._script == "hangul":
            return self._words.get(text[start : start + 2], 0)
        plain = [_plain(text[begin:end]) for begin in self._starts(text, start, end)]
        return max(self._words.get(one, 0) for word in plain for one in (word, _stem(word, self._language)))

    def _starts(self, text: str, start: int, end: int) -> range:
        """Where a name may begin in a word: after none, some or all of the small words that are written together with it."""
        prefix = _PREFIXES.get(self._language)
        joined = prefix.match(text, start, end) if prefix else None
        return range(start, (joined.end() if joined else start) + 1)

    def _named(self, text: str, start: int, end: int) -> tuple[int, int, EntityType] | None:
        """The name that stands there, without the small words that are written together with it."""
        if self._script == "hangul":
            for stop in range(min(end, start + _LETTERS), start + 1, -1):
                known = self._names.get(text[start:stop])
                if known is not None and _PARTICLES.fullmatch(text, stop, end):
                    return start, stop, known.type
            return None
        for begin in self._starts(text, start, end):
            known = None if text[begin : begin + 1].isspace() else self._of_form(_plain(text[begin:end]))
            if known is not None:
                return begin, end, known.type
        return None

    def _of_form(self, plain: str) -> Known | None:
        """What a name stands for, in whatever case; a stem alone is another word (რომ, that, is not რომი, Rome)."""
        found = self._names.get(plain)
        stems = _stems(plain, self._language)
        inflected = any(stem.partition(_CUT)[0] != word for stem, word in zip(stems, plain.split(), strict=True))
        return self._stems.get(stems) if found is None and inflected else found


def info() -> ModelInfo:
    """Version and sum of the list, and of CLDR."""
    digest = hashlib.sha256(_FILE.read_bytes()).hexdigest()
    return ModelInfo(name="elsewhere", version=f"1+cldr-{babel.__version__}", sha256=digest)


def extended(base: Gazetteer, language: str) -> Gazetteer:
    """A gazetteer that knows `language` too; `base` itself where that adds nothing."""
    return base if language in LANGUAGES or not _names(language) else _extended(base, language)


@lru_cache(maxsize=200)
def _extended(base: Gazetteer, language: str) -> Elsewhere:
    return Elsewhere(base, language)


@cache
def script(language: str) -> Script:
    """How the words of a language are told apart, or that the encoder does it."""
    if language in _RUNS:
        return "run"
    letters = [letter for locale in _locales(language) for name in locale.territories.values() for letter in name]
    read = sum(unicodedata.name(letter, "").startswith(("LATIN", "CYRILLIC")) for letter in letters)
    if 2 * read >= sum(letter.isalpha() for letter in letters):
        return "read"
    return "hangul" if language == "ko" else "words"


def _locales(language: str) -> list[Locale]:
    found = []
    for code in _LOCALES.get(language, (language,)) if language != _ROOT else ():
        try:
            found.append(Locale.parse(code))
        except (UnknownLocaleError, ValueError):
            continue
    return found


@cache
def _names(language: str) -> Mapping[str, Known]:
    """What is known in a language, by plain name; empty where CLDR does not know the language."""
    also = _also().get(language, {})
    left_out = {_plain(name) for name in also.get("-", ())}
    least = 3 if language in _RUNS - {"zh", "ja"} else 2
    found: dict[str, Known] = {}
    for known, names in (*_territories(language, also), *_cities(language), *_listed(language, also)):
        for name in names:
            for plain in (_plain(name), _plain(name.partition("(")[0])):
                if len(plain) >= least and plain not in left_out:
                    found.setdefault(plain, known)
    return found


def _territories(language: str, also: Mapping[str, list[str]]) -> Iterator[tuple[Known, list[str]]]:
    english = Locale("en").territories
    for locale in _locales(language):
        for code, name in sorted(locale.territories.items()):
            if len(code) != 2 or not code.isalpha() or code in _NO_COUNTRIES:
                continue
            union = _UNIONS.get(code)
            known = Known(
                key=f"list:{code.lower()}" if union else f"iso3166:{code}",
                type=EntityType.ORG if union else EntityType.LOC,
                link=Link(scheme="wikidata", id=union) if union else Link(scheme="iso3166", id=code),
                names={language: str(name), "": english[code]},
                certain=script(language) != "read" or len(name) >= _SURE,
            )
            yield known, [str(name), *also.get(code, ())]


def _cities(language: str) -> Iterator[tuple[Known, list[str]]]:
    """Of languages whose places the encoder does not find."""
    for locale in _locales(language) if script(language) != "read" else ():
        zones = locale.time_zones
        for zone in _ZONES:
            if zone in zones and "city" in zones[zone]:
                city = str(zones[zone]["city"])
                yield Known(f"city:{zone.rpartition('/')[2]}", EntityType.LOC, None, {language: city, "": city}), [city]


def _listed(language: str, also: Mapping[str, list[str]]) -> Iterator[tuple[Known, list[str]]]:
    """NATO, and cities that no time zone is called after."""
    for key, names in also.items():
        if key == "NATO":
            link = Link(scheme="wikidata", id=_UNIONS[key])
            yield Known("list:nato", EntityType.ORG, link, {language: names[0], "": key}), names
        elif len(key) > 2:
            yield Known(f"city:{key}", EntityType.LOC, None, {language: names[0], "": key}), names


@cache
def _also() -> Mapping[str, Mapping[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, key, names = line.split("\t")
            found.setdefault(language, {})[key] = names.split("|")
    return found


def _plain(name: str) -> str:
    """A name as names are compared; scripts without spaces are compared to the letter."""
    if _SPACELESS.search(name):
        return name.strip()
    return " ".join(words.folded(name).translate(_SAME).split())


def _stems(plain: str, language: str) -> tuple[str, ...]:
    """The words of a plain name without their case endings."""
    return tuple(_stem(word, language) for word in plain.split())


def _stem(word: str, language: str) -> str:
    endings = _ENDINGS.get(language)
    if endings is None:
        return word
    for size in range(min(_LONGEST_ENDING, len(word) - _SHORTEST_STEM), 0, -1):
        if word[-size:] in endings:
            return word[:-size] + _CUT + endings[word[-size:]]
    return word + _CUT


def _common(one: str, other: str) -> int:
    """How many characters two words begin with in common."""
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a name in a script without spaces is no part of a longer word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if _is_kana(text[start]) or _is_kana(text[end - 1]):
        return not (_is_kana(before) and _is_kana(text[start])) and not (_is_kana(after) and _is_kana(text[end - 1]))
    if unicodedata.category(after or " ") == "Mn" or (after and after in "ะาำๅ"):
        return False
    if end - start == 2 and (before in _TRANSCRIBED or after in _TRANSCRIBED):
        return False
    return _PART_OF_MORE.match(text, end) is None


def _is_kana(character: str) -> bool:
    return character == "・" or unicodedata.name(character, "").startswith("KATAKANA") if character else False
