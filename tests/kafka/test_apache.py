"""Apache Kafka for tests: it stops, dies and comes back as it is told to, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path

import psutil
import pytest

from tests.kafka import apache, client, plugin

pytestmark = pytest.mark.kafka


def test_acknowledged_records_survive_a_stop_and_a_kill(own_kafka: apache.ApacheKafka) -> None:
    """What a producer was told is stored is there when the broker comes back, on the same address, whatever ended it."""
    bootstrap = own_kafka.bootstrap
    asyncio.run(client.create_topics(bootstrap, "articles"))
    asyncio.run(client.produce(bootstrap, "articles", [(b"k", str(n).encode()) for n in range(50)], enable_idempotence=True))

    own_kafka.restart()
    asyncio.run(client.produce(bootstrap, "articles", [(b"k", str(n).encode()) for n in range(50, 100)]))
    own_kafka.kill()
    own_kafka.start()

    received = asyncio.run(client.consume_all(own_kafka.bootstrap, "articles", until=100))
    assert own_kafka.bootstrap == bootstrap
    assert [record.value for record in received] == [str(n).encode() for n in range(100)]


def test_nothing_is_left_behind(own_libraries: Path) -> None:
    """After the block: no process, no listener, no folder."""
    with apache.ApacheKafka(libs=own_libraries) as kafka:
        pid = kafka.pid
        assert pid is not None
        assert psutil.Process(pid).name() == "java"

    assert not psutil.pid_exists(pid)
    assert not kafka.directory.exists()
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", kafka.port))


def test_a_setting_that_kafka_refuses_is_quoted(own_libraries: Path) -> None:
    """A broker that cannot start says why, at once, in the error itself; its folder is gone all the same."""
    kafka = apache.ApacheKafka(libs=own_libraries, properties={"num.io.threads": "many"})

    with pytest.raises(apache.UnavailableError, match=r"num\.io\.threads"), kafka:
        pass

    assert not kafka.directory.exists()


def test_a_larger_message_is_a_setting(own_libraries: Path) -> None:
    """`message_max_bytes` is the limit of every topic that sets none."""
    with apache.ApacheKafka(libs=own_libraries, message_max_bytes=3 << 20) as kafka:
        asyncio.run(client.create_topics(kafka.bootstrap, "large"))
        asyncio.run(client.produce(kafka.bootstrap, "large", [(b"k", b"x" * (2 << 20))], max_request_size=4 << 20))

        assert asyncio.run(client.end_offsets(kafka.bootstrap, "large")) == {0: 1}


@pytest.mark.parametrize("tool", ["java", "mvn"])
def test_a_missing_tool_is_named(tool: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Java or Maven there is no Apache Kafka, and the reason is a sentence."""
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else which(name) or name)

    with pytest.raises(apache.UnavailableError, match=f"no {tool} on the PATH"):
        apache.libraries(cache=tmp_path)


def test_a_fetch_that_fails_quotes_maven_and_leaves_no_half_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A network that is down: Maven's words in the error, and the next run tries again from nothing."""
    tools, cache = tmp_path / "tools", tmp_path / "cache"
    tools.mkdir()
    for name, script in (("java", "true"), ("mvn", "echo '[ERROR] Unknown host repo.invalid'; exit 1")):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")

    with pytest.raises(apache.UnavailableError, match=r"Unknown host repo\.invalid"):
        apache.libraries(cache=cache)

    assert list(cache.iterdir()) == []


@pytest.fixture
def own_libraries() -> Path:
    """Kafka's jars, for a test that starts its own broker."""
    return plugin.required_libraries()
