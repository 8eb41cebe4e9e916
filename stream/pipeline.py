"""The order of the steps: a message in, records out, no Kafka.

``decode → text → language → entities → events → encode``. Everything here is a function of its arguments: models, limits,
the clock and the processing time are handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from stream import codec, entities, events, language, outcome, text
from stream.records import (
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


def load(options: outcome.Options) -> Models:
    """Load every model; raises `ValueError` with a clear sentence where one cannot be had."""
    for code in options.ner_models:
        if code != entities.ANY and (known := language.normalise(code)) != code:
            meant = f", but {known!r}" if known else ""
            raise ValueError(f"NER_MODELS: {code!r} is no code of a language here{meant}: its pipeline would never be used")
    language_model = language.load()
    entity_models = entities.load(pipelines=options.ner_models, engine=options.engine)
    event_models = events.load()
    infos = (language_model.info, *entity_models.infos, *event_models.infos)
    provenance = Provenance(service=options.service, event_ontology=event_models.ontology, models=infos)
    return Models(language_model, entity_models, event_models, provenance)


def enrich(message: Message, *, models: Models, options: outcome.Options, clock: Clock, now: datetime) -> tuple[Record, ...]:
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
        detail, article_id = "no readable word in title or text", codec.article_id(article)
        return (codec.reject(message, Reason.NO_TEXT, detail, now=now, service=options.service, article_id=article_id),)
    cleaned = clock()
    spoken = language.detect(document, declared=article.language, model=models.language)
    identified = clock()
    article_id = codec.article_id(article)
    reading = entities.read(document, language=spoken.code, article_id=article_id, models=models.entities)
    named = reading.entities
    recognised = clock()
    happened = events.find(
        document,
        named,
        signs=reading.signs,
        gists=reading.gists,
        reader=reading.engine,
        language=spoken.code,
        article_id=article_id,
        models=models.events,
        threshold=options.event_threshold,
        year=article.published_at.year if article.published_at else None,
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


def process(message: Message, *, models: Models, options: outcome.Options, clock: Clock, now: datetime) -> outcome.Outcome:
    """Enrich one message and encode its records; an output that is too large becomes a rejection."""
    records = enrich(message, models=models, options=options, clock=clock, now=now)
    return outcome.encode(records, message=message, options=options, now=now)


def _readable(document: Document) -> bool:
    return any(character.isalnum() for sentence in document.sentences for character in sentence.text)


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
