"""Medians, spreads, and when to say nothing. Pure.

Machines are noisy, so a figure here is a ratio of two rates of the same round, and never stands without its spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

ROUNDS = 5
"""Fewer rounds are a try, and make no report."""
MOST_SPREAD = 0.15
"""A ratio that varies more than this, to either side, says more about the machine than about us."""


class NoisyError(Exception):
    """The rounds differ too much for what was to be claimed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity over the rounds."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """The figure of some rounds, at least one."""
        return cls(median=median(values), least=min(values), most=max(values), rounds=len(values))

    @property
    def spread(self) -> float:
        """Half of what lies between the least and the most, as a share of the median."""
        return (self.most - self.least) / 2 / self.median if self.median else math.inf


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """What `above` is, in units of `below`; both are rates of the same rounds, in the same order."""
    return Figure.of([one / other for one, other in zip(above, below, strict=True)])


def claimed(figure: Figure, *, rounds: int = ROUNDS, most_spread: float = MOST_SPREAD) -> float:
    """The median, where it may be reported; raises `NoisyError` where the rounds are too few or too different."""
    if figure.rounds < rounds:
        raise NoisyError(f"{figure.rounds} rounds, at least {rounds} are needed")
    if figure.spread > most_spread:
        raise NoisyError(f"the rounds differ by ±{figure.spread:.0%}, at most ±{most_spread:.0%} is allowed")
    return figure.median


def verdict(figure: Figure, *, least: float) -> str:
    """Whether a ratio reaches `least`: "yes", "no", or "within noise" where the rounds do not agree."""
    if figure.least >= least:
        return "yes"
    return "no" if figure.most < least else "within noise"


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of all does not exceed (nearest rank); `values` are not empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def common(one: Sequence[str], other: Sequence[str]) -> float:
    """What two lists have in common, as a share of what they hold on average."""
    return 2 * len(set(one) & set(other)) / (len(set(one)) + len(set(other))) if one or other else 1.0


def order(names: Sequence[str], number: int) -> list[str]:
    """The order of a round: every second one runs backwards, so that nobody always comes after the same neighbour."""
    return list(reversed(names)) if number % 2 else list(names)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a model of more cores is made of; seconds of CPU for an article."""

    pool: float
    """In a pool process: the pipeline, and its end of the pipes."""
    loop: float
    """In the worker itself: Faust, its end of the pipes, the producer."""
    together: float = 1.0
    """What a process achieves while its neighbours work too, as a share of what it does alone."""


def predicted(machine: Machine, *, cores: int) -> float:
    """Articles a second of one worker on so many cores: until its one loop is saturated, all cores are busy."""
    return min(cores * machine.together / (machine.pool + machine.loop), 1 / machine.loop)


def saturated_at(machine: Machine) -> float:
    """Cores beyond which one worker gains nothing: a second one is due."""
    return (machine.pool + machine.loop) / machine.loop / machine.together


def shares(parts: Mapping[str, float]) -> dict[str, float]:
    """Each part as a share of the sum."""
    total = sum(parts.values())
    return {name: value / total for name, value in parts.items()} if total else dict.fromkeys(parts, 0.0)
