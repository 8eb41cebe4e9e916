"""Which record travels on which topic: a table, no Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.records import ArticleEntity, ArticleEvent, EnrichedArticle, Record, Rejected

DAY_MS = 24 * 60 * 60 * 1000
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the service: its name without the prefix, and how it is created."""

    name: str
    retention_ms: int
    max_message_bytes: int
    about: str
    config: Mapping[str, str] = field(default_factory=dict)

    def full_name(self, prefix: str) -> str:
        """The name on the broker."""
        return f"{prefix}{self.name}"

    def settings(self) -> dict[str, str]:
        """Topic configuration as Kafka takes it."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            **self.config,
        }


ARTICLES = Topic("articles", 7 * DAY_MS, 2 * MEBIBYTE, "in: one message per article")
ENRICHED = Topic("enriched", 7 * DAY_MS, 2 * MEBIBYTE, "out: one record per article")
EVENTS = Topic("events", 7 * DAY_MS, 2 * MEBIBYTE, "out: one record per event")
ENTITIES = Topic("entities", 7 * DAY_MS, 2 * MEBIBYTE, "out: one record per entity of an article")
REJECTED = Topic("rejected", 30 * DAY_MS, 2 * MEBIBYTE, "out: one record per refused message, with the reason")

OUTPUTS = (ENRICHED, EVENTS, ENTITIES, REJECTED)
ALL = (ARTICLES, *OUTPUTS)

_TOPIC_OF: Mapping[type, Topic] = {
    EnrichedArticle: ENRICHED,
    ArticleEvent: EVENTS,
    ArticleEntity: ENTITIES,
    Rejected: REJECTED,
}


def topic_of(record: Record) -> Topic:
    """The topic that a record travels on."""
    return _TOPIC_OF[type(record)]


def key_of(record: Record) -> str:
    """The key under which a record travels: the article id, so that all of an article stays in one partition, in order."""
    if isinstance(record, Rejected):
        return record.article_id or record.id
    return record.article_id


def id_of(record: Record) -> str:
    """The id of a record: the same input gives the same id."""
    return record.article_id if isinstance(record, EnrichedArticle) else record.id
