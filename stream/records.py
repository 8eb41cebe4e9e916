"""The vocabulary: what arrives, what leaves, and what the steps hand to each other.

Records are frozen pydantic models. What arrives (`Article`) tolerates unknown fields; what leaves forbids them. Ids are
derived with uuid5, so that the same input always gives the same ids. Offsets are Unicode code points into the ``title``
or ``text`` of the same record: ``record.text[start:end] == mention.text`` is a law.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
)

NAMESPACE = uuid.UUID("6f5b1c1e-6c1a-5d0e-9b8e-0a4f3f1d7c55")
"""Namespace of every derived id. Changing it changes every id that was ever published."""

FieldName = Literal["title", "text"]

Engine = Literal["accurate", "fast"]


def _as_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment outside the years 1 to 9999") from error


Timestamp = Annotated[datetime, AfterValidator(_as_utc)]
"""A moment in UTC; a time without a zone is taken as UTC."""


Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
"""Bytes in the standard base64 alphabet, on one line."""


def derived_id(*parts: str) -> str:
    """The uuid5 of `parts`: a function of content alone, never of time or place."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


class Reason(StrEnum):
    """Why a message was refused: a closed set, each with a case in ``seeds/rejected``."""

    EMPTY = "empty"
    """No value at all: a tombstone or zero bytes."""
    TOO_LARGE = "too_large"
    """The value is larger than the size limit."""
    NOT_UTF8 = "not_utf8"
    """The bytes are not UTF-8."""
    NOT_JSON = "not_json"
    """The text is not JSON, or is nested too deeply to be read."""
    INVALID = "invalid"
    """JSON, but not an article: a field is missing or has the wrong type."""
    NO_TEXT = "no_text"
    """An article without a readable word."""
    TIMED_OUT = "timed_out"
    """The article was still not finished at its deadline."""
    CRASHED = "crashed"
    """The article made the pipeline fail, or killed the process that worked on it, twice."""
    OUTPUT_TOO_LARGE = "output_too_large"
    """The enriched record is larger than the broker or our own limit accepts, or all records of the article are together."""


class EventType(StrEnum):
    """PLOVER's sixteen event types (manual 0.8), and ``NONE`` for an article that reports none of them."""

    AGREE = "AGREE"
    CONSULT = "CONSULT"
    SUPPORT = "SUPPORT"
    CONCEDE = "CONCEDE"
    COOPERATE = "COOPERATE"
    AID = "AID"
    RETREAT = "RETREAT"
    REQUEST = "REQUEST"
    ACCUSE = "ACCUSE"
    REJECT = "REJECT"
    THREATEN = "THREATEN"
    PROTEST = "PROTEST"
    SANCTION = "SANCTION"
    MOBILIZE = "MOBILIZE"
    COERCE = "COERCE"
    ASSAULT = "ASSAULT"
    NONE = "NONE"


class EntityType(StrEnum):
    """What kind of thing a name names."""

    PER = "PER"
    ORG = "ORG"
    LOC = "LOC"
    MISC = "MISC"


class Modality(StrEnum):
    """How real the text says that an event is."""

    ASSERTED = "asserted"
    FUTURE = "future"
    HYPOTHETICAL = "hypothetical"
    NEGATED = "negated"
    HISTORICAL = "historical"


# --- what the steps hand to each other -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """What Kafka delivers, or one line of a file."""

    value: bytes | None
    key: bytes | None = None
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp: datetime | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    attempts: int = 0
    """How often this message was refused before (from the header that a replay sets)."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an article: ``getattr(document, field)[start:end] == text``."""

    field: FieldName
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The clean text of an article; what later steps read. Page furniture is in `text` but in no sentence."""

    title: str | None
    text: str
    sentences: tuple[Sentence, ...]
    furniture: tuple[tuple[int, int], ...] = ()
    """Spans of `text`, sorted, that are page furniture and so never evidence and never a mention."""
    truncated: bool = False


EVENT_TYPES: tuple[EventType, ...] = tuple(kind for kind in EventType if kind is not EventType.NONE)
"""PLOVER's sixteen, in the order of `Sign.types`."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A word as the encoder reads it in its context: the event that it may tell of, how real, and who takes part.

    All figures are probabilities of the encoder, before any calibration.
    """

    field: FieldName
    start: int
    end: int
    types: tuple[float, ...]
    """By `EVENT_TYPES`: that this word is the trigger of such an event; what is missing to 1 is no event."""
    modalities: tuple[float, ...]
    """By `Modality`, if it is a trigger; they sum to 1."""
    actor: float
    """That the word belongs to the name of somebody who acts in an event of its sentence."""
    recipient: float
    """That it belongs to the name of somebody to whom an event of its sentence is done."""


@dataclass(frozen=True, slots=True)
class Gist:
    """A sentence as the encoder reads it as a whole; all figures are probabilities, before any calibration."""

    field: FieldName
    start: int
    end: int
    types: tuple[float, ...]
    """By `EVENT_TYPES`: that it tells of such an event, real or not; a sentence may tell of several."""
    aside: tuple[float, ...]
    """That it is about sport, weather, markets or culture, in this order."""


# --- records --------------------------------------------------------------------------------------


class Incoming(BaseModel):
    """Base of what arrives: unknown fields are tolerated."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Outgoing(BaseModel):
    """Base of what leaves: unknown fields are forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


class Article(Incoming):
    """A news article as a producer sends it. Only `text` is required."""

    id: str | None = Field(default=None, min_length=1, max_length=512, description="The producer's own id; derived where absent.")
    url: str | None = None
    source: str | None = Field(default=None, description="Who published it.")
    title: str | None = None
    text: str = Field(description="Plain text or HTML.")
    published_at: Timestamp | None = None
    language: str | None = Field(default=None, description="The language that the producer declares.")
    metadata: dict[str, JsonValue] | None = Field(default=None, description="Passed through untouched.")


class ModelInfo(Outgoing):
    """A model or lexicon that had a say, so that every output can be traced to its cause."""

    name: str
    version: str
    sha256: str


class Provenance(Outgoing):
    """Which code and which models made this record."""

    service: str
    event_ontology: str
    models: tuple[ModelInfo, ...]


class Language(Outgoing):
    """The language of an article: ISO 639-1 code (639-3 where there is none), ``und`` when unsure."""

    code: str
    confidence: float = Field(ge=0, le=1)
    declared: str | None = None


class Link(Outgoing):
    """The entry of a public register that an entity is."""

    scheme: Literal["iso3166", "geonames", "wikidata"]
    id: str


class Mention(Outgoing):
    """A span of title or text that names something."""

    field: FieldName
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str


class Entity(Outgoing):
    """What the mentions of one article name together."""

    id: str
    type: EntityType
    name: str
    link: Link | None = None
    salience: float = Field(ge=0, le=1)
    mentions: tuple[Mention, ...]


class Trigger(Outgoing):
    """The words that carry an event: offsets into the same field as the evidence around it."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Evidence(Outgoing):
    """A sentence that tells of an event."""

    field: FieldName
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str
    trigger: Trigger


class NewsEvent(Outgoing):
    """Something that happened, may happen or did not happen, according to the article."""

    id: str
    type: EventType
    mode: str | None = None
    quad_class: int = Field(ge=0, le=4)
    cameo_root: str
    score: float
    confidence: float = Field(ge=0, le=1)
    modality: Modality
    actors: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...]
    method: str


class EnrichedArticle(Outgoing):
    """The article with its language, entities and events."""

    schema_: Literal["enriched-article/1"] = Field(default="enriched-article/1", alias="schema")
    article_id: str
    url: str | None = None
    source: str | None = None
    title: str | None = None
    text: str
    truncated: bool = False
    published_at: Timestamp | None = None
    processed_at: Timestamp
    metadata: dict[str, JsonValue] | None = None
    language: Language
    entities: tuple[Entity, ...]
    primary_event_type: EventType
    events: tuple[NewsEvent, ...]
    provenance: Provenance
    timings: dict[str, float] = Field(description="Seconds that each stage took.")


class EntityRef(Outgoing):
    """An entity of the article, named where a record stands alone."""

    id: str
    type: EntityType
    name: str
    link: Link | None = None


class ArticleEvent(Outgoing):
    """One event of an article, readable on its own: actors by name, not only by id."""

    schema_: Literal["news-event/1"] = Field(default="news-event/1", alias="schema")
    id: str
    article_id: str
    url: str | None = None
    source: str | None = None
    published_at: Timestamp | None = None
    processed_at: Timestamp
    language: str
    type: EventType
    mode: str | None = None
    quad_class: int = Field(ge=0, le=4)
    cameo_root: str
    score: float
    confidence: float = Field(ge=0, le=1)
    modality: Modality
    actors: tuple[EntityRef, ...] = ()
    recipients: tuple[EntityRef, ...] = ()
    locations: tuple[EntityRef, ...] = ()
    evidence: tuple[Evidence, ...]
    method: str
    provenance: Provenance


class ArticleEntity(Outgoing):
    """One entity of an article, readable on its own."""

    schema_: Literal["article-entity/1"] = Field(default="article-entity/1", alias="schema")
    id: str
    article_id: str
    url: str | None = None
    source: str | None = None
    published_at: Timestamp | None = None
    processed_at: Timestamp
    language: str
    type: EntityType
    name: str
    link: Link | None = None
    salience: float = Field(ge=0, le=1)
    mentions: tuple[Mention, ...]
    provenance: Provenance


class Header(Outgoing):
    """A Kafka header of the refused message."""

    key: str
    value: Base64


class Original(Outgoing):
    """The refused value, as bytes; only its beginning where it is larger than a record may be."""

    value: Base64 | None
    size: int = Field(ge=0)
    sha256: str
    truncated: bool = False


class Rejected(Outgoing):
    """A message that could not be enriched, with the reason and everything needed to try it again."""

    schema_: Literal["rejected/1"] = Field(default="rejected/1", alias="schema")
    id: str
    article_id: str | None = None
    reason: Reason
    detail: str = Field(description="One sentence for a human.")
    original: Original
    key: Base64 | None = None
    topic: str
    partition: int
    offset: int
    timestamp: Timestamp | None = None
    headers: tuple[Header, ...] = ()
    attempts: int = Field(ge=1, description="How often this message has been refused, this time included.")
    processed_at: Timestamp
    service: str


Record = EnrichedArticle | ArticleEvent | ArticleEntity | Rejected
