"""Event types against gold sentences: what was said of each, and every figure that follows. Pure."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stream.evaluation import corpus, scores
from stream.evaluation.scores import Estimate, Pair
from stream.records import EnrichedArticle, EventType, Modality, NewsEvent

Format = Literal["plv", "types", "corpus"]
NONE = EventType.NONE.value
_YIELD = frozenset({EventType.CONCEDE.value, EventType.RETREAT.value})
"""PLOVER's older type, which was divided in two."""
_WORST = 20


@dataclass(frozen=True, slots=True)
class Gold:
    """A sentence, and the types that are right for it: one of them, or all where it tells of several events."""

    text: str
    types: tuple[str, ...]
    quad: str | None = None
    language: str = ""
    example: corpus.Example | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pipeline said of one gold sentence."""

    gold: Gold
    events: tuple[NewsEvent, ...]
    names: Mapping[str, str]
    """The text of every entity's mentions, by id."""

    @property
    def strongest(self) -> NewsEvent | None:
        """The event of which it is most sure."""
        return max(self.events, key=lambda event: event.confidence, default=None)

    @property
    def type(self) -> str:
        """The type of the strongest event, or ``NONE``."""
        return NONE if self.strongest is None else self.strongest.type.value


def read(path: Path, form: Format, *, held_out: bool = False) -> list[Gold]:
    """The gold sentences of a file.

    Args:
        path: ``plv``: TSV with ``sentence``, ``type`` and ``quad``; ``types``: TSV with ``sentence`` and ``types`` (one or more,
            joined by ``|``); ``corpus``: the project's own mark-up.
        form: one of these.
        held_out: of a corpus, only the part that is never trained on.

    Raises:
        ValueError: the file is not of that form.
        OSError: it cannot be read.

    """
    if form == "corpus":
        examples = [one for one in corpus.read(path) if one.held_out or not held_out]
        return [
            Gold(one.text, tuple(dict.fromkeys(event.type for event in one.events)) or (NONE,), None, one.language, one)
            for one in examples
        ]
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        wanted = {"sentence", "type", "quad"} if form == "plv" else {"sentence", "types"}
        if missing := wanted - set(rows.fieldnames or ()):
            raise ValueError(f"{path}: no column {', '.join(sorted(missing))}: is it of the form {form}?")
        if form == "plv":
            return [Gold(row["sentence"], (row["type"],), row["quad"]) for row in rows]
        return [Gold(row["sentence"], tuple(row["types"].split("|"))) for row in rows]


def answer(gold: Gold, article: EnrichedArticle | None) -> Answer:
    """What an article came to."""
    if article is None:
        return Answer(gold, (), {})
    names = {entity.id: " | ".join(one.text for one in entity.mentions) for entity in article.entities}
    return Answer(gold, article.events, names)


def roots(answers: Sequence[Answer]) -> list[Pair]:
    """Gold and said type of each sentence; of several gold ones the one that was said, else the first."""
    pairs = []
    for one in answers:
        said = "YIELD" if one.type in _YIELD and "YIELD" in one.gold.types else one.type
        pairs.append((said if said in one.gold.types else one.gold.types[0], said))
    return _as_in_gold(pairs)


def _as_in_gold(pairs: list[Pair]) -> list[Pair]:
    """Where the gold knows only YIELD, CONCEDE and RETREAT are called by that name, wrong or right."""
    if not any(gold == "YIELD" for gold, _ in pairs):
        return pairs
    return [(gold, "YIELD" if said in _YIELD else said) for gold, said in pairs]


def quads(answers: Sequence[Answer]) -> list[Pair]:
    """Gold and said quad class of each sentence that has one; 0 is no event."""
    pairs = []
    for one in answers:
        if one.gold.quad is None:
            continue
        event = one.strongest
        said = (
            "0" if event is None else "2" if event.type.value in _YIELD and "YIELD" in _types(answers) else str(event.quad_class)
        )
        pairs.append((one.gold.quad, said))
    return pairs


def _types(answers: Sequence[Answer]) -> frozenset[str]:
    return frozenset(kind for one in answers for kind in one.gold.types)


def several(answers: Sequence[Answer]) -> list[scores.Score]:
    """Precision, recall and F1 of each type, counted once a sentence: among those said, among the gold."""
    found = []
    for kind in sorted(_types(answers) - {NONE}):
        said = [any(event.type.value == kind for event in one.events) for one in answers]
        gold = [kind in one.gold.types for one in answers]
        hits = sum(a and b for a, b in zip(gold, said, strict=True))
        found.append(scores.score(kind, hits, sum(gold), sum(said)))
    return found


def sure(answers: Sequence[Answer]) -> list[tuple[float, bool]]:
    """Confidence of each event that was said, and whether its type is gold there.

    Other people's gold names one event of several: there only the strongest is judged.
    """
    return [
        (event.confidence, _right(event, one.gold))
        for one in answers
        for event in (one.events if one.gold.example is not None else filter(None, (one.strongest,)))
    ]


def _right(event: NewsEvent, gold: Gold) -> bool:
    return event.type.value in gold.types or ("YIELD" in gold.types and event.type.value in _YIELD)


def precision(answers: Sequence[Answer]) -> Estimate:
    """The share of the events that were said whose type is right there."""
    return scores.share([right for _, right in sure(answers)])


def false_alarms(answers: Sequence[Answer]) -> dict[str, Estimate]:
    """Of sentences of the corpus without an event: the share with an asserted or a future one; sport and its like apart."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in answers:
        if one.gold.example is None or one.gold.types != (NONE,):
            continue
        told = any(event.modality in {Modality.ASSERTED, Modality.FUTURE} for event in one.events)
        groups["no event"].append(told)
        if one.gold.example.aside:
            groups["sport, weather, markets, culture"].append(told)
    return {name: scores.share(told) for name, told in groups.items()}


def modalities(answers: Sequence[Answer]) -> list[Pair]:
    """Gold and said modality, where an event of the corpus was found with its type."""
    return [(event.modality, said.modality.value) for event, said, _ in _matched(answers)]


def roles(answers: Sequence[Answer]) -> dict[str, scores.Score]:
    """Actors and recipients of the events that were found with their type: right is an entity that has the gold mention."""
    counts = {"actors": [0, 0, 0], "recipients": [0, 0, 0]}
    for event, said, one in _matched(answers):
        for role, numbers, ids in (("actors", event.actors, said.actors), ("recipients", event.recipients, said.recipients)):
            gold = _texts(one.gold, numbers)
            claimed = [one.names[who] for who in ids]
            counts[role][0] += sum(any(text in name for name in claimed) for text in gold)
            counts[role][1] += len(gold)
            counts[role][2] += len(claimed)
    return {role: scores.score(role, min(hits, said), gold, said) for role, (hits, gold, said) in counts.items()}


def _texts(gold: Gold, numbers: tuple[int, ...]) -> set[str]:
    """The mentions that a role points to."""
    example = gold.example
    assert example is not None
    return {example.text[one.start : one.end] for one in example.mentions if one.number in numbers}


def _matched(answers: Sequence[Answer]) -> list[tuple[corpus.Event, NewsEvent, Answer]]:
    found = []
    for one in answers:
        if one.gold.example is None:
            continue
        left = list(one.events)
        for event in one.gold.example.events:
            same = [said for said in left if said.type.value == event.type]
            if same:
                found.append((event, same[0], one))
                left.remove(same[0])
    return found


def worst(answers: Sequence[Answer], *, most: int = _WORST) -> list[Answer]:
    """What was said with most confidence and is wrong; then what was missed."""
    failures = [
        one for one in answers if (one.gold.types != (NONE,) if one.strongest is None else not _right(one.strongest, one.gold))
    ]
    return sorted(failures, key=lambda one: -(one.strongest.confidence if one.strongest else 0.0))[:most]


def grouped(answers: Sequence[Answer], key: Callable[[Answer], str]) -> dict[str, list[Answer]]:
    """The answers by language, say."""
    groups: dict[str, list[Answer]] = defaultdict(list)
    for one in answers:
        groups[key(one)].append(one)
    return dict(sorted(groups.items()))
