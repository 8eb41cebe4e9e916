"""The order of the steps: a message in, records out, no Kafka.

``decode → text → language → entities → events → encode``. Everything here is a function of its arguments: models, limits,
the clock and the processing time are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stream import codec, entities, events, language, text
from stream.codec import Encoded
from stream.records import (
    Article,
    ArticleEntity,
    ArticleEvent,
    Document,
    EnrichedArticle,
    Entity,
    EntityRef,
    Message,
    ModelInfo,
    NewsEvent,
    Provenance,
    Reason,
    Record,
    Rejected,
)

Clock = Callable[[], float]
"""Seconds that only ever grow: used for the timings of the stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user may choose: limits, models and thresholds."""

    max_message_bytes: int = 1024 * 1024
    max_text_chars: int = 100_000
    max_output_bytes: int = 1024 * 1024
    """Size limit of an enriched record, in bytes of JSON."""
    ner_models: Mapping[str, str] = field(default_factory=dict)
    event_threshold: float | None = None
    source: str = "newsstream"
    """``ce_source`` of every record."""
    service: str = "0"
    """Version of the service."""


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that was loaded."""

    language: language.Model
    entities: entities.Models
    events: events.Models
    provenance: Provenance

    @property
    def infos(self) -> tuple[ModelInfo, ...]:
        """Name, version and sha256 of each model and lexicon."""
        return self.provenance.models


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


def load(options: Options) -> Models:
    """Load every model; raises `ValueError` with a clear sentence where one cannot be had."""
    language_model = language.load()
    entity_models = entities.load(pipelines=options.ner_models)
    event_models = events.load()
    infos = (language_model.info, *entity_models.infos, *event_models.infos)
    provenance = Provenance(service=options.service, event_ontology=event_models.ontology, models=infos)
    return Models(language_model, entity_models, event_models, provenance)


def enrich(message: Message, *, models: Models, options: Options, clock: Clock, now: datetime) -> tuple[Record, ...]:
    """All records that one message causes: the enriched article, its events and its entities, or one rejection.

    Args:
        message: what Kafka delivered, or one line of a file.
        models: from `load`.
        options: limits and thresholds.
        clock: seconds, for the timings.
        now: the processing time.

    """
    started = clock()
    article = codec.decode(message, max_bytes=options.max_message_bytes, now=now, service=options.service)
    if isinstance(article, Rejected):
        return (article,)
    decoded = clock()
    document = text.clean(article.title, article.text, max_chars=options.max_text_chars)
    if not _readable(document):
        return (_reject(message, Reason.NO_TEXT, "no readable word in title or text", article=article, options=options, now=now),)
    cleaned = clock()
    spoken = language.detect(document, declared=article.language, model=models.language)
    identified = clock()
    article_id = codec.article_id(article)
    named = entities.find(document, language=spoken.code, article_id=article_id, models=models.entities)
    recognised = clock()
    happened = events.find(
        document,
        named,
        language=spoken.code,
        article_id=article_id,
        models=models.events,
        threshold=options.event_threshold,
    )
    primary = events.primary(happened, document)
    finished = clock()
    enriched = EnrichedArticle(
        article_id=article_id,
        url=article.url,
        source=article.source,
        title=document.title,
        text=document.text,
        truncated=document.truncated,
        published_at=article.published_at,
        processed_at=now,
        metadata=article.metadata,
        language=spoken,
        entities=named,
        primary_event_type=primary,
        events=happened,
        provenance=models.provenance,
        timings={
            "decode": round(decoded - started, 6),
            "text": round(cleaned - decoded, 6),
            "language": round(identified - cleaned, 6),
            "entities": round(recognised - identified, 6),
            "events": round(finished - recognised, 6),
        },
    )
    return (enriched, *(_event(enriched, event) for event in happened), *(_entity(enriched, entity) for entity in named))


def process(message: Message, *, models: Models, options: Options, clock: Clock, now: datetime) -> Outcome:
    """Enrich one message and encode its records; an output that is too large becomes a rejection."""
    return encode(
        enrich(message, models=models, options=options, clock=clock, now=now), message=message, options=options, now=now
    )


def encode(records: tuple[Record, ...], *, message: Message, options: Options, now: datetime) -> Outcome:
    """The records of one message as they go over the wire, with a summary."""
    encoded = tuple(codec.encode(record, message=message, source=options.source) for record in records)
    largest = max(len(record.value) for record in encoded)
    first = records[0]
    if isinstance(first, EnrichedArticle) and largest > options.max_output_bytes:
        detail = f"an output record has {largest:,} bytes; the limit is {options.max_output_bytes:,}"
        return rejected(message, Reason.OUTPUT_TOO_LARGE, detail, article_id=first.article_id, options=options, now=now)
    return Outcome(encoded, _summary(first))


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
    return Outcome((codec.encode(record, message=message, source=options.source),), _summary(record))


def _readable(document: Document) -> bool:
    return any(character.isalnum() for sentence in document.sentences for character in sentence.text)


def _reject(message: Message, reason: Reason, detail: str, *, article: Article, options: Options, now: datetime) -> Rejected:
    return codec.reject(message, reason, detail, now=now, service=options.service, article_id=codec.article_id(article))


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


def _event(article: EnrichedArticle, event: NewsEvent) -> ArticleEvent:
    by_id = {entity.id: entity for entity in article.entities}

    def named(ids: tuple[str, ...]) -> tuple[EntityRef, ...]:
        return tuple(
            EntityRef(id=entity.id, type=entity.type, name=entity.name, link=entity.link)
            for entity in (by_id[entity_id] for entity_id in ids)
        )

    return ArticleEvent(
        id=event.id,
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        published_at=article.published_at,
        processed_at=article.processed_at,
        language=article.language.code,
        type=event.type,
        mode=event.mode,
        quad_class=event.quad_class,
        cameo_root=event.cameo_root,
        score=event.score,
        confidence=event.confidence,
        modality=event.modality,
        actors=named(event.actors),
        recipients=named(event.recipients),
        locations=named(event.locations),
        evidence=event.evidence,
        method=event.method,
        provenance=article.provenance,
    )


def _entity(article: EnrichedArticle, entity: Entity) -> ArticleEntity:
    return ArticleEntity(
        id=entity.id,
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        published_at=article.published_at,
        processed_at=article.processed_at,
        language=article.language.code,
        type=entity.type,
        name=entity.name,
        link=entity.link,
        salience=entity.salience,
        mentions=entity.mentions,
        provenance=article.provenance,
    )
