"""Bytes to records, records to bytes: the only place where JSON is read or written.

``decode`` never raises, whatever the bytes: it returns an `Article` or a `Rejected`. Values may travel in the frame of a
schema registry: byte 0 and the schema's id in four bytes before the JSON, which itself never begins with byte 0.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stream import topics
from stream.records import (
    Article,
    ArticleEntity,
    ArticleEvent,
    EnrichedArticle,
    Header,
    Message,
    Original,
    Reason,
    Record,
    Rejected,
    derived_id,
)

ATTEMPTS_HEADER = "newsstream-attempts"
"""Set by a replay: how often this message was refused before."""

PUBLISH_SPAN = "publish"
"""The span of ours to which whatever reads the outputs belongs."""

_BOM = b"\xef\xbb\xbf"
JSON = "application/json"
FRAMED = "application/octet-stream"
"""What a framed value is, to whoever knows nothing of frames."""

_TRACEPARENT = re.compile(
    r"(?:00|(?P<later>(?!00|ff)[0-9a-f]{2}))-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<parent>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?(later)(?:-.*)?)"
)
"""W3C's, of today; later versions may only add to the end."""
_KNOWN_FLAGS = 0b11
_FRAME = struct.Struct(">BI")
_MAGIC = 0
_KEEP_OF_HUGE = 64 * 1024
_MAX_HEADERS = 64
_MAX_HEADER_NAME = 200
_MAX_HEADERS_BYTES = 64 * 1024
"""Of all that is kept together: a rejection without its original must fit any topic, or the worker could never pass it."""
_MAX_KEY_BYTES = 1024
_DIGITS_OF_ATTEMPTS = 6
_TRACESTATE = re.compile(rb"[ -~]{1,512}")
"""What W3C asks everybody to pass on. It stands in every record of an article: a longer one would be multiplied."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A record as it goes over the wire."""

    topic: str
    """Name in the table of topics, without the prefix."""
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    def __reduce__(self) -> tuple[type[Encoded], tuple[Any, ...]]:
        """How it is pickled: a third of the time that dataclasses with slots take, and there are dozens for an article."""
        return Encoded, (self.topic, self.key, self.value, self.headers)


# --- in ---------------------------------------------------------------------------------------------


def message(
    *,
    value: bytes | None,
    key: bytes | None,
    topic: str,
    partition: int,
    offset: int,
    seconds: float | None,
    headers: Iterable[tuple[str, bytes | None]],
) -> Message:
    """What a consumer was given, whichever it is; nothing that a producer wrote into it can raise.

    `seconds` is the timestamp; where there is none, or none that a calendar has, the message has none.
    """
    pairs = tuple((str(name), data or b"") for name, data in headers)
    attempts = dict(pairs).get(ATTEMPTS_HEADER, b"0")
    return Message(
        value=value,
        key=key,
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=_moment(seconds),
        headers=pairs,
        attempts=int(attempts) if attempts.isdigit() and len(attempts) <= _DIGITS_OF_ATTEMPTS else 0,
    )


def _moment(seconds: float | None) -> datetime | None:
    if not seconds or seconds < 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def decode(message: Message, *, max_bytes: int, now: datetime, service: str) -> Article | Rejected:
    """Read one message.

    Args:
        message: what Kafka delivered.
        max_bytes: values larger than this are refused.
        now: the processing time of a rejection.
        service: version of the service, for a rejection.

    """

    def refuse(reason: Reason, detail: str) -> Rejected:
        return reject(message, reason, detail, now=now, service=service)

    value = message.value
    if not value:
        return refuse(Reason.EMPTY, "the message has no value" if value is None else "the value has zero bytes")
    if len(value) > max_bytes:
        return refuse(Reason.TOO_LARGE, f"the value has {len(value):,} bytes; the limit is {max_bytes:,}")
    framed, value = schema_id(value) is not None, unframed(value).removeprefix(_BOM)
    within = " (after a schema registry's frame: only JSON is read, not Avro or Protobuf)" if framed else ""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return refuse(Reason.NOT_UTF8, f"byte {error.start:,} is not UTF-8: {error.reason}{within}")
    article = _read(value)
    if not isinstance(article, Article) and ("surrogate" in article["msg"] or "hex escape" in article["msg"]):
        article = _read(_scrubbed(value))
    if isinstance(article, Article):
        return article
    if article["type"] == "json_invalid":
        return refuse(Reason.NOT_JSON, _shortened(f"{article['msg']}{within}"))
    return refuse(Reason.INVALID, _invalid(article))


def _read(value: bytes) -> Article | ErrorDetails:
    """The article, or the first thing that is wrong with it."""
    try:
        return Article.model_validate_json(value)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)[0]


def _scrubbed(value: bytes) -> bytes:
    """JSON whose strings hold lone surrogates, each replaced by U+FFFD; as it is where it cannot be read at all."""
    try:
        return json.dumps(_without_surrogates(json.loads(value))).encode()
    except (ValueError, RecursionError):
        return value


def _without_surrogates(raw: Any) -> Any:
    if isinstance(raw, str):
        return raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(raw, list):
        return [_without_surrogates(item) for item in raw]
    if isinstance(raw, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in raw.items()}
    return raw


def _invalid(error: ErrorDetails) -> str:
    """Name the field and what was expected, never the value: it may be large, or private."""
    where = ".".join(str(part) for part in error["loc"]) or "the value"
    return _shortened(f"{where}: {error['msg']}")


def _shortened(text: str, *, limit: int = 300) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def article_id(article: Article) -> str:
    """The producer's id, or one derived from the address, or from the text."""
    if article.id is not None:
        return article.id
    if article.url:
        return derived_id("article", "url", article.url)
    return derived_id("article", "text", article.title or "", article.text)


def reject(  # every field of a rejection comes from somewhere else
    message: Message,
    reason: Reason,
    detail: str,
    *,
    now: datetime,
    service: str,
    article_id: str | None = None,
    keep_bytes: int = topics.MEBIBYTE,
) -> Rejected:
    """A rejection of `message`: a record with everything that is needed to try it again.

    The original value is kept whole up to `keep_bytes`, else its first 64 KiB.
    """
    value = message.value
    digest = hashlib.sha256(value or b"").hexdigest()
    kept = value if value is None or len(value) <= keep_bytes else value[: min(_KEEP_OF_HUGE, keep_bytes)]
    truncated = kept is not None and value is not None and len(kept) < len(value)
    return Rejected(
        id=derived_id("rejected", message.topic, str(message.partition), str(message.offset), digest),
        article_id=article_id,
        reason=reason,
        detail=detail,
        original=Original(value=_base64(kept), size=len(value or b""), sha256=digest, truncated=truncated),
        key=_base64(message.key[:_MAX_KEY_BYTES] if message.key is not None else None),
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        headers=tuple(_kept(message.headers[:_MAX_HEADERS])),
        attempts=message.attempts + 1,
        processed_at=now,
        service=service,
    )


def _kept(headers: tuple[tuple[str, bytes], ...]) -> Iterator[Header]:
    """The headers of a refused message, those that come last cut short where they are too large together."""
    room = _MAX_HEADERS_BYTES
    for key, data in headers:
        yield Header(key=key.encode("utf-8", "replace").decode()[:_MAX_HEADER_NAME], value=_base64(data[:room]) or "")
        room = max(0, room - len(data))


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


# --- out --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trace:
    """The W3C trace in which a message is, and the spans that this service adds to it: derived, so that a redelivery agrees."""

    id: str
    parent: str | None
    """The span that sent the message; None where the trace begins here."""
    flags: str
    state: bytes | None
    spans: bool
    """Whether this service makes spans."""
    seed: str

    @property
    def sampled(self) -> bool:
        """Whether anybody wants spans of this trace."""
        return bool(int(self.flags, 16) & 1)

    def span(self, name: str) -> str:
        """The id of a span of ours."""
        return hashlib.sha256(f"{self.id}\x1f{self.parent}\x1f{self.seed}\x1f{name}".encode()).hexdigest()[:16]

    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """What the outputs carry: the span that publishes them; where we make no spans, what came goes on as it is."""
        span = self.parent if self.parent is not None and not self.spans else self.span(PUBLISH_SPAN)
        parent = (("traceparent", f"00-{self.id}-{span}-{self.flags}".encode()),)
        return parent if self.state is None else (*parent, ("tracestate", self.state))


def trace(message: Message, *, ratio: float | None) -> Trace:
    """The trace of a message: that of its headers, or one that begins here and is the same on every delivery.

    Args:
        message: what Kafka delivered.
        ratio: of the traces that begin here, the share that is sampled; None where this service makes no spans.

    """
    given = _TRACEPARENT.fullmatch(dict(message.headers).get("traceparent", b"").decode("ascii", "replace"))
    place = f"{message.topic}\x1f{message.partition}\x1f{message.offset}"
    if given:
        flags = f"{int(given['flags'], 16) & _KNOWN_FLAGS:02x}"
        return Trace(given["trace"], given["parent"], flags, _tracestate(message), ratio is not None, place)
    identity = hashlib.sha256(place.encode() + (message.value or b"")).hexdigest()[:32]
    sampled = ratio is None or int(identity[16:], 16) < ratio * 2**64
    return Trace(identity, None, "01" if sampled else "00", None, ratio is not None, place)


def _tracestate(message: Message) -> bytes | None:
    """The vendors' state, of several headers in one, as it came; None where nobody has to pass it on."""
    state = b",".join(value for name, value in message.headers if name == "tracestate" and value)
    return state if _TRACESTATE.fullmatch(state) else None


def encode(
    record: Record,
    *,
    message: Message,
    source: str,
    schema_ids: Mapping[str, int] | None = None,
    traces_ratio: float | None = None,
) -> Encoded:
    """A record as it goes over the wire, with CloudEvents 1.0 headers (binary mode) and the trace of `message`.

    Args:
        record: what was made of the message.
        message: what caused it.
        source: ``ce_source``, a URI reference.
        schema_ids: a schema registry's ids by the name of the topic; the value is framed where its topic has one.
        traces_ratio: see `trace`.

    """
    topic = topics.topic_of(record).name
    frame = (schema_ids or {}).get(topic)
    value = to_json(record)
    return Encoded(
        topic=topic,
        key=topics.key_of(record).encode(),
        value=value if frame is None else framed(value, frame),
        headers=(
            *_cloudevents(record, source=source, content_type=JSON if frame is None else FRAMED),
            *trace(message, ratio=traces_ratio).headers(),
            *_dead_letter(record),
        ),
    )


def to_json(record: Record) -> bytes:
    """One line of JSON."""
    return record.model_dump_json(by_alias=True).encode()


def framed(value: bytes, schema: int) -> bytes:
    """A value in the frame of a schema registry."""
    return _FRAME.pack(_MAGIC, schema) + value


def schema_id(value: bytes) -> int | None:
    """The id in the frame of a value; None where it has no frame."""
    if len(value) < _FRAME.size or value[0] != _MAGIC:
        return None
    found: int = _FRAME.unpack_from(value)[1]
    return found


def unframed(value: bytes) -> bytes:
    """A value without its frame, if it has one."""
    return value if schema_id(value) is None else value[_FRAME.size :]


def record_from_json(value: bytes) -> Record:
    """Read back a record that this service wrote, framed or not; raises `ValueError` where it is none."""
    value = unframed(value)
    raw = json.loads(value)
    name = raw.get("schema") if isinstance(raw, dict) else None
    for model in (EnrichedArticle, ArticleEvent, ArticleEntity, Rejected):
        if model.model_fields["schema_"].default == name:
            return model.model_validate_json(value)
    raise ValueError(f"not a record of this service: schema {name!r}")


def dataschema(record: Record) -> str:
    """The ``$id`` of the JSON Schema of a record."""
    return f"urn:newsstream:{record.schema_.replace('/', ':')}"


def _cloudevents(record: Record, *, source: str, content_type: str) -> tuple[tuple[str, bytes], ...]:
    name, _, version = record.schema_.partition("/")
    return (
        ("ce_specversion", b"1.0"),
        ("ce_id", topics.id_of(record).encode()),
        ("ce_source", source.encode()),
        ("ce_type", f"newsstream.{name}.v{version}".encode()),
        ("ce_time", record.processed_at.isoformat().replace("+00:00", "Z").encode()),
        ("ce_dataschema", dataschema(record).encode()),
        ("content-type", content_type.encode()),
    )


def _dead_letter(record: Record) -> tuple[tuple[str, bytes], ...]:
    """Kafka Streams' names for what a dead letter says, for people's tools."""
    if not isinstance(record, Rejected):
        return ()
    return (
        ("__streams.errors.exception", record.reason.encode()),
        ("__streams.errors.message", record.detail.encode()),
        ("__streams.errors.topic", record.topic.encode()),
        ("__streams.errors.partition", str(record.partition).encode()),
        ("__streams.errors.offset", str(record.offset).encode()),
    )
