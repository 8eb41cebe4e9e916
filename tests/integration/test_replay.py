"""What was refused, and what was processed before, once more on a real broker: what is sent, what comes out, what has changed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from stream import codec, topics
from stream.records import Message, Reason, Rejected
from tests import stub
from tests.integration import workers
from tests.integration.workers import STUB, Stage
from tests.kafka import client
from tests.kafka.apache import ApacheKafka
from tests.kafka.client import Outgoing, Received
from tests.kafka.plugin import Broker

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(300),
]  # a test here starts up to seven processes, and the machine may be busy

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds"
MENDED = "tests.stub:open_mended"
OTHER = "tests.stub:open_other"
REAL = "stream.pool.process:open_pipeline"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()), ("tracestate", b"agency=1"), ("from", b"\x00wire"))


@pytest.fixture
def on(kafka: Broker, prefix: str) -> Iterator[Stage]:
    """A stage on the best broker at hand, with few partitions."""
    with workers.stage(kafka.bootstrap, prefix, partitions=2) as made:
        yield made


def _command(on: Stage, *arguments: str, factory: str = STUB, **settings: Any) -> tuple[list[str], dict[str, str]]:
    chosen = {
        "bootstrap_servers": on.bootstrap,
        "topic_prefix": on.prefix,
        "partitions": on.partitions,
        "processes": 1,
        "pipeline_factory": factory,
        "log_format": "json",
    } | settings
    environment = os.environ | {f"NEWSSTREAM_{name.upper()}": str(value) for name, value in chosen.items()}
    return [sys.executable, "-m", "stream", "replay", *arguments], environment


def _replay(on: Stage, *arguments: str, status: int = 0, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a replay as an operator would; it never shows a traceback."""
    command, environment = _command(on, *arguments, **settings)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, done.stderr
    return done


def _lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def _article(name: str, text: str = "Kyiv is quiet.", **more: Any) -> bytes:
    return json.dumps({"id": name, "text": text} | more).encode()


def _trace(record: Received) -> str:
    return dict(record.headers)["traceparent"].decode()[3:35]


def _by_article(records: Sequence[Received]) -> dict[str, dict[str, Any]]:
    """The last record of each article, without what a clock says."""
    found = {}
    for record in records:
        value = json.loads(record.value or b"{}")
        found[value["article_id"]] = {name: part for name, part in value.items() if name not in {"processed_at", "timings"}}
    return found


async def _delete_before(on: Stage, topic: topics.Topic, offsets: dict[int, int]) -> None:
    """Delete what lies before these offsets, as retention would."""
    async with client.admin(on.bootstrap) as admin:
        await admin.delete_records(
            {TopicPartition(on.name(topic), number): RecordsToDelete(offset) for number, offset in offsets.items()}
        )


# --- what was refused -----------------------------------------------------------------------------


def test_what_crashed_is_mended_and_sent_once_more(on: Stage) -> None:
    """The whole story: refused, replayed too early, mended, replayed, enriched; attempts and traces are kept, nothing circles."""
    worker = on.start()
    on.produce([(b"one", _article("one", stub.RAISE.decode()), TRACED), (b"two", _article("two", stub.CRASH.decode()))])
    first = on.consume(topics.REJECTED, until=2)
    on.settle()

    shown = _replay(on, "rejected")
    assert sum(on.ends().values()) == 2, "a dry run sends nothing"
    too_early = _replay(on, "rejected", "--reason", "crashed", "--yes")
    again = on.consume(topics.REJECTED, until=4)[2:]
    on.settle()
    guarded = _replay(on, "rejected", "--max-attempts", "2", "--yes")
    assert worker.terminate() == 0
    on.start(factory=MENDED)
    mended = _replay(on, "rejected", "--from-time", "1h", "--yes")
    enriched = on.consume(topics.ENRICHED, until=2)
    on.settle()
    settled = _replay(on, "rejected", "--yes")

    traces = {_article_of(record): _trace(record) for record in first}
    assert traces["one"] == TRACE
    assert {(line["article_id"], line["verdict"], line["attempts"]) for line in _lines(shown)} == {
        ("one", "send", 1),
        ("two", "send", 1),
    }
    assert "nothing was sent: --yes sends 2" in shown.stderr
    assert "2 of 2 sent" in too_early.stderr
    assert sorted(json.loads(record.value or b"")["attempts"] for record in again) == [2, 2]
    assert {_article_of(record): _trace(record) for record in again} == traces
    assert {line["verdict"] for line in _lines(guarded)} == {"refused_too_often"}
    assert "2 of 2 sent" in mended.stderr, "four rejections tell of two messages"
    assert {_article_of(record): _trace(record) for record in enriched} == traces
    assert {line["verdict"] for line in _lines(settled)} == {"enriched_since"}
    assert "nothing to send" in settled.stderr
    assert sum(on.ends().values()) == 6


def _article_of(record: Received) -> str:
    return str(json.loads(record.value or b"{}")["article_id"])


def _rejection(message: Message, reason: Reason, *, article_id: str | None = None, **more: Any) -> Outgoing:
    """A rejection as a worker publishes it."""
    record = codec.reject(message, reason, "for a test", now=datetime.now(UTC), service="0", article_id=article_id, **more)
    encoded = codec.encode(record, message=message, source="test")
    assert isinstance(record, Rejected)
    assert encoded.topic == topics.REJECTED.name
    return encoded.key, encoded.value, encoded.headers


def _publish(on: Stage, topic: topics.Topic, records: list[Outgoing]) -> None:
    asyncio.run(client.produce(on.bootstrap, on.name(topic), records))


def _refused(on: Stage, value: bytes | None, **more: Any) -> Message:
    return Message(value=value, topic=on.name(topics.ARTICLES), **more)


def test_the_original_goes_back_as_it_came(on: Stage) -> None:
    """Bytes, key, headers and partition are those of the original; a rejection that was written twice is sent once."""
    odd = _refused(on, b"\xff\xfe no json", key=b"\x00key", partition=1, offset=3, headers=(*TRACED, ("from", b"again")))
    plain = _refused(on, b"{}", partition=0, offset=4)
    replayed = _refused(on, b"\xff\xfe no json", key=b"\x00key", partition=1, offset=9, headers=odd.headers, attempts=1)
    twice = _rejection(odd, Reason.NOT_UTF8)
    _publish(on, topics.REJECTED, [twice, twice, _rejection(replayed, Reason.NOT_UTF8), _rejection(plain, Reason.INVALID)])

    done = _replay(on, "rejected", "--yes")

    sent = {record.value: record for record in asyncio.run(_all(on, topics.ARTICLES, until=2))}
    assert "2 of 2 sent" in done.stderr
    assert set(sent) == {odd.value, plain.value}
    original = sent[odd.value]
    assert (original.key, original.partition) == (b"\x00key", 1)
    assert [pair for pair in original.headers if pair[0] == "from"] == [("from", b"\x00wire"), ("from", b"again")]
    assert dict(original.headers)["newsstream-attempts"] == b"2"
    assert _trace(original) == TRACE
    assert dict(original.headers)["tracestate"] == b"agency=1"
    assert sent[plain.value].key is None
    assert len(_trace(sent[plain.value])) == 32, "a trace that was derived from the old offset goes on"


async def _all(on: Stage, topic: topics.Topic, *, until: int) -> list[Received]:
    return await client.consume_all(on.bootstrap, on.name(topic), until=until)


def test_rejections_are_chosen_by_reason_time_and_id(on: Stage) -> None:
    """What is chosen is what is shown; what cannot be sent is counted, and says why; a stranger on the topic harms nobody."""
    late = _article("late", "enriched since")
    _publish(
        on,
        topics.REJECTED,
        [
            _rejection(_refused(on, _article("slow"), offset=1), Reason.TIMED_OUT, article_id="slow"),
            _rejection(_refused(on, b"x" * 4000, offset=2), Reason.TOO_LARGE, keep_bytes=100),
            _rejection(_refused(on, late, offset=3), Reason.CRASHED, article_id="late"),
            _rejection(_refused(on, None, offset=4), Reason.EMPTY),
            (b"stranger", b'["no rejection"]'),
            (b"tombstone", None),
        ],
    )
    moment = datetime.now(UTC).isoformat()
    _publish(on, topics.ENRICHED, [(b"late", b"{}")])
    _publish(on, topics.REJECTED, [_rejection(_refused(on, _article("new"), offset=5), Reason.CRASHED, article_id="new")])

    verdicts = {line["reason"]: line["verdict"] for line in _lines(_replay(on, "rejected", "--until-time", moment))}
    since = _replay(on, "rejected", "--from-time", moment)
    by_reason = _replay(on, "rejected", "--reason", "timed_out,too_large", "--format", "table")
    by_id = _replay(on, "rejected", "--id", "slow", "--limit", "1", "--yes")
    unknown = _replay(on, "rejected", "--id", "nobody", "--id", "slow", "--yes", status=1)

    assert verdicts == {"timed_out": "send", "too_large": "bytes_not_kept", "empty": "no_value", "crashed": "enriched_since"}
    assert [line["article_id"] for line in _lines(since)] == ["new"]
    assert "2 records" in since.stderr or "2 records" in by_reason.stderr
    assert "bytes not kept" in by_reason.stdout
    assert "for a test" in by_reason.stdout
    assert "1 of 1 sent" in by_id.stderr
    assert "nobody" in unknown.stderr
    assert "nothing was sent" in unknown.stderr
    assert [record.value for record in asyncio.run(_all(on, topics.ARTICLES, until=1))] == [_article("slow")]
    assert sum(on.ends().values()) == 1


# --- a part of the input --------------------------------------------------------------------------


def test_the_input_goes_through_again_into_shadow_topics(on: Stage) -> None:
    """The records are the same, with the same ids; the workers' group and their topics notice nothing."""
    on.produce([(f"a{number}".encode(), _article(f"a{number}", metadata={"n": number})) for number in range(40)])
    on.produce([(b"bad", b"{"), (b"dead", _article("dead", stub.RAISE.decode()))])
    worker = on.start()
    on.settle()
    assert worker.terminate() == 0
    committed, live = on.committed(), on.everything(topics.ENRICHED)
    shadow = Stage(on.bootstrap, f"{on.prefix}shadow.", on.partitions)

    shown = _replay(on, "articles", "--format", "table")
    planned = _replay(on, "articles")
    refused = _replay(on, "articles", "--into", on.prefix, status=1)
    done = _replay(on, "articles", "--into", shadow.prefix)

    again = shadow.everything(topics.ENRICHED)
    assert "42" in shown.stdout
    assert sum(line["end"] - line["first"] for line in _lines(planned)) == 42
    assert "nothing was done" in shown.stderr
    assert "--yes" in refused.stderr
    assert "42 articles answered (2 of them rejected)" in done.stderr
    assert _by_article(again) == _by_article(live)
    assert len(again) == 40
    assert [dict(record.headers)["ce_id"] for record in again] == [record.key for record in again]
    for topic in (topics.ENRICHED, topics.REJECTED):
        before, now = on.everything(topic), shadow.everything(topic)
        assert {(record.key, _trace(record)) for record in now} == {(record.key, _trace(record)) for record in before}
    assert on.committed() == committed
    assert len(on.everything(topics.ENRICHED)) == 40


def test_a_difference_is_what_another_pipeline_says(on: Stage) -> None:
    """Nothing is published; only what has changed is reported: a language, a crash, a recovery; the last version counts."""
    _process_some(on)
    published = sum(len(on.everything(topic)) for topic in topics.OUTPUTS)

    same = _lines(_replay(on, "articles", "--diff"))
    other = _lines(_replay(on, "articles", "--diff", factory=OTHER))
    mended = _lines(_replay(on, "articles", "--diff", factory=MENDED))
    table = _replay(on, "articles", "--diff", "--format", "table", factory=OTHER)

    assert same == [{"articles": {"same": 5, "superseded": 1}, "changes": {}}]
    assert [(line.get("article_id"), line.get("standing")) for line in other] == [("r", "changed"), (None, None)]
    assert other[0]["differences"]["language"] == {"before": "und", "now": "it"}
    assert other[0]["differences"]["entities"] == other[0]["differences"]["events"] == []
    assert other[-1] == {"articles": {"same": 4, "changed": 1, "superseded": 1}, "changes": {"language": 1}}
    assert [(line["article_id"], line["standing"], line["reason_before"]) for line in mended[:-1]] == [
        ("dead", "now_enriched", "crashed")
    ]
    assert "und" in table.stdout
    assert sum(len(on.everything(topic)) for topic in topics.OUTPUTS) == published


def test_what_was_published_may_be_written_over(on: Stage) -> None:
    """With `--yes`: the difference is reported once more while it is published, and then there is none."""
    _process_some(on)
    published = sum(len(on.everything(topic)) for topic in topics.OUTPUTS)

    over = _lines(_replay(on, "articles", "--diff", "--into", on.prefix, "--yes", factory=OTHER))
    settled = _lines(_replay(on, "articles", "--diff", factory=OTHER))

    assert [line.get("article_id") for line in over] == ["r", None]
    assert settled == [{"articles": {"same": 5, "superseded": 1}, "changes": {}}]
    assert sum(len(on.everything(topic)) for topic in topics.OUTPUTS) == 2 * published


def _process_some(on: Stage) -> None:
    """Articles of two versions, one that crashes and one that is none, published as a worker would."""
    on.produce(
        [
            (b"v", _article("v", "An older version, of Roma.")),
            (b"r", _article("r", "Roma, today.")),
            (b"k", _article("k", "Kyiv, today.")),
            (b"v", _article("v", "The last version.")),
            (b"dead", _article("dead", stub.RAISE.decode())),
            (b"bad", b"{"),
        ]
    )
    _replay(on, "articles", "--into", on.prefix, "--yes")


def test_a_setting_is_judged_before_it_goes_live(on: Stage) -> None:
    """The real pipeline with a threshold that no event passes: events are gone, and nothing else has changed."""
    on.produce([(None, line) for name in ("nl", "pt") for line in (SEEDS / f"{name}.ndjson").read_bytes().splitlines()])
    _replay(on, "articles", "--into", on.prefix, "--yes", factory=REAL)
    events = len(on.everything(topics.EVENTS))
    assert events

    same = _lines(_replay(on, "articles", "--diff", factory=REAL))
    strict = _lines(_replay(on, "articles", "--diff", factory=REAL, event_threshold=1.0))

    assert same == [{"articles": {"same": len(on.everything(topics.ENRICHED))}, "changes": {}}]
    summary = strict[-1]
    assert summary["changes"]["event removed"] == events
    assert set(summary["changes"]) == {"event removed", "primary event"}
    evidence = [event["before"]["evidence"]["text"] for line in strict[:-1] for event in line["differences"]["events"]]
    assert len(evidence) == events
    assert all(evidence)


# --- ranges ---------------------------------------------------------------------------------------


async def _produce_at(on: Stage, records: list[tuple[int, str, int]], **options: Any) -> None:
    """Articles by partition, name and timestamp in milliseconds, in this order."""
    async with client.producer(on.bootstrap, **options) as producer:
        transactional = "transactional_id" in options
        if transactional:
            await producer.begin_transaction()
        for partition, name, timestamp in records:
            sent = await producer.send(on.name(topics.ARTICLES), _article(name), partition=partition, timestamp_ms=timestamp)
            if not transactional:
                await sent
        if transactional:
            await producer.commit_transaction()


def _held(on: Stage, *arguments: str) -> set[str]:
    """The articles that a range holds: nothing was published before, so each of them is a line of the comparison."""
    return {line["article_id"] for line in _lines(_replay(on, "articles", "--diff", *arguments)) if "article_id" in line}


def test_ranges_hold_what_their_times_and_offsets_say(on: Stage) -> None:
    """Also where timestamps do not grow, and where offsets hold no message: markers of transactions end both partitions."""
    minute = 60_000
    start = int(time.time() * 1000) - 60 * minute
    at = {"a": 0, "b": 10, "ahead": 50, "c": 20, "d": 30}
    asyncio.run(
        _produce_at(on, [(0, name, start + minutes * minute) for name, minutes in at.items()], transactional_id=f"{on.prefix}tx")
    )
    asyncio.run(
        _produce_at(on, [(1, "e", start + 10 * minute), (1, "f", start + 40 * minute)], transactional_id=f"{on.prefix}tx")
    )

    def iso(minutes: int) -> str:
        return datetime.fromtimestamp((start + minutes * minute) / 1000, UTC).isoformat()

    assert _held(on) == {*at, "e", "f"}
    assert _held(on, "--from-time", iso(10), "--until-time", iso(30)) == {"b", "c", "e"}
    assert _held(on, "--until-time", iso(20), "--partition", "0") == {"a", "b"}
    assert _held(on, "--partition", "0", "--from-offset", "1", "--until-offset", "3") == {"b", "ahead"}
    assert _held(on, "--partition", "0", "--from-offset", "5") == set(), "only a marker is left there"


def test_a_range_that_is_not_there_is_said(on: Stage) -> None:
    """Empty, expired, beyond the end, no such partition, no such topic: one line that says what to do, and never a traceback."""
    empty = _replay(on, "articles", "--diff")
    on.produce([(b"a", _article("a")) for _ in range(5)])
    partition = max(on.ends(), key=lambda number: on.ends()[number])
    asyncio.run(_delete_before(on, topics.ARTICLES, {partition: 3}))
    where = ("articles", "--diff", "--partition", str(partition))

    later = _replay(on, "articles", "--diff", "--from-time", "2100-01-01")
    left = _replay(on, "articles", "--diff", "--from-time", "1d")
    expired = _replay(on, *where, "--from-offset", "1", status=1)
    beyond = _replay(on, *where, "--until-offset", "9", status=1)
    stranger = _replay(on, "articles", "--diff", "--partition", "7", status=1)
    nowhere = _replay(on, "articles", "--diff", status=1, topic_prefix=f"{on.prefix}none.")
    nothing = _replay(on, "rejected", status=1, topic_prefix=f"{on.prefix}none.")
    usage = _replay(on, "articles", "--from-offset", "1", status=2)
    away = _replay(on, "rejected", status=1, bootstrap_servers="127.0.0.1:9")

    assert "nothing to do" in empty.stderr
    assert "nothing to do" in later.stderr
    assert "before offset 3 has expired" in left.stderr
    assert _lines(left)[-1]["articles"] == {"not_published_before": 1, "superseded": 1}
    assert "--from-offset 3" in expired.stderr
    assert "--until-offset 9" in beyond.stderr
    assert "no partition 7: it has 0 to 1" in stranger.stderr
    assert "newsstream topics create" in nowhere.stderr
    assert "newsstream topics create" in nothing.stderr
    assert "--partition" in usage.stderr
    assert "127.0.0.1:9" in away.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_may_be_stopped_and_run_again(on: Stage, number: signal.Signals) -> None:
    """Status 130, how far it came, no process left; the next run answers everything, under the same ids."""
    on.produce([(f"a{n}".encode(), _article(f"a{n}", "NEWSSTREAM-TEST-SLEEP-50-MS")) for n in range(60)])
    shadow = Stage(on.bootstrap, f"{on.prefix}shadow.", on.partitions)
    shadow.create_topics()
    command, environment = _command(on, "articles", "--into", shadow.prefix)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as started:
        try:
            workers.eventually(lambda: bool(_published(shadow)), what="the first records are there")
            family = psutil.Process(started.pid).children(recursive=True)
            started.send_signal(number)
            _, said = started.communicate(timeout=30)
        finally:
            started.kill()

    assert started.returncode == 130
    assert "articles were answered, the rest was not" in said
    assert "Traceback" not in said
    assert family
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert len(_published(shadow)) < 60
    _replay(on, "articles", "--into", shadow.prefix, factory=MENDED)
    assert set(_published(shadow)) == {f"a{n}" for n in range(60)}


def test_a_broker_that_is_gone_ends_the_replay(own_kafka: ApacheKafka, prefix: str) -> None:
    """Status 1 after the stall timeout, with one line that says how far it came; the producer alone would wait for ever."""
    with workers.stage(own_kafka.bootstrap, prefix, partitions=1) as on:
        on.produce([(b"a", _article(f"a{n}", "NEWSSTREAM-TEST-SLEEP-50-MS")) for n in range(100)])
        shadow = Stage(on.bootstrap, f"{on.prefix}shadow.", on.partitions)
        shadow.create_topics()
        command, environment = _command(on, "articles", "--into", shadow.prefix, stall_timeout=2, delivery_timeout=2)
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as started:
            try:
                workers.eventually(lambda: bool(_published(shadow)), what="the first records are there")
                own_kafka.kill()
                _, said = started.communicate(timeout=40)
            finally:
                started.kill()

    assert started.returncode == 1
    assert "nothing was acknowledged for 2 s" in said or "nothing has come" in said
    assert len(said.splitlines()) == 1, said


def _published(stage: Stage) -> dict[str, dict[str, Any]]:
    return _by_article(stage.everything(topics.ENRICHED))
