"""A real worker process on a real broker: what comes out, what is committed, and what happens when something breaks."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.producer import message_accumulator, producer
from aiokafka.record import default_records

from stream import codec, sources, topics
from stream.records import EnrichedArticle, Rejected
from tests import stub
from tests.integration import workers
from tests.integration.workers import Stage
from tests.kafka import client
from tests.kafka.client import Outgoing, Received
from tests.kafka.names import Name
from tests.kafka.plugin import Broker

pytestmark = pytest.mark.kafka

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture
def on(kafka: Broker, prefix: str) -> Iterator[Stage]:
    """A stage on the best broker at hand."""
    with workers.stage(kafka.bootstrap, prefix) as made:
        yield made


def _articles(count: int, *, start: int = 0, text: str = "Kyiv is quiet.") -> list[Outgoing]:
    return [
        (f"a{number}".encode(), json.dumps({"id": f"a{number}", "text": text, "metadata": {"n": number}}).encode())
        for number in range(start, start + count)
    ]


async def _delete_records(on: Stage, before: dict[int, int]) -> None:
    """Delete what lies before these offsets, as retention would."""
    name = on.name(topics.ARTICLES)
    async with client.admin(on.bootstrap) as admin:
        await admin.delete_records({TopicPartition(name, number): RecordsToDelete(end) for number, end in before.items()})


def _ids(records: list[Received]) -> list[str]:
    return [json.loads(record.value or b"{}")["article_id"] for record in records]


def _rejections(records: list[Received]) -> list[Rejected]:
    found = [codec.record_from_json(record.value or b"") for record in records]
    return [record for record in found if isinstance(record, Rejected)]


def _assert_in_order(records: list[Received]) -> None:
    """First occurrences within an output partition are in the order of the input: our numbers only grow per key partition."""
    seen: set[str] = set()
    last: dict[int, int] = defaultdict(lambda: -1)
    for record in records:
        article = json.loads(record.value or b"{}")
        if article["article_id"] in seen:
            continue
        seen.add(article["article_id"])
        number = article["metadata"]["n"]
        assert number > last[record.partition], f"{number} came after {last[record.partition]}"
        last[record.partition] = number


def test_everything_that_goes_in_comes_out_in_order_and_is_committed(broker: Broker, prefix: str) -> None:
    """The main promise, on Apache Kafka and on the embedded broker; SIGTERM leaves with status 0."""
    with workers.stage(broker.bootstrap, prefix) as on:
        on.produce(_articles(300))
        worker = on.start()

        on.settle()
        records = on.everything(topics.ENRICHED)

        assert Counter(_ids(records)) == Counter(f"a{number}" for number in range(300))
        _assert_in_order(records)
        assert worker.terminate() == 0
        assert worker.metric("news_articles_total") == -1


def test_a_restarted_worker_goes_on_where_it_stopped(on: Stage) -> None:
    """SIGTERM under load, twice: nothing is lost, and nothing comes twice."""
    on.produce(_articles(600, text="NEWSSTREAM-TEST-SLEEP-5-MS"))
    for until in (50, 250):
        worker = on.start()
        on.consume(topics.ENRICHED, until=until)
        assert worker.terminate() == 0
    on.start()

    on.settle()
    records = on.everything(topics.ENRICHED)

    assert Counter(_ids(records)) == Counter(f"a{number}" for number in range(600))
    _assert_in_order(records)


def test_a_second_worker_shares_the_partitions(on: Stage) -> None:
    """Both work; when one is killed, the other takes over its share."""
    first, second = on.start(), on.start()
    workers.eventually(
        lambda: all(worker.get("/metrics")[1].count("news_consumer_lag_messages{") >= 2 for worker in (first, second)),
        what="both workers have partitions",
    )
    on.produce(_articles(200))
    on.settle()
    shares = [worker.metric('news_articles_total{outcome="enriched"}') for worker in (first, second)]
    first.kill()
    on.produce(_articles(200, start=200))

    on.settle()
    records = on.everything(topics.ENRICHED)

    assert sum(shares) == 200  # counted once they are acknowledged, which is before they are committed
    assert min(shares) > 0
    assert set(_ids(records)) == {f"a{number}" for number in range(400)}


def test_a_killed_worker_loses_nothing(on: Stage) -> None:
    """SIGKILL under load, again and again: every article comes out, and what comes twice is the same record."""
    choose = random.Random(7)
    on.produce(_articles(600, text="NEWSSTREAM-TEST-SLEEP-4-MS"))
    for _ in range(3):
        worker = on.start()
        before = len(on.consume(topics.ENRICHED, until=1))
        on.consume(topics.ENRICHED, until=before + choose.randrange(20, 120))
        worker.kill()
    on.start()
    on.settle()

    records = on.everything(topics.ENRICHED)

    assert set(_ids(records)) == {f"a{number}" for number in range(600)}
    _assert_in_order(records)


def test_killed_pool_processes_cost_time_not_articles(on: Stage) -> None:
    """SIGKILL of whatever pool process is at hand: nothing is lost, and nobody is blamed."""
    choose = random.Random(11)
    worker = on.start()
    on.produce(_articles(400, text="NEWSSTREAM-TEST-SLEEP-5-MS"))
    for until in range(40, 240, 40):
        on.consume(topics.ENRICHED, until=until)
        victims = worker.pool()
        if victims:
            choose.choice(victims).kill()

    on.settle()
    records = on.everything(topics.ENRICHED)

    assert Counter(_ids(records)) == Counter(f"a{number}" for number in range(400))
    assert worker.metric('news_articles_total{outcome="rejected"}') == 0
    assert worker.metric('news_pool_restarts_total{cause="crashed"}') >= 1


def test_poison_is_isolated(on: Stage) -> None:
    """Articles that kill their process, hang, eat memory or raise are rejected with their reason; neighbours come out."""
    poison = {
        "crash": (stub.CRASH, "crashed"),
        "hang": (stub.HANG, "timed_out"),
        "eat": (stub.EAT, "crashed"),
        "raise": (stub.RAISE, "crashed"),
    }
    mixed: list[Outgoing] = _articles(60)
    for place, (name, (marker, _)) in enumerate(poison.items()):
        mixed.insert(10 + 12 * place, (name.encode(), json.dumps({"id": name, "text": marker.decode()}).encode()))
    on.produce(mixed)
    on.start(deadline=2, process_memory_mb=512)

    rejected = _rejections(on.consume(topics.REJECTED, until=4))
    enriched = on.consume(topics.ENRICHED, until=60)

    on.settle()
    assert {record.article_id: record.reason.value for record in rejected} == {
        name: reason for name, (_, reason) in poison.items()
    }
    assert Counter(_ids(enriched)) == Counter(f"a{number}" for number in range(60))


def test_whatever_the_bytes_one_record_comes_out(on: Stage) -> None:
    """Tombstones, bad encodings, bad JSON, deep nesting: each is refused for its reason, and holds nobody up."""
    bad: dict[bytes, bytes | None] = {
        b"empty": None,
        b"not_utf8": b'{"text": "\xff\xfe"}',
        b"not_json": b"[" * 50_000,
        b"invalid": b'{"text": 7}',
        b"too_large": b'{"text": "' + b"x" * 1_200_000 + b'"}',
    }
    on.produce([*bad.items(), *_articles(20)])
    on.start()

    rejected = _rejections(on.consume(topics.REJECTED, until=len(bad)))
    enriched = on.consume(topics.ENRICHED, until=20)

    on.settle()
    assert {record.reason.value for record in rejected} == {key.decode() for key in bad}
    assert len(rejected) == len(bad)
    assert len(_ids(enriched)) == 20


def test_a_header_whose_name_is_no_utf8_stops_nothing(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer in another language may send it, and aiokafka's reader fails on it: once, that was the end of a partition."""
    for module in (message_accumulator, producer):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", default_records._DefaultRecordBatchBuilderPy)
    sent: list[Outgoing] = [
        (b"a1", b'{"id": "a1", "text": "Kyiv is quiet."}'),
        (b"a1", b"no json", [(Name(b"\xff\xfe"), b"x")]),
        (b"a1", b'{"id": "a3", "text": "Kyiv is quiet."}'),
    ]
    on.produce(sent)
    on.start()

    on.settle()

    assert sorted(_ids(on.everything(topics.ENRICHED))) == ["a1", "a3"]
    (refused,) = on.everything(topics.REJECTED)
    read = codec.record_from_json(refused.value or b"")
    assert isinstance(read, Rejected)
    assert [header.key for header in read.headers] == ["\ufffd\ufffd"]


def test_headers_as_large_as_a_message_stop_nothing(on: Stage) -> None:
    """A rejection with all of them was larger than any topic takes, even without the original: the worker left, each time."""
    headers = [(f"h{number}", random.Random(number).randbytes(31_000)) for number in range(60)]
    on.produce([(b"a1", b"no json", headers), (b"a1", b'{"id": "a2", "text": "Kyiv is quiet."}')])
    on.start()

    on.settle()

    assert _ids(on.everything(topics.ENRICHED)) == ["a2"]
    assert len(on.everything(topics.REJECTED)) == 1


def test_the_worker_waits_for_its_topics_and_says_so(kafka: Broker, prefix: str) -> None:
    """Started first, it is alive but not ready, names what is missing, and works as soon as it is there."""
    with workers.stage(kafka.bootstrap, prefix, create=False) as on:
        worker = on.start(wait=False)
        workers.eventually(lambda: "topics are missing" in worker.said(), what="it says what is missing")
        assert worker.get("/livez")[0] == 200
        assert worker.get("/readyz")[0] == 503
        assert f"{prefix}enriched" in worker.said()
        on.create_topics()
        on.produce(_articles(5))

        records = on.consume(topics.ENRICHED, until=5)

        assert len(records) == 5


def test_the_worker_waits_for_kafka(prefix: str) -> None:
    """Nobody listens: it says so, stays alive, and SIGTERM ends it with status 0."""
    with workers.stage("127.0.0.1:9", prefix, create=False) as on:
        worker = on.start(wait=False)
        workers.eventually(lambda: "does not answer" in worker.said(), what="it says that Kafka does not answer")

        assert worker.get("/livez")[0] == 200
        assert worker.get("/readyz")[0] == 503
        assert worker.terminate() == 0


def test_nearly_everything_rejected_stops_the_worker(on: Stage) -> None:
    """Something is wrong upstream: it leaves with status 1 and says why, rather than draining the topic."""
    on.produce([(b"k", b"no json")] * 400)
    worker = on.start(wait=False, rejected_window=50)

    status = worker.process.wait(60)

    assert status == 1
    assert "were rejected" in worker.said()
    assert sum(on.committed().values()) < 400


def test_a_bad_setting_stops_the_start(on: Stage) -> None:
    """Status 2; the message names the variable, its value and what was expected."""
    worker = on.start(wait=False, deadline="soon")

    assert worker.process.wait(30) == 2
    assert "NEWSSTREAM_DEADLINE='soon'" in worker.said()
    assert "number" in worker.said()


def test_a_pipeline_that_cannot_be_opened_stops_the_start(on: Stage) -> None:
    """A model that is not installed is named, once the pool has tried."""
    worker = on.start(wait=False, factory=None, ner_models="it=no_such_pipeline")

    assert worker.process.wait(60) == 1
    assert "no_such_pipeline" in worker.said()


def test_nothing_survives_a_killed_worker(on: Stage) -> None:
    """SIGKILL leaves no orphan and no port: pool processes die with their parent."""
    worker = on.start()
    children = worker.pool()
    assert len(children) == 2

    worker.kill()

    workers.eventually(
        lambda: all(not child.is_running() or child.status() == psutil.STATUS_ZOMBIE for child in children),
        within=10,
        what="the pool processes are gone",
    )
    assert worker.get("/livez")[0] == 0


def test_a_second_signal_ends_the_worker_at_once(on: Stage) -> None:
    """An operator who asks twice is not kept waiting; the article is delivered again later."""
    worker = on.start(deadline=60)
    on.produce([(b"hang", json.dumps({"id": "hang", "text": stub.HANG.decode()}).encode())])
    workers.eventually(lambda: worker.metric("news_in_flight_articles") == 1, what="the article is in flight")
    worker.process.send_signal(signal.SIGTERM)
    workers.eventually(lambda: "finishing what is in flight" in worker.said(), what="it begins to stop")

    worker.process.send_signal(signal.SIGTERM)

    assert worker.process.wait(10) == 128 + signal.SIGTERM
    assert sum(on.committed().values()) == 0


def test_the_probes_answer_at_every_moment_of_the_start(on: Stage) -> None:
    """Not ready is 503, with the reason; never an error of our own."""
    worker = on.start(wait=False)
    answers: set[tuple[int, str]] = set()

    def ready() -> bool:
        answers.add(worker.get("/readyz"))
        return (200, "ok\n") in answers

    workers.eventually(ready, what="the worker is ready", every=0.005)

    assert {status for status, _ in answers} <= {0, 200, 503}
    assert "Traceback" not in worker.said()


def test_a_worker_that_hangs_leaves(on: Stage) -> None:
    """Work is waiting and nothing is acknowledged: better to be started again than to hang."""
    worker = on.start(deadline=60, stall_timeout=2)
    on.produce([(b"hang", json.dumps({"id": "hang", "text": stub.HANG.decode()}).encode())])

    assert worker.process.wait(30) == 1
    assert "nothing was acknowledged for 2 s" in worker.said()
    assert sum(on.committed().values()) == 0


def test_messages_that_have_expired_are_no_reason_to_leave(on: Stage) -> None:
    """A new group finds a topic whose messages are gone: there is nothing to do, which is not a hang."""
    on.produce(_articles(40))
    gone = on.ends()
    asyncio.run(_delete_records(on, gone))
    worker = on.start(stall_timeout=1)
    quiet_since = time.monotonic()

    workers.eventually(lambda: time.monotonic() - quiet_since > 4, what="some seconds without work")

    assert worker.process.poll() is None, worker.said()
    on.produce(_articles(5, start=40))
    assert sorted(_ids(on.consume(topics.ENRICHED, until=5))) == [f"a{number}" for number in range(40, 45)]


def test_what_does_not_end_in_time_is_left_for_the_next(on: Stage) -> None:
    """The drain has a deadline of its own: status 1, nothing acknowledged, no process left."""
    worker = on.start(deadline=60, drain_timeout=1)
    on.produce([(b"hang", json.dumps({"id": "hang", "text": stub.HANG.decode()}).encode())])
    workers.eventually(lambda: worker.metric("news_in_flight_articles") == 1, what="the article is in flight")

    assert worker.terminate() == 1
    assert "not drained in time" in worker.said()
    assert sum(on.committed().values()) == 0


def test_the_seeds_pass_through_a_real_worker(broker: Broker, prefix: str) -> None:
    """The real pipeline on every seed and every refusal: one outcome each, the right language, and the metrics agree."""
    expected = json.loads((SEEDS / "expected.json").read_text(encoding="utf-8"))
    values: list[Outgoing] = []
    for path in sorted([*SEEDS.glob("*.ndjson"), *SEEDS.glob("*.txt")]):
        with path.open("rb") as stream:
            values += [(None, value) for value in sources.values(path.name, stream)]
    refusals = sorted((SEEDS / "rejected").iterdir())
    for path in refusals:
        with sources.open_input(str(path), standard_input=sys.stdin.buffer) as stream:
            values += [(None, value) for value in sources.values(path.name, stream)]
    with workers.stage(broker.bootstrap, prefix) as on:
        worker = on.start(factory="tests.stub:open_poisonable", deadline=5)
        on.produce(values)

        rejected = _rejections(on.consume(topics.REJECTED, until=len(refusals), within=90))
        enriched = on.consume(topics.ENRICHED, until=len(expected), within=90)

        on.settle()
        articles = [codec.record_from_json(record.value or b"") for record in enriched]
        languages = {article.article_id: article.language.code for article in articles if isinstance(article, EnrichedArticle)}
        assert {record.reason.value for record in rejected} == {path.name.partition(".")[0] for path in refusals}
        assert len(rejected) == len(refusals)
        assert len(articles) == len(expected) == len(languages)
        wrong = {
            name: languages[name] for name, item in expected.items() if name in languages and languages[name] != item["language"]
        }
        assert not wrong
        assert worker.metric('news_articles_total{outcome="enriched"}') == len(expected)
        assert worker.metric('news_rejected_total{reason="crashed"}') == 1
        events = sum(len(article.events) for article in articles if isinstance(article, EnrichedArticle))
        assert len(on.consume(topics.EVENTS, until=events)) == events


def test_the_command_line_makes_topics_sends_and_shows(kafka: Broker, prefix: str) -> None:
    """`topics create`, `produce` and `tail`, as a person would use them; each says what it did."""
    environment = os.environ | {"NEWSSTREAM_BOOTSTRAP_SERVERS": kafka.bootstrap, "NEWSSTREAM_TOPIC_PREFIX": prefix}

    def newsstream(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stream", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    made, again = newsstream("topics", "create"), newsstream("topics", "create")
    sent = newsstream("produce", str(SEEDS / "nl.ndjson"))
    shown = newsstream("tail", "articles", "--from-beginning", "--max", "3", "--idle", "20")

    assert made.stdout.count("created") == 5
    assert again.stdout.count("exists") == 5
    assert "3 sent" in sent.stderr
    assert len(shown.stdout.splitlines()) == 3
