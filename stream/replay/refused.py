"""Which refused messages are sent once more: one row for each, in a temporary file."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from stream import codec
from stream.records import Article, Message, Reason, Rejected
from stream.replay.scratch import scratch

_SCHEMA = """
CREATE TABLE refused (
    message TEXT PRIMARY KEY, partition INTEGER, offset INTEGER, whole INTEGER, size INTEGER, attempts INTEGER, last_ms INTEGER,
    chosen INTEGER, rejection TEXT, article_id TEXT, reason TEXT, detail TEXT, refused_ms INTEGER, enriched INTEGER DEFAULT 0
);
CREATE INDEX by_place ON refused (partition, offset);
CREATE INDEX by_article ON refused (article_id);
CREATE TABLE named (id TEXT PRIMARY KEY);
"""
_VERDICT = """CASE WHEN enriched THEN 'enriched_since' WHEN NOT whole THEN 'bytes_not_kept' WHEN size = 0 THEN 'no_value'
              WHEN attempts >= :most THEN 'refused_too_often' ELSE 'send' END"""

_LAST_MS = 253_402_300_799_000
"""The end of the year 9999, in Unix milliseconds: anybody may write any timestamp."""


class Verdict(StrEnum):
    """What becomes of a refused message in a replay."""

    SEND = "send"
    ENRICHED_SINCE = "enriched_since"
    REFUSED_TOO_OFTEN = "refused_too_often"
    BYTES_NOT_KEPT = "bytes_not_kept"
    NO_VALUE = "no_value"
    """Nothing is in it: no pipeline will ever make an article of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rejections somebody chooses; nothing set means all."""

    reasons: frozenset[Reason] = frozenset()
    ids: frozenset[str] = frozenset()
    """Of articles, or of rejections."""
    since: datetime | None = None
    until: datetime | None = None
    max_attempts: int = 3

    def takes(self, record: Rejected, *, article_id: str | None, refused: datetime) -> bool:
        """Whether a rejection is one of those."""
        return (
            (not self.reasons or record.reason in self.reasons)
            and (not self.ids or record.id in self.ids or article_id in self.ids)
            and (self.since is None or refused >= self.since)
            and (self.until is None or refused < self.until)
        )


class Line(BaseModel):
    """One refused message, as a program reads it."""

    verdict: Verdict
    reason: Reason
    article_id: str | None
    rejection: str
    attempts: int
    refused_at: datetime
    detail: str


def original_value(record: Rejected) -> tuple[bytes | None, bool]:
    """The value that was refused, and whether it is there as a whole."""
    kept = record.original.value
    value = None if kept is None else base64.b64decode(kept)
    return value, not record.original.truncated and hashlib.sha256(value or b"").hexdigest() == record.original.sha256


class Refused:
    """Every message that a rejection tells of, once, however often it was refused or its rejection was written.

    A message is its key and its bytes: a replay gives it a new offset, so rejections of one message have several ids.
    """

    def __init__(self, database: sqlite3.Connection, choice: Choice, *, max_message_bytes: int) -> None:
        self._database = database
        self._choice = choice
        self._max_message_bytes = max_message_bytes
        self._most = {"most": choice.max_attempts}

    def add(self, record: Rejected, *, partition: int, offset: int, at_ms: int) -> None:
        """Take a rejection in, found at this partition and offset; those that are not chosen count as attempts all the same."""
        value, whole = original_value(record)
        name = f"{record.original.sha256} {'-' if record.key is None else record.key}"
        article_id = record.article_id or self._article_id(value if whole else None)
        chosen = self._choice.takes(record, article_id=article_id, refused=_moment(at_ms))
        if chosen and self._choice.ids:
            self._database.executemany("INSERT OR IGNORE INTO named VALUES (?)", [(record.id,), (article_id,)])
        found = self._database.execute("SELECT whole, chosen FROM refused WHERE message = ?", (name,)).fetchone()
        if found is None:
            columns = (name, partition, offset, whole, record.original.size, record.attempts, at_ms, False)
            names = "message, partition, offset, whole, size, attempts, last_ms, chosen"
            self._database.execute(f"INSERT INTO refused ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", columns)  # noqa: S608 - ours
        else:
            update = "UPDATE refused SET attempts = max(attempts, ?), last_ms = max(last_ms, ?) WHERE message = ?"
            self._database.execute(update, (record.attempts, at_ms, name))
            if whole and not found[0]:
                self._database.execute(
                    "UPDATE refused SET whole = 1, partition = ?, offset = ? WHERE message = ?", (partition, offset, name)
                )
        if chosen or found is None:
            said = (chosen, record.id, article_id, record.reason, record.detail, at_ms, name)
            tell = (
                "UPDATE refused SET chosen = ?, rejection = ?, article_id = ?, reason = ?, detail = ?, refused_ms = ? "
                "WHERE message = ?"
            )
            self._database.execute(tell, said)

    def _article_id(self, value: bytes | None) -> str | None:
        """The id by which an article would be known today that had none when it was refused."""
        if not value:
            return None
        now = datetime.fromtimestamp(0, UTC)
        article = codec.decode(Message(value=value), max_bytes=self._max_message_bytes, now=now, service="")
        return codec.article_id(article) if isinstance(article, Article) else None

    def unknown(self) -> tuple[str, ...]:
        """The ids that were asked for and belong to no rejection that is chosen."""
        known = {name for (name,) in self._database.execute("SELECT id FROM named")} if self._choice.ids else set()
        return tuple(sorted(self._choice.ids - known))

    def earliest(self) -> datetime | None:
        """When the first of the chosen was refused last; None where none is chosen."""
        (found,) = self._database.execute("SELECT min(last_ms) FROM refused WHERE chosen").fetchone()
        return None if found is None else _moment(found)

    def enriched(self, article_id: str, *, at_ms: int) -> None:
        """An article came out enriched at that time: whatever was refused of it before is settled."""
        self._database.execute("UPDATE refused SET enriched = 1 WHERE article_id = ? AND last_ms < ?", (article_id, at_ms))

    def counts(self) -> dict[tuple[Reason, Verdict], int]:
        """The chosen, by reason and by what becomes of them."""
        query = f"SELECT reason, {_VERDICT}, count(*) FROM refused WHERE chosen GROUP BY 1, 2"  # noqa: S608 - our own words
        return {(Reason(reason), Verdict(verdict)): count for reason, verdict, count in self._database.execute(query, self._most)}

    def lines(self, *, per_reason: int | None = None) -> Iterator[Line]:
        """The chosen, in the order of their reasons and times; at most so many of each reason."""
        query = f"""SELECT {_VERDICT}, reason, article_id, rejection, attempts, refused_ms, detail FROM
                    (SELECT *, row_number() OVER (PARTITION BY reason ORDER BY refused_ms, message) AS number
                     FROM refused WHERE chosen)
                    WHERE :each IS NULL OR number <= :each ORDER BY reason, number"""  # noqa: S608 - our own words
        for row in self._database.execute(query, {**self._most, "each": per_reason}):
            named: dict[str, Any] = dict(
                zip(("verdict", "reason", "article_id", "rejection", "attempts", "refused_at", "detail"), row, strict=True)
            )
            yield Line(**(named | {"refused_at": _moment(row[5])}))

    def attempts_to_send(self, *, partition: int, offset: int) -> int | None:
        """How often the message was refused whose rejection lies here, if it is to be sent; else None."""
        query = (
            f"SELECT attempts FROM refused WHERE partition = :partition AND offset = :offset AND chosen AND {_VERDICT} = 'send'"  # noqa: S608 - our own words
        )
        found = self._database.execute(query, {**self._most, "partition": partition, "offset": offset}).fetchone()
        return None if found is None else int(found[0])


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(min(max(0, milliseconds), _LAST_MS) / 1000, UTC)


@contextmanager
def opened(choice: Choice, *, max_message_bytes: int) -> Iterator[Refused]:
    """An empty collection on the disk, gone at the end."""
    with scratch(_SCHEMA) as database:
        yield Refused(database, choice, max_message_bytes=max_message_bytes)
