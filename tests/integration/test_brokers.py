"""One behavioural suite for every broker that this project is tested on: where the embedded one falls short, it says so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from tests.kafka import client
from tests.kafka.plugin import Broker

pytestmark = pytest.mark.kafka


def articles(number: int) -> list[client.Outgoing]:
    """Keys and values, in order."""
    return [(f"article-{n}".encode(), f"text {n}".encode()) for n in range(number)]


def test_a_partition_keeps_the_order(broker: Broker, prefix: str) -> None:
    """Thirty articles of three keys over four partitions: the articles of one key come out as they went in."""
    topic = f"{prefix}order"
    sent: list[client.Outgoing] = [(f"agency-{n % 3}".encode(), str(n).encode()) for n in range(30)]

    async def scenario() -> list[client.Received]:
        await client.create_topics(broker.bootstrap, topic, partitions=4)
        await client.produce(broker.bootstrap, topic, sent)
        return await client.consume_all(broker.bootstrap, topic, until=30)

    received = asyncio.run(scenario())

    for key in (b"agency-0", b"agency-1", b"agency-2"):
        assert [record.value for record in received if record.key == key] == [out[1] for out in sent if out[0] == key]
        assert len({record.partition for record in received if record.key == key}) == 1


def test_headers_arrive_in_order_with_repeats(broker: Broker, prefix: str) -> None:
    """Trace context and CloudEvents attributes travel as headers: names may repeat, values are any bytes, empty ones too."""
    topic = f"{prefix}headers"
    headers = (("traceparent", b"00-0af7-01"), ("ce_id", "è".encode()), ("ce_id", b"\x00\xff"), ("empty", b""))

    async def scenario() -> list[client.Received]:
        await client.create_topics(broker.bootstrap, topic)
        await client.produce(broker.bootstrap, topic, [(b"k", b"v", headers)])
        return await client.consume_all(broker.bootstrap, topic, until=1)

    assert asyncio.run(scenario())[0].headers == headers


def test_a_tombstone_is_not_an_empty_value(broker: Broker, prefix: str) -> None:
    """No value and no bytes are two things, and so are no key and an empty key."""
    topic = f"{prefix}tombstones"

    async def scenario() -> list[client.Received]:
        await client.create_topics(broker.bootstrap, topic)
        await client.produce(broker.bootstrap, topic, [(b"k", None), (b"k", b""), (None, b"v"), (b"", b"v")])
        return await client.consume_all(broker.bootstrap, topic, until=4)

    received = asyncio.run(scenario())

    assert [(record.key, record.value) for record in received] == [(b"k", None), (b"k", b""), (None, b"v"), (b"", b"v")]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_idempotent_batches_arrive_once(broker: Broker, prefix: str, codec: str) -> None:
    """Two hundred articles in compressed batches of an idempotent producer: each once, in order."""
    topic = f"{prefix}{codec}"

    async def scenario() -> list[client.Received]:
        await client.create_topics(broker.bootstrap, topic)
        await client.produce(
            broker.bootstrap, topic, articles(200), enable_idempotence=True, compression_type=codec, linger_ms=10
        )
        return await client.consume_all(broker.bootstrap, topic, until=200)

    received = asyncio.run(scenario())

    assert [(record.offset, record.key, record.value) for record in received] == [
        (n, out[0], out[1]) for n, out in enumerate(articles(200))
    ]


def test_timestamps_are_those_of_the_producer(broker: Broker, prefix: str) -> None:
    """End-to-end latency starts at the time that the producer wrote: it is kept to the millisecond."""
    topic = f"{prefix}timestamps"
    written = int(time.time() * 1000) - 60_000

    async def scenario() -> list[client.Received]:
        await client.create_topics(broker.bootstrap, topic)
        async with client.producer(broker.bootstrap) as producer:
            await producer.send_and_wait(topic, b"v", timestamp_ms=written)
        return await client.consume_all(broker.bootstrap, topic, until=1)

    assert asyncio.run(scenario())[0].timestamp == written


def test_an_offset_is_found_by_time(broker: Broker, prefix: str) -> None:
    """A replay starts at a moment: the first record at or after it is found."""
    topic = f"{prefix}times"
    start = int(time.time() * 1000) - 60_000
    partition = TopicPartition(topic, 0)

    async def scenario() -> int:
        await client.create_topics(broker.bootstrap, topic)
        async with client.producer(broker.bootstrap) as producer:
            for n in range(5):
                await producer.send_and_wait(topic, str(n).encode(), timestamp_ms=start + n * 1000)
        async with client.consumer(broker.bootstrap) as consumer:
            found = await consumer.offsets_for_times({partition: start + 2500})
        return int(found[partition].offset)

    assert asyncio.run(scenario()) == 3


def test_end_offsets_count_the_records(broker: Broker, prefix: str) -> None:
    """Lag is the end offset less the committed one: the end offset is right for every partition, empty ones too."""
    topic = f"{prefix}ends"

    async def scenario() -> dict[int, int]:
        await client.create_topics(broker.bootstrap, topic, partitions=3)
        async with client.producer(broker.bootstrap) as producer:
            for _ in range(7):
                await producer.send_and_wait(topic, b"v", partition=1)
        return await client.end_offsets(broker.bootstrap, topic)

    assert asyncio.run(scenario()) == {0: 0, 1: 7, 2: 0}


def test_a_group_resumes_where_it_committed(broker: Broker, prefix: str) -> None:
    """A worker that read ten articles and committed four of them sees the fifth again after a restart, and none before."""
    topic, group = f"{prefix}resume", f"{prefix}group"

    async def read(count: int, *, commit: int) -> list[int]:
        async with client.consumer(broker.bootstrap, topic, group_id=group) as consumer:
            offsets = [(await consumer.getone()).offset for _ in range(count)]
            await consumer.commit({TopicPartition(topic, 0): commit})
        return offsets

    async def scenario() -> tuple[list[int], list[int], dict[int, int]]:
        await client.create_topics(broker.bootstrap, topic)
        await client.produce(broker.bootstrap, topic, articles(10))
        return (
            await read(10, commit=4),
            await read(6, commit=10),
            await client.committed(broker.bootstrap, group, topic),
        )

    first, second, committed = asyncio.run(asyncio.wait_for(scenario(), 60))

    assert first == list(range(10))
    assert second == list(range(4, 10))
    assert committed == {0: 10}


def test_members_share_the_partitions_and_take_over(broker: Broker, prefix: str) -> None:
    """Two workers have two partitions each of four; when one leaves, the other has all four and reads what comes."""
    topic, group = f"{prefix}share", f"{prefix}group"
    options = {"group_id": group, "session_timeout_ms": 6000, "heartbeat_interval_ms": 300}

    async def scenario() -> tuple[tuple[int, int], int, Sequence[bytes]]:
        await client.create_topics(broker.bootstrap, topic, partitions=4)
        async with client.consumer(broker.bootstrap, topic, **options) as stays:

            async def has(partitions: int) -> bool:
                await stays.getmany(timeout_ms=50)
                return len(stays.assignment()) == partitions

            async with client.consumer(broker.bootstrap, topic, **options) as leaves:
                await client.eventually(lambda: has(2), what="half of the partitions each")
                shared = len(stays.assignment()), len(leaves.assignment())
            await client.eventually(lambda: has(4), what="all partitions for the one that stays")
            async with client.producer(broker.bootstrap) as producer:
                for partition in range(4):
                    await producer.send_and_wait(topic, str(partition).encode(), partition=partition)
            values = [(await stays.getone()).value for _ in range(4)]
            return shared, len(stays.assignment()), values

    shared, alone, values = asyncio.run(asyncio.wait_for(scenario(), 90))

    assert shared == (2, 2)
    assert alone == 4
    assert sorted(values) == [b"0", b"1", b"2", b"3"]


MEMBER = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer

async def join():
    bootstrap, topic, group, session = sys.argv[1:]
    options = {"group_id": group, "session_timeout_ms": int(session), "heartbeat_interval_ms": 300}
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **options)
    await consumer.start()
    while not consumer.assignment():
        await asyncio.sleep(0.05)
    print("joined", flush=True)
    await asyncio.sleep(600)

asyncio.run(join())
"""
"""A worker of another process, to be killed: it joins the group, says so, and stays."""


@pytest.mark.embedded_lacks("never expires a member that was killed: the group waits for it for ever")
def test_the_partitions_of_a_killed_member_are_taken_over(broker: Broker, prefix: str) -> None:
    """A worker dies without leaving its group: when its session has expired, the next one gets the partitions."""
    topic, group, session = f"{prefix}killed", f"{prefix}group", "6000"
    asyncio.run(client.create_topics(broker.bootstrap, topic, partitions=2))
    member = [sys.executable, "-c", MEMBER, broker.bootstrap, topic, group, session]
    with subprocess.Popen(member, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"joined\n"
        killed.kill()

    async def take_over() -> int:
        options = {"group_id": group, "session_timeout_ms": int(session), "heartbeat_interval_ms": 300}
        async with asyncio.timeout(14), client.consumer(broker.bootstrap, topic, **options) as consumer:

            async def has_both() -> bool:
                await consumer.getmany(timeout_ms=50)
                return len(consumer.assignment()) == 2

            await client.eventually(has_both, what="both partitions of the killed member")
            return len(consumer.assignment())

    assert asyncio.run(take_over()) == 2


@pytest.mark.embedded_lacks("refuses sessions below six seconds")
def test_short_sessions_are_allowed(broker: Broker, prefix: str) -> None:
    """Fault tests wait for sessions to expire: one second must be enough."""
    topic = f"{prefix}sessions"

    async def scenario() -> None:
        await client.create_topics(broker.bootstrap, topic)
        options = {"group_id": f"{prefix}group", "session_timeout_ms": 1000, "heartbeat_interval_ms": 300}
        async with client.consumer(broker.bootstrap, topic, **options) as consumer:
            assert consumer.assignment() == {TopicPartition(topic, 0)}

    asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.mark.embedded_lacks("creates every topic that somebody names")
def test_a_misspelt_topic_is_not_created(broker: Broker, prefix: str) -> None:
    """Topics are created on purpose: asking for `news.artikels` does not make one, with one partition and no retention."""

    async def scenario() -> bool:
        async with client.admin(broker.bootstrap) as admin:
            await admin.describe_topics([f"{prefix}artikels"])
            return f"{prefix}artikels" in await admin.list_topics()

    assert not asyncio.run(scenario())


def test_a_value_over_the_limit_of_its_topic_is_refused(broker: Broker, prefix: str) -> None:
    """A topic takes 10 MB values when it is told to, and refuses one byte more than its limit leaves room for."""
    large, small = f"{prefix}large", f"{prefix}small"

    async def scenario() -> list[client.Received]:
        await client.create_topics(broker.bootstrap, large, configs={"max.message.bytes": str(11 << 20)})
        await client.create_topics(broker.bootstrap, small, configs={"max.message.bytes": "1000"})
        await client.produce(broker.bootstrap, large, [(b"k", b"x" * (10 << 20))], max_request_size=12 << 20)
        with pytest.raises(MessageSizeTooLargeError):
            await client.produce(broker.bootstrap, small, [(b"k", b"x" * 1001)])
        return await client.consume_all(broker.bootstrap, large, until=1)

    [received] = asyncio.run(scenario())

    assert received.value == b"x" * (10 << 20)


def test_a_topic_is_created_once(broker: Broker, prefix: str) -> None:
    """Creating a topic that exists is an answer, not an accident: the topic keeps its partitions and its records."""
    topic = f"{prefix}once"

    async def scenario() -> dict[int, int]:
        await client.create_topics(broker.bootstrap, topic, partitions=3)
        await client.produce(broker.bootstrap, topic, articles(5))
        with pytest.raises(AssertionError, match="already exists"):
            await client.create_topics(broker.bootstrap, topic, partitions=1)
        return await client.end_offsets(broker.bootstrap, topic)

    ends = asyncio.run(scenario())

    assert len(ends) == 3
    assert sum(ends.values()) == 5


def test_a_deleted_topic_starts_anew(broker: Broker, prefix: str) -> None:
    """Delete, create again: no record of the former life comes back."""
    topic = f"{prefix}deleted"

    async def scenario() -> dict[int, int]:
        await client.create_topics(broker.bootstrap, topic)
        await client.produce(broker.bootstrap, topic, articles(5))
        async with client.admin(broker.bootstrap) as admin:
            await admin.delete_topics([topic])

            async def gone() -> bool:
                return topic not in await admin.list_topics()

            await client.eventually(gone, what="no deleted topic")
        await client.create_topics(broker.bootstrap, topic)
        return await client.end_offsets(broker.bootstrap, topic)

    assert asyncio.run(scenario()) == {0: 0}


def test_readers_of_committed_records_see_no_aborted_ones(broker: Broker, prefix: str) -> None:
    """Downstream may read transactionally: an aborted record is never delivered, the ones around it are."""
    topic = f"{prefix}transactions"

    async def scenario() -> list[bytes | None]:
        await client.create_topics(broker.bootstrap, topic)
        async with client.producer(broker.bootstrap, transactional_id=f"{prefix}id") as producer:
            for value, keep in ((b"first", True), (b"aborted", False), (b"last", True)):
                await producer.begin_transaction()
                await producer.send_and_wait(topic, value)
                await (producer.commit_transaction() if keep else producer.abort_transaction())
        async with client.consumer(broker.bootstrap, isolation_level="read_committed") as consumer:
            consumer.assign([TopicPartition(topic, 0)])
            return [(await consumer.getone()).value for _ in range(2)]

    assert asyncio.run(asyncio.wait_for(scenario(), 60)) == [b"first", b"last"]
