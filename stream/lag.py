"""How far behind: the messages of each partition that wait, and the age of the oldest, from what is known of it second by second.

Kafka does not say how old a message is that was not fetched. What is known is when it was seen first that it waits, and when
Kafka was last heard of: an age that is told is never less than the first, nor does it stay at 0 when Kafka has gone silent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

_SILENCE_SECONDS = 10.0
"""A fetch is answered within a second or two, if only with nothing: after this long, nothing is known of what has arrived."""
_MAX_MARKS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of one partition at one moment; None where nothing is."""

    end: int | None = None
    """The offset after its last message, when Kafka was last heard of."""
    done: int = 0
    """The offset after the last message that was acknowledged."""
    drained: bool = False
    """Everything that lies before `end` was handed to us and acknowledged: what is left are gaps, which nobody gets."""
    heard: float | None = None
    """When Kafka last answered a fetch, in Unix time."""
    oldest: float | None = None
    """The timestamp of its oldest message that is in flight."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The lag of a worker."""

    messages: Mapping[Hashable, int]
    """By partition."""
    seconds: float
    """The age of the oldest that is not acknowledged; 0 where none waits."""


class Lag:
    """Remembers when each partition was seen to have grown."""

    def __init__(self) -> None:
        self._marks: dict[Hashable, deque[tuple[int, float]]] = {}
        self._since: dict[Hashable, float] = {}

    def read(self, sights: Mapping[Any, Sight], *, now: float) -> Reading:
        """The lag at `now` (Unix time); partitions that are missing were revoked, and are forgotten."""
        for gone in set(self._since) - set(sights):
            self._since.pop(gone)
            self._marks.pop(gone)
        messages, ages = {}, [0.0]
        for partition, sight in sights.items():
            messages[partition] = 0 if sight.drained or sight.end is None else max(0, sight.end - sight.done)
            ages.append(self._age(partition, sight, waiting=messages[partition] > 0, now=now))
        return Reading(messages, max(ages))

    def _age(self, partition: Hashable, sight: Sight, *, waiting: bool, now: float) -> float:
        since = self._since.setdefault(partition, now)
        marks = self._marks.setdefault(partition, deque())
        self._mark(marks, sight, now=now)
        age = 0.0 if sight.oldest is None else now - sight.oldest
        if waiting and marks:
            return max(age, now - marks[0][1])
        silence = now - (since if sight.heard is None else sight.heard)
        return max(age, silence if silence > _SILENCE_SECONDS else 0.0)

    @staticmethod
    def _mark(marks: deque[tuple[int, float]], sight: Sight, *, now: float) -> None:
        """Keep the moments at which messages that still wait were seen first."""
        end = sight.end or 0
        if end > (marks[-1][0] if marks else sight.done):
            if len(marks) < _MAX_MARKS:
                marks.append((end, now))
            else:
                marks[-1] = (end, marks[-1][1])  # rather too old than too young
        while marks and marks[0][0] <= sight.done:
            marks.popleft()
        if sight.drained:
            marks.clear()
