"""A part of the input through the pipeline again: into output topics, compared with what was published before, or both."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError

from stream import admin, codec, delivery, differences, pool, registry, topics
from stream.codec import Encoded
from stream.config import Settings
from stream.metrics import Metrics
from stream.outcome import Options, Outcome
from stream.records import EnrichedArticle, Message, Reason
from stream.replay import ReplayError, page, published, reading, tables, within
from stream.replay.comparison import Compared, Standing, Summary, Tally, compare

_IN_FLIGHT_PER_PROCESS = 32
_WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do; neither `into` nor `diff` means that it is only shown what would be read."""

    wanted: reading.Range = field(default_factory=reading.Range)
    into: str | None = None
    """Prefix of the output topics; None publishes nothing."""
    over: bool = False
    """Whether what was published before may be overwritten, in the topics that the worker writes to."""
    diff: bool = False
    tolerance: float = differences.TOLERANCE
    show: int = 10
    """Changed articles that people are shown."""
    form: page.Form = "auto"


async def run(job: Job, settings: Settings) -> int:
    """Do the job; status 0 only if every article of the part was answered. Raises `ReplayError`, `KafkaError`, `OSError`."""
    shown = page.Page(job.form)
    over = job.into == settings.topic_prefix
    if over and not job.over:
        raise ReplayError(f"--into {job.into} writes over what the workers published: say --yes, or name another prefix")
    part = await reading.part(settings, topics.ARTICLES.full_name(settings.topic_prefix), job.wanted)
    for note in part.notes:
        shown.say(note)
    asked = job.into is not None or job.diff
    if not asked:
        _show(part, shown)
    if not part.offsets:
        shown.say(f"{part.topic} holds nothing in that range: nothing to do")
        return 0
    if not asked:
        shown.say(
            "nothing was done: --into PREFIX publishes what the pipeline says now, --diff compares it with what was published"
        )
        return 0
    async with AsyncExitStack() as stack:
        compared = None
        if job.diff:
            before = stack.enter_context(published.opened(part, settings=settings))
            await before.collect(shown)
            compared = _Comparing(before, job=job, shown=shown)
        publisher, fitted = await _publisher(stack, job, settings)
        options = fitted.options(schema_ids=await _schema_ids(job, settings))
        answering = _Answering(part, compared=compared, shown=shown)
        await answering.run(stack, publisher, guarded=over, settings=fitted, options=options)
        if compared is not None:
            compared.conclude()
        where = "published nowhere" if job.into is None else f"published on {job.into}…"
        shown.say(f"{answering.answered:,} articles answered ({answering.rejected:,} of them rejected), {where}")
    return 0


def _show(part: reading.Part, shown: page.Page) -> None:
    if shown.for_people:
        shown.table(tables.part(part))
    else:
        for span in part.spans:
            shown.line(span)


class _Nowhere:
    """A `Publisher` that publishes nothing."""

    def alone(self, _record: Encoded) -> bool:
        return False

    async def send(self, record: Encoded) -> asyncio.Future[Any]:
        done = asyncio.get_running_loop().create_future()
        done.set_result(record)
        return done


async def _publisher(stack: AsyncExitStack, job: Job, settings: Settings) -> tuple[delivery.Publisher, Settings]:
    """Where records go, with the settings fitted to what the topics there take."""
    prefix = settings.topic_prefix if job.into is None else job.into
    there = settings.model_copy(update={"topic_prefix": prefix})
    try:
        if prefix != settings.topic_prefix:
            await admin.create_topics(there, wanted=topics.OUTPUTS)
    except admin.TopicError as error:
        raise ReplayError(str(error)) from error
    largest = await admin.largest_value(there)
    if largest is not None and largest < settings.max_output_bytes:
        settings = settings.model_copy(update={"max_output_bytes": largest})
    if job.into is None:
        return _Nowhere(), settings
    arguments = settings.client_arguments() | {"request_timeout_ms": int(settings.delivery_timeout * 1000)}
    batch_bytes = min(delivery.BATCH_BYTES, settings.max_output_bytes)
    publisher = delivery.KafkaPublisher(prefix=prefix, batch_bytes=batch_bytes, **arguments)
    stack.push_async_callback(within, publisher.stop)
    await publisher.start()
    return publisher, settings


async def _schema_ids(job: Job, settings: Settings) -> dict[str, int]:
    """A schema registry's ids for the topics that are published to; none where nothing is published, or no registry is set."""
    if job.into is None or settings.schema_registry_url is None:
        return {}
    there = settings.model_copy(update={"topic_prefix": job.into})
    try:
        return await registry.ids(there, register=settings.schema_registry_register)
    except (registry.RefusedError, registry.UnavailableError) as error:
        raise ReplayError(str(error)) from error


class _Answering:
    """The pool and the delivery of a worker, over a part of the input that has an end."""

    def __init__(self, part: reading.Part, *, compared: _Comparing | None, shown: page.Page) -> None:
        self._part = part
        self._compared = compared
        self._shown = shown
        self._outcomes: dict[tuple[int, int], Outcome] = {}
        self._turn = asyncio.Event()
        self._taken = 0
        self.answered = 0
        """Articles whose records have all arrived."""
        self.rejected = 0
        """Those of them that the pipeline refused."""

    async def run(
        self, stack: AsyncExitStack, publisher: delivery.Publisher, *, guarded: bool, settings: Settings, options: Options
    ) -> None:
        """Answer every article of the part; raises what went wrong, and then the rest is not answered."""
        failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        workers = _pool(settings, options)
        stack.push_async_callback(workers.stop)
        try:
            await workers.start()
        except pool.PoolBrokenError as error:
            raise ReplayError(str(error)) from error

        async def process(message: Message) -> Outcome:
            done = self._outcomes[message.partition, message.offset] = await workers.process(message)
            return done

        handler = delivery.Delivery(
            process=process,
            publisher=publisher,
            acknowledge=self._acknowledge,
            fail=failure.set_exception,
            options=options,
            metrics=Metrics(),
            in_flight=_IN_FLIGHT_PER_PROCESS * settings.pool_size(),
            max_rejected_ratio=settings.max_rejected_ratio if guarded else 1.0,
            rejected_window=settings.rejected_window,
        )
        stack.push_async_callback(handler.stop)
        work = asyncio.create_task(self._feed(handler, settings=settings))
        try:
            while not (work.done() or failure.done()):
                await asyncio.wait([work, failure], timeout=_WATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                # An idempotent producer never gives a batch up: where the broker is gone for good, only this ends the wait.
                _check_progress(handler, seconds=settings.stall_timeout)
            if failure.done():
                failure.result()
            await work
        except asyncio.CancelledError:
            self._shown.say(f"stopped: {self._so_far()}")
            raise
        except (KafkaError, TimeoutError, delivery.TooManyRejectedError, delivery.RefusedError, pool.PoolBrokenError) as error:
            raise ReplayError(f"{str(error) or type(error).__name__}: {self._so_far()}") from error
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            failure.cancel()

    def _so_far(self) -> str:
        return f"{self.answered:,} articles were answered, the rest was not; run it again, the same input gives the same ids"

    async def _feed(self, handler: delivery.Delivery, *, settings: Settings) -> None:
        with self._shown.progress("articles", self._part.offsets) as tick:
            async with aclosing(reading.read(settings, self._part)) as messages:
                async for raw in messages:
                    message = codec.message(
                        value=raw.value,
                        key=raw.key,
                        topic=raw.topic,
                        partition=raw.partition,
                        offset=raw.offset,
                        seconds=None if raw.timestamp is None else raw.timestamp / 1000,
                        headers=raw.headers,
                    )
                    self._taken += 1
                    await handler.take(message, lane=raw.partition, token=message)
                    tick(self.answered)
            while self.answered < self._taken:
                self._turn.clear()
                await self._turn.wait()
                tick(self.answered)

    async def _acknowledge(self, message: Message) -> None:
        done = self._outcomes.pop((message.partition, message.offset))
        if self._compared is not None:
            self._compared.take(message, done)
        self.answered += 1
        self.rejected += done.summary.reason is not None
        self._turn.set()


class _Comparing:
    """Compares each answer with what was published before, and shows what has changed."""

    def __init__(self, before: published.Published, *, job: Job, shown: page.Page) -> None:
        self._before = before
        self._job = job
        self._shown = shown
        self._tally = Tally()
        self._first: list[Compared] = []

    def take(self, message: Message, done: Outcome) -> None:
        """Compare one answer."""
        before = self._before.before(message)
        if before is None:
            self._tally.articles[Standing.SUPERSEDED] += 1
            return
        found = compare(message, before, _now(done), tolerance=self._job.tolerance)
        self._tally.add(found)
        if found.standing is Standing.SAME:
            return
        if not self._shown.for_people:
            self._shown.line(found)
        elif found.standing is not Standing.NOT_PUBLISHED_BEFORE and len(self._first) < self._job.show:
            self._first.append(found)

    def conclude(self) -> None:
        """Show the counts."""
        if not self._shown.for_people:
            self._shown.line(Summary(articles=self._tally.articles, changes=self._tally.changes))
            return
        self._shown.table(tables.counts(self._tally))
        if self._first:
            self._shown.table(tables.changed(self._first))


def _now(done: Outcome) -> EnrichedArticle | Reason:
    if done.summary.reason is not None:
        return done.summary.reason
    record = codec.record_from_json(done.records[0].value)
    assert isinstance(record, EnrichedArticle)
    return record


def _check_progress(handler: delivery.Delivery, *, seconds: float) -> None:
    if seconds and handler.in_flight and time.monotonic() - handler.last_progress > seconds:
        raise TimeoutError(f"nothing was acknowledged for {seconds:g} s")


def _pool(settings: Settings, options: Options) -> pool.Pool:
    return pool.Pool(
        factory=settings.pipeline_factory,
        options=options,
        limits=pool.Limits(
            size=settings.pool_size(),
            prefetch=settings.prefetch,
            deadline=settings.deadline,
            memory_bytes=settings.process_memory_mb * 1024 * 1024,
            max_restarts=settings.max_restarts,
        ),
    )
