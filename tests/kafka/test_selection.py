"""Which broker a run uses is decided in one order, said before the first test, and never hides the want of Apache Kafka."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INNER = '''
import asyncio, pytest
from stream import broker as embedded

@pytest.mark.kafka
def test_kafka(kafka):
    print("kind:", kafka.kind)

@pytest.mark.kafka
def test_both(broker):
    """Runs twice."""

@pytest.mark.kafka
@pytest.mark.embedded_lacks("has no such thing")
def test_gap(kafka):
    assert kafka.kind != "embedded"

def test_pure():
    """Needs none."""
'''


def run(folder: Path, *options: str, **environment: str) -> tuple[int, str]:
    """The status and the output of a run of its own, on a machine without Java and Maven."""
    (folder / "test_inner.py").write_text(INNER)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = kafka: needs a broker\n")
    clean = {
        name: value for name, value in os.environ.items() if name not in {"KAFKA_BOOTSTRAP_SERVERS", "NEWSSTREAM_REQUIRE_KAFKA"}
    }
    inner = clean | {"PATH": str(folder), "PYTHONPATH": str(ROOT)} | environment
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.kafka.plugin",
        "-p",
        "no:cacheprovider",
        "-rA",
        "--strict-markers",
        *options,
    ]
    done = subprocess.run(command, cwd=folder, env=inner, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_without_apache_kafka_the_embedded_broker_is_used_and_named(tmp_path: Path) -> None:
    """A laptop without Java: the tests run all the same; the head of the run and each skip say what was missing."""
    status, output = run(tmp_path)

    assert status == 0
    assert "kafka: the embedded broker, for want of Apache Kafka: no java on the PATH" in output
    assert "kind: embedded" in output
    assert "no Apache Kafka: no java on the PATH" in output
    assert "XFAIL test_inner.py::test_gap - the embedded broker has no such thing" in output
    assert "3 passed, 1 skipped, 1 xfailed" in output


def test_where_apache_kafka_is_required_its_absence_fails(tmp_path: Path) -> None:
    """`NEWSSTREAM_REQUIRE_KAFKA=1`: what would be skipped or run on the embedded broker fails; the rest runs."""
    status, output = run(tmp_path, NEWSSTREAM_REQUIRE_KAFKA="1")

    assert status == 1
    assert "kafka: NONE, and NEWSSTREAM_REQUIRE_KAFKA=1 wants Apache Kafka: no java on the PATH" in output
    assert "NEWSSTREAM_REQUIRE_KAFKA=1, but there is no Apache Kafka" in output
    assert "2 passed, 3 errors" in output


def test_your_own_cluster_comes_first(tmp_path: Path) -> None:
    """`KAFKA_BOOTSTRAP_SERVERS` is taken before anything is started, whatever else is there or wanted."""
    status, output = run(tmp_path, KAFKA_BOOTSTRAP_SERVERS="kafka.example:9092", NEWSSTREAM_REQUIRE_KAFKA="1")

    assert status == 0
    assert "kafka: your own, at kafka.example:9092" in output
    assert "kind: yours" in output


def test_a_run_without_brokers_asks_for_none(tmp_path: Path) -> None:
    """The fast tests neither fetch nor start nor mention a broker, even where one is required."""
    status, output = run(tmp_path, "-m", "not kafka", NEWSSTREAM_REQUIRE_KAFKA="1")

    assert status == 0
    assert "kafka:" not in output
    assert "1 passed, 4 deselected" in output


@pytest.mark.kafka
def test_the_harness_is_what_this_run_uses(kafka: object, request: pytest.FixtureRequest) -> None:
    """One broker for the session: asking twice gives the same one."""
    assert request.getfixturevalue("kafka") is kafka
