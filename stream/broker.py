"""The embedded Kafka-protocol broker of the quick start: started on loopback, awaited until it answers, gone at exit."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
PORTS = (20_000, 32_000)
ATTEMPTS = 5
"""How many free ports are tried: between choosing one and binding it, somebody else may take it."""

_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
"""Kafka's ApiVersions request, version 0: size, api key, version, correlation id, no client id."""

_BOUND = """
import ctypes, os, signal, sys
prctl = getattr(ctypes.CDLL(None), "prctl", None)
if prctl is not None:
    prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Runs between fork and exec of a child: PR_SET_PDEATHSIG survives exec, and `preexec_fn` is not safe beside threads."""


class BrokerError(RuntimeError):
    """The broker is not installed, or did not start; the message says what to do and what the broker printed."""


@asynccontextmanager
async def running(*, port: int | None = None, data_dir: Path | None = None, start_within: float = 20.0) -> AsyncIterator[str]:
    """The bootstrap address of a broker that answers; it ends, with its scratch files, when the block does.

    Without a `port` a free one is found; without a `data_dir` the data live in a temporary directory. Enter it from a
    thread that lives as long as the broker should: Linux ends the broker with the thread that started it.
    """
    binary = _binary()
    with tempfile.TemporaryDirectory(prefix="newsstream-broker-") as scratch:
        log = Path(scratch, "broker.log")
        for _ in range(ATTEMPTS if port is None else 1):
            chosen = free_port() if port is None else port
            options = ["--kafka-port", str(chosen), "--host", HOST, "--data-dir", str(data_dir or Path(scratch, "data"))]
            with process([binary, "start", "--only", "kafka", *options], log=log) as child:
                if await _ready(child, chosen, log=log, seconds=start_within):
                    yield f"{HOST}:{chosen}"
                    return
        raise BrokerError(f"the embedded broker did not start on {HOST}:{chosen}; it said:\n{tail(log)}")


@contextmanager
def process(command: Sequence[str], *, log: Path, grace: float = 3.0) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own, its output in `log`, that outlives neither the block nor this process."""
    child = spawn(command, log=log)
    try:
        yield child
    finally:
        end(child, grace=grace)


def spawn(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start `command`, found on the PATH, bound to the life of this process; `end` it."""
    bound = [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid()), *command]
    with log.open("wb") as output:
        return subprocess.Popen(bound, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


def end(child: subprocess.Popen[bytes], *, grace: float) -> None:
    """SIGTERM to the whole group of `child`, SIGKILL when `grace` seconds were not enough; returns when it is gone."""
    if child.poll() is None:
        _signal_group(child, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    if child.returncode is None:
        _signal_group(child, signal.SIGKILL)
    child.wait()


async def answers(port: int, *, host: str = HOST, within: float = 1.0) -> bool:
    """Whether something that speaks Kafka answers on `port`: an open port alone is no broker yet."""
    try:
        async with asyncio.timeout(within):
            reply = await _api_versions(host, port)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return reply == 1


def free_port() -> int:
    """A port of the loopback interface that nobody holds at this moment.

    Below the ports that systems give to outgoing connections: a client that keeps calling a stopped broker on one of those
    ends up connected to itself, and the broker cannot come back.
    """
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def tail(log: Path, *, lines: int = 20) -> str:
    """The last lines of `log`, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(nothing)"


async def _ready(child: subprocess.Popen[bytes], port: int, *, log: Path, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while child.poll() is None and loop.time() < deadline:
        # Its own announcement is asked for too: whoever took the port before our child may speak Kafka as well.
        if f"{HOST}:{port}" in tail(log) and await answers(port):
            return True
        await asyncio.sleep(0.02)
    return False


async def _api_versions(host: str, port: int) -> int:
    """The correlation id of the reply to an ApiVersions request, which is 1."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_API_VERSIONS)
        _, correlation = struct.unpack(">ii", await reader.readexactly(8))
    finally:
        writer.close()
    return int(correlation)


def _binary() -> str:
    """The broker itself: its Python wrapper would stand between us and the process that must end."""
    spec = find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise BrokerError('the embedded broker is not installed: pip install "newsstream[demo]", or name a Kafka of your own')
    return str(Path(spec.origin).with_name("noida-db"))


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
