"""Every metric that the service exposes: a closed catalogue on a registry of its own, all series initialised at zero."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

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
            "news_consumer_lag_seconds", "Age of the oldest article that is in flight; 0 when idle.", registry=registry
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
        self._initialise()

    def _initialise(self) -> None:
        for counter, values in (
            (self.articles, OUTCOMES),
            (self.rejected, tuple(Reason)),
            (self.languages, (*LANGUAGES, "other")),
            (self.entities, tuple(EntityType)),
            (self.events, tuple(kind for kind in EventType if kind is not EventType.NONE)),
            (self.pool_restarts, RESTART_CAUSES),
            (self.stage, STAGES),
        ):
            for value in values:
                counter.labels(str(value))

    def count(self, summary: Summary) -> None:
        """Count one message that was acknowledged."""
        if summary.reason is not None:
            self.articles.labels("rejected").inc()
            self.rejected.labels(summary.reason.value).inc()
            return
        self.articles.labels("enriched").inc()
        self.languages.labels(summary.language if summary.language in LANGUAGES else "other").inc()
        for kind in summary.entity_types:
            self.entities.labels(kind).inc()
        for kind in summary.event_types:
            self.events.labels(kind).inc()
        for stage, seconds in summary.timings:
            self.stage.labels(stage).observe(seconds)

    def describe(self, *, version: str, python: str, models: Iterable[ModelInfo]) -> None:
        """Say what is running."""
        self.build.info({"version": version, "python": python})
        for model in models:
            self.model.labels(model.name, model.version, model.sha256).set(1)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
