"""Which broker the tests talk to: your own, Apache Kafka from Maven, or the embedded one; said at the head of the run.

Fixtures: `kafka` (the best broker at hand), `broker` (the test runs on Apache Kafka and on the embedded broker),
`own_kafka` (a real one to be killed) and `prefix` (for topic and group names that no other test uses).
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from stream import broker as embedded
from tests.kafka import apache

Kind = Literal["apache", "embedded", "yours"]

SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
REQUIRE = "NEWSSTREAM_REQUIRE_KAFKA"


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker that answers."""

    kind: Kind
    bootstrap: str


def pytest_configure(config: pytest.Config) -> None:
    """Register the one mark that belongs to this plugin."""
    config.addinivalue_line(
        "markers", "embedded_lacks(what): 'the embedded broker <what>': a strict xfail there, a plain test on Kafka"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What the embedded broker lacks is expected to fail there, and only there."""
    lacks = item.get_closest_marker("embedded_lacks")
    if lacks is not None and _runs_on_the_embedded_one(item):
        item.add_marker(pytest.mark.xfail(strict=True, reason=f"the embedded broker {lacks.args[0]}"))


def pytest_report_collectionfinish(items: Sequence[pytest.Item]) -> str | None:
    """Say, before the first test, which broker is used; Maven's first fetch happens here, outside every test's timeout."""
    if not any(item.get_closest_marker("kafka") for item in items):
        return None
    if servers := os.environ.get(SERVERS):
        return f"kafka: your own, at {servers}"
    found = _apache()
    if isinstance(found, Path):
        return f"kafka: Apache Kafka {apache.version()} (KRaft, from Maven)"
    if os.environ.get(REQUIRE) == "1":
        return f"kafka: NONE, and {REQUIRE}=1 wants Apache Kafka: {found}"
    return f"kafka: the embedded broker, for want of Apache Kafka: {found}"


@pytest.fixture(scope="session")
def apache_broker() -> Iterator[Broker]:
    """Apache Kafka, or your own cluster; skipped with the reason, or failed where it is required."""
    if servers := os.environ.get(SERVERS):
        yield Broker(kind="yours", bootstrap=servers)
        return
    with apache.ApacheKafka(libs=required_libraries()) as running:
        yield Broker(kind="apache", bootstrap=running.bootstrap)


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[Broker]:
    """The embedded broker."""
    context = embedded.running()
    with asyncio.Runner() as runner:
        bootstrap = runner.run(context.__aenter__())
        try:
            yield Broker(kind="embedded", bootstrap=bootstrap)
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Broker:
    """The best broker at hand: one for the session, started by the first test that asks."""
    chosen: Broker = request.getfixturevalue("apache_broker" if _real_is_chosen() else "embedded_broker")
    return chosen


@pytest.fixture(params=["apache", "embedded"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Both brokers, one after the other: the same truth on each."""
    chosen: Broker = request.getfixturevalue(f"{request.param}_broker")
    return chosen


@pytest.fixture
def own_kafka() -> Iterator[apache.ApacheKafka]:
    """A running Apache Kafka of the test's own, to be stopped and killed; your own cluster is never touched."""
    with apache.ApacheKafka(libs=required_libraries()) as running:
        yield running


@pytest.fixture
def prefix() -> str:
    """The beginning of every topic and group name of one test."""
    return f"t{uuid.uuid4().hex[:8]}."


@cache
def _apache() -> Path | str:
    """Kafka's jars, or the reason why there are none; asked once."""
    try:
        return apache.libraries()
    except apache.UnavailableError as error:
        return str(error)


def _real_is_chosen() -> bool:
    return bool(os.environ.get(SERVERS)) or os.environ.get(REQUIRE) == "1" or isinstance(_apache(), Path)


def _runs_on_the_embedded_one(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    if "broker" in item.fixturenames:
        return bool(item.callspec.params["broker"] == "embedded")
    return "kafka" in item.fixturenames and not _real_is_chosen()


def required_libraries() -> Path:
    """Kafka's jars; without them the test is skipped with the reason, or fails where Apache Kafka is required."""
    found = _apache()
    if isinstance(found, Path):
        return found
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, but there is no Apache Kafka: {found}", pytrace=False)
    pytest.skip(f"no Apache Kafka: {found}")
