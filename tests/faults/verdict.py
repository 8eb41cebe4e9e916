"""What became of a known set of articles: lost, duplicated, out of order, contradicted or not committed. Pure."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stream import codec
from stream.records import Rejected
from tests.kafka.client import Received

Place = tuple[int, int]
"""Partition and offset of an input message."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The figures of one case."""

    articles: int
    lost: int
    duplicated: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Input messages that were rejected, by reason."""
    troubles: tuple[str, ...] = ()
    """Every other broken promise, in words."""

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not self.lost and not self.troubles


@dataclass(frozen=True)
class _Answer:
    place: Place
    """The input message that it answers."""
    partition: int
    """Where it stands on the output topic."""
    record: str
    """Its id."""
    reason: str | None = None


def judge(
    inputs: Sequence[Received],
    enriched: Sequence[Received],
    rejected: Sequence[Received],
    *,
    committed: Mapping[int, int],
    ends: Mapping[int, int],
) -> Verdict:
    """Compare what went in with what came out; every input message carries an article id of its own, or is rejected."""
    of_id = {name: (record.partition, record.offset) for record in inputs if (name := _name(record.value)) is not None}
    answers = [*_enriched(enriched, of_id), *_rejected(rejected)]
    by_place: dict[Place, list[_Answer]] = defaultdict(list)
    for answer in answers:
        by_place[answer.place].append(answer)
    places = {(record.partition, record.offset) for record in inputs}
    troubles = [
        *(f"an output for {place}, which was never sent" for place in sorted(set(by_place) - places)[:3]),
        *_ambiguous(by_place),
        *_disorder(enriched, of_id),
        *(
            f"partition {partition}: {committed.get(partition)} is committed, the end is {end}"
            for partition, end in ends.items()
            if end and committed.get(partition) != end
        ),
    ]
    return Verdict(
        articles=len(places),
        lost=len(places - set(by_place)),
        duplicated=sum(len(found) - 1 for found in by_place.values()),
        rejected=Counter(found[0].reason for found in by_place.values() if found[0].reason is not None),
        troubles=tuple(troubles),
    )


def longest_silence(timeline: Iterable[tuple[float, int]]) -> float:
    """The longest time without a new output, between the first output and the last; `timeline` holds (moment, total)."""
    longest, since, before = 0.0, 0.0, 0
    for moment, total in timeline:
        if total > before:
            if before:
                longest = max(longest, moment - since)
            since, before = moment, total
    return longest


def _name(value: bytes | None) -> str | None:
    try:
        article = json.loads(value or b"")
    except ValueError:
        return None
    return article.get("id") if isinstance(article, dict) else None


def _enriched(records: Sequence[Received], of_id: Mapping[str, Place]) -> list[_Answer]:
    found = []
    for record in records:
        name = json.loads(record.value or b"")["article_id"]
        found.append(_Answer(of_id.get(name, (-1, -1)), record.partition, dict(record.headers)["ce_id"].decode()))
    return found


def _rejected(records: Sequence[Received]) -> list[_Answer]:
    found = []
    for record in records:
        read = codec.record_from_json(record.value or b"")
        assert isinstance(read, Rejected)
        found.append(_Answer((read.partition, read.offset), record.partition, read.id, read.reason.value))
    return found


def _ambiguous(by_place: Mapping[Place, Sequence[_Answer]]) -> list[str]:
    """A repeated answer must be the same answer: the same id, and not a rejection one time and a record the other."""
    kinds = {place: {(answer.reason or "enriched", answer.record) for answer in found} for place, found in by_place.items()}
    return [f"{place} was answered with {sorted(found)}" for place, found in kinds.items() if len(found) > 1][:5]


def _disorder(enriched: Sequence[Received], of_id: Mapping[str, Place]) -> list[str]:
    """Within an output partition, the first occurrences from one input partition stand in the order of the input."""
    last: dict[tuple[int, int], int] = defaultdict(lambda: -1)
    seen: set[Place] = set()
    found = []
    for answer in _enriched(sorted(enriched, key=lambda record: (record.partition, record.offset)), of_id):
        if answer.place in seen:
            continue
        seen.add(answer.place)
        partition, offset = answer.place
        lane = (partition, answer.partition)
        if offset < last[lane]:
            found.append(f"input {partition}: {offset} came out after {last[lane]}")
        last[lane] = max(last[lane], offset)
    return found[:5]
