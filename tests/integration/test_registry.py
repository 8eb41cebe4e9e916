"""The wire format on a real schema registry (Apicurio), read by Confluent's own client; and a worker between the two."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from stream import broker, codec, compatibility, config, registry, schemas, topics
from stream.records import EnrichedArticle, Message, Record
from tests.integration import workers
from tests.integration.workers import Stage
from tests.kafka.plugin import Broker
from tests.registry import apicurio

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]  # Maven's first fetch takes its time

EXAMPLES = sorted((Path(__file__).parents[2] / "schemas").glob("*/examples/v1/*.json"))
Read = Callable[[str, bytes], Any]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A registry for this module."""
    with apicurio.running() as found:
        yield found


@pytest.fixture
def theirs(address: str) -> Iterator[SchemaRegistryClient]:
    """Confluent's client."""
    with SchemaRegistryClient({"url": address}) as client:
        yield client


@pytest.fixture
def read(theirs: SchemaRegistryClient) -> Read:
    """Confluent's deserializer, which fetches the schema by its id and validates."""
    deserialize = JSONDeserializer(None, schema_registry_client=theirs)
    return lambda topic, value: deserialize(value, SerializationContext(topic, MessageField.VALUE))


def _settings(address: str, prefix: str, **more: Any) -> config.Settings:
    return config.Settings(schema_registry_url=address, topic_prefix=prefix, **more)


def _compatibility(address: str, level: str, settings: config.Settings) -> None:
    for topic in topics.OUTPUTS:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{address}/config/{registry.subject(topic, settings)}",
            method="PUT",
            data=json.dumps({"compatibility": level}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            assert answer.status == 200


def _records() -> list[Record]:
    return [codec.record_from_json(path.read_bytes()) for path in EXAMPLES if path.parents[2].name != "article"]


def test_confluents_client_reads_every_record_and_validates_it(address: str, prefix: str, read: Read) -> None:
    """All examples of all topics, framed with the ids that the registry gave: the same data come out."""
    ids = asyncio.run(registry.ids(_settings(address, prefix), register=True))

    for record in _records():
        made = codec.encode(record, message=Message(value=b"{}"), source="newsstream/test", schema_ids=ids)

        assert read(f"{prefix}{made.topic}", made.value) == json.loads(codec.to_json(record))


def test_confluents_client_refuses_what_is_not_in_the_schema(address: str, prefix: str, read: Read) -> None:
    """So it does validate: a field too many is seen."""
    ids = asyncio.run(registry.ids(_settings(address, prefix), register=True))
    record = json.loads(codec.to_json(_records()[0])) | {"typo": 1}
    name = record["schema"].partition("/")[0]
    topic = schemas.RECORDS[name][1].name

    with pytest.raises(Exception, match="typo"):
        read(f"{prefix}{topic}", codec.framed(json.dumps(record).encode(), ids[topic]))


_schema = schemas.schema


def _grown(name: str) -> dict[str, Any]:
    """The schema of a later release, with all that may happen within v1."""
    found = copy.deepcopy(_schema(name))
    found["properties"]["casualties"] = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}
    if "Reason" in found["$defs"]:
        found["$defs"]["Reason"]["enum"].append("too_boring")
    assert compatibility.breaking(_schema(name), found) == []
    return found


@pytest.mark.parametrize("level", ["BACKWARD", "BACKWARD_TRANSITIVE", "NONE"])
def test_a_later_schema_is_registered_beside_the_old_one(
    address: str, prefix: str, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """What we may do within v1 passes, under Confluent's default too; and an older worker, restarted, gets its old ids."""
    settings = _settings(address, prefix)
    before = asyncio.run(registry.ids(settings, register=True))
    _compatibility(address, level, settings)

    with monkeypatch.context() as patched:
        patched.setattr(schemas, "schema", _grown)
        after = asyncio.run(registry.ids(settings, register=True))

    assert not set(before.values()) & set(after.values())
    assert asyncio.run(registry.ids(settings, register=False)) == before


@pytest.mark.parametrize("level", ["FORWARD", "FULL"])
def test_a_level_that_wants_old_readers_to_accept_new_fields_does_not_fit(
    address: str, prefix: str, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """What leaves is closed: an old schema does not validate a field that was added, and the registry knows it."""
    settings = _settings(address, prefix)
    asyncio.run(registry.ids(settings, register=True))
    _compatibility(address, level, settings)
    monkeypatch.setattr(schemas, "schema", _grown)

    with pytest.raises(registry.RefusedError, match=r"incompatible .*docs/contract\.md"):
        asyncio.run(registry.ids(settings, register=True))


def test_an_incompatible_schema_is_refused(address: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry says what it is, and we say which subject."""
    settings = _settings(address, prefix)
    asyncio.run(registry.ids(settings, register=True))
    _compatibility(address, "BACKWARD", settings)
    changed = schemas.schema("news-event")
    changed["properties"]["confidence"] = {"type": "string"}
    monkeypatch.setattr(schemas, "schema", lambda name: changed if name == "news-event" else _schema(name))

    with pytest.raises(registry.RefusedError, match=f"{prefix}events-value to be incompatible .*confidence"):
        asyncio.run(registry.ids(settings, register=True))


@pytest.fixture
def on(kafka: Broker, prefix: str) -> Iterator[Stage]:
    """A stage on the best broker at hand."""
    with workers.stage(kafka.bootstrap, prefix) as made:
        yield made


@pytest.mark.kafka
def test_a_worker_reads_and_writes_the_wire_format(on: Stage, address: str, theirs: SchemaRegistryClient, read: Read) -> None:
    """An article in Confluent's framing, one without, and one that is refused: all outputs are framed, and read by both sides."""
    serialize = JSONSerializer(schemas.for_registry("article"), theirs)
    article = {"id": "framed", "text": "Kyiv is quiet."}
    framed = serialize(article, SerializationContext(on.name(topics.ARTICLES), MessageField.VALUE))
    assert framed is not None
    on.start(schema_registry_url=address)

    on.produce([(b"1", framed), (b"2", b'{"id": "plain", "text": "Kyiv is quiet."}'), (b"3", framed[:5] + b"\xff")])

    enriched = [record.value or b"" for record in on.consume(topics.ENRICHED, until=2)]
    (rejected,) = (record.value or b"" for record in on.consume(topics.REJECTED, until=1))
    assert {read(on.name(topics.ENRICHED), value)["article_id"] for value in enriched} == {"framed", "plain"}
    assert read(on.name(topics.REJECTED), rejected)["reason"] == "not_utf8"
    ours = [codec.record_from_json(value) for value in enriched]
    assert {record.article_id for record in ours if isinstance(record, EnrichedArticle)} == {"framed", "plain"}
    shown = _newsstream(on, address, "tail", "enriched", "--from-beginning", "--max", "2", "--idle", "20")
    assert {json.loads(line)["article_id"] for line in shown.splitlines()} == {"framed", "plain"}


@pytest.mark.kafka
def test_a_replay_reads_and_writes_the_wire_format(on: Stage, address: str, read: Read) -> None:
    """Refusals and records are read in their frames; what is published again is framed, under the subjects of its own topics."""
    shadow = Stage(on.bootstrap, f"{on.prefix}shadow.", on.partitions)
    worker = on.start(schema_registry_url=address)
    on.produce([(b"1", b'{"id": "plain", "text": "Kyiv is quiet."}'), (b"2", b"{")])
    on.settle()
    assert worker.terminate() == 0

    refused = _newsstream(on, address, "replay", "rejected")
    compared = _newsstream(on, address, "replay", "articles", "--into", shadow.prefix, "--diff")

    (again,) = shadow.consume(topics.ENRICHED, until=1)
    assert b"not_json" in refused
    assert read(shadow.name(topics.ENRICHED), again.value or b"")["article_id"] == "plain"
    assert json.loads(compared.splitlines()[-1])["articles"] == {"same": 2}


def _newsstream(on: Stage, address: str, *arguments: str) -> bytes:
    """What a command prints."""
    settings = {
        "bootstrap_servers": on.bootstrap,
        "topic_prefix": on.prefix,
        "schema_registry_url": address,
        "pipeline_factory": workers.STUB,
        "processes": "1",
    }
    environment = os.environ | {f"NEWSSTREAM_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "stream", *arguments]
    done = subprocess.run(command, env=environment, cwd=workers.ROOT, capture_output=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.kafka
def test_a_worker_waits_for_a_registry_that_is_away_and_leaves_one_that_is_none(on: Stage, address: str) -> None:
    """Away may come back: it says so and waits, and SIGTERM ends it. A wrong path will not: status 1, with the setting's name."""
    waits = on.start(schema_registry_url=f"http://127.0.0.1:{broker.free_port()}", wait=False)
    wrong = on.start(schema_registry_url=address.partition("/apis")[0], wait=False)

    workers.eventually(lambda: "waiting for the schema registry" in waits.said(), what="the worker says what it waits for")
    assert wrong.process.wait(60) == 1
    assert "NEWSSTREAM_SCHEMA_REGISTRY_URL" in wrong.said()
    assert "is the path right" in wrong.said()
    assert waits.get("/readyz")[0] == 503
    assert waits.terminate() == 0
