"""Worker processes for tests: started like a user would, watched through their probes, always gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from stream import admin, broker, config, topics
from tests.kafka import client
from tests.kafka.client import Outgoing, Received

STUB = "tests.stub:open_stub"
ROOT = Path(__file__).parents[2]


def eventually(holds: Callable[[], bool], *, within: float = 60.0, what: str, every: float = 0.05) -> None:
    """Return once `holds`, fail with `what` when it does not within so many seconds."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, f"not within {within:.0f} s: {what}"
        time.sleep(every)


@dataclass
class Stage:
    """A broker, a prefix of its own, and the workers that one test starts."""

    bootstrap: str
    prefix: str
    partitions: int = 4
    folder: Path = field(default_factory=Path)
    workers: list[Worker] = field(default_factory=list)

    def settings(self) -> config.Settings:
        """Settings of this stage, for code of the test itself."""
        return config.Settings(
            bootstrap_servers=self.bootstrap, topic_prefix=self.prefix, group_id=f"{self.prefix}group", partitions=self.partitions
        )

    def create_topics(self) -> None:
        """All topics of the service."""
        asyncio.run(admin.create_topics(self.settings()))

    def name(self, topic: topics.Topic) -> str:
        """The full name of a topic here."""
        return topic.full_name(self.prefix)

    def start(self, *, factory: str | None = STUB, wait: bool = True, **settings: Any) -> Worker:
        """Start a worker; `settings` are those of the service, by their lower-case names."""
        chosen: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "topic_prefix": self.prefix,
            "group_id": f"{self.prefix}group",
            "probes_port": broker.free_port(),
            "session_timeout": 6,
            "heartbeat_interval": 1,
            "log_format": "json",
            "processes": 2,
        }
        chosen |= settings
        if factory is not None:
            chosen["pipeline_factory"] = factory
        worker = Worker(chosen, self.folder / f"worker-{len(self.workers)}.log")
        self.workers.append(worker)
        if wait:
            worker.wait_until_ready()
        return worker

    def produce(self, records: list[Outgoing]) -> None:
        """Send records to the input topic."""
        asyncio.run(client.produce(self.bootstrap, self.name(topics.ARTICLES), records, max_request_size=16 << 20))

    def consume(self, topic: topics.Topic, *, until: int, within: float = 60.0) -> list[Received]:
        """At least `until` records of an output topic, from its beginning."""
        return asyncio.run(client.consume_all(self.bootstrap, self.name(topic), until=until, within=within))

    def everything(self, topic: topics.Topic) -> list[Received]:
        """All records that an output topic holds now, duplicates included."""
        total = sum(asyncio.run(client.end_offsets(self.bootstrap, self.name(topic))).values())
        return self.consume(topic, until=total) if total else []

    def committed(self) -> dict[int, int]:
        """Committed offsets of the group on the input topic."""
        return asyncio.run(client.committed(self.bootstrap, f"{self.prefix}group", self.name(topics.ARTICLES)))

    def ends(self) -> dict[int, int]:
        """End offsets of the input topic."""
        return asyncio.run(client.end_offsets(self.bootstrap, self.name(topics.ARTICLES)))

    def settle(self, *, within: float = 60.0) -> None:
        """Wait until everything is acknowledged and committed."""

        def done() -> bool:
            ends = {partition: end for partition, end in self.ends().items() if end}
            committed = self.committed()
            return all(committed.get(partition) == end for partition, end in ends.items())

        eventually(done, within=within, what="committed offsets equal the ends", every=0.3)


class Worker:
    """One ``newsstream worker`` process."""

    def __init__(self, settings: dict[str, Any], log: Path) -> None:
        self.port = settings["probes_port"]
        self.log = log
        environment = os.environ | {f"NEWSSTREAM_{name.upper()}": str(value) for name, value in settings.items()}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stream", "worker"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def get(self, route: str) -> tuple[int, str]:
        """Status and body of a probe; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{route}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, line: str) -> float:
        """The value of a series, as ``name{label="x"}``."""
        _, body = self.get("/metrics")
        return next((float(text.rpartition(" ")[2]) for text in body.splitlines() if text.rpartition(" ")[0] == line), -1.0)

    def wait_until_ready(self, *, within: float = 60.0) -> None:
        """Return once it works on partitions."""

        def ready() -> bool:
            assert self.process.poll() is None, f"the worker left with {self.process.returncode}:\n{self.said()}"
            return self.get("/readyz")[0] == 200

        eventually(ready, within=within, what=f"the worker is ready; it said:\n{self.said()}")

    def pool(self) -> list[psutil.Process]:
        """Its pool processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def terminate(self, *, within: float = 40.0) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def kill(self) -> None:
        """SIGKILL, to it alone."""
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        """Whatever is left of it goes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextlib.contextmanager
def stage(bootstrap: str, prefix: str, *, partitions: int = 4, create: bool = True) -> Iterator[Stage]:
    """A stage for one test; every worker that it starts is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="newsstream-test-") as folder:
        made = Stage(bootstrap, prefix, partitions, Path(folder))
        if create:
            made.create_topics()
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.close()
