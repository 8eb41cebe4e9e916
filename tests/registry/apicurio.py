"""Apicurio Registry for tests: a real schema registry with Confluent's API, in memory, on loopback, from Maven, no Docker."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream import broker

VERSION = "3.0.9"  # runs on Java 17; 3.3.3 wants Java 21
CACHE = Path(__file__).parents[2] / ".cache" / "apicurio"
REQUIRE = "NEWSSTREAM_REQUIRE_REGISTRY"
_FETCH_SECONDS = 400
_START_SECONDS = 240
_JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class UnavailableError(RuntimeError):
    """Apicurio cannot run on this machine; the message says why."""


@contextmanager
def running() -> Iterator[str]:
    """The address of a registry of one's own; skipped with the reason where there is none, or failed where it is required."""
    try:
        folder = _unpacked()
    except UnavailableError as error:
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{REQUIRE}=1, but there is no schema registry: {error}", pytrace=False)
        pytest.skip(f"no schema registry: {error}")
    port = broker.free_port()
    address = f"http://{broker.HOST}:{port}"
    with tempfile.TemporaryDirectory(prefix="newsstream-registry-") as scratch:
        log = Path(scratch, "registry.log")
        where = (f"-Dquarkus.http.host={broker.HOST}", f"-Dquarkus.http.port={port}", f"-Djava.io.tmpdir={scratch}")
        jar = folder / f"apicurio-registry-app-{VERSION}-runner.jar"
        with broker.process(["java", *_JVM, *where, "-jar", str(jar)], log=log) as child:
            until = time.monotonic() + _START_SECONDS
            while not _answers(f"{address}/apis/ccompat/v7/subjects"):
                assert child.poll() is None and time.monotonic() < until, f"no registry; it said:\n{broker.tail(log)}"  # noqa: PT018 - one truth
                time.sleep(0.1)
            yield f"{address}/apis/ccompat/v7"


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - loopback, by construction
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _unpacked() -> Path:
    """The folder with the registry's jars, fetched by Maven when it is not there yet: whole, or not at all."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"no {tool} on the PATH")
    target = CACHE / VERSION
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=CACHE) as scratch:
            with tarfile.open(_fetched(Path(scratch))) as archive:
                archive.extractall(Path(scratch, "whole"), filter="data")
            Path(scratch, "whole").rename(target)
    return target


def _fetched(folder: Path) -> Path:
    # `get` of 2.8: later ones cannot say where to, and `copy` asks for a parent that is not published everywhere
    goal = "org.apache.maven.plugins:maven-dependency-plugin:2.8:get"
    artifact = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
    target, log = folder / "registry.tar.gz", folder / "mvn.log"
    options = [f"-Dartifact={artifact}", "-Dtransitive=false", f"-Ddest={target}"]
    command = ["mvn", "-q", "-B", "-Dstyle.color=never", goal, *options]
    with broker.process(command, log=log) as child:
        until = time.monotonic() + _FETCH_SECONDS
        while child.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
    if child.returncode != 0 or not target.exists():
        said = [line for line in broker.tail(log, lines=200).splitlines() if line.strip()][:1]
        raise UnavailableError(f"Maven did not fetch Apicurio Registry {VERSION}: {' '.join(said)}")
    return target
