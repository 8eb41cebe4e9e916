"""Publish, await, acknowledge in order: between the intake and the offsets that are committed.

Articles of one partition pass through a lane: their outcomes may come in any order, their records are sent in the order of
the input, and an article is acknowledged only when every record of it, and every article before it, was acknowledged by the
broker. A record so large that the broker may refuse it travels alone: what came before it has arrived, what comes after it
waits, and so its refusal harms nobody. Whatever goes wrong with the delivery stops the lane, acknowledges nothing, and is
told to `fail`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from stream import codec, outcome
from stream.codec import Encoded
from stream.metrics import Metrics
from stream.outcome import Options, Outcome, Passage
from stream.records import Message, Reason

BATCH_BYTES = 256 * 1024
_LINGER_MS = 10
_REQUEST_BYTES = 4 * 1024 * 1024
_OVERHEAD_BYTES = 1024
"""What a record costs in a batch beside key, value and headers, generously."""

log = structlog.get_logger()


class TooManyRejectedError(Exception):
    """Nearly everything is rejected: something is wrong with the input or with us, and draining the topic would hide it."""


class UndeliveredError(TimeoutError):
    """The broker does not take our records, and does not refuse them either."""


class RefusedError(Exception):
    """The broker refuses a batch that it took before: its limit was lowered, and a restart will find out."""


class Publisher(Protocol):
    """Sends records in the order of the calls."""

    def alone(self, record: Encoded) -> bool:
        """Whether a record is so large that the broker may refuse it: it must be sent while nothing else is on its way."""
        ...

    async def send(self, record: Encoded) -> asyncio.Future[Any]:
        """Hand a record over; the future is done when the broker has it."""
        ...


class KafkaPublisher:
    """A `Publisher` on producers of our own: all replicas acknowledge, order is kept.

    Batches go through an idempotent producer. Large records go through one that is not: a refusal leaves a gap in the
    sequence numbers of an idempotent producer, which aiokafka never closes, and nothing could be sent after it.

    Args:
        prefix: of every topic name.
        batch_bytes: of a batch; every output topic takes records of this size.
        client_arguments: of every aiokafka client.

    """

    def __init__(self, *, prefix: str, batch_bytes: int = BATCH_BYTES, **client_arguments: Any) -> None:
        self._prefix = prefix
        self._batch_bytes = batch_bytes
        common = client_arguments | {
            "acks": "all",
            "compression_type": "lz4",
            "max_batch_size": batch_bytes,
            "max_request_size": _REQUEST_BYTES,
        }
        self._batches = AIOKafkaProducer(**common, enable_idempotence=True, linger_ms=_LINGER_MS)
        self._singles = AIOKafkaProducer(**common)

    async def start(self) -> None:
        """Connect."""
        await self._batches.start()
        await self._singles.start()

    async def stop(self) -> None:
        """Flush and disconnect."""
        await asyncio.gather(self._batches.stop(), self._singles.stop())  # the first may wait for a Kafka that is gone

    async def reaches_kafka(self) -> bool:
        """Whether a broker answers us; where the connection is gone, whether it lets us in again."""
        return bool(await self._batches.client.force_metadata_update())

    def alone(self, record: Encoded) -> bool:
        """Whether a record does not fit into a batch."""
        headers = sum(len(name) + len(value) for name, value in record.headers)
        return len(record.key) + len(record.value) + headers + _OVERHEAD_BYTES > self._batch_bytes

    async def send(self, record: Encoded) -> asyncio.Future[Any]:
        """Hand a record over; the future is done when the broker has it."""
        producer = self._singles if self.alone(record) else self._batches
        future: asyncio.Future[Any] = await producer.send(
            self._prefix + record.topic,
            record.value,
            key=record.key,
            headers=list(record.headers),
        )
        return future


@dataclass(slots=True, eq=False)
class _Entry:
    message: Message
    token: Any
    taken: float
    outcome: asyncio.Task[Outcome]
    answered: float = 0.0
    result: Outcome | None = None
    sent: list[asyncio.Future[Any]] = field(default_factory=list)
    processed: float = 0.0
    turn: float = 0.0


def _note_answer(entry: _Entry, _: asyncio.Future[Outcome]) -> None:
    """Answers come in any order, and may wait for their turn."""
    entry.answered = time.time()


class _Lane:
    """One partition: what was taken in, and what was sent, both in order."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[_Entry] = asyncio.Queue()
        self.sent: asyncio.Queue[_Entry] = asyncio.Queue()
        self.entries: deque[_Entry] = deque()
        self.tasks: list[asyncio.Task[None]] = []


class Delivery:
    """Takes articles in, at most `in_flight` at a time, and acknowledges each in order once its records are delivered.

    Args:
        process: the outcome of a message; it raises only when nothing can be processed any more.
        publisher: where records go.
        acknowledge: told the token of each article, in order per lane.
        fail: told, once, what went wrong; nothing is acknowledged after that.
        options: of the pipeline, for rejections that are decided here.
        metrics: counted when an article is acknowledged.
        in_flight: articles taken in and not acknowledged.
        max_rejected_ratio: of the last `rejected_window` articles, above which `fail` is told; 1 means never.
        rejected_window: see above.
        patience: seconds that the broker may take for the records of an article whose turn it is; None means for ever.
        passed: told how each article passed, once it is acknowledged.

    """

    def __init__(
        self,
        *,
        process: Callable[[Message], Awaitable[Outcome]],
        publisher: Publisher,
        acknowledge: Callable[[Any], Awaitable[None]],
        fail: Callable[[BaseException], None],
        options: Options,
        metrics: Metrics,
        in_flight: int,
        max_rejected_ratio: float = 1.0,
        rejected_window: int = 500,
        patience: float | None = None,
        passed: Callable[[Passage], None] | None = None,
    ) -> None:
        self._patience = patience
        self._process = process
        self._publisher = publisher
        self._acknowledge = acknowledge
        self._fail = fail
        self._options = options
        self._metrics = metrics
        self._slots = asyncio.Semaphore(in_flight)
        self._lanes: dict[Hashable, _Lane] = {}
        self._max_rejected_ratio = max_rejected_ratio
        self._recent: deque[bool] = deque(maxlen=rejected_window)
        self._failed = False
        self._passed = passed
        self.acknowledged = 0
        """Articles acknowledged since the start."""
        self.rejected = 0
        """Those of them that were rejected."""
        self.last_progress = time.monotonic()
        """When an article was last taken in while idle, or acknowledged."""

    # --- what others call

    async def take(self, message: Message, *, lane: Hashable, token: Any) -> None:
        """Take an article in; waits while too many are in flight (that is the back pressure)."""
        await self._slots.acquire()
        if self._failed:
            self._slots.release()
            return
        if not self.in_flight:
            self.last_progress = time.monotonic()
        entry = _Entry(message, token, time.time(), asyncio.ensure_future(self._process(message)))
        if self._passed is not None:
            entry.outcome.add_done_callback(partial(_note_answer, entry))
        queue = self._lanes.get(lane) or self._open(lane)
        queue.entries.append(entry)
        queue.taken.put_nowait(entry)
        self._metrics.in_flight.set(self.in_flight)

    @property
    def in_flight(self) -> int:
        """Articles taken in and not acknowledged."""
        return sum(len(lane.entries) for lane in self._lanes.values())

    @property
    def lanes(self) -> tuple[Hashable, ...]:
        """The lanes that are open."""
        return tuple(self._lanes)

    def oldest(self) -> dict[Hashable, datetime]:
        """By lane, the timestamp of its first article in flight, where there is one and it has one."""
        firsts = {name: lane.entries[0].message.timestamp for name, lane in self._lanes.items() if lane.entries}
        return {name: stamp for name, stamp in firsts.items() if stamp is not None}

    async def drop(self, lanes: Iterable[Hashable]) -> None:
        """Forget lanes that are no longer ours: late results are discarded, never acknowledged."""
        for name in list(lanes):
            lane = self._lanes.pop(name, None)
            if lane is not None:
                await self._close(lane)
        self._metrics.in_flight.set(self.in_flight)

    async def stop(self) -> None:
        """Forget everything that is in flight."""
        await self.drop(tuple(self._lanes))

    # --- a lane

    def _open(self, name: Hashable) -> _Lane:
        lane = self._lanes[name] = _Lane()
        lane.tasks = [
            asyncio.create_task(self._guard(self._publish(lane)), name=f"publish-{name}"),
            asyncio.create_task(self._guard(self._confirm(lane)), name=f"confirm-{name}"),
        ]
        return lane

    async def _close(self, lane: _Lane) -> None:
        for task in lane.tasks:
            task.cancel()
        await asyncio.gather(*lane.tasks, return_exceptions=True)
        for entry in lane.entries:
            entry.outcome.cancel()
            self._slots.release()
        lane.entries.clear()

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is: acknowledge nothing more, and say so
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        if not self._failed:
            self._failed = True
            self._fail(error)

    async def _publish(self, lane: _Lane) -> None:
        """Send the records of each article, in the order in which the articles were taken in."""
        while True:
            entry = await lane.taken.get()
            entry.result = self._fitting(entry.message, await entry.outcome)
            entry.processed = time.monotonic()
            entry.turn = time.time()
            self._check_ratio(rejected=entry.result.summary.reason is not None)
            if any(self._publisher.alone(record) for record in entry.result.records):
                await lane.sent.join()
                entry.result = await self._deliver_alone(entry.message, entry.result)
            else:
                entry.sent = [await self._publisher.send(record) for record in entry.result.records]
            lane.sent.put_nowait(entry)

    async def _confirm(self, lane: _Lane) -> None:
        """Acknowledge each article once the broker has its records, in order."""
        while True:
            entry = await lane.sent.get()
            await self._delivered(entry.sent)
            if self._failed:
                return
            await self._acknowledge(entry.token)
            self._account(entry)
            lane.entries.popleft()
            self._slots.release()
            self._metrics.in_flight.set(self.in_flight)
            lane.sent.task_done()

    async def _delivered(self, sent: list[asyncio.Future[Any]]) -> None:
        """Wait until the broker has all; raises what went wrong first."""
        # aiokafka's idempotent producer tries for ever: it cannot give up a batch without a gap in its sequence numbers
        _, late = await asyncio.wait(sent, timeout=self._patience) if sent else ((), ())
        if late:
            raise UndeliveredError(f"the broker has not taken {len(late)} records within {self._patience:g} s")
        for result in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(result, MessageSizeTooLargeError):
                raise RefusedError("the broker refuses a batch that it took before: was max.message.bytes lowered?") from result
            if isinstance(result, BaseException):
                raise result

    def _fitting(self, message: Message, result: Outcome) -> Outcome:
        """The outcome, or a rejection where a record is larger than the output topics take: the pool may not know their limit."""
        largest = max(len(record.value) for record in result.records)
        if result.summary.reason is not None or largest <= self._options.max_output_bytes:
            return result
        detail = f"an output record has {largest:,} bytes; the limit is {self._options.max_output_bytes:,}"
        return self._too_large(message, detail)

    def _too_large(self, message: Message, detail: str) -> Outcome:
        now = datetime.now(UTC)
        return outcome.rejected(message, Reason.OUTPUT_TOO_LARGE, detail, options=self._options, now=now)

    async def _deliver_alone(self, message: Message, result: Outcome) -> Outcome:
        """Deliver the records one by one; where the broker refuses one, deliver a rejection instead. Returns what arrived."""
        if await self._taken_by_broker(result.records):
            return result
        largest = max(len(record.value) for record in result.records)
        if result.summary.reason is None:
            result = self._too_large(message, f"the broker refuses an output record of {largest:,} bytes")
            if await self._taken_by_broker(result.records):
                return result
        result = self._without_original(message, result)
        if await self._taken_by_broker(result.records):
            return result
        raise RefusedError(
            f"the broker refuses even a rejection of {len(result.records[0].value):,} bytes: raise max.message.bytes"
        )

    def _without_original(self, message: Message, rejection: Outcome) -> Outcome:
        """The same rejection, without the value that it rejects."""
        reason = rejection.summary.reason
        assert reason is not None
        detail = dict(rejection.records[0].headers)["__streams.errors.message"].decode()
        return outcome.rejected(message, reason, detail, options=self._options, now=datetime.now(UTC), keep_bytes=0)

    async def _taken_by_broker(self, records: Iterable[Encoded]) -> bool:
        for record in records:
            try:
                await (await self._publisher.send(record))
            except MessageSizeTooLargeError:
                return False
        return True

    # --- keeping account

    def _check_ratio(self, *, rejected: bool) -> None:
        self._recent.append(rejected)
        if len(self._recent) < (self._recent.maxlen or 0):
            return
        share = sum(self._recent) / len(self._recent)
        if share > self._max_rejected_ratio:
            raise TooManyRejectedError(
                f"{share:.0%} of the last {len(self._recent)} articles were rejected (limit {self._max_rejected_ratio:.0%}): "
                "stopping rather than draining the topic",
            )

    def _account(self, entry: _Entry) -> None:
        assert entry.result is not None
        summary = entry.result.summary
        now = time.time()
        self.acknowledged += 1
        self.last_progress = time.monotonic()
        self._metrics.count(summary)
        stamp = entry.message.timestamp
        self._metrics.time(
            published=self.last_progress - entry.processed,
            end_to_end=None if stamp is None else now - stamp.timestamp(),
            now=now,
        )
        if self._passed is not None:
            self._passed(self._passage(entry, summary, now=now))
        if summary.reason is not None:
            self.rejected += 1
            headers = dict(entry.result.records[0].headers)
            log.warning(
                "article rejected",
                reason=summary.reason.value,
                detail=headers.get("__streams.errors.message", b"").decode(),
                article_id=summary.article_id,
                topic=entry.message.topic,
                partition=entry.message.partition,
                offset=entry.message.offset,
                trace_id=headers.get("traceparent", b"").decode()[3:35],
            )

    def _passage(self, entry: _Entry, summary: outcome.Summary, *, now: float) -> Passage:
        return Passage(
            message=entry.message,
            summary=summary,
            taken=entry.taken,
            answered=entry.answered,
            sent=entry.turn,
            acknowledged=now,
            trace=codec.trace(entry.message, ratio=self._options.traces_ratio),
        )
