"""What was published before of the articles in a part of the input, by article, in a temporary file: memory does not grow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stream import codec, topics
from stream.config import Settings
from stream.records import Article, EnrichedArticle, Message, Reason, Rejected
from stream.replay import page, reading
from stream.replay.scratch import scratch

_SCHEMA = """
CREATE TABLE article (
    name TEXT PRIMARY KEY, article_id TEXT, partition INTEGER, offset INTEGER, sent_ms INTEGER,
    published_ms INTEGER, record BLOB, reason TEXT
);
CREATE INDEX by_place ON article (partition, offset);
"""
_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was published of an article: a record, or why it was refused; nothing where neither is there any more."""

    article_id: str | None = None
    record: EnrichedArticle | None = None
    reason: Reason | None = None
    unreadable: bool = False


class Published:
    """The articles of a part of the input, each with the last that was published of it.

    An article that comes several times in the part counts where it comes last: that is the one which the last record is of.
    """

    def __init__(self, database: sqlite3.Connection, part: reading.Part, *, settings: Settings) -> None:
        self._database = database
        self._part = part
        self._settings = settings

    async def collect(self, shown: page.Page) -> None:
        """Read the part for its articles, then the output topics for what was published of them."""
        with shown.progress("reading the input", self._part.offsets) as tick:
            async with aclosing(reading.read(self._settings, self._part, tick=tick)) as messages:
                async for message in messages:
                    self._note(message)
        (earliest,) = self._database.execute("SELECT min(sent_ms) FROM article").fetchone()
        if earliest is None:
            return
        since = datetime.fromtimestamp(max(0, earliest) / 1000, UTC) - _CLOCKS_DIFFER
        for topic, take in ((topics.ENRICHED, self._take_enriched), (topics.REJECTED, self._take_rejected)):
            name = topic.full_name(self._settings.topic_prefix)
            part = await reading.part(self._settings, name, reading.Range(since=max(since, datetime.fromtimestamp(0, UTC))))
            with shown.progress(f"reading what was published on {name}", part.offsets) as tick:
                async with aclosing(reading.read(self._settings, part, tick=tick)) as messages:
                    async for message in messages:
                        take(message)

    def before(self, message: Message) -> Before | None:
        """What was published of the article of this message; None where the part holds a later version of the article."""
        query = "SELECT article_id, record, reason FROM article WHERE partition = ? AND offset = ?"
        found = self._database.execute(query, (message.partition, message.offset)).fetchone()
        if found is None:
            return None
        article_id, value, reason = found
        if reason is not None:
            return Before(article_id=article_id, reason=Reason(reason))
        if value is None:
            return Before(article_id=article_id)
        record = _read(value)
        if not isinstance(record, EnrichedArticle):
            return Before(article_id=article_id, unreadable=True)
        return Before(article_id=article_id, record=record)

    def _note(self, message: Any) -> None:
        now = datetime.fromtimestamp(0, UTC)
        limit = self._settings.max_message_bytes
        decoded = codec.decode(Message(value=message.value), max_bytes=limit, now=now, service="")
        article_id = codec.article_id(decoded) if isinstance(decoded, Article) else None
        # What is no article has no name but its place, which no id can be: ids do not begin with a space.
        name = f" {message.partition} {message.offset}" if article_id is None else f"={article_id}"
        self._database.execute(
            "INSERT INTO article (name, article_id, partition, offset, sent_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) "
            "DO UPDATE SET partition = excluded.partition, offset = excluded.offset, sent_ms = min(sent_ms, excluded.sent_ms)",
            (name, article_id, message.partition, message.offset, message.timestamp),
        )

    def _take_enriched(self, message: Any) -> None:
        name = f"={(message.key or b'').decode('utf-8', 'replace')}"
        update = "UPDATE article SET record = ?, published_ms = ? WHERE name = ?"
        self._database.execute(update, (message.value, message.timestamp, name))

    def _take_rejected(self, message: Any) -> None:
        record = _read(message.value)
        if isinstance(record, Rejected) and record.topic == self._part.topic:
            self._database.execute(
                "UPDATE article SET reason = ?, published_ms = ? "
                "WHERE partition = ? AND offset = ? AND (published_ms IS NULL OR published_ms <= ?)",
                (record.reason, message.timestamp, record.partition, record.offset, message.timestamp),
            )


def _read(value: bytes | None) -> Any:
    try:
        return codec.record_from_json(value or b"")
    except (ValueError, RecursionError):
        return None


@contextmanager
def opened(part: reading.Part, *, settings: Settings) -> Iterator[Published]:
    """An empty collection on the disk, gone at the end."""
    with scratch(_SCHEMA) as database:
        yield Published(database, part, settings=settings)
