"""Publish, await, acknowledge in order: with a publisher of our own that fails when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from stream import codec, delivery, outcome
from stream.codec import Encoded
from stream.metrics import Metrics
from stream.outcome import Outcome, Summary
from stream.records import Message, Reason, Rejected


class FakePublisher:
    """Takes records; `hold` keeps them unacknowledged, `broken` fails them, values above `limit` bytes are too large."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.hold: list[asyncio.Future[None]] | None = None
        self.broken = False
        self.limit = 10_000

    def alone(self, record: Encoded) -> bool:
        """Half of what is too large travels alone."""
        return len(record.value) > self.limit // 2

    async def send(self, record: Encoded) -> asyncio.Future[None]:
        """Take a record."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(record.value) > self.limit:
            future.set_exception(MessageSizeTooLargeError())
            return future
        self.sent.append((record.topic, record.value))
        if self.broken:
            future.set_exception(KafkaTimeoutError())
        elif self.hold is not None:
            self.hold.append(future)
        else:
            future.set_result(None)
        return future


class Bench:
    """A delivery on a bench: its publisher, and what it acknowledged and complained of."""

    def __init__(self, process: Callable[[Message], Awaitable[Outcome]], **options: Any) -> None:
        self.publisher = FakePublisher()
        self.acknowledged: list[str] = []
        self.failures: list[BaseException] = []
        self.metrics = Metrics()
        defaults: dict[str, Any] = {"options": outcome.Options(), "in_flight": 100}
        self.delivery = delivery.Delivery(
            process=process,
            publisher=self.publisher,
            acknowledge=self._acknowledge,
            fail=self.failures.append,
            metrics=self.metrics,
            **(defaults | options),
        )

    async def _acknowledge(self, token: str) -> None:
        self.acknowledged.append(token)

    async def take(self, *names: str, lane: str = "p0") -> None:
        """Take articles in, each named by its value."""
        for name in names:
            await self.delivery.take(Message(value=name.encode()), lane=lane, token=name)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(5):
            while not holds():
                await asyncio.sleep(0.001)


def _enriched(name: bytes, *, size: int = 0) -> Outcome:
    record = Encoded("enriched", name, name + b"x" * size, ())
    return Outcome((record,), Summary(article_id=name.decode(), reason=None, language="it"))


async def _at_once(message: Message) -> Outcome:
    return _enriched(message.value or b"")


def test_articles_are_published_and_acknowledged_in_the_order_of_the_input() -> None:
    """The last that was taken in is ready first; still it leaves last."""

    async def slow_first(message: Message) -> Outcome:
        await asyncio.sleep({b"a": 0.03, b"b": 0.01}.get(message.value or b"", 0))
        return _enriched(message.value or b"")

    async def act() -> Bench:
        bench = Bench(slow_first)
        await bench.take("a", "b", "c")
        await bench.until(lambda: len(bench.acknowledged) == 3)
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bench.acknowledged == ["a", "b", "c"]
    assert [value for _, value in bench.publisher.sent] == [b"a", b"b", b"c"]


def test_nothing_is_acknowledged_before_the_broker_has_it() -> None:
    """Sent is not delivered: the acknowledgement waits, and a later article never overtakes."""

    async def act() -> tuple[list[str], list[str]]:
        bench = Bench(_at_once)
        bench.publisher.hold = []
        await bench.take("a", "b")
        await bench.until(lambda: len(bench.publisher.hold or ()) == 2)
        bench.publisher.hold[1].set_result(None)
        await asyncio.sleep(0.02)
        before = list(bench.acknowledged)
        bench.publisher.hold[0].set_result(None)
        await bench.until(lambda: len(bench.acknowledged) == 2)
        await bench.delivery.stop()
        return before, bench.acknowledged

    before, after = asyncio.run(act())

    assert before == []
    assert after == ["a", "b"]


def test_a_broker_that_neither_takes_nor_refuses_is_given_up() -> None:
    """An idempotent producer would try for ever: the worker leaves, and what is in flight is delivered again."""

    async def act() -> Bench:
        bench = Bench(_at_once, patience=0.05)
        bench.publisher.hold = []
        await bench.take("a", "b")
        await bench.until(lambda: bool(bench.failures))
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bench.acknowledged == []
    assert [type(error) for error in bench.failures] == [delivery.UndeliveredError]


def test_a_failed_delivery_acknowledges_nothing_more() -> None:
    """The broker is gone: it is told once, and whatever is in flight stays unacknowledged."""

    async def act() -> Bench:
        bench = Bench(_at_once)
        await bench.take("a")
        await bench.until(lambda: bench.acknowledged == ["a"])
        bench.publisher.broken = True
        await bench.take("b", "c", lane="p1")
        await bench.take("d", lane="p2")
        await bench.until(lambda: bool(bench.failures))
        await asyncio.sleep(0.02)
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bench.acknowledged == ["a"]
    assert [type(error) for error in bench.failures] == [KafkaTimeoutError]


def test_a_bug_of_ours_is_loud() -> None:
    """Whatever the processing raises stops the delivery; it is never an acknowledged article."""

    async def broken(_message: Message) -> Outcome:
        raise RuntimeError("bug")

    async def act() -> Bench:
        bench = Bench(broken)
        await bench.take("a")
        await bench.until(lambda: bool(bench.failures))
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bench.acknowledged == []
    assert str(bench.failures[0]) == "bug"


def test_intake_waits_while_too_much_is_in_flight() -> None:
    """That is the back pressure: the fourth article is taken in only when one has left."""

    async def act() -> tuple[bool, int]:
        bench = Bench(_at_once, in_flight=3)
        bench.publisher.hold = []
        await bench.take("a", "b", "c")
        fourth = asyncio.create_task(bench.take("d"))
        await bench.until(lambda: len(bench.publisher.hold or ()) == 3)
        await asyncio.sleep(0.02)
        waited, in_flight = not fourth.done(), bench.delivery.in_flight
        bench.publisher.hold[0].set_result(None)
        await asyncio.wait_for(fourth, 5)
        await bench.delivery.stop()
        return waited, in_flight

    assert asyncio.run(act()) == (True, 3)


def test_what_belongs_to_a_revoked_partition_is_dropped() -> None:
    """Late results are discarded, never acknowledged; other partitions go on."""

    async def act() -> Bench:
        bench = Bench(_at_once)
        bench.publisher.hold = []
        await bench.take("a", lane="mine")
        await bench.take("b", lane="theirs")
        await bench.until(lambda: len(bench.publisher.hold or ()) == 2)
        await bench.delivery.drop(["theirs"])
        for future in bench.publisher.hold:
            if not future.done():
                future.set_result(None)
        await bench.until(lambda: bench.acknowledged == ["a"])
        await asyncio.sleep(0.02)
        assert bench.delivery.in_flight == 0
        await bench.delivery.stop()
        return bench

    assert asyncio.run(act()).acknowledged == ["a"]


def test_an_output_that_the_broker_refuses_becomes_a_rejection() -> None:
    """Its neighbours are delivered as they are; the rejection keeps the original where that fits, else leaves it out."""

    async def one_is_huge(message: Message) -> Outcome:
        return _enriched(message.value or b"", size=20_000 if message.value == b"huge" else 0)

    async def act() -> Bench:
        bench = Bench(one_is_huge)
        await bench.take("a", "huge", "b")
        await bench.until(lambda: len(bench.acknowledged) == 3)
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bench.acknowledged == ["a", "huge", "b"]
    assert [topic for topic, _ in bench.publisher.sent].count("rejected") == 1
    assert 'news_rejected_total{reason="output_too_large"} 1.0' in bench.metrics.exposition().decode()


def test_a_large_record_travels_alone() -> None:
    """What came before it has arrived, what comes after it waits: its refusal could harm nobody."""

    async def one_is_large(message: Message) -> Outcome:
        return _enriched(message.value or b"", size=6_000 if message.value == b"large" else 0)

    async def act() -> list[list[bytes]]:
        bench = Bench(one_is_large)
        bench.publisher.hold = []
        await bench.take("a", "large", "b")
        on_the_way = []
        for count in (1, 2, 3):
            await bench.until(lambda count=count: len(bench.publisher.hold or ()) == count)  # type: ignore[misc]
            await asyncio.sleep(0.02)
            on_the_way.append([value[:5] for _, value in bench.publisher.sent])
            bench.publisher.hold[-1].set_result(None)
        await bench.until(lambda: bench.acknowledged == ["a", "large", "b"])
        await bench.delivery.stop()
        return on_the_way

    assert asyncio.run(act()) == [[b"a"], [b"a", b"large"], [b"a", b"large", b"b"]]


def test_a_rejection_that_is_too_large_keeps_its_reason() -> None:
    """Only the original value is left out."""
    options = outcome.Options()

    async def refuse(message: Message) -> Outcome:
        original = Message(value=b"[" * 20_000, topic=message.topic)
        return outcome.rejected(original, Reason.NOT_JSON, "no JSON", options=options, now=datetime.now(UTC))

    async def act() -> Bench:
        bench = Bench(refuse)
        await bench.take("a")
        await bench.until(lambda: bench.acknowledged == ["a"])
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    [(topic, value)] = bench.publisher.sent
    record = codec.record_from_json(value)
    assert topic == "rejected"
    assert isinstance(record, Rejected)
    assert (record.reason, record.detail, record.original.value) == (Reason.NOT_JSON, "no JSON", "")


def test_a_record_above_the_limit_of_the_topics_is_rejected_before_it_is_sent() -> None:
    """The pool was opened before the limit of the topics was known."""

    async def large(message: Message) -> Outcome:
        return _enriched(message.value or b"", size=4_000)

    async def act() -> Bench:
        bench = Bench(large, options=outcome.Options(max_output_bytes=3_000))
        await bench.take("a")
        await bench.until(lambda: bench.acknowledged == ["a"])
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert [topic for topic, _ in bench.publisher.sent] == ["rejected"]


def test_a_refused_batch_stops_the_delivery() -> None:
    """Nothing can be sent after a gap in the sequence of an idempotent producer: a restart begins a new one."""

    async def act() -> Bench:
        bench = Bench(_at_once)
        bench.publisher.hold = []
        await bench.take("a", "b")
        await bench.until(lambda: len(bench.publisher.hold or ()) == 2)
        bench.publisher.hold[0].set_exception(MessageSizeTooLargeError())
        await bench.until(lambda: bool(bench.failures))
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bench.acknowledged == []
    assert isinstance(bench.failures[0], delivery.RefusedError)


@pytest.mark.parametrize(("rejected", "stops"), [(9, False), (10, True)])
def test_nearly_everything_rejected_stops_the_delivery(rejected: int, *, stops: bool) -> None:
    """Nine of ten is the limit here and is let pass; ten of ten is not."""
    options = outcome.Options()

    async def some_are_refused(message: Message) -> Outcome:
        if int(message.value or b"0") >= rejected:
            return _enriched(message.value or b"")
        return outcome.rejected(message, Reason.NOT_JSON, "no JSON", options=options, now=datetime.now(UTC))

    async def act() -> Bench:
        bench = Bench(some_are_refused, max_rejected_ratio=0.9, rejected_window=10)
        await bench.take(*(str(number) for number in range(10)))
        await bench.until(lambda: len(bench.acknowledged) == 10 or bool(bench.failures))
        await bench.delivery.stop()
        return bench

    bench = asyncio.run(act())

    assert bool(bench.failures) is stops
    assert all(isinstance(error, delivery.TooManyRejectedError) for error in bench.failures)
