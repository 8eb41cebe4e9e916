"""Apache Kafka itself for tests: one node in KRaft mode on loopback, from its Maven artifacts, no Docker."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from stream import broker

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
CACHE = HERE.parents[1] / ".cache" / "kafka"
FETCH_SECONDS = 600
START_SECONDS = 90

JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",  # few cores: no collector threads beside the tests
    "-XX:TieredStopAtLevel=1",  # starts sooner; nobody runs a test broker for hours
    "-XX:-UsePerfData",  # leaves no file in the machine's temporary directory
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
)


class UnavailableError(RuntimeError):
    """Apache Kafka cannot run on this machine; the message says why."""


def version() -> str:
    """The release that the pom names."""
    found = re.search(r"<kafka\.version>(.+?)<", POM.read_text())
    assert found is not None
    return found[1]


def libraries(*, cache: Path = CACHE) -> Path:
    """The folder with Kafka's jars, copied by Maven when it is not there yet: whole, or not at all."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"no {tool} on the PATH")
    target = cache / f"{version()}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:8]}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=cache) as scratch:
            partial = Path(scratch, "libs")
            _copy_dependencies(partial)
            try:
                partial.rename(target)
            except OSError:
                assert target.is_dir()  # another run was faster
    return target


class ApacheKafka:
    """One broker: `start`, `stop` (SIGTERM), `kill` (SIGKILL), `start` again on the same port and data, `close`."""

    def __init__(
        self,
        *,
        libs: Path,
        message_max_bytes: int = 1_048_588,
        properties: Mapping[str, str] | None = None,
        listeners: Mapping[str, int] | None = None,
        format_options: Sequence[str] = (),
        start_within: float = START_SECONDS,
    ) -> None:
        """Choose the ports and the folder; nothing runs yet.

        Args:
            libs: Kafka's jars.
            message_max_bytes: of every topic that sets none.
            properties: of the broker; they override those of `_properties`.
            listeners: more of them, name and port, beside the plaintext one.
            format_options: of the storage tool, such as SCRAM credentials.
            start_within: seconds.

        """
        self.port = broker.free_port()
        self.bootstrap = f"{broker.HOST}:{self.port}"
        self.directory = Path(tempfile.mkdtemp(prefix="newsstream-kafka-"))
        self.log = self.directory / "kafka.log"
        self.started_in = 0.0
        """Seconds that the last start took, formatting included."""
        self._libs = libs
        self._start_within = start_within
        self._format_options = tuple(format_options)
        self._child: subprocess.Popen[bytes] | None = None
        taken = {self.port, *(listeners or {}).values()}
        controller = next(port for port in iter(broker.free_port, None) if port not in taken)
        settings = _properties(self.port, controller, self.directory / "data", message_max_bytes=message_max_bytes)
        more = [f"{name}://{broker.HOST}:{number}" for name, number in (listeners or {}).items()]
        settings["listeners"] = ",".join([settings["listeners"], *more])
        lines = [f"{name}={value}" for name, value in (settings | dict(properties or {})).items()]
        (self.directory / "server.properties").write_text("\n".join(lines) + "\n")
        (self.directory / "tmp").mkdir()

    @property
    def pid(self) -> int | None:
        """The process of the running broker."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Run the broker, and return when it takes requests."""
        assert self._child is None, "it runs already"
        began = time.monotonic()
        configuration = str(self.directory / "server.properties")
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(configuration)
        self._child = broker.spawn([*self._java(), "kafka.Kafka", configuration], log=self.log)
        while not asyncio.run(broker.answers(self.port)):
            if self._child.poll() is not None or time.monotonic() - began > self._start_within:
                self.kill()
                raise UnavailableError(f"Apache Kafka {version()} did not start; it said:\n{broker.tail(self.log)}")
            time.sleep(0.05)
        self.started_in = time.monotonic() - began

    def stop(self) -> None:
        """SIGTERM: a clean shutdown; the data stay."""
        if self._child is not None:
            broker.end(self._child, grace=20)
            self._child = None

    def kill(self) -> None:
        """SIGKILL: the broker is gone in mid-sentence; the data stay as they lie."""
        if self._child is not None:
            if self._child.poll() is None:
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            self._child = None

    def restart(self) -> None:
        """Stop cleanly and start again, on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Kill what runs, remove every file: nobody reads the data any more, so a clean shutdown would waste time."""
        self.kill()
        shutil.rmtree(self.directory)

    def __enter__(self) -> Self:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close, whatever happened."""
        self.close()

    def _java(self) -> list[str]:
        return ["java", *JVM, f"-Djava.io.tmpdir={self.directory / 'tmp'}", "-cp", f"{self._libs}/*"]

    def _format(self, configuration: str) -> None:
        cluster = uuid.uuid4().hex[:22]
        command = [*self._java(), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", configuration, "--standalone"]
        command += self._format_options
        with broker.process(command, log=self.log) as child:
            with suppress(subprocess.TimeoutExpired):
                child.wait(self._start_within)
            if child.poll() != 0:
                raise UnavailableError(f"Apache Kafka's storage was not formatted; it said:\n{broker.tail(self.log)}")


def _properties(port: int, controller: int, data: Path, *, message_max_bytes: int) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{broker.HOST}:{controller}",
        "listeners": f"PLAINTEXT://{broker.HOST}:{port},CONTROLLER://{broker.HOST}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(data),
        "message.max.bytes": str(message_max_bytes),
        "auto.create.topics.enable": "false",
        # one node: its internal topics have one copy, and one partition is enough
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # tests wait for groups: no pause before the first balance, and sessions may be short
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # a killed broker may register again when its former self has expired, by default after nine seconds
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # small: a few threads, no 128 MB buffer for compaction
        "num.network.threads": "2",
        "num.io.threads": "2",
        "log.cleaner.dedupe.buffer.size": "4194304",
    }


def _copy_dependencies(target: Path) -> None:
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(POM), "dependency:copy-dependencies"]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "mvn.log")
        with broker.process([*command, *options], log=log) as child:
            try:
                status = child.wait(FETCH_SECONDS)
            except subprocess.TimeoutExpired:
                raise UnavailableError(f"Maven did not fetch Apache Kafka {version()} in {FETCH_SECONDS} s") from None
        if status != 0 or not any(target.glob("kafka_*.jar")):
            raise UnavailableError(f"Maven could not fetch Apache Kafka {version()}:\n{broker.tail(log, lines=6)}")
