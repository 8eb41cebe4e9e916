"""What tests ask of a broker, whichever it is: topics, records in, records out, offsets; all with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

Headers = Sequence[tuple[str, bytes]]
Outgoing = tuple[bytes | None, bytes | None] | tuple[bytes | None, bytes | None, Headers]
"""Key and value, and headers where there are some; no value is a tombstone."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A record as a consumer got it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[Any]:
    """An administration client, closed at the end."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def producer(bootstrap: str, **options: Any) -> AsyncIterator[Any]:
    """A producer that waits for every acknowledgement, flushed and closed at the end."""
    client = AIOKafkaProducer(bootstrap_servers=bootstrap, **({"acks": "all"} | options))
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def consumer(bootstrap: str, *topics: str, **options: Any) -> AsyncIterator[Any]:
    """A consumer that reads from the beginning and commits nothing by itself; it leaves its group at the end."""
    defaults = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "max_partition_fetch_bytes": 16 << 20}
    client = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, **(defaults | options))
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


async def create_topics(
    bootstrap: str, *names: str, partitions: int = 1, configs: Mapping[str, str] | None = None, within: float = 20
) -> None:
    """Create the topics, and return when every partition of theirs can be written."""
    async with asyncio.timeout(within), admin(bootstrap) as client:
        topics = [NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=configs) for name in names]
        for name, code, *rest in (await client.create_topics(topics)).topic_errors:
            assert code == 0, f"{name}: {rest}"  # aiokafka reports, and does not raise
        for name in names:
            await eventually(partial(_led, client, name, partitions), within=within, what=f"a leader for {name}")


async def produce(bootstrap: str, topic: str, records: Iterable[Outgoing], *, within: float = 30, **options: Any) -> None:
    """Send `records` in this order, each one acknowledged by every replica; `options` are the producer's."""
    async with asyncio.timeout(within), producer(bootstrap, **options) as client:
        deliveries = [await client.send(topic, key=key, value=value, headers=_headers(rest)) for key, value, *rest in records]
        await asyncio.gather(*deliveries)


async def consume_all(bootstrap: str, topic: str, *, until: int, within: float = 30) -> list[Received]:
    """The first records of every partition of `topic`, `until` so many have come; too few in time is a failed assertion."""
    received: list[Received] = []
    partitions = [TopicPartition(topic, number) for number in await end_offsets(bootstrap, topic)]
    async with consumer(bootstrap) as client:
        client.assign(partitions)
        try:
            async with asyncio.timeout(within):
                while len(received) < until:
                    received.append(of(await client.getone()))
        except TimeoutError:
            raise AssertionError(f"{len(received)} of {until} records on {topic} after {within} s") from None
    return received


async def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """The next offset of each partition."""
    async with admin(bootstrap) as client:
        [described] = await client.describe_topics([topic])
    partitions = [TopicPartition(topic, entry["partition"]) for entry in described["partitions"]]
    async with consumer(bootstrap) as client:
        ends = await client.end_offsets(partitions)
    return {partition.partition: ends[partition] for partition in sorted(partitions)}


async def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """The committed offset of each partition that `group` has committed."""
    async with admin(bootstrap) as client:
        offsets = await client.list_consumer_group_offsets(group)
    return {key.partition: value.offset for key, value in sorted(offsets.items()) if key.topic == topic and value.offset >= 0}


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = 30, what: str) -> None:
    """Ask until `holds` is true; `what` was awaited stands in the failure."""
    try:
        async with asyncio.timeout(within):
            while True:
                if await holds():
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {within} s: {what}") from None


def of(message: Any) -> Received:
    """Aiokafka's record, typed."""
    return Received(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers),
    )


def _headers(rest: Sequence[Headers]) -> list[tuple[str, bytes]]:
    return list(rest[0]) if rest else []


async def _led(client: Any, topic: str, partitions: int) -> bool:
    [described] = await client.describe_topics([topic])
    return [entry["leader"] >= 0 for entry in described["partitions"]] == [True] * partitions
