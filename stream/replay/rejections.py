"""Refused messages back onto the input topic: chosen, shown, and sent only where that is said."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from stream import codec, topics
from stream.config import Settings
from stream.records import Reason, Rejected
from stream.replay import ReplayError, page, reading, refused, tables, within
from stream.replay.refused import Choice, Refused, Verdict

_TRACE = ("traceparent", "tracestate")
_ON_THEIR_WAY = 200
_SAMPLES = 3
_AGAIN = "run it again for the rest, once the workers have caught up"
_REQUEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do."""

    choice: Choice = field(default_factory=Choice)
    send: bool = False
    """Else it is only shown what would be sent."""
    limit: int | None = None
    form: page.Form = "auto"


async def run(job: Job, settings: Settings) -> int:
    """Show what is chosen, send it if the job says so; the exit status. Raises `ReplayError`, `KafkaError`, `OSError`."""
    shown = page.Page(job.form)
    source = topics.REJECTED.full_name(settings.topic_prefix)
    with refused.opened(job.choice, max_message_bytes=settings.max_message_bytes) as found:
        part = await reading.part(settings, source, reading.Range(since=job.choice.since))
        strangers = await _collect(part, found, settings=settings, shown=shown)
        if strangers:
            shown.say(f"{strangers:,} records of {source} are no rejections that this version can read: they are left alone")
        if unknown := found.unknown():
            raise ReplayError(
                f"{source} holds no rejection of {', '.join(unknown)} (as chosen by reason and time): nothing was sent"
            )
        await _settle(found, settings=settings, shown=shown)
        counts = found.counts()
        _show(found, counts, source=source, shown=shown)
        chosen = sum(count for (_, verdict), count in counts.items() if verdict is Verdict.SEND)
        wanted = chosen if job.limit is None else min(chosen, job.limit)
        target = topics.ARTICLES.full_name(settings.topic_prefix)
        if not wanted:
            shown.say("nothing to send")
            return 0
        if not job.send:
            shown.say(f"nothing was sent: --yes sends {wanted:,} to {target}")
            return 0
        sending = _Sending(found, target=target, wanted=wanted, shown=shown, settings=settings)
        return await sending.run(part)


def _show(found: Refused, counts: Mapping[tuple[Reason, Verdict], int], *, source: str, shown: page.Page) -> None:
    if not shown.for_people:
        for line in found.lines():
            shown.line(line)
    elif counts:
        shown.table(tables.rejections(counts, source=source))
        shown.table(tables.samples(found.lines(per_reason=_SAMPLES)))


async def _collect(part: reading.Part, found: Refused, *, settings: Settings, shown: page.Page) -> int:
    """Read every rejection; returns how many records were none."""
    strangers = 0
    with shown.progress("reading the rejections", part.offsets) as tick:
        async with aclosing(reading.read(settings, part, tick=tick)) as messages:
            async for message in messages:
                record = _rejection(message.value)
                if record is None:
                    strangers += 1
                else:
                    found.add(record, partition=message.partition, offset=message.offset, at_ms=message.timestamp)
    return strangers


def _rejection(value: bytes | None) -> Rejected | None:
    try:
        record = codec.record_from_json(value or b"")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, Rejected) else None


async def _settle(found: Refused, *, settings: Settings, shown: page.Page) -> None:
    """Find which of the chosen have come out enriched since: to send those again could put old content over new."""
    earliest = found.earliest()
    if earliest is None:
        return
    part = await reading.part(settings, topics.ENRICHED.full_name(settings.topic_prefix), reading.Range(since=earliest))
    with shown.progress("looking for what was enriched since", part.offsets) as tick:
        async with aclosing(reading.read(settings, part, tick=tick)) as messages:
            async for message in messages:
                if message.key is not None:
                    found.enriched(message.key.decode("utf-8", "replace"), at_ms=message.timestamp)


def headers(record: Rejected, *, travelled: tuple[tuple[str, bytes], ...], attempts: int) -> list[tuple[str, bytes]]:
    """The headers of a message that is sent once more: its own, in its trace, with the count of its attempts.

    Args:
        record: the rejection.
        travelled: the headers under which the rejection itself was published: they hold the trace that it belongs to, which was
            derived from the old offset where the message brought none.
        attempts: how often it was refused.

    """
    trace = [(name, value) for name, value in travelled if name in _TRACE]
    replaced = {codec.ATTEMPTS_HEADER, *(_TRACE if trace else ())}
    own = [(header.key, base64.b64decode(header.value)) for header in record.headers if header.key not in replaced]
    return [*own, *trace, (codec.ATTEMPTS_HEADER, str(attempts).encode())]


class _Sending:
    """Sends what is to be sent, in the order in which it was first refused, every delivery awaited."""

    def __init__(self, found: Refused, *, target: str, wanted: int, shown: page.Page, settings: Settings) -> None:
        self._found = found
        self._target = target
        self._wanted = wanted
        self._shown = shown
        self._settings = settings
        # Not idempotent: aiokafka's idempotent producer sends nothing more after one record that the broker refuses.
        self._producer = AIOKafkaProducer(
            **settings.client_arguments() | {"request_timeout_ms": int(settings.delivery_timeout * 1000)},
            acks="all",
            compression_type="lz4",
            linger_ms=10,
            max_request_size=_REQUEST_BYTES,
        )
        self._on_their_way: deque[asyncio.Future[Any]] = deque()
        self._handed_over = self._sent = self._too_large = 0

    async def run(self, part: reading.Part) -> int:
        await self._producer.start()
        try:
            with self._shown.progress("sending", self._wanted) as tick:
                await self._send_all(part, tick=tick)
        except asyncio.CancelledError:
            self._shown.say(f"stopped: {self._so_far()}; {_AGAIN}")
            raise
        except KafkaError as error:
            raise ReplayError(f"{str(error).rstrip('.')}: {self._so_far()}; {_AGAIN}") from error
        finally:
            for sent in self._on_their_way:
                sent.add_done_callback(_heard)
            await within(self._producer.stop)
        self._shown.say(self._so_far())
        if self._too_large:
            self._shown.say(f"{self._too_large:,} are larger than {self._target} takes: raise its max.message.bytes")
        return 0 if self._sent == self._wanted else 1

    def _so_far(self) -> str:
        return f"{self._sent:,} of {self._wanted:,} sent to {self._target}"

    async def _send_all(self, part: reading.Part, *, tick: Any) -> None:
        partitions = await reading.partitions(self._settings, self._target)
        async with aclosing(reading.read(self._settings, part)) as messages:
            async for message in messages:
                if self._handed_over == self._wanted:
                    break
                attempts = self._found.attempts_to_send(partition=message.partition, offset=message.offset)
                record = None if attempts is None else _rejection(message.value)
                if record is None:
                    continue
                assert attempts is not None
                await self._send(record, travelled=message.headers, attempts=attempts, partitions=partitions)
                tick(self._handed_over)
        while self._on_their_way:
            await self._arrived()

    async def _send(self, record: Rejected, *, travelled: Any, attempts: int, partitions: list[int]) -> None:
        value, _ = refused.original_value(record)
        sent = await self._producer.send(
            self._target,
            value,
            key=None if record.key is None else base64.b64decode(record.key),
            headers=headers(record, travelled=travelled, attempts=attempts),
            # Where it was: clients do not agree on how a key chooses, and the article's other messages lie there.
            partition=record.partition if record.topic == self._target and record.partition in partitions else None,
        )
        self._handed_over += 1
        self._on_their_way.append(sent)
        if len(self._on_their_way) >= _ON_THEIR_WAY:
            await self._arrived()

    async def _arrived(self) -> None:
        try:
            await self._on_their_way.popleft()
        except MessageSizeTooLargeError:
            self._too_large += 1
        else:
            self._sent += 1


def _heard(sent: asyncio.Future[Any]) -> None:
    """Take note of what nobody waits for any more: one failure was told, and the others are the same."""
    if not sent.cancelled():
        sent.exception()
