"""What the night shift looks at, on a real worker, Kafka and Prometheus: it shows what is, and wakes who must wake."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from stream import broker, sources, topics
from tests import dashboards, otlp
from tests.dashboards import Query
from tests.integration import prometheus, workers
from tests.integration.prometheus import Prometheus
from tests.integration.workers import Stage, Worker
from tests.kafka import apache
from tests.kafka.client import Outgoing
from tests.kafka.plugin import Broker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

SEEDS = Path(__file__).parents[2] / "seeds"
RATE = "15s"
"""What Grafana would fill in for ``$__rate_interval``, with room for a busy machine."""
MAY_BE_ZERO = {
    "service: Rejected: rejected": "a ratio over a quarter of an hour, of which the first scrape is not part",
}


@dataclass(frozen=True, slots=True)
class Night:
    """A worker through which the seeds have passed, under the eyes of Prometheus."""

    worker: Worker
    prometheus: Prometheus
    start: float
    end: float


@pytest.fixture(scope="module")
def night(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Every seed and every refusal, one of which kills its process; the rules are the real ones, but one waits less."""
    command = prometheus.binary()
    port = broker.free_port()
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        workers.stage(kafka.bootstrap, f"t{uuid.uuid4().hex[:8]}.") as on,
        prometheus.running(command, folder, ports=[port], waits={"NewsstreamWorkerDown": "3s"}) as watching,
    ):
        worker = on.start(factory="tests.stub:open_poisonable", deadline=5, session_timeout=30, probes_port=port, wait=False)
        worker.wait_until_ready(within=200)
        workers.eventually(lambda: watching.value("news:partitions:read") == on.partitions, within=60, what="it is scraped")
        start = prometheus.now()
        values = _seeds()
        on.produce(values)
        on.settle(within=200)
        seen = f"sum(news_articles_total) == {len(values)}"
        workers.eventually(lambda: watching.value(seen) == len(values), within=30, what="Prometheus has seen every article")
        workers.eventually(
            lambda: watching.value("news:lag:messages") == 0, within=30, what="Prometheus has seen that none waits"
        )
        # panels are asked at whole seconds from the start: the last of them must lie behind the last scrape
        yield Night(worker, watching, start, prometheus.now() + 2)


def _seeds() -> list[Outgoing]:
    found: list[Outgoing] = []
    for path in sorted([*SEEDS.glob("*.ndjson"), *SEEDS.glob("*.txt"), *(SEEDS / "rejected").iterdir()]):
        with sources.open_input(str(path), standard_input=sys.stdin.buffer) as stream:
            found += [(None, value) for value in sources.values(path.name, stream)]
    return found


@pytest.mark.parametrize("query", list(dashboards.queries()), ids=str)
def test_no_panel_is_empty_after_the_seeds(night: Night, query: Query) -> None:
    """Asked as Grafana asks: series with a name each, and more than zeros."""
    curves = night.prometheus.curves(query, start=night.start, end=night.end, rate=RATE)

    assert curves
    assert all(curve.name for curve in curves)
    assert len({curve.name for curve in curves}) == len(curves)
    assert any(curve.points for curve in curves)
    if str(query) not in MAY_BE_ZERO:
        assert any(value > 0 for curve in curves for _, value in curve.points)


def test_nobody_is_woken_while_all_is_well(night: Night) -> None:
    """The seeds are no emergency."""
    assert night.prometheus.firing() == set()


def test_a_worker_that_is_stopped_is_noticed(night: Night) -> None:
    """The rules of deploy/, of which this one waits three seconds here and two minutes there."""
    assert night.worker.terminate() == 0

    workers.eventually(lambda: "NewsstreamWorkerDown" in night.prometheus.firing(), within=30, what="the alert fires")


@pytest.fixture
def on(kafka: Broker, prefix: str) -> Iterator[Stage]:
    """A stage on the best broker at hand."""
    with workers.stage(kafka.bootstrap, prefix) as made:
        yield made


def _article(number: int) -> bytes:
    return json.dumps({"id": f"a{number}", "text": "Kyiv is quiet."}).encode()


def test_a_transaction_at_the_end_of_a_partition_is_no_lag(on: Stage) -> None:
    """It ends with a marker that nobody gets: the worker has nothing to do, and says so, before and after a restart."""

    async def produce() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=on.bootstrap, transactional_id=f"{on.prefix}t")
        async with producer, producer.transaction():
            for number in range(8):
                await producer.send(on.name(topics.ARTICLES), _article(number), partition=number % on.partitions)

    asyncio.run(produce())
    for _ in range(2):
        worker = on.start()
        workers.eventually(
            lambda worker=worker: (
                [  # type: ignore[misc]
                    worker.metric(f'news_consumer_lag_messages{{partition="{number}"}}') for number in range(on.partitions)
                ]
                == [0] * on.partitions
            ),
            within=30,
            what="no partition is behind",
        )
        assert worker.metric("news_consumer_lag_seconds") == 0
        assert worker.terminate() == 0
    assert len(on.everything(topics.ENRICHED)) == 8


def test_articles_that_wait_grow_old_and_the_log_says_so(on: Stage) -> None:
    """One article hangs in the pool, the others wait behind it: age, number and a warning."""
    worker = on.start(processes=1, deadline=25)
    began = time.time()
    on.produce(
        [(b"k", json.dumps({"text": "NEWSSTREAM-TEST-SLEEP-20000-MS"}).encode()), *[(b"k", _article(n)) for n in range(5)]]
    )

    def warnings() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in worker.said().splitlines()]
        return [line for line in lines if line["event"] == "nothing acknowledged" and line["lag_seconds"] > 5]

    workers.eventually(lambda: bool(warnings()), within=40, what="a warning")
    age, at_most = worker.metric("news_consumer_lag_seconds"), time.time() - began + 1

    assert warnings()[0]["level"] == "warning"
    assert warnings()[0]["lag_messages"] == 6
    assert 5 < age < at_most


def test_a_silent_kafka_is_no_good_news(own_kafka: apache.ApacheKafka, prefix: str) -> None:
    """All was acknowledged, then Kafka is gone: what has arrived since, nobody knows, and the lag says so."""
    with workers.stage(own_kafka.bootstrap, prefix) as on:
        worker = on.start(session_timeout=60, request_timeout=60, heartbeat_interval=3)
        on.produce([(b"k", _article(1))])
        on.settle()
        time.sleep(1)
        assert worker.metric("news_consumer_lag_seconds") == 0

        own_kafka.kill()

        workers.eventually(
            lambda: worker.metric("news_consumer_lag_seconds") > 12,
            within=60,
            what="the lag grows though nothing is seen",
            every=0.5,
        )


def test_the_spans_of_a_worker_tie_its_outputs_to_its_inputs(on: Stage) -> None:
    """From the agency's span over ours to that of whoever reads: one trace, no gap."""
    trace, sender = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = (("traceparent", f"00-{trace}-{sender}-01".encode()),)
    with otlp.receiver() as (address, received), pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        worker = on.start(traces="otlp")
        on.produce([(b"k", _article(1), headers), (b"k", _article(2))])
        outputs = on.consume(topics.ENRICHED, until=2)
        on.settle()
        assert worker.terminate() == 0

    spans = {
        span.span_id.hex(): span
        for request in received
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    traced = {output.key: dict(output.headers)["traceparent"].decode().split("-") for output in outputs}
    for key, parent in ((b"a1", sender), (b"a2", "")):
        _, trace_id, span_id, _ = traced[key]
        publish = spans[span_id]
        article = spans[publish.parent_span_id.hex()]
        assert (publish.name, article.name) == ("publish", f"process {on.name(topics.ARTICLES)}")
        assert publish.trace_id.hex() == article.trace_id.hex() == trace_id
        assert article.parent_span_id.hex() == parent
    assert traced[b"a1"][1] == trace
