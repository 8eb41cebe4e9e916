"""Every metric that the service exposes: a closed catalogue on a registry of its own, all series initialised at zero."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from stream.outcome import Summary
from stream.records import EntityType, EventType, ModelInfo, Reason

LANGUAGES = ("it", "en", "uk", "de", "fr", "es", "ru", "pl", "pt", "nl")
"""The languages with lexicons of their own; every other one counts as ``other``."""

OUTCOMES = ("enriched", "rejected")
STAGES = ("decode", "text", "language", "entities", "events", "publish")
RESTART_CAUSES = ("crashed", "timed_out", "memory", "start")

_STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_END_TO_END_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)


class Metrics:
    """The catalogue. One instance per service; nothing global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.articles = Counter("news_articles_total", "Articles that left, by outcome.", ["outcome"], registry=registry)
        self.rejected = Counter("news_rejected_total", "Rejected messages, by reason.", ["reason"], registry=registry)
        self.languages = Counter(
            "news_articles_by_language_total",
            "Enriched articles, by language; languages without lexicons are `other`.",
            ["language"],
            registry=registry,
        )
        self.entities = Counter("news_entities_total", "Entities published, by type.", ["type"], registry=registry)
        self.events = Counter("news_events_total", "Events published, by type.", ["type"], registry=registry)
        self.stage = Histogram(
            "news_stage_seconds",
            "Seconds that an article spent in a stage.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self.end_to_end = Histogram(
            "news_end_to_end_seconds",
            "Seconds from the input's timestamp to the acknowledged output.",
            buckets=_END_TO_END_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge("news_in_flight_articles", "Articles taken in and not yet acknowledged.", registry=registry)
        self.pool_processes = Gauge("news_pool_processes", "Pool processes that are ready.", registry=registry)
        self.pool_restarts = Counter(
            "news_pool_restarts_total", "Pool processes that were replaced, by cause.", ["cause"], registry=registry
        )
        self.lag_messages = Gauge(
            "news_consumer_lag_messages",
            "Messages of a partition that are not acknowledged yet.",
            ["partition"],
            registry=registry,
        )
        self.lag_seconds = Gauge(
            "news_consumer_lag_seconds",
            "Age of the oldest article that is not acknowledged; 0 when none waits.",
            registry=registry,
        )
        self.last_acknowledged = Gauge(
            "news_last_acknowledged_timestamp_seconds",
            "When an article was acknowledged last, in Unix time.",
            registry=registry,
        )
        self.build = Info("news_build", "What is running.", registry=registry)
        self.model = Gauge(
            "news_model_info", "Models and lexicons in use; always 1.", ["name", "version", "sha256"], registry=registry
        )
        ProcessCollector(registry=registry)  # of the worker itself; its pool processes are not in it
        self._initialise()

    def _initialise(self) -> None:
        """Make every series; the ones that every article touches are kept at hand, for finding one costs more than counting."""
        self._outcome = {value: self.articles.labels(value) for value in OUTCOMES}
        self._reason = {reason: self.rejected.labels(reason.value) for reason in Reason}
        self._language = {value: self.languages.labels(value) for value in (*LANGUAGES, "other")}
        self._entity = {kind.value: self.entities.labels(kind.value) for kind in EntityType}
        self._event = {kind.value: self.events.labels(kind.value) for kind in EventType if kind is not EventType.NONE}
        self._stage = {value: self.stage.labels(value) for value in STAGES}
        for cause in RESTART_CAUSES:
            self.pool_restarts.labels(cause)

    def count(self, summary: Summary) -> None:
        """Count one message that was acknowledged."""
        if summary.reason is not None:
            self._outcome["rejected"].inc()
            self._reason[summary.reason].inc()
            return
        self._outcome["enriched"].inc()
        self._language[summary.language if summary.language in LANGUAGES else "other"].inc()
        for kind, number in collections.Counter(summary.entity_types).items():
            self._entity[kind].inc(number)
        for kind, number in collections.Counter(summary.event_types).items():
            self._event[kind].inc(number)
        for stage, seconds in summary.timings:
            self._stage[stage].observe(seconds)

    def time(self, *, published: float, end_to_end: float | None, now: float) -> None:
        """Note when a message was acknowledged, and how long its publishing and its whole way took, in seconds."""
        self._stage["publish"].observe(published)
        self.last_acknowledged.set(now)
        if end_to_end is not None:
            self.end_to_end.observe(max(0.0, end_to_end))

    def describe(self, *, version: str, python: str, models: Iterable[ModelInfo] = ()) -> None:
        """Say what is running; the models once they are known."""
        self.build.info({"version": version, "python": python})
        for model in models:
            self.model.labels(model.name, model.version, model.sha256).set(1)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
