"""Windows of pieces with what is known of each word; sentences are joined as in articles, some shouted as in headlines."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stream import events
from stream.entities import segments
from stream.entities.pieces import Pieces
from stream.evaluation import corpus
from stream.events import matching, tokens
from training.encoder import labels

UNKNOWN = -100
"""The label of what nobody has said anything about: no loss."""
_BEGIN, _END = 0, 2
_WINDOW = 126
_SHOUTED = 0.03
_HIDDEN, _UNKNOWN_PIECE = 0.05, 3
"""Share of words that are read as unknown in training, so that what is around them is read, too: neither names nor triggers."""
_NOTHING_TOLD = (float(UNKNOWN),) * len(labels.TOLD)
_MARK = {name: number for number, name in enumerate(labels.NAMES)}
_EVENT = {name: number for number, name in enumerate(labels.EVENTS)}
_MODALITY = {name: number for number, name in enumerate(labels.MODALITIES)}


@dataclass(frozen=True)
class Sentence:
    """A text, its names, and its events; either is None where nobody annotated it."""

    text: str
    names: tuple[tuple[int, int, str], ...] | None
    events: tuple[corpus.Event, ...] | None = None
    actors: frozenset[tuple[int, int]] = frozenset()
    recipients: frozenset[tuple[int, int]] = frozenset()
    fields: frozenset[str] | None = None
    """Of `labels.FIELDS`; None where nobody has said."""


@dataclass
class Window:
    """Ids of the pieces, and labels by place: of names, events, modality, and of each role; and those of its sentences."""

    ids: list[int]
    names: list[int]
    events: list[int]
    modalities: list[int]
    roles: list[tuple[float, float]]
    sentences: list[int]
    """The number, in this window, of the sentence of which a piece begins a word."""
    told: list[tuple[float, ...]]
    """By sentence, what `labels.TOLD` says of it."""


def of_names(path: Path) -> list[Sentence]:
    """Sentences of a JSON-lines file with names alone."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        found.append(Sentence(row["text"], tuple((start, end, kind) for start, end, kind in row["ents"])))
    return found


def of_corpus(folder: Path, *, part: corpus.Part) -> list[Sentence]:
    """A part of the project's corpus."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        for one in corpus.read(path):
            if one.part == part:
                numbered = {mention.number: (mention.start, mention.end) for mention in one.mentions}
                found.append(
                    Sentence(
                        one.text,
                        tuple((mention.start, mention.end, mention.type) for mention in one.mentions),
                        one.events,
                        frozenset(numbered[number] for event in one.events for number in event.actors),
                        frozenset(numbered[number] for event in one.events for number in event.recipients),
                        one.tags & frozenset(labels.FIELDS),
                    )
                )
    return found


def of_lexicons() -> list[Sentence]:
    """The examples of the lexicons: invented sentences, each with a trigger that is known, or with one that is none."""
    found = []
    for known in events.load().lexicons.values():
        for entry in known.entries:
            words = tokens.split(entry.example)
            hits = [known.look_up(key) for key in words.keys]
            told = [one for one in matching.triggers(words, hits, [False] * len(hits)) if one.entry.type == entry.type]
            spans = [
                corpus.Event(words.starts[one.first], words.ends[one.last], one.entry.type.value, "asserted", (), (), ())
                for one in told
            ]
            if spans or entry.type == "NONE":
                found.append(Sentence(entry.example, None, tuple(spans)))
    return found


def windows(sentences: Sequence[Sentence], pieces: Pieces, chance: random.Random, *, varied: bool = False) -> Iterator[Window]:
    """One to four sentences at a time, in a random order, cut to what the encoder reads together.

    `varied`: some are shouted, some of their words hidden.
    """
    order = list(sentences)
    chance.shuffle(order)
    window = _empty()
    left = chance.randint(1, 4)
    for sentence in order:
        part = _labelled(_shouted(sentence, chance) if varied else sentence, pieces, chance if varied else None)
        if len(window.ids) > 1 and (not left or len(window.ids) + len(part.ids) > _WINDOW):
            yield _closed(window)
            window, left = _empty(), chance.randint(1, 4)
        room = _WINDOW - len(window.ids)
        for name in ("ids", "names", "events", "modalities", "roles"):
            getattr(window, name).extend(getattr(part, name)[:room])
        number = len(window.told)
        window.sentences.extend(number if first else UNKNOWN for first in part.sentences[:room])
        window.told += part.told if len(part.ids) <= room else [_NOTHING_TOLD]
        left -= 1
    if len(window.ids) > 1:
        yield _closed(window)


def _empty() -> Window:
    return Window([_BEGIN], [UNKNOWN], [UNKNOWN], [UNKNOWN], [(UNKNOWN, UNKNOWN)], [UNKNOWN], [])


def _closed(window: Window) -> Window:
    window.ids.append(_END)
    for labelled in (window.names, window.events, window.modalities, window.sentences):
        labelled.append(UNKNOWN)
    window.roles.append((UNKNOWN, UNKNOWN))
    return window


def _shouted(sentence: Sentence, chance: random.Random) -> Sentence:
    upper = sentence.text.upper()
    if chance.random() >= _SHOUTED or len(upper) != len(sentence.text):
        return sentence
    return dataclasses.replace(sentence, text=upper)


def _labelled(sentence: Sentence, pieces: Pieces, chance: random.Random | None) -> Window:
    window = Window([], [], [], [], [], [], [_told(sentence)])
    names = {start: (end, kind) for start, end, kind in sentence.names or () if f"B-{kind}" in _MARK}
    inside: tuple[int, str] | None = None
    for segment in segments.split(sentence.text):
        if inside is not None and segment.start >= inside[0]:
            inside = None
        mark = "O"
        if segment.start in names and inside is None:
            inside = names[segment.start]
            mark = f"B-{inside[1]}"
        elif inside is not None:
            mark = f"I-{inside[1]}"
        event = modality = UNKNOWN
        roles = (float(UNKNOWN), float(UNKNOWN))
        if sentence.events is not None:
            told = next((one for one in sentence.events if one.start <= segment.start < one.end), None)
            event = _EVENT[told.type] if told else 0
            modality = _MODALITY[told.modality] if told else UNKNOWN
            if mark != "O":
                roles = (_within(segment, sentence.actors), _within(segment, sentence.recipients))
        ids = pieces.ids(segment)
        if chance and sentence.names and mark == "O" and event == 0 and chance.random() < _HIDDEN:
            ids = (_UNKNOWN_PIECE,)
        rest = len(ids) - 1
        window.ids += ids
        window.names += [UNKNOWN if sentence.names is None else _MARK[mark], *[UNKNOWN] * rest]
        window.events += [event, *[UNKNOWN] * rest]
        window.modalities += [modality, *[UNKNOWN] * rest]
        window.roles += [roles, *[(float(UNKNOWN), float(UNKNOWN))] * rest]
        window.sentences += [1, *[0] * rest]
    return window


def _told(sentence: Sentence) -> tuple[float, ...]:
    if sentence.events is None:
        return _NOTHING_TOLD
    types = {event.type for event in sentence.events}
    fields = [float(UNKNOWN) if sentence.fields is None else float(field in sentence.fields) for field in labels.FIELDS]
    return (*(float(kind in types) for kind in labels.EVENTS[1:]), *fields)


def _within(segment: segments.Segment, spans: frozenset[tuple[int, int]]) -> float:
    return float(any(start <= segment.start < end for start, end in spans))
