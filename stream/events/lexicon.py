"""One language's triggers and the words around them, read from its files and compiled for look-up by word."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from stream.events import tokens
from stream.records import EventType

Frame = Literal["active", "alone", "passive", "noun", "noun-obj", "mutual"]
FRAMES: tuple[Frame, ...] = ("active", "alone", "passive", "noun", "noun-obj", "mutual")
GAPS = {"..": 3, "...": 8}
FIELDS_OF_LIFE = ("damp.sport", "damp.weather", "damp.market", "damp.culture")
"""Classes of words that tell of something else than events."""
HARD = frozenset(("state", "forces", "arms", "troops"))
"""Classes of words that speak for an event in spite of them."""
ACTING = frozenset(("people", "state", "forces"))
"""Classes of words for those who may act."""
COLUMNS = 6
_HEAD = 4
"""Letters by which stems are found; the few that are shorter are tried one by one."""
NEEDS = {"@actor", "@object", "@title", "@none"}

Label = str
"""What a word is: a class (``people``), or an element of some pattern (``sent|sends``)."""


@dataclass(frozen=True, slots=True)
class Element:
    """One word of a pattern: it fits a word that has one of `labels`, at most `gap` words after the one before."""

    labels: frozenset[Label]
    gap: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a lexicon."""

    pattern: str
    type: EventType
    mode: str | None
    frame: Frame
    weight: float
    with_: tuple[Label, ...]
    without: tuple[Label, ...]
    needs: frozenset[str]
    example: str
    elements: tuple[Element, ...]
    second: frozenset[Label] | None
    """The labels of the second of them, without which the others need not be looked for; None where there is one."""
    head: int
    """How many elements the trigger that is shown has: those before the first gap."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that say how real something is, or who only reports it."""

    name: str
    elements: tuple[Element, ...]
    second: frozenset[Label] | None
    """As in an `Entry`."""


class Hit(NamedTuple):
    """What the lexicon knows of one word."""

    labels: frozenset[Label]
    entries: tuple[Entry, ...]
    cues: tuple[Cue, ...]
    fields: tuple[Label, ...]
    """Those of `FIELDS_OF_LIFE` that it belongs to."""
    hard: bool
    """Whether it is of a class in `HARD`."""
    acting: bool
    """The same, of `ACTING`."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language."""

    language: str
    version: str
    entries: tuple[Entry, ...]
    suffixes: dict[str, tuple[str, ...]]
    flags: frozenset[str]
    look_up: Callable[[str], Hit]
    """The `Hit` of a folded word."""


@dataclass(slots=True)
class _Table:
    """Words and stems with their labels, while being compiled."""

    words: dict[str, set[Label]] = field(default_factory=dict)
    stems: dict[str, set[Label]] = field(default_factory=dict)

    def add(self, word: str, label: Label) -> None:
        """Give a label to ``word`` or ``stem*``."""
        if "*" in word[:-1]:
            raise ValueError(f"{word!r}: a star may only stand at the end")
        if word.endswith("*"):
            self.stems.setdefault(tokens.fold(word[:-1]), set()).add(label)
        else:
            self.words.setdefault(tokens.fold(word), set()).add(label)

    def element(self, text: str, gap: int) -> Element:
        """An element of a pattern: ``word``, ``stem*``, ``one|two*``, ``<class>``."""
        labels: set[Label] = set()
        for part in text.split("|"):
            if part.startswith("<"):
                labels.add(part[1:-1])
            else:
                self.add(part, "=" + part)
                labels.add("=" + part)
        return Element(frozenset(labels), gap)

    def pattern(self, text: str) -> tuple[tuple[Element, ...], int]:
        """The elements of a pattern, and how many stand before its first gap."""
        elements: list[Element] = []
        gap, head = 0, 0
        for part in text.split():
            if part in GAPS:
                gap, head = GAPS[part], head or len(elements)
            else:
                elements.append(self.element(part, gap))
                gap = 0
        if not elements or gap:
            raise ValueError(f"the pattern {text!r} begins or ends with a gap, or is empty")
        return tuple(elements), head or len(elements)


def read(language: str, triggers: str, words: str) -> Lexicon:
    """The lexicon of a language from its ``.tsv`` and ``.toml``; raises `ValueError` and names the line that is wrong."""
    grammar = tomllib.loads(words)
    table = _Table()
    classes = {**grammar["classes"], **{f"damp.{name}": text for name, text in grammar["damp"].items()}}
    for name, text in classes.items():
        for word in text.split():
            table.add(word, name)
    entries = [
        _entry(line, table, classes, f"{language}.tsv line {number}")
        for number, line in enumerate(triggers.splitlines(), start=1)
        if line and not line.startswith("#")
    ]
    cues = []
    for name, patterns in grammar["cues"].items():
        for pattern in patterns:
            elements, _ = table.pattern(pattern)
            cues.append(Cue(name, elements, _second(elements)))
    return Lexicon(
        language=language,
        version=grammar["version"],
        entries=tuple(entries),
        suffixes={name: tuple(endings) for name, endings in grammar["suffixes"].items()},
        flags=frozenset(grammar.get("flags", ())),
        look_up=_index(table, entries, cues),
    )


def _second(elements: tuple[Element, ...]) -> frozenset[Label] | None:
    return elements[1].labels if len(elements) > 1 else None


def _entry(line: str, table: _Table, classes: dict[str, str], where: str) -> Entry:
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        raise ValueError(f"{where}: {len(columns)} columns instead of {COLUMNS}")
    pattern, kind, frame, weight, context, example = columns
    name, _, mode = kind.partition("/")
    conditions = [] if context == "-" else context.split()
    _check(name, frame, weight, conditions, where=where)
    try:
        elements, head = table.pattern(pattern)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    for element in elements:
        unknown = [label for label in element.labels if label[0] != "=" and label not in classes]
        if unknown:
            raise ValueError(f"{where}: there is no class {unknown[0]!r}")

    def label(word: str) -> Label:
        if word.strip("<>") in classes:
            return word.strip("<>")
        for part in word.split("|"):
            table.add(part, "=" + word)
        return "=" + word

    return Entry(
        pattern=pattern,
        type=EventType(name),
        mode=mode or None,
        frame=next(known for known in FRAMES if known == frame),
        weight=int(weight) / 100,
        with_=tuple(label(one[1:]) for one in conditions if one[0] == "+"),
        without=tuple(label(one[1:]) for one in conditions if one[0] == "-"),
        needs=frozenset(one for one in conditions if one[0] == "@"),
        example=example,
        elements=elements,
        second=_second(elements),
        head=head,
    )


def _check(name: str, frame: str, weight: str, conditions: list[str], *, where: str) -> None:
    if name not in EventType.__members__:
        raise ValueError(f"{where}: {name!r} is no event type")
    if frame not in FRAMES:
        raise ValueError(f"{where}: {frame!r} is no frame")
    if not weight.isdigit() or not 1 <= int(weight) <= 99:
        raise ValueError(f"{where}: the weight {weight!r} is not between 1 and 99")
    for condition in conditions:
        if condition[0] not in "+-@" or (condition[0] == "@" and condition not in NEEDS):
            raise ValueError(f"{where}: the condition {condition!r} means nothing")


def _index(table: _Table, entries: list[Entry], cues: list[Cue]) -> Callable[[str], Hit]:
    """A function from a folded word to its `Hit`; it remembers the words that it has seen."""
    hit = _hits(entries, cues)
    unknown = hit(frozenset())
    words, stems = table.words, table.stems
    short = tuple(sorted(stem for stem in stems if len(stem) < _HEAD))
    long: dict[str, list[str]] = {}
    for stem in sorted(stems):
        if len(stem) >= _HEAD:
            long.setdefault(stem[:_HEAD], []).append(stem)

    @functools.lru_cache(maxsize=65536)
    def look_up(key: str) -> Hit:
        found = words.get(key)
        near = long.get(key[:_HEAD], [])
        for stem in [*near, *short] if key.startswith(short) else near:
            if key.startswith(stem):
                found = stems[stem] if found is None else found | stems[stem]
        return unknown if found is None else hit(frozenset(found))

    return look_up


def _hits(entries: list[Entry], cues: list[Cue]) -> Callable[[frozenset[Label]], Hit]:
    """A function from the labels of a word to its `Hit`."""
    by_label: dict[Label, list[Entry]] = {}
    cues_by_label: dict[Label, list[Cue]] = {}
    for entry in entries:
        for label in entry.elements[0].labels:
            by_label.setdefault(label, []).append(entry)
    for cue in cues:
        for label in cue.elements[0].labels:
            cues_by_label.setdefault(label, []).append(cue)

    begin, begin_cues = frozenset(by_label), frozenset(cues_by_label)

    @functools.cache
    def hit(labels: frozenset[Label]) -> Hit:
        first = {id(entry): entry for label in sorted(labels & begin) for entry in by_label[label]}
        first_cues = {id(cue): cue for label in sorted(labels & begin_cues) for cue in cues_by_label[label]}
        return Hit(
            labels,
            tuple(first.values()),
            tuple(first_cues.values()),
            fields=() if labels.isdisjoint(FIELDS_OF_LIFE) else tuple(name for name in FIELDS_OF_LIFE if name in labels),
            hard=not HARD.isdisjoint(labels),
            acting=not ACTING.isdisjoint(labels),
        )

    return hit
