"""Probes and metrics over HTTP, from a server of our own."""

from __future__ import annotations

import asyncio

import aiohttp
import psutil
import pytest

from stream import config, probes
from stream.metrics import LANGUAGES, Metrics
from stream.outcome import Summary
from stream.records import ModelInfo, Reason


def test_probes_say_what_is_not_well() -> None:
    """200 and ok, or 503 and the trouble in words; metrics are brought up to date before they are read."""
    trouble: dict[str, str | None] = {"live": None, "ready": "the group is rebalancing"}
    metrics = Metrics()
    application = probes.application(
        metrics=metrics,
        live=lambda: trouble["live"],
        ready=lambda: trouble["ready"],
        before_metrics=lambda: metrics.lag_seconds.set(7),
    )

    async def ask() -> dict[str, tuple[int, str]]:
        async with probes.serving(application, host="127.0.0.1", port=0) as address, aiohttp.ClientSession() as session:
            answers = {}
            for route in ("livez", "readyz", "metrics"):
                async with session.get(f"{address}/{route}") as answer:
                    answers[route] = (answer.status, await answer.text())
            return answers

    answers = asyncio.run(ask())

    assert answers["livez"] == (200, "ok\n")
    assert answers["readyz"] == (503, "the group is rebalancing\n")
    assert "news_consumer_lag_seconds 7.0" in answers["metrics"][1]


def test_a_port_that_is_taken_is_an_error() -> None:
    """Two workers on one machine need two ports; the second is told."""
    application = probes.application(metrics=Metrics(), live=lambda: None, ready=lambda: None, before_metrics=lambda: None)

    async def twice() -> None:
        async with probes.serving(application, host="127.0.0.1", port=0) as address:
            again = probes.application(metrics=Metrics(), live=lambda: None, ready=lambda: None, before_metrics=lambda: None)
            async with probes.serving(again, host="127.0.0.1", port=int(address.rpartition(":")[2])):
                pass

    with pytest.raises(OSError, match="address already in use"):
        asyncio.run(twice())


def test_the_probes_are_served_to_this_machine_alone_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics tell how much news somebody reads: whoever wants them outside says so with NEWSSTREAM_PROBES_HOST."""
    monkeypatch.delenv("NEWSSTREAM_PROBES_HOST", raising=False)
    host = config.from_environment().probes_host
    application = probes.application(metrics=Metrics(), live=lambda: None, ready=lambda: None, before_metrics=lambda: None)

    async def listening() -> set[str]:
        async with probes.serving(application, host=host, port=0):
            connections = psutil.Process().net_connections(kind="inet")
            return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}

    assert asyncio.run(listening()) == {"127.0.0.1"}


def test_every_series_starts_at_zero() -> None:
    """A rate over a series that does not exist yet is no rate: closed sets, all there from the start."""
    text = Metrics().exposition().decode()

    assert all(f'news_rejected_total{{reason="{reason}"}} 0.0' in text for reason in Reason)
    assert all(f'news_articles_by_language_total{{language="{language}"}} 0.0' in text for language in (*LANGUAGES, "other"))


def test_an_article_is_counted_by_what_came_of_it() -> None:
    """Languages without a lexicon are `other`; a rejection counts its reason and nothing else."""
    metrics = Metrics()
    metrics.count(Summary("a", None, language="fi", entity_types=("PER", "PER"), event_types=("AID",), timings=(("text", 0.01),)))
    metrics.count(Summary(None, Reason.NOT_JSON))

    text = metrics.exposition().decode()

    assert 'news_articles_by_language_total{language="other"} 1.0' in text
    assert 'news_entities_total{type="PER"} 2.0' in text
    assert 'news_events_total{type="AID"} 1.0' in text
    assert 'news_articles_total{outcome="rejected"} 1.0' in text
    assert 'news_stage_seconds_count{stage="text"} 1.0' in text


def test_what_runs_is_described() -> None:
    """Version and models, for whoever compares two workers."""
    metrics = Metrics()
    metrics.describe(version="1.2", python="3.11", models=[ModelInfo(name="m", version="2", sha256="ab")])

    text = metrics.exposition().decode()

    assert 'news_build_info{python="3.11",version="1.2"} 1.0' in text
    assert 'news_model_info{name="m",sha256="ab",version="2"} 1.0' in text


def test_two_catalogues_do_not_meet() -> None:
    """Nothing is global: a second service in one process starts at zero."""
    first, second = Metrics(), Metrics()
    first.in_flight.set(3)

    assert "news_in_flight_articles 0.0" in second.exposition().decode()
