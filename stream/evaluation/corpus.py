"""Sentences with inline marks for mentions, triggers, modality and roles: read, and checked (``training/corpus``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from stream.records import EVENT_TYPES, Modality

LANGUAGES = ("it", "en", "uk", "ru", "de", "fr", "es", "pl", "pt", "nl")
STYLES = frozenset(("headline", "lead", "wire", "prose", "quote", "mt", "caps"))
HARD = frozenset(
    "none sport weather market culture crime sense negated hypothetical future historical two passive nominal attribution surname"
    " acronym inflected ministry place".split()
)
ASIDE = ("sport", "weather", "market", "culture")
"""Tags of the fields of life in which events are said by mistake."""
MENTIONS = frozenset(("PER", "ORG", "LOC"))
EVENTS = frozenset(kind.value for kind in EVENT_TYPES)
MODALITIES = tuple(one.value for one in Modality)
UNTRAINED = "# Nothing is trained on this file"
"""How a file begins that is kept from all training as a whole."""

HELD_OUT, TUNING = 5, 7
"""One sentence in five is never trained on; of the rest one in seven tunes what weighs the encoder, and so is not shown to it."""

Part = Literal["training", "tuning", "held-out"]
_MARK = re.compile(r"\[([^\[\]{}|]+)\|([^\[\]{}|]+)\]|\{([^\[\]{}|]+)\|([^\[\]{}|]+)\}")
_MENTION = re.compile(r"([A-Z]+)(?:#(\d))?")
_EVENT = re.compile(r"([A-Z]+)(?: (\w+))??((?: [arl]=\d(?:,\d)*)*)")


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of the plain text, in code points, that names something."""

    start: int
    end: int
    type: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """A trigger of the plain text, in code points, and what it tells; roles are numbers of mentions."""

    start: int
    end: int
    type: str
    modality: str
    actors: tuple[int, ...]
    recipients: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence with its marks."""

    language: str
    line: int
    tags: frozenset[str]
    text: str
    mentions: tuple[Mention, ...]
    events: tuple[Event, ...]

    @property
    def part(self) -> Part:
        """What it may be used for, by its text alone: marks may be corrected without moving a sentence."""
        digest = hashlib.sha256(self.text.encode()).digest()
        if int.from_bytes(digest[:8], "big") % HELD_OUT == 0:
            return "held-out"
        return "tuning" if int.from_bytes(digest[8:16], "big") % TUNING == 0 else "training"

    @property
    def held_out(self) -> bool:
        """Whether it is kept from all training."""
        return self.part == "held-out"

    @property
    def aside(self) -> bool:
        """Whether it is about one of the fields of `ASIDE`."""
        return not self.tags.isdisjoint(ASIDE)

    @property
    def hard(self) -> bool:
        """Whether a reader of keywords would go wrong."""
        return not self.tags.isdisjoint(HARD - {"inflected", "surname", "acronym", "ministry"})


def read(path: Path) -> list[Example]:
    """All sentences of a file, whose name says the language; raises `ValueError`, with file and line, where a mark is wrong."""
    language = path.stem
    examples = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            examples.append(parse(line, language=language, number=number))
        except ValueError as error:
            raise ValueError(f"{path.name}:{number}: {error}") from None
    return examples


def parse(line: str, *, language: str, number: int = 0) -> Example:
    """One line; raises `ValueError` where it is no line of a corpus."""
    head, tab, marked = line.partition("\t")
    if not tab:
        raise ValueError("no tab between tags and sentence")
    tags = frozenset(head.split(","))
    if len(tags & STYLES) != 1:
        raise ValueError(f"exactly one style of {', '.join(sorted(STYLES))}, not {head!r}")
    if unknown := tags - STYLES - HARD:
        raise ValueError(f"unknown tags: {', '.join(sorted(unknown))}")
    text, mentions, events = "", [], []
    position = 0
    for mark in _MARK.finditer(marked):
        text += marked[position : mark.start()]
        surface = mark[1] or mark[3]
        if surface != surface.strip():
            raise ValueError(f"{surface!r} begins or ends with a space")
        start, end = len(text), len(text) + len(surface)
        text += surface
        position = mark.end()
        if mark[1]:
            mentions.append(_mention(start, end, mark[2]))
        else:
            events.append(_event(start, end, mark[4]))
    text += marked[position:]
    if stray := set(text) & set("[]{}|"):
        raise ValueError(f"stray {' '.join(sorted(stray))}: mark-up that cannot be read")
    if text != " ".join(text.split()):
        raise ValueError("spaces at an end, or doubled")
    _consistent(mentions, events, tags)
    return Example(language, number, tags, text, tuple(mentions), tuple(events))


def _mention(start: int, end: int, label: str) -> Mention:
    found = _MENTION.fullmatch(label)
    if not found or found[1] not in MENTIONS:
        raise ValueError(f"{label!r} is no type of mention")
    return Mention(start, end, found[1], int(found[2]) if found[2] else None)


def _event(start: int, end: int, label: str) -> Event:
    found = _EVENT.fullmatch(label)
    if not found or found[1] not in EVENTS:
        raise ValueError(f"{label!r} is no type of event")
    if found[2] and found[2] not in MODALITIES:
        raise ValueError(f"{found[2]!r} is no modality")
    roles: dict[str, tuple[int, ...]] = {}
    for role in found[3].split():
        name, _, numbers = role.partition("=")
        roles[name] = tuple(int(number) for number in numbers.split(","))
    return Event(start, end, found[1], found[2] or "asserted", *(roles.get(name, ()) for name in "arl"))


def _consistent(mentions: list[Mention], events: list[Event], tags: frozenset[str]) -> None:
    numbers = {mention.number for mention in mentions if mention.number is not None}
    for event in events:
        for number in (*event.actors, *event.recipients, *event.places):
            if number not in numbers:
                raise ValueError(f"no mention has the number {number}")
    if "none" in tags and any(event.modality in {"asserted", "future"} for event in events):
        raise ValueError("tagged none, and has an event")
    if "two" in tags and len(events) < 2:
        raise ValueError("tagged two, and has fewer")


def problems(folder: Path, *, languages: tuple[str, ...] = LANGUAGES, least: dict[str, int] | None = None) -> list[str]:
    """What is wrong with the corpus as a whole: size, balance, repetition; raises `ValueError` as `read` does."""
    found = []
    for language in languages:
        examples = read(folder / f"{language}.txt")
        wanted = (least or {}).get(language, 400 if language in {"it", "en", "uk"} else 200)
        if len(examples) < wanted:
            found.append(f"{language}: {len(examples)} sentences, at least {wanted} are wanted")
        hard = sum(example.hard for example in examples)
        if hard * 2 < len(examples):
            found.append(f"{language}: {hard} of {len(examples)} are hard, half are wanted")
        counts = {kind: sum(event.type == kind for example in examples for event in example.events) for kind in sorted(EVENTS)}
        rare = max(6, wanted // 50)
        found += [
            f"{language}: {kind} stands {count} times, at least {rare} are wanted"
            for kind, count in counts.items()
            if count < rare
        ]
        without = sum(not example.events for example in examples)
        if not wanted // 5 <= without <= len(examples) // 2:
            found.append(f"{language}: {without} of {len(examples)} tell of no event; a fifth to a half are wanted")
        found += [f"{language}: lines {one} and {other} say nearly the same" for one, other in _twins(examples)]
    return found


def _twins(examples: list[Example]) -> Iterator[tuple[int, int]]:
    """Pairs of sentences that share more than six tenths of their word pairs."""
    shingles = []
    for example in examples:
        words = re.findall(r"\w+", example.text.casefold())
        shingles.append((example.line, set(pairwise(words))))
    for index, (line, pairs) in enumerate(shingles):
        for other, others in shingles[:index]:
            shared = len(pairs & others)
            if shared > 2 and shared > 0.6 * min(len(pairs), len(others)):
                yield other, line
