"""Topics of one run: articles in, at once or at a pace, and what came out, with the broker's own timestamps.

The broker stamps every output when it has it (`LogAppendTime`), the producer stamps every input when it is sent, and both are
clocks of one machine: their difference is the time end to end, up to the acknowledged record.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.contenders.work import Place
from bench.corpus import Article
from stream import topics
from tests.kafka import client

PARTITIONS = 8
SESSION = 6
_POLL_SECONDS = 0.25
"""Seldom: the moments that count are the broker's, and whoever asks takes from the cores that are measured."""
_OUTPUT = {"message.timestamp.type": "LogAppendTime"}


class LateError(TimeoutError):
    """What was awaited did not come in time."""


@dataclass(frozen=True, slots=True)
class Output:
    """An enriched article."""

    key: bytes
    moment: float
    """Unix time at which the broker had it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Topics, and a client of each kind."""

    place: Place
    partitions: int
    _producer: Any
    _consumer: Any

    async def feed(self, articles: Sequence[Article], *, moments: Sequence[float] | None = None) -> dict[bytes, float]:
        """Send articles, all at once or each at its moment (seconds from now); when each was sent, in Unix time."""
        began = time.time()
        sent: dict[bytes, float] = {}
        waiting = []
        for number, article in enumerate(articles):
            if moments is not None:
                await asyncio.sleep(max(0.0, began + moments[number] - time.time()))
            now = time.time()
            future = await self._producer.send(
                self.place.articles,
                article.value,
                key=article.key,
                timestamp_ms=int(now * 1000),
                partition=number % self.partitions,
            )
            waiting.append(future)
            sent[article.key] = now
        await asyncio.gather(*waiting)
        return sent

    async def count(self) -> int:
        """How many enriched articles have come out, however often."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        return sum(ends.values())

    async def wait_for(self, total: int, *, within: float, watch: Callable[[], None] = lambda: None) -> None:
        """Until so many enriched articles have come out; raises `LateError`. `watch` is called now and then, and may raise."""
        until = time.monotonic() + within
        while (count := await self.count()) < total:
            watch()
            if time.monotonic() > until:
                raise LateError(f"{count} of {total} articles came out within {within:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def outputs(self) -> list[Output]:
        """Every enriched article that has come out, in no order."""
        total = await self.count()
        found: list[Output] = []
        await self._consumer.seek_to_beginning()
        async with asyncio.timeout(30):
            while len(found) < total:
                fetched = await self._consumer.getmany(timeout_ms=1000)
                found += [Output(one.key, one.timestamp / 1000) for records in fetched.values() for one in records]
        return found


@asynccontextmanager
async def stage(bootstrap: str, *, processes: int, partitions: int = PARTITIONS) -> AsyncIterator[Stage]:
    """Topics of their own, deleted at the end."""
    prefix = f"b{secrets.token_hex(4)}."
    place = Place(bootstrap=bootstrap, prefix=prefix, group=f"{prefix}group", processes=processes, session=SESSION)
    await client.create_topics(bootstrap, place.articles, partitions=partitions)
    await client.create_topics(bootstrap, *place.outputs, partitions=partitions, configs=_OUTPUT)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=4 << 20)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topics.ENRICHED.full_name(prefix), number) for number in range(partitions)])
        yield Stage(place, partitions, producer, consumer)
    finally:
        await consumer.stop()
        await producer.stop()
        async with client.admin(bootstrap) as admin:
            await admin.delete_topics([place.articles, *place.outputs])
