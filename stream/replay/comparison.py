"""What the pipeline says now of an article beside what was published of it before, and how often what has changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from stream import differences
from stream.differences import Differences
from stream.records import EnrichedArticle, Message, Reason
from stream.replay.published import Before


class Standing(StrEnum):
    """How an article stands, compared with before."""

    SAME = "same"
    CHANGED = "changed"
    NOW_ENRICHED = "now_enriched"
    """It was rejected before."""
    NOW_REJECTED = "now_rejected"
    """It was enriched before."""
    OTHER_REASON = "other_reason"
    """Rejected before and now, for different reasons."""
    NOT_PUBLISHED_BEFORE = "not_published_before"
    """Nothing of it is there: never processed, or expired."""
    SUPERSEDED = "superseded"
    """The range holds a later message with the same article, and that one is compared."""
    UNREADABLE_BEFORE = "unreadable_before"
    """What was published before is no record that this version can read."""


class Compared(BaseModel):
    """One article, as a program reads it."""

    model_config = ConfigDict(frozen=True)

    standing: Standing
    article_id: str | None
    title: str | None
    topic: str
    partition: int
    offset: int
    reason_before: Reason | None = None
    reason_now: Reason | None = None
    differences: Differences | None = None


def compare(message: Message, before: Before, now: EnrichedArticle | Reason, *, tolerance: float) -> Compared:
    """How the article of a message stands now.

    Args:
        message: the input.
        before: what was published before.
        now: what the pipeline says of it, or why it refuses it.
        tolerance: difference of two confidences that is none.

    """
    found = None
    reason_now = now if isinstance(now, Reason) else None
    reason_before = before.reason
    if before.unreadable:
        standing = Standing.UNREADABLE_BEFORE
    elif before.record is None and reason_before is None:
        standing = Standing.NOT_PUBLISHED_BEFORE
    elif reason_before is not None and reason_now is not None:
        standing = Standing.SAME if reason_before is reason_now else Standing.OTHER_REASON
    elif reason_before is not None:
        standing = Standing.NOW_ENRICHED
    elif isinstance(now, EnrichedArticle) and before.record is not None:
        found = differences.compare(before.record, now, tolerance=tolerance)
        standing = Standing.CHANGED if found else Standing.SAME
    else:
        standing = Standing.NOW_REJECTED
    record = now if isinstance(now, EnrichedArticle) else before.record
    return Compared(
        standing=standing,
        article_id=record.article_id if record else before.article_id,
        title=record.title if record else None,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        reason_before=reason_before,
        reason_now=reason_now,
        differences=found or None,
    )


@dataclass(slots=True)
class Tally:
    """Counts of a comparison."""

    articles: Counter[str] = field(default_factory=Counter)
    """By `Standing`."""
    changes: Counter[str] = field(default_factory=Counter)
    """By what has changed: once for each entity or event, once an article for everything else."""

    def add(self, compared: Compared) -> None:
        """Count an article."""
        self.articles[compared.standing] += 1
        found = compared.differences
        if found is None:
            return
        singles = (("text", found.text), ("language", found.language), ("primary event", found.primary_event_type))
        self.changes.update(name for name, changed in singles if changed)
        self.changes.update(f"entity {what}" for entity in found.entities for what in entity.what)
        self.changes.update(f"event {what}" for event in found.events for what in event.what)


class Summary(BaseModel):
    """The last line of a comparison, as a program reads it."""

    articles: dict[str, int]
    changes: dict[str, int]
