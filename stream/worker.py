"""The composition root of the service: the Faust app, its one agent, start and stop."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import signal
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, NamedTuple, NoReturn

import faust
import mode
import structlog
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

import stream
from stream import access, acls, admin, codec, delivery, handshake, headers, lag, offsets, outcome, pool, probes, registry, topics
from stream.config import FileError, Settings
from stream.metrics import Metrics
from stream.records import Message

_HOUSEKEEPING_SECONDS = 1.0
_REPORT_SECONDS = 10.0
_ACCESS_SECONDS = 5.0
_ASK_SECONDS = 10.0
_LOOP_ALIVE_SECONDS = 10.0
_GIVE_UP_SECONDS = 5.0
_DRAIN_POLL_SECONDS = 0.1
_LEAVE_GROUP_SECONDS = 10.0
"""For the last commit and for leaving the group, once nothing is in flight."""
_IN_FLIGHT_PER_PROCESS = 32

log = structlog.get_logger()


class StalledError(Exception):
    """Work is waiting and nothing has been acknowledged for too long."""


class _App(faust.App):
    """A Faust app that writes nothing to the disk."""

    logger = logging.getLogger("faust.app")

    def _create_directories(self) -> None:
        """Nothing: there are no tables here."""


def _faust_app(settings: Settings, ledger: offsets.Ledger) -> faust.App:
    """The app, with the settings that were found to matter (docs/decisions/delivery.md)."""
    headers.accept_any_name()
    app = _App(
        settings.group_id,
        broker=[f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")],
        broker_credentials=_credentials(settings),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        broker_commit_interval=1.0,
        broker_max_poll_records=500,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.heartbeat_interval,
        broker_request_timeout=settings.request_timeout,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=1024,
        stream_wait_empty=True,
        loghandlers=[],
    )
    app.transport = _transport(offsets.consumer_class(ledger))(app.conf.broker, app, loop=asyncio.get_running_loop())
    return app


def _transport(consumer: type[Any]) -> type[driver.Transport]:
    """Faust's transport with our consumer."""
    return type("LedgerTransport", (driver.Transport,), {"Consumer": consumer})


def _credentials(settings: Settings) -> Any:
    context = settings.ssl_context()
    if settings.security_protocol.startswith("SASL"):
        assert settings.sasl_password is not None
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            ssl_context=context,
            mechanism=settings.sasl_mechanism,
        )
    return None if context is None else faust.SSLCredentials(context)


def _message(event: Any) -> Message:
    """What Kafka delivered, as the pipeline reads it."""
    raw = event.message
    return codec.message(
        value=raw.value,
        key=raw.key,
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        seconds=raw.timestamp,
        headers=raw.headers.items() if isinstance(raw.headers, dict) else raw.headers or (),
    )


class _Lane(NamedTuple):
    """A partition, in one generation of the group."""

    tp: TP
    generation: int


class Worker:
    """One worker. `run` returns its exit status."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._ledger = offsets.Ledger()
        self._lag = lag.Lag()
        self._failure: asyncio.Future[None] | None = None
        self._asked_to_stop = asyncio.Event()
        self._app: faust.App | None = None
        self._pool: pool.Pool | None = None
        self._delivery: delivery.Delivery | None = None
        self._publisher: delivery.KafkaPublisher | None = None
        self._schema_ids: Mapping[str, int] = {}
        self._last_turn = time.monotonic()

    async def run(self) -> int:
        """Work until SIGTERM or SIGINT (status 0), or until something is broken that a restart may mend (status 1)."""
        self._failure = asyncio.get_running_loop().create_future()
        self._handle_signals()
        try:
            async with AsyncExitStack() as stack:
                return await self._run(stack)
        except (
            OSError,
            TimeoutError,
            KafkaError,
            access.DeniedError,
            registry.RefusedError,
            FileError,
            pool.PoolBrokenError,
        ) as error:
            log.error("cannot start", error=str(error))  # noqa: TRY400 - a message for the operator; a traceback would hide it
            return 1

    async def _run(self, stack: AsyncExitStack) -> int:
        settings = self._settings
        application = probes.application(metrics=self._metrics, live=self._live, ready=self._ready, before_metrics=self._measure)
        address = await stack.enter_async_context(
            probes.serving(application, host=settings.probes_host, port=settings.probes_port)
        )
        self._metrics.describe(version=stream.__version__, python=platform.python_version())
        log.info("probes are served", address=address, routes=["/livez", "/readyz", "/metrics"])
        for watch in (self._housekeeping, self._watch_access):
            stack.push_async_callback(_cancelled, asyncio.create_task(self._watch(watch), name=watch.__name__))
        opening = asyncio.create_task(self._open_pool(stack), name="open-pool")
        waiting = asyncio.create_task(self._wait_for_kafka(), name="wait-for-kafka")
        if not await self._unless_stopped(asyncio.gather(opening, waiting)):
            return 0
        settings = await self._fitted(settings)
        await self._start(stack, settings)
        log.info(
            "ready",
            group=settings.group_id,
            topic=topics.ARTICLES.full_name(settings.topic_prefix),
            processes=settings.pool_size(),
        )
        assert self._failure is not None
        stopping = asyncio.create_task(self._asked_to_stop.wait())
        await _first(self._failure, stopping)
        stopping.cancel()
        if self._failure.done():
            await self._abandon(self._failure.exception())
        return await self._drain()

    # --- start

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._asked_to_stop.is_set():
            log.warning("stopping at once: what is in flight will be delivered again", signal=number.name)
            os._exit(128 + number)
        log.info("stopping: finishing what is in flight", signal=number.name)
        self._asked_to_stop.set()

    async def _unless_stopped(self, work: asyncio.Future[Any]) -> bool:
        """Do `work`, unless the worker is asked to stop before it is done."""
        stopping = asyncio.create_task(self._asked_to_stop.wait())
        try:
            await _first(work, stopping)
            if not work.done():
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
                return False
            work.result()
            return True
        finally:
            stopping.cancel()

    async def _open_pool(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        self._schema_ids = await registry.wait_for_ids(settings, waiting=_said_once("waiting for the schema registry"))
        if self._schema_ids:
            log.info("outputs travel in the schema registry's wire format", schema_ids=self._schema_ids)
        self._pool = pool.Pool(
            factory=settings.pipeline_factory,
            options=settings.options(schema_ids=self._schema_ids),
            limits=pool.Limits(
                size=settings.pool_size(),
                prefetch=settings.prefetch,
                deadline=settings.deadline,
                memory_bytes=settings.process_memory_mb * 1024 * 1024,
                max_restarts=settings.max_restarts,
            ),
            on_restart=self._on_restart,
            on_size=self._metrics.pool_processes.set,
        )
        stack.push_async_callback(self._pool.stop)
        await self._pool.start()
        models = self._pool.models
        self._metrics.describe(version=stream.__version__, python=platform.python_version(), models=models)
        log.info("pool is ready", processes=settings.pool_size(), models=[f"{model.name} {model.version}" for model in models])

    def _on_restart(self, cause: str) -> None:
        self._metrics.pool_restarts.labels(cause).inc()
        log.warning("pool process replaced", cause=cause)

    async def _wait_for_kafka(self) -> None:
        await admin.wait_until_ready(self._settings, waiting=_said_once("waiting for Kafka"))

    async def _fitted(self, settings: Settings) -> Settings:
        """The settings, with the output limit lowered to what the output topics take."""
        largest = await admin.largest_value(settings)
        if largest is not None and largest < settings.max_output_bytes:
            log.info("outputs are limited by the output topics", max_output_bytes=largest)
            return settings.model_copy(update={"max_output_bytes": largest})
        return settings

    async def _start(self, stack: AsyncExitStack, settings: Settings) -> None:
        assert self._pool is not None
        arguments = settings.client_arguments() | {"request_timeout_ms": int(settings.delivery_timeout * 1000)}
        batch_bytes = min(delivery.BATCH_BYTES, settings.max_output_bytes)
        publisher = delivery.KafkaPublisher(prefix=settings.topic_prefix, batch_bytes=batch_bytes, **arguments)
        await publisher.start()
        stack.push_async_callback(_within, publisher.stop, _GIVE_UP_SECONDS)
        self._publisher = publisher
        app = self._app = _faust_app(settings, self._ledger)
        source = app.topic(
            topics.ARTICLES.full_name(settings.topic_prefix),
            key_serializer="raw",
            value_serializer="raw",
            key_type=bytes,
            value_type=bytes,
        )
        spans = await self._open_traces(stack)
        self._delivery = delivery.Delivery(
            process=self._pool.process,
            publisher=publisher,
            acknowledge=self._acknowledge,
            fail=self._fail,
            options=settings.options(schema_ids=self._schema_ids),
            metrics=self._metrics,
            in_flight=_IN_FLIGHT_PER_PROCESS * settings.pool_size(),
            max_rejected_ratio=settings.max_rejected_ratio,
            rejected_window=settings.rejected_window,
            patience=settings.delivery_timeout,
            passed=spans,
        )
        stack.push_async_callback(self._delivery.stop)
        self._subscribe(app, source, self._delivery)
        await app.start()

    async def _open_traces(self, stack: AsyncExitStack) -> Callable[[outcome.Passage], None] | None:
        """What makes spans of the articles that have passed; None where nobody wants any, and then nothing is imported."""
        if self._settings.traces == "off":
            return None
        from stream import traces  # noqa: PLC0415 - an extra, which costs memory and a thread

        spans = traces.opened(self._settings.traces, group=self._settings.group_id, version=stream.__version__)
        stack.push_async_callback(spans.close, within=_GIVE_UP_SECONDS)
        return spans.record

    def _subscribe(self, app: faust.App, source: Any, handler: delivery.Delivery) -> None:
        async def enrich(stream: Any) -> None:
            articles = stream.noack()
            async for event in articles.events():
                message = event.message
                if message.generation_id != app.consumer_generation_id or not self._ledger.take(message.tp, message.offset):
                    continue
                # A lane lives in one generation: a message that waited for a slot during a rebalance cannot mix with its like.
                lane = _Lane(message.tp, message.generation_id)
                await handler.take(_message(event), lane=lane, token=(articles, event))

        async def revoked(_app: Any, tps: set[TP], **_: Any) -> None:
            await handler.drop(lane for lane in handler.lanes if isinstance(lane, _Lane) and lane.tp in tps)
            self._ledger.forget(tps)

        app.agent(source, name="enrich", concurrency=1, supervisor_strategy=mode.CrashingSupervisor)(enrich)
        app.on_partitions_revoked.connect(revoked, weak=False)  # type: ignore[arg-type] # the signal is typed too narrowly

    async def _acknowledge(self, token: Any) -> None:
        articles, event = token
        assert self._app is not None
        if event.message.generation_id == self._app.consumer_generation_id:
            self._ledger.acknowledge(event.message.tp, event.message.offset)
        await articles.ack(event)

    # --- stop

    def _fail(self, error: BaseException) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _drain(self) -> int:
        """Finish what is in flight, commit, leave the group; within the deadline, else leave it unacknowledged."""
        assert self._app is not None
        assert self._delivery is not None
        stopping = asyncio.ensure_future(self._app.stop())
        started = busy = time.monotonic()
        while not stopping.done() and time.monotonic() - started < self._settings.drain_timeout:
            await asyncio.wait([stopping], timeout=_DRAIN_POLL_SECONDS)
            if self._delivery.in_flight:
                busy = time.monotonic()
            elif time.monotonic() - busy > _LEAVE_GROUP_SECONDS:
                break
        if stopping.done():
            _complain(stopping)
            log.info("stopped", acknowledged=self._delivery.acknowledged)
            return 0
        if not self._delivery.in_flight:
            # seen when the session had expired, and the signal came while the group was being joined again
            log.warning("the group could not be left: it will notice when the session expires")
            _leave(0)
        log.error(
            "not drained in time: what is in flight will be delivered again",
            seconds=self._settings.drain_timeout,
            in_flight=self._delivery.in_flight,
        )
        return _leave(1)

    async def _abandon(self, error: BaseException | None) -> NoReturn:
        """Stop without acknowledging anything more: a restart will get it delivered again."""
        log.error("stopping: this cannot be mended from inside", error=await self._reason(error))
        if self._delivery is not None:
            await self._delivery.stop()
        if self._app is not None:
            self._app.conf.stream_wait_empty = False
            await _within(self._app.stop, _GIVE_UP_SECONDS)
        _leave(1)

    async def _reason(self, error: BaseException | None) -> str:
        """What went wrong; where Kafka denies us something, what that is: its own errors name neither user nor right."""
        if isinstance(error, access.DeniedError):
            return str(error)
        if isinstance(error, KafkaError):
            try:
                async with asyncio.timeout(_ASK_SECONDS):
                    await access.check(self._settings, acls.required("worker", self._settings))
            except access.DeniedError as denied:
                return str(denied)
            except (KafkaError, OSError, FileError):
                pass
        return f"{type(error).__name__}: {error}"

    # --- watching

    async def _watch(self, watch: Callable[[], Awaitable[None]]) -> None:
        """Watch something; a worker that is not watched may hang, so a bug in here ends it."""
        try:
            await watch()
        except (access.DeniedError, FileError) as error:
            self._fail(error)
        except Exception as error:
            log.exception("watching failed")
            self._fail(error)

    async def _watch_access(self) -> None:
        """Raise `DeniedError` once no broker answers us and one refuses us: Faust would call for ever, and say nothing."""
        while True:
            await asyncio.sleep(_ACCESS_SECONDS)
            if self._publisher is not None and not await self._publisher.reaches_kafka():
                refusal = await handshake.refusal(self._settings)
                if refusal is not None:
                    raise access.DeniedError(refusal)

    async def _housekeeping(self) -> None:
        """Keep gauges up to date, report, and notice when nothing moves."""
        reported, before = time.monotonic(), (0, 0)
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            now = self._last_turn = time.monotonic()
            await self._check()
            behind = self._measure()
            if now - reported >= _REPORT_SECONDS and self._delivery is not None:
                done = (self._delivery.acknowledged, self._delivery.rejected)
                self._report(done[0] - before[0], done[1] - before[1], behind, seconds=now - reported)
                reported, before = now, done

    def _report(self, articles: int, rejected: int, behind: lag.Reading, *, seconds: float) -> None:
        """One line on the last seconds; none where nothing came and nothing waits."""
        assert self._delivery is not None
        assert self._pool is not None
        waiting = sum(behind.messages.values())
        if not (articles or waiting or self._delivery.in_flight):
            return
        say = log.info if articles else log.warning
        say(
            "articles acknowledged" if articles else "nothing acknowledged",
            articles=articles,
            rejected=rejected,
            per_second=round(articles / seconds, 1),
            in_flight=self._delivery.in_flight,
            lag_messages=waiting,
            lag_seconds=round(behind.seconds, 1),
            partitions=len(behind.messages),
            processes=len(self._pool.pids),
        )

    async def _check(self) -> None:
        app, handler, limit = self._app, self._delivery, self._settings.stall_timeout
        if app is not None and app.crashed:
            self._fail(app.crash_reason or RuntimeError("Faust has crashed"))
        if (
            handler is not None
            and limit
            and time.monotonic() - handler.last_progress > limit
            and (handler.in_flight or await self._more_to_fetch())
        ):
            self._fail(StalledError(f"work is waiting, and nothing was acknowledged for {limit:g} s"))

    async def _more_to_fetch(self) -> bool:
        """Whether Kafka has messages that were not fetched. Lag does not tell: nobody gets expired messages, nor markers."""
        assert self._app is not None
        consumer = self._app.consumer
        for tp in self._assignment():
            try:
                position = await asyncio.wait_for(consumer.position(tp), _GIVE_UP_SECONDS)
            except (TimeoutError, KafkaError):
                return True
            if (position or 0) < (consumer.highwater(tp) or 0):
                return True
        return False

    def _measure(self) -> lag.Reading:
        """Bring the gauges of lag up to date."""
        reading = self._lag.read(self._sights(), now=time.time())
        self._metrics.lag_seconds.set(reading.seconds)
        self._metrics.lag_messages.clear()  # partitions that were revoked are somebody else's
        for tp, messages in reading.messages.items():
            assert isinstance(tp, TP)
            self._metrics.lag_messages.labels(str(tp.partition)).set(messages)
        return reading

    def _sights(self) -> dict[Hashable, lag.Sight]:
        """What is known of each partition of this worker."""
        assignment = self._assignment()
        if not assignment:
            return {}
        assert self._app is not None
        oldest = self._delivery.oldest() if self._delivery is not None else {}
        by_partition = {lane.tp: moment.timestamp() for lane, moment in oldest.items() if isinstance(lane, _Lane)}
        consumer: Any = self._app.consumer
        found: dict[Hashable, lag.Sight] = {}
        for tp in assignment:
            known = consumer.known(tp)
            found[tp] = lag.Sight(
                end=known.end, done=known.done, drained=known.drained, heard=known.heard, oldest=by_partition.get(tp)
            )
        return found

    def _assignment(self) -> set[TP]:
        """The partitions of this worker; none while its consumer starts."""
        if self._app is None or not self._app.started:
            return set()
        try:
            return self._app.consumer.assignment()
        except ConsumerNotStarted:
            return set()

    def _live(self) -> str | None:
        if time.monotonic() - self._last_turn > _LOOP_ALIVE_SECONDS:
            return "the event loop does not turn"
        if self._pool is not None and not self._pool.alive:
            return "the pool is broken"
        return None

    def _ready(self) -> str | None:
        if self._asked_to_stop.is_set():
            return "stopping"
        if self._pool is None or not self._pool.pids:
            return "the pool is not ready"
        if self._publisher is None:
            return "the producer is not ready"
        app = self._app
        if app is None or not app.started or app.rebalancing:
            return "the group is rebalancing"
        if not self._assignment():
            return "no partition is assigned"
        return None


def _said_once(event: str) -> Callable[[str], None]:
    """Log why something is waited for, when the reason is another than before."""
    last = ""

    def waiting(reason: str) -> None:
        nonlocal last
        if reason != last:
            log.warning(event, reason=reason)
        last = reason

    return waiting


async def _first(*futures: asyncio.Future[Any]) -> None:
    """Wait until one of them is done."""
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _within(stop: Callable[[], Awaitable[Any]], seconds: float) -> bool:
    """Stop something, but do not wait for ever; whether it stopped in time."""
    # Not `asyncio.wait_for`: that cancels, and then waits for the cancellation, which Faust does not heed.
    stopping = asyncio.ensure_future(stop())
    done, _ = await asyncio.wait([stopping], timeout=seconds)
    if done:
        _complain(stopping)
    return bool(done)


def _complain(stopped: asyncio.Future[Any]) -> None:
    """Say what went wrong while something stopped: it has, and nothing more can be done."""
    if (error := stopped.exception()) is not None:
        log.warning("trouble while stopping", error=f"{type(error).__name__}: {error}")


def _leave(status: int) -> NoReturn:
    """End the process at once: Faust's threads may hang, and pool processes die with us."""
    logging.shutdown()
    os._exit(status)
