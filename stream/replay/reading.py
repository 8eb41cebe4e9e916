"""A part of a topic, between offsets or times and bounded by the end that the topic has now, read once, without a group."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError
from pydantic import BaseModel, ConfigDict

from stream import admin, headers
from stream.config import Settings
from stream.replay import ReplayError, within

_POLL_MS = 500
_AT_ONCE = 500
_PARTITION_FETCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What somebody asks for; nothing set means the whole topic. Times and offsets include the first and exclude the last."""

    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    from_offset: int | None = None
    until_offset: int | None = None


class Span(BaseModel):
    """What is read of one partition: from `first` up to, and without, `end`."""

    model_config = ConfigDict(frozen=True)

    partition: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a topic."""

    topic: str
    spans: tuple[Span, ...]
    since_ms: int = 0
    until_ms: int | None = None
    notes: tuple[str, ...] = ()
    """What somebody should know who asked for more than there is."""

    @property
    def offsets(self) -> int:
        """How many offsets are read: at least as many as there are messages in the part."""
        return sum(span.end - span.first for span in self.spans)

    def holds(self, timestamp_ms: int) -> bool:
        """Whether a message of that time belongs to it: producers write timestamps, so they do not grow with the offsets."""
        return (self.since_ms == 0 or timestamp_ms >= self.since_ms) and (self.until_ms is None or timestamp_ms < self.until_ms)


async def part(settings: Settings, topic: str, wanted: Range) -> Part:
    """Find what `wanted` is, now; raises `ReplayError` where it is not there."""
    numbers = await partitions(settings, topic)
    if wanted.partition is not None and wanted.partition not in numbers:
        raise ReplayError(f"{topic} has no partition {wanted.partition}: it has {numbers[0]} to {numbers[-1]}")
    chosen = [TopicPartition(topic, number) for number in numbers if wanted.partition in (None, number)]
    since_ms = 0 if wanted.since is None else max(0, _milliseconds(wanted.since))
    async with _consumer(settings) as consumer:
        beginnings, ends = await consumer.beginning_offsets(chosen), await consumer.end_offsets(chosen)
        firsts = dict(beginnings)
        if since_ms:
            found = await consumer.offsets_for_times(dict.fromkeys(chosen, since_ms))
            firsts = {tp: ends[tp] if found[tp] is None else max(found[tp].offset, beginnings[tp]) for tp in chosen}
    spans, notes = [], []
    for tp in chosen:
        begin, end = beginnings[tp], ends[tp]
        _check_offsets(tp, wanted, begin=begin, end=end)
        first = firsts[tp] if wanted.from_offset is None else wanted.from_offset
        last = end if wanted.until_offset is None else wanted.until_offset
        spans.append(Span(partition=tp.partition, first=min(first, end), end=last))
        if begin > 0 and first == begin and wanted.from_offset is None:
            notes.append(f"{topic}, partition {tp.partition}: what came before offset {begin:,} has expired")
    until_ms = None if wanted.until is None else max(0, _milliseconds(wanted.until))
    return Part(topic=topic, spans=tuple(spans), since_ms=since_ms, until_ms=until_ms, notes=tuple(notes))


def _check_offsets(tp: TopicPartition, wanted: Range, *, begin: int, end: int) -> None:
    """Refuse offsets that are not there: to leave them out silently would look like an answer."""
    where = f"{tp.topic}, partition {tp.partition}"
    if wanted.from_offset is not None and wanted.from_offset < begin:
        raise ReplayError(f"{where}: offsets below {begin} have expired (--from-offset {begin} is the first that is left)")
    if wanted.until_offset is not None and wanted.until_offset < begin:
        raise ReplayError(f"{where}: offsets below {begin} have expired, so nothing is left of that range")
    for option, offset in (("--from-offset", wanted.from_offset), ("--until-offset", wanted.until_offset)):
        if offset is not None and offset > end:
            raise ReplayError(f"{where}: it ends before offset {end}, and {option} {offset} lies behind that")


async def read(
    settings: Settings, part: Part, *, tick: Callable[[int], object] = lambda _done: None
) -> AsyncGenerator[Any, None]:
    """The messages of a part, in order per partition, as aiokafka gives them; `tick` is told how many offsets have passed.

    Offsets without a message (compacted, markers of transactions) pass like others. Raises `ReplayError` where messages expire
    while they are read, or nothing comes for ``stall_timeout``.
    """
    left = {TopicPartition(part.topic, span.partition): span for span in part.spans if span.first < span.end}
    done = dict.fromkeys(left, 0)
    if not left:
        return
    async with _consumer(settings) as consumer:
        consumer.assign(list(left))
        for tp, span in left.items():
            consumer.seek(tp, span.first)
        last = time.monotonic()
        while left:
            batches = await _fetch(consumer, part.topic)
            for tp, batch in batches.items():
                for message in batch:
                    if message.offset < left[tp].end and part.holds(message.timestamp):
                        yield message
            before = sum(done.values())
            for tp, span in list(left.items()):
                position = await consumer.position(tp)
                done[tp] = min(position, span.end) - span.first
                if position >= span.end:
                    consumer.pause(tp)
                    del left[tp]
            passed = sum(done.values())
            tick(passed)
            last = time.monotonic() if batches or passed > before else last
            if settings.stall_timeout and time.monotonic() - last > settings.stall_timeout:
                missing = ", ".join(f"{tp.partition} from offset {span.first + done[tp]:,}" for tp, span in left.items())
                raise ReplayError(f"nothing has come from {part.topic} for {settings.stall_timeout:g} s (partition {missing})")


async def _fetch(consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, list[Any]]:
    try:
        found: dict[TopicPartition, list[Any]] = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
    except OffsetOutOfRangeError as error:
        raise ReplayError(f"messages of {topic} expired while they were read: run it again, and look at retention.ms") from error
    return found


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, which neither commits nor jumps to where messages are."""
    headers.accept_any_name()
    consumer = AIOKafkaConsumer(
        **settings.client_arguments(),
        auto_offset_reset="none",
        enable_auto_commit=False,
        max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await within(consumer.stop)


async def partitions(settings: Settings, topic: str) -> list[int]:
    """The partitions of a topic; raises `ReplayError` where it is missing."""
    client = await admin.connect(settings)
    try:
        if await admin.missing_topics(client, [topic]):
            raise ReplayError(
                f"there is no topic {topic} (is NEWSSTREAM_TOPIC_PREFIX right? `newsstream topics create` makes it)"
            )
        [described] = await client.describe_topics([topic])
    finally:
        await client.close()
    return sorted(entry["partition"] for entry in described["partitions"])


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
