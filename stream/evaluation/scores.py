"""Precision, recall, F1, their bootstrap intervals, confusion and calibration. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 1000
_SEED = 20
_TAIL = 2.5
"""Percent cut off at each end: intervals hold 95 % of the resamples."""

Pair = tuple[str, str]
"""A gold class and the class that was said."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one class: shares between 0 and 1, and how often it is gold."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    said: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the interval in which 95 % of the resamples of the same gold lie."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of like confidence: how sure they were, how often they were right."""

    low: float
    count: int
    confidence: float
    right: float


def by_class(pairs: Sequence[Pair]) -> list[Score]:
    """The score of each class that is gold or was said, by name."""
    scores = []
    for name in sorted({name for pair in pairs for name in pair}):
        hits = sum(gold == said == name for gold, said in pairs)
        support, claims = sum(gold == name for gold, _ in pairs), sum(said == name for _, said in pairs)
        scores.append(score(name, hits, support, claims))
    return scores


def score(name: str, hits: int, support: int, said: int) -> Score:
    """The score that follows from counts; what is never said has no precision: 0."""
    precision = hits / said if said else 0.0
    recall = hits / support if support else 0.0
    f1 = 2 * hits / (support + said) if support + said else 0.0
    return Score(name, precision, recall, f1, support, said)


def macro(pairs: Sequence[Pair]) -> Estimate:
    """Mean F1 over the classes that are gold, with its interval."""
    names = sorted({gold for gold, _ in pairs})
    place = {name: number for number, name in enumerate(names)}
    rows = np.array([(place[gold], place.get(said, len(names))) for gold, said in pairs]).reshape(-1, 2)

    def mean_f1(chosen: np.ndarray) -> float:
        size = len(names)
        gold = np.bincount(chosen[:, 0], minlength=size)[:size]
        said = np.bincount(chosen[:, 1], minlength=size)[:size]
        hits = np.bincount(chosen[chosen[:, 0] == chosen[:, 1], 0], minlength=size)[:size]
        both = gold + said
        known = gold > 0
        return float(np.mean(2 * hits[known] / both[known])) if known.any() else 0.0

    return estimate(rows, mean_f1)


def accuracy(pairs: Sequence[Pair]) -> Estimate:
    """The share of right answers."""
    return share([gold == said for gold, said in pairs])


def share(answers: Sequence[bool]) -> Estimate:
    """The share of what is true."""
    return estimate(np.array(answers, dtype=float), lambda chosen: float(chosen.mean()) if len(chosen) else 0.0)


def f1(counts: Sequence[tuple[int, int, int]]) -> Estimate:
    """F1 over all items; an item is (hits, gold, said)."""

    def pooled(chosen: np.ndarray) -> float:
        hits, gold, said = chosen.sum(axis=0)
        return float(2 * hits / (gold + said)) if gold + said else 0.0

    return estimate(np.array(counts, dtype=float).reshape(-1, 3), pooled)


def estimate(rows: np.ndarray, statistic: Callable[[np.ndarray], float]) -> Estimate:
    """A statistic of `rows`, and its interval over resamples of the rows, which are always the same ones."""
    if not len(rows):
        return Estimate(0.0, 0.0, 0.0)
    chance = np.random.default_rng(_SEED)
    drawn = [statistic(rows[chance.integers(0, len(rows), len(rows))]) for _ in range(ROUNDS)]
    low, high = np.percentile(drawn, [_TAIL, 100 - _TAIL])
    return Estimate(statistic(rows), float(low), float(high))


def confusion(pairs: Sequence[Pair]) -> tuple[list[str], np.ndarray]:
    """The classes, and how often each (row) was called each (column)."""
    names = sorted({name for pair in pairs for name in pair})
    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=int)
    for gold, said in pairs:
        table[place[gold], place[said]] += 1
    return names, table


def calibration(answers: Sequence[tuple[float, bool]], *, bins: int = 10) -> tuple[float, list[Bin]]:
    """Expected calibration error of (confidence, right) pairs, and its bins of equal width."""
    found, error = [], 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [one for one in answers if low <= one[0] < high or (number == bins - 1 and one[0] == 1)]
        if not inside:
            continue
        confidence = sum(sure for sure, _ in inside) / len(inside)
        right = sum(correct for _, correct in inside) / len(inside)
        error += len(inside) / len(answers) * abs(confidence - right)
        found.append(Bin(low, len(inside), confidence, right))
    return error, found
