"""The embedded broker of the quick start: it answers when it says so, and leaves neither process, port nor folder behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from stream import broker
from tests.kafka import client

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary folders for this test alone, so that whatever is left is seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys.modules[__name__], "BEFORE", frozenset(one.pid for one in psutil.Process().children(recursive=True)))
    return tmp_path


BEFORE: frozenset[int] = frozenset()
"""Brokers of the whole session, which other tests started."""


def children() -> list[psutil.Process]:
    """Whoever this test started and has not buried yet."""
    return [one for one in psutil.Process().children(recursive=True) if one.pid not in BEFORE]


def nobody_listens(port: int) -> bool:
    """Whether the port refuses connections."""
    with socket.socket() as probe:
        return probe.connect_ex((broker.HOST, port)) != 0


def survivors(processes: list[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Who should have ended by then and has not; a failing test does not leave them behind either."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        process.kill()
    return alive


@contextmanager
def listener() -> Iterator[int]:
    """A port that somebody else holds, and says nothing on."""
    with socket.socket() as held:
        held.bind((broker.HOST, 0))
        held.listen()
        yield int(held.getsockname()[1])


def test_it_answers_and_is_gone_afterwards(scratch: Path) -> None:
    """Inside the block topics can be made at once; after it there is no process, no listener, no file."""

    async def scenario() -> tuple[int, int, dict[int, int]]:
        async with broker.running() as bootstrap:
            await client.create_topics(bootstrap, "news.articles", partitions=2)
            ends = await client.end_offsets(bootstrap, "news.articles")
            return int(bootstrap.split(":")[1]), len(children()), ends

    port, processes, ends = asyncio.run(scenario())

    assert processes == 1
    assert ends == {0: 0, 1: 0}
    assert children() == []
    assert nobody_listens(port)
    assert list(scratch.iterdir()) == []


def test_an_exception_in_the_block_ends_it_too(scratch: Path) -> None:
    """The demo fails in the middle: its error comes out, and the broker is gone."""

    async def scenario() -> None:
        async with broker.running():
            raise LookupError("an article is missing")

    with pytest.raises(LookupError, match="an article is missing"):
        asyncio.run(scenario())

    assert children() == []
    assert list(scratch.iterdir()) == []


def test_ctrl_c_during_the_start_leaves_nothing(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody loses patience while the broker does not answer yet."""
    impostor(monkeypatch, scratch, "sleep 60")

    async def scenario() -> None:
        async with broker.running(start_within=30):
            raise AssertionError("it never answered")

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(scenario(), 0.5))

    assert children() == []
    assert [path.name for path in scratch.iterdir()] == ["noida-db"]


def test_it_does_not_outlive_a_killed_parent(scratch: Path) -> None:
    """SIGKILL leaves no time to clean up: the kernel ends the broker with its parent."""
    code = "import asyncio\nfrom stream import broker\nasync def main():\n async with broker.running() as bootstrap:\n"
    code += "  print(bootstrap, flush=True)\n  await asyncio.sleep(600)\nasyncio.run(main())"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(scratch)}
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().split(b":")[1])
        [child] = psutil.Process(parent.pid).children()
        answered = asyncio.run(broker.answers(port))
        parent.send_signal(signal.SIGKILL)

    alive = survivors([child], seconds=10)

    assert answered
    assert alive == []
    assert nobody_listens(port)


def test_a_port_that_is_taken_is_an_error_that_says_so(scratch: Path) -> None:
    """A port that was asked for by number is never swapped for another one."""
    with listener() as taken:

        async def scenario() -> None:
            async with broker.running(port=taken):
                raise AssertionError("it cannot have started")

        with pytest.raises(broker.BrokerError, match=f"port {taken} is already in use"):
            asyncio.run(scenario())

    assert children() == []
    assert list(scratch.iterdir()) == []


def test_a_free_port_that_was_lost_is_tried_again_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between choosing and binding, somebody else took the port: the next one does."""
    with listener() as lost:
        free = broker.free_port()
        ports = iter([lost, free])
        monkeypatch.setattr(broker, "free_port", lambda: next(ports))

        async def scenario() -> str:
            async with broker.running() as bootstrap:
                return bootstrap

        assert asyncio.run(scenario()) == f"{broker.HOST}:{free}"


def test_another_broker_on_the_port_is_not_mistaken_for_ours() -> None:
    """A Kafka that is there already answers, and is not ours to write demo topics into."""

    async def scenario() -> None:
        async with broker.running() as bootstrap, broker.running(port=int(bootstrap.split(":")[1])):
            raise AssertionError("that is the other one")

    with pytest.raises(broker.BrokerError, match="already in use"):
        asyncio.run(scenario())

    assert children() == []


def test_a_broker_that_dies_is_quoted(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's C library is too old, say: the reason is in the error, not in a file that is gone."""
    impostor(monkeypatch, scratch, "echo 'version GLIBC_2.39 not found'; exit 1")

    async def scenario() -> None:
        async with broker.running():
            raise AssertionError("it cannot have started")

    with pytest.raises(broker.BrokerError, match=r"GLIBC_2\.39 not found"):
        asyncio.run(scenario())


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A production install has no embedded broker: `newsstream demo` there is answered with the remedy."""
    monkeypatch.setattr(broker, "find_spec", lambda _: None)

    async def scenario() -> None:
        async with broker.running():
            raise AssertionError("it is not installed")

    with pytest.raises(broker.BrokerError, match=r"newsstream\[demo\]"):
        asyncio.run(scenario())


def test_a_data_directory_outlives_the_broker(tmp_path: Path) -> None:
    """`--data-dir` keeps topics, records and commits from one clean run to the next."""
    data = tmp_path / "data"

    async def first() -> None:
        async with broker.running(data_dir=data) as bootstrap:
            await client.create_topics(bootstrap, "news.articles")
            await client.produce(bootstrap, "news.articles", [(b"k", b"v")] * 3)
            async with client.consumer(bootstrap, "news.articles", group_id="newsstream") as consumer:
                for _ in range(3):
                    await consumer.getone()
                await consumer.commit()

    async def second() -> tuple[dict[int, int], dict[int, int]]:
        async with broker.running(data_dir=data) as bootstrap:
            ends = await client.end_offsets(bootstrap, "news.articles")
            return ends, await client.committed(bootstrap, "newsstream", "news.articles")

    asyncio.run(first())

    assert asyncio.run(second()) == ({0: 3}, {0: 3})


def test_an_open_port_is_no_answer() -> None:
    """Something listens but does not speak Kafka: the question ends with its time, and the answer is no."""
    with listener() as silent:
        began = time.monotonic()

        assert not asyncio.run(broker.answers(silent, within=0.2))
        assert time.monotonic() - began < 2


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    """A client that calls a stopped broker on such a port may end up connected to itself, and block the broker's return."""
    assert all(broker.PORTS[0] <= broker.free_port() < broker.PORTS[1] for _ in range(20))
    assert broker.PORTS[1] <= 32_768  # where Linux begins to give them out


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    """A polite request first, for its data's sake; then no request. Its own children end with it."""
    shell = shutil.which("sh")
    assert shell is not None
    log = tmp_path / "log"
    with broker.process(
        [shell, "-c", "trap '' TERM; sleep 600 & echo ready; while :; do sleep 1; done"], log=log, grace=0.2
    ) as child:
        deadline = time.monotonic() + 10
        while "ready" not in broker.tail(log) and time.monotonic() < deadline:
            time.sleep(0.02)
        family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]

    alive = survivors(family, seconds=5)

    assert len(family) >= 2
    assert alive == []


def impostor(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Another program where the broker's binary should be."""
    path = folder / "noida-db"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(broker, "_binary", lambda: str(path))
