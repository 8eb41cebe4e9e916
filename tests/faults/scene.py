"""Where a case plays: articles that keep arriving, workers that are restarted as an operator's supervisor would, a clock."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from stream import topics
from tests.faults import verdict
from tests.integration import workers
from tests.integration.workers import Stage, Worker
from tests.kafka import client
from tests.kafka.client import Received

QUIET_SECONDS = 240.0
_POLL_SECONDS = 0.1


class Feeder(threading.Thread):
    """Sends numbered articles at a steady pace until it is told to stop; now and then what `special` says instead."""

    def __init__(
        self, stage: Stage, *, pace: float, chance: random.Random, special: Callable[[int], tuple[str | None, bytes] | None]
    ) -> None:
        super().__init__(name="feeder", daemon=True)
        self._stage, self._pace, self._chance, self._special = stage, pace, chance, special
        self._stop_asked = threading.Event()
        self.sent = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send."""
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001 - told to whoever stops the feeder
            self.error = error

    async def _send(self) -> None:
        topic, started = self._stage.name(topics.ARTICLES), time.monotonic()
        # patient: the broker may be away for a while, and every article that is sent must arrive
        options = {"enable_idempotence": True, "linger_ms": 5, "request_timeout_ms": 300_000}
        async with client.producer(self._stage.bootstrap, **options) as producer:
            waiting = []
            while not self._stop_asked.is_set():
                while self.sent < (time.monotonic() - started) * self._pace:
                    key, value = self._article(self.sent)
                    waiting.append(await producer.send(topic, value, key=key))
                    self.sent += 1
                await asyncio.sleep(0.02)
            await asyncio.gather(*waiting)

    def _article(self, number: int) -> tuple[bytes | None, bytes]:
        if special := self._special(number):
            key, value = special
            return None if key is None else key.encode(), value
        return article(number, milliseconds=self._chance.choice((0, 0, 1, 2, 5, 20)))

    def stop(self) -> int:
        """How many were sent, once all have arrived."""
        self._stop_asked.set()
        self.join(QUIET_SECONDS)
        assert not self.is_alive(), "the feeder could not deliver its articles"
        if self.error is not None:
            raise self.error
        return self.sent


class Clock(threading.Thread):
    """Looks every tenth of a second at how much has come out."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(name="clock", daemon=True)
        self._stage = stage
        self._stop_asked = threading.Event()
        self.timeline: list[tuple[float, int]] = []

    def run(self) -> None:
        """Look."""
        asyncio.run(self._look())

    async def _look(self) -> None:
        partitions = [
            TopicPartition(self._stage.name(topic), number)
            for topic in (topics.ENRICHED, topics.REJECTED)
            for number in range(self._stage.partitions)
        ]
        while not self._stop_asked.is_set():
            try:
                async with client.consumer(self._stage.bootstrap) as consumer:
                    await self._note(consumer, partitions)
            except Exception:  # noqa: BLE001 - the broker is away: that is what some cases are about
                await asyncio.sleep(_POLL_SECONDS)

    async def _note(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        while not self._stop_asked.is_set():
            ends = await asyncio.wait_for(consumer.end_offsets(partitions), 2)
            self.timeline.append((time.monotonic(), sum(ends.values())))
            await asyncio.sleep(_POLL_SECONDS)

    @property
    def total(self) -> int:
        """Records that had come out when it last looked."""
        return self.timeline[-1][1] if self.timeline else 0

    def stop(self) -> float:
        """The longest silence."""
        self._stop_asked.set()
        self.join(30)
        return verdict.longest_silence(self.timeline)


class Scene:
    """One case: its stage, its chance, and a count of the faults."""

    def __init__(self, stage: Stage, chance: random.Random, say: Callable[[str], None], settings: Mapping[str, Any]) -> None:
        self.stage, self.chance, self.say = stage, chance, say
        self.settings: dict[str, Any] = {"session_timeout": 3, "heartbeat_interval": 0.5, "drain_timeout": 30} | dict(settings)
        self.faults = 0
        self.exits: list[int] = []
        """Statuses of workers that ended by themselves, and were started again."""
        self.running: list[Worker] = []
        self._pids: dict[int, float] = {}
        self._ports: set[int] = set()
        self.clock = Clock(stage)

    # --- workers

    def start(self, *, wait: bool = True, **settings: Any) -> Worker:
        """Start a worker; it is started again when it ends by itself."""
        worker = self.stage.start(wait=False, **(self.settings | settings))
        self.running.append(worker)
        self._ports.add(worker.port)
        if wait:
            self.wait_for(lambda: worker.get("/readyz")[0] == 200 or worker not in self.running, "a worker is ready")
        return worker

    def kill(self, worker: Worker) -> None:
        """SIGKILL, to it alone."""
        self.note_pids()
        self.running.remove(worker)
        worker.kill()
        self.faults += 1

    def terminate(self, worker: Worker) -> None:
        """SIGTERM; status 0 is expected."""
        self.note_pids()
        self.running.remove(worker)
        status = worker.terminate(within=60)
        assert status == 0, f"status {status} after SIGTERM; it said:\n{tail(worker)}"
        self.faults += 1

    def look_after(self) -> None:
        """Start again whatever ended by itself, as a supervisor would."""
        for worker in list(self.running):
            status = worker.process.poll()
            if status is not None:
                self.running.remove(worker)
                self.exits.append(status)
                last = worker.said().strip().splitlines()[-3:]
                self.say(f"a worker left with status {status}: {' | '.join(line[:300] for line in last)}")
                self.start(wait=False)

    def note_pids(self) -> None:
        """Remember every process that belongs to the workers, to see later that they are gone."""
        for worker in self.running:
            try:
                family = [psutil.Process(worker.process.pid), *psutil.Process(worker.process.pid).children(recursive=True)]
                self._pids.update({process.pid: process.create_time() for process in family})
            except psutil.NoSuchProcess:
                continue

    # --- waiting

    def wait_for(self, holds: Callable[[], bool], what: str, *, within: float = QUIET_SECONDS) -> None:
        """Poll, and look after the workers meanwhile."""

        def looked_after() -> bool:
            self.look_after()
            return holds()

        try:
            workers.eventually(looked_after, within=within, what=what, every=0.1)
        except AssertionError:
            for worker in self.running:
                self.say(f"a worker said last:\n{tail(worker)}")
            raise

    def wait_for_outputs(self, more: int) -> None:
        """Until so many more records have come out."""
        target = self.clock.total + more
        self.wait_for(lambda: self.clock.total >= target, f"{target} outputs")

    def moment(self, longest: float) -> None:
        """A random moment, up to `longest` seconds from now: what a fault should hit is left to chance."""
        until = time.monotonic() + self.chance.uniform(0, longest)
        while time.monotonic() < until:
            self.look_after()
            time.sleep(0.02)

    def quiet(self) -> None:
        """Until everything that was sent is committed."""
        ends = self.stage.ends()

        def done() -> bool:
            committed = self.stage.committed()
            return all(committed.get(partition) == end for partition, end in ends.items() if end)

        self.wait_for(done, "committed offsets equal the ends")

    # --- the end

    def read(self, topic: topics.Topic) -> list[Received]:
        """Everything on a topic."""
        name = self.stage.name(topic)
        total = sum(asyncio.run(client.end_offsets(self.stage.bootstrap, name)).values())
        return asyncio.run(client.consume_all(self.stage.bootstrap, name, until=total, within=QUIET_SECONDS)) if total else []

    def judge(self) -> verdict.Verdict:
        """Compare what went in with what came out."""
        return verdict.judge(
            self.read(topics.ARTICLES),
            self.read(topics.ENRICHED),
            self.read(topics.REJECTED),
            committed=self.stage.committed(),
            ends=self.stage.ends(),
        )

    def leftovers(self) -> list[str]:
        """Stop the workers; processes, ports and files of theirs that are still there."""
        self.note_pids()
        for worker in list(self.running):
            self.terminate(worker)
            self.faults -= 1
        found = [f"process {pid} is left" for pid, born in self._pids.items() if not _gone(pid, born)]
        return [*found, *(f"port {port} is left" for port in self._ports if not _free(port))]


@contextmanager
def scene(
    bootstrap: str,
    chance: random.Random,
    say: Callable[[str], None],
    *,
    partitions: int = 4,
    create: bool = True,
    **settings: Any,
) -> Iterator[Scene]:
    """A scene with topics of its own."""
    prefix = f"f{secrets.token_hex(4)}."  # not by chance: the same seed may run twice on one broker
    with workers.stage(bootstrap, prefix, partitions=partitions, create=create) as stage:
        made = Scene(stage, chance, say, settings)
        if create:
            made.clock.start()
        yield made


@contextmanager
def feeding(
    on: Scene, *, pace: float, special: Callable[[int], tuple[str | None, bytes] | None] = lambda _number: None
) -> Iterator[Feeder]:
    """Articles arrive while the block runs."""
    feeder = Feeder(on.stage, pace=pace, chance=random.Random(on.chance.getrandbits(32)), special=special)
    feeder.start()
    try:
        yield feeder
    finally:
        feeder.stop()


def article(number: int, *, milliseconds: int = 0) -> tuple[bytes, bytes]:
    """Key and value of a numbered article that takes so long."""
    text = f"Article {number}. NEWSSTREAM-TEST-SLEEP-{milliseconds}-MS" if milliseconds else f"Article {number}."
    return f"a{number}".encode(), json.dumps({"id": f"a{number}", "text": text}).encode()


def tail(worker: Worker, *, lines: int = 12) -> str:
    """The end of a worker's log."""
    return "\n".join(line[:600] for line in worker.said().splitlines()[-lines:])


def _gone(pid: int, born: float) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            process = psutil.Process(pid)
            if process.create_time() != born or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
