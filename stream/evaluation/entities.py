"""Mentions of entities against gold spans: exact and by span alone, by type and by file. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.evaluation import corpus, scores
from stream.evaluation.scores import Estimate
from stream.records import EnrichedArticle

TYPES = ("PER", "LOC", "ORG")

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Gold:
    """A sentence, its language and its names."""

    text: str
    language: str
    spans: frozenset[Span]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the pipeline found in one gold sentence."""

    gold: Gold
    said: frozenset[Span]

    def counts(self, kind: str | None = None, *, typed: bool = True) -> tuple[int, int, int]:
        """(hits, gold, said), of one type or of all; by span alone where not `typed`."""
        gold, said = ({one for one in spans if kind in (None, one[2])} for spans in (self.gold.spans, self.said))
        if not typed:
            gold, said = ({(start, end, "") for start, end, _ in spans} for spans in (gold, said))
        return len(gold & said), len(gold), len(said)


def read(path: Path) -> list[Gold]:
    """Gold sentences: JSON lines ``{text, ents: [[start, end, label]], lang}``, or the held-out part of a corpus (``.txt``).

    A corpus that says in its first line that nothing is trained on it is read whole.

    Raises:
        ValueError: the file is of neither form.
        OSError: it cannot be read.

    """
    if path.suffix == ".txt":
        whole = path.read_text(encoding="utf-8").startswith(corpus.UNTRAINED)
        return [
            Gold(one.text, one.language, frozenset((mention.start, mention.end, mention.type) for mention in one.mentions))
            for one in corpus.read(path)
            if whole or one.held_out
        ]
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            spans = frozenset((int(start), int(end), str(kind)) for start, end, kind in row["ents"] if kind in TYPES)
            found.append(Gold(row["text"], row.get("lang", ""), spans))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: not a sentence with its names ({error!r})") from None
    return found


def answer(gold: Gold, article: EnrichedArticle | None) -> Answer:
    """The mentions of an article whose text is the gold sentence."""
    if article is None:
        return Answer(gold, frozenset())
    said = frozenset(
        (one.start, one.end, entity.type.value)
        for entity in article.entities
        if entity.type.value in TYPES
        for one in entity.mentions
        if one.field == "text"
    )
    return Answer(gold, said)


def f1(answers: Sequence[Answer], kind: str | None = None, *, typed: bool = True) -> Estimate:
    """F1 over all mentions, with its interval over sentences."""
    return scores.f1([one.counts(kind, typed=typed) for one in answers])


def score(answers: Sequence[Answer], kind: str | None = None) -> scores.Score:
    """Precision and recall, exact span and type."""
    hits, gold, said = (sum(column) for column in zip(*(one.counts(kind) for one in answers), strict=True))
    return scores.score(kind or "all", hits, gold, said)


def errors(answers: Sequence[Answer], *, most: int = 15) -> list[tuple[str, int]]:
    """The commonest mistakes: a name read as another type, one that is none, one that was missed, one cut wrongly."""
    counted: Counter[str] = Counter()
    for one in answers:
        by_place = {(start, end): kind for start, end, kind in one.gold.spans}
        for start, end, kind in one.said - one.gold.spans:
            name = one.gold.text[start:end]
            gold = by_place.get((start, end))
            overlap = any(start < stop and begin < end for begin, stop in by_place)
            what = f"{gold} read as {kind}" if gold else f"{kind} cut wrongly" if overlap else f"{kind} where none is"
            counted[f"{what}: {name}"] += 1
        said = {(start, end) for start, end, _ in one.said}
        for start, end, kind in one.gold.spans:
            if not any(start < stop and begin < end for begin, stop in said):
                counted[f"{kind} missed: {one.gold.text[start:end]}"] += 1
    return counted.most_common(most)


def kinds_of_errors(answers: Sequence[Answer]) -> list[tuple[str, int]]:
    """The same without the names."""
    counted: Counter[str] = Counter()
    for what, count in errors(answers, most=1_000_000):
        counted[what.partition(":")[0]] += count
    return counted.most_common()
