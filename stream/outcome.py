"""What one message came to: its records, encoded, with a summary; or its rejection from outside the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stream import codec
from stream.codec import Encoded
from stream.records import Article, Engine, EnrichedArticle, Message, Reason, Record, Rejected

ALL_RECORDS = 16
"""A source or an address of a megabyte stands in each of the hundreds of records of an article: together they fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user may choose: limits, models and thresholds."""

    max_message_bytes: int = 1024 * 1024
    max_text_chars: int = 60_000
    max_output_bytes: int = 1024 * 1024
    """Size limit of an enriched record, in bytes of its value; all records of an article have `ALL_RECORDS` times that."""
    engine: Engine = "accurate"
    ner_models: Mapping[str, str] = field(default_factory=dict)
    event_threshold: float | None = None
    source: str = "newsstream"
    """``ce_source`` of every record."""
    service: str = "0"
    """Version of the service."""
    schema_ids: Mapping[str, int] = field(default_factory=dict)
    """A schema registry's ids by topic name; values are framed where their topic has one."""
    traces_ratio: float | None = None
    """The share of the traces begun here that is sampled; None where no spans are made of what passes."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What metrics and the log want to know of one message, without reading its records again."""

    article_id: str | None
    reason: Reason | None
    language: str | None = None
    primary_event_type: str | None = None
    entity_types: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    timings: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message came to: encoded records, ready to publish."""

    records: tuple[Encoded, ...]
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How one message passed through the worker, once it is acknowledged; all moments are Unix times."""

    message: Message
    summary: Summary
    taken: float
    """Taken in."""
    answered: float
    """Its outcome came from the pool."""
    sent: float
    """Its turn to be published came."""
    acknowledged: float
    """Everything of it was delivered."""
    trace: codec.Trace


def encode(records: tuple[Record, ...], *, message: Message, options: Options, now: datetime) -> Outcome:
    """The records of one message as they go over the wire, with a summary."""
    first = records[0]
    room = ALL_RECORDS * options.max_output_bytes
    encoded: list[Encoded] = []
    for record in records:
        encoded.append(_encode(record, message, options))
        size = len(encoded[-1].value)
        room -= size
        if not isinstance(first, EnrichedArticle) or (size <= options.max_output_bytes and room >= 0):
            continue
        detail = f"an output record has {size:,} bytes; the limit is {options.max_output_bytes:,}"
        if size <= options.max_output_bytes:
            detail = (
                f"the {len(records):,} output records have more than {ALL_RECORDS * options.max_output_bytes:,} bytes together"
            )
        return rejected(message, Reason.OUTPUT_TOO_LARGE, detail, article_id=first.article_id, options=options, now=now)
    return Outcome(tuple(encoded), _summary(first))


def rejected(
    message: Message,
    reason: Reason,
    detail: str,
    *,
    options: Options,
    now: datetime,
    article_id: str | None = None,
    keep_bytes: int | None = None,
) -> Outcome:
    """The outcome of a message that is refused from outside: it crashed, timed out, or its output was too large.

    `keep_bytes` bounds what is kept of the original value.
    """
    if article_id is None:
        article = codec.decode(message, max_bytes=options.max_message_bytes, now=now, service=options.service)
        article_id = codec.article_id(article) if isinstance(article, Article) else None
    record = codec.reject(
        message,
        reason,
        detail,
        now=now,
        service=options.service,
        article_id=article_id,
        keep_bytes=options.max_message_bytes if keep_bytes is None else keep_bytes,
    )
    return Outcome((_encode(record, message, options),), _summary(record))


def _encode(record: Record, message: Message, options: Options) -> Encoded:
    return codec.encode(
        record, message=message, source=options.source, schema_ids=options.schema_ids, traces_ratio=options.traces_ratio
    )


def _summary(record: Record) -> Summary:
    if isinstance(record, EnrichedArticle):
        return Summary(
            article_id=record.article_id,
            reason=None,
            language=record.language.code,
            primary_event_type=record.primary_event_type.value,
            entity_types=tuple(entity.type.value for entity in record.entities),
            event_types=tuple(event.type.value for event in record.events),
            timings=tuple(record.timings.items()),
        )
    if isinstance(record, Rejected):
        return Summary(article_id=record.article_id, reason=record.reason)
    raise TypeError(f"the first record of a message is an article or a rejection, not {type(record).__name__}")
