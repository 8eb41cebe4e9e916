"""The laws: what holds of every message, whatever its bytes; checked by properties, fuzzers and mutants of the fault suite."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from stream import codec, pipeline, text, topics
from stream.codec import Encoded
from stream.outcome import Options, Outcome
from stream.records import Article, ArticleEntity, ArticleEvent, Document, EnrichedArticle, Message, Record, Rejected

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
SECONDS = 15.0
"""CPU time that a message may take: half of the deadline of an article."""

CLEANING_SECONDS = 2.0
"""CPU time that the cleaning of a text may take: a megabyte of the worst takes a seventh of it."""

TOTAL_BYTES = 24 * topics.MEBIBYTE
"""What all records of a message may come to."""

_SCHEMAS = Path(__file__).parents[1] / "schemas"
_CE = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_dataschema", "content-type")
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_HEADER_BYTES = 8 * 1024


# --- the steps --------------------------------------------------------------------------------------


def of_decoding(message: Message, *, max_bytes: int = 1024 * 1024) -> Article | Rejected:
    """Nothing raises; the same message gives the same answer; an article can be written, a rejection fits its schema."""
    first, second = (codec.decode(message, max_bytes=max_bytes, now=NOW, service="0") for _ in range(2))

    if isinstance(first, Rejected):
        assert first == second
        assert of_a_record(codec.encode(first, message=message, source="laws")) == first
    else:
        assert isinstance(second, Article)
        assert codec.article_id(first) == codec.article_id(second) != ""
        written = first.model_dump_json()
        assert written == second.model_dump_json()  # NaN is not equal to itself
        assert Article.model_validate_json(written).model_dump_json() == written
    return first


def of_cleaning(title: str | None, raw: str, *, max_chars: int = 60_000) -> Document:
    """Nothing raises, nothing is longer than allowed, sentences index their text outside the furniture; once is enough."""
    started = time.process_time()
    document = text.clean(title, raw, max_chars=max_chars)
    spent = time.process_time() - started
    assert spent < CLEANING_SECONDS, f"{spent:.1f} s of CPU time"

    of_a_document(document)
    assert len(document.text) <= max_chars
    assert len(document.title or "") <= text.MAX_TITLE
    again = text.clean(document.title, document.text, max_chars=max_chars)
    assert (again.title, again.text, again.sentences, again.furniture) == (
        document.title,
        document.text,
        document.sentences,
        document.furniture,
    ), "what is clean was changed"
    return document


def of_a_document(document: Document) -> None:
    """Offsets index the text; sentences stand in order and outside the furniture; it can be written as UTF-8."""
    for field in ("title", "text"):
        whole = getattr(document, field) or ""
        end = 0
        for sentence in document.sentences:
            if sentence.field == field:
                assert whole[sentence.start : sentence.end] == sentence.text
                assert sentence.text == sentence.text.strip() != ""
                assert sentence.start >= end
                end = sentence.end
    _outside([(one.start, one.end) for one in document.sentences if one.field == "text"], document.furniture)
    assert document.text == document.text.strip()
    f"{document.title}{document.text}".encode()  # nothing that is no character


def of_processing(message: Message, *, models: pipeline.Models, options: Options) -> Outcome:
    """Nothing raises; the time is bounded; the same message gives the same records; and the laws of an answer."""
    started = time.process_time()
    done = pipeline.process(message, models=models, options=options, clock=_still, now=NOW)
    spent = time.process_time() - started
    assert spent < SECONDS, f"{spent:.1f} s of CPU time"

    again = pipeline.process(message, models=models, options=options, clock=_still, now=NOW)
    assert done == again, "the same message gave something else the second time"
    of_an_answer([of_a_record(record) for record in done.records])
    first = codec.record_from_json(done.records[0].value)
    assert done.summary.reason == (first.reason if isinstance(first, Rejected) else None)
    assert sum(len(record.value) for record in done.records) <= TOTAL_BYTES
    if isinstance(first, EnrichedArticle):
        assert max(len(record.value) for record in done.records) <= options.max_output_bytes
        _passed_through(message, first, options)
    return done


def _still() -> float:
    return 0.0


def _outside(spans: Sequence[tuple[int, int]], furniture: Sequence[tuple[int, int]]) -> None:
    """Both lists are sorted, and nothing overlaps."""
    assert list(furniture) == sorted(furniture)
    both = sorted([*spans, *furniture])
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(both)), "a sentence overlaps with furniture"


def _passed_through(message: Message, enriched: EnrichedArticle, options: Options) -> None:
    """What the producer said of the article comes out as it came in."""
    article = codec.decode(message, max_bytes=options.max_message_bytes, now=NOW, service=options.service)
    assert isinstance(article, Article)
    assert enriched.article_id == codec.article_id(article)
    assert (enriched.url, enriched.source, enriched.published_at) == (article.url, article.source, article.published_at)
    assert json.dumps(enriched.metadata) == json.dumps(_finite(article.metadata))


def _finite(value: Any) -> Any:
    """As JSON can say it: what is no number (NaN, infinity) is null."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value


# --- what leaves ------------------------------------------------------------------------------------


def of_a_record(record: Encoded) -> Record:
    """JSON that every reader reads, valid against the published schema; the headers of a CloudEvent; it reads back the same."""
    raw = record.value.decode()
    value = json.loads(raw, parse_constant=_no_number, object_pairs_hook=_once)
    name, _, version = value["schema"].partition("/")
    for trouble in _validator(name, version).iter_errors(value):
        raise AssertionError(f"{name}: {trouble.json_path}: {trouble.message[:200]}")
    _no_surrogates(value)
    read = codec.record_from_json(record.value)
    assert codec.to_json(read) == record.value
    assert topics.topic_of(read).name == record.topic
    assert topics.key_of(read).encode() == record.key != b""
    _of_headers(record.headers, read)
    return read


def of_an_answer(records: Sequence[Record]) -> None:
    """Exactly one outcome: a rejection alone, or an article, its events and its entities, which agree and index its text."""
    first, *rest = records
    if isinstance(first, Rejected):
        assert not rest, "a rejection, and more"
        return
    assert isinstance(first, EnrichedArticle)
    events = [record for record in rest if isinstance(record, ArticleEvent)]
    entities = [record for record in rest if isinstance(record, ArticleEntity)]
    assert [record.id for record in events] == [event.id for event in first.events]
    assert [record.id for record in entities] == [entity.id for entity in first.entities]
    assert rest == [*events, *entities], "one article, and nothing else beside its events and entities"
    assert {*(event.article_id for event in events), *(entity.article_id for entity in entities)} <= {first.article_id}
    assert len({*(event.id for event in events), *(entity.id for entity in entities)}) == len(rest), "an id stands twice"
    of_an_article(first)


def of_an_article(article: EnrichedArticle) -> None:
    """Every offset indexes the text of the record; references lead to its entities."""
    fields = {"title": article.title or "", "text": article.text}
    known = {entity.id for entity in article.entities}
    for entity in article.entities:
        assert entity.name
        assert entity.mentions
        for mention in entity.mentions:
            assert fields[mention.field][mention.start : mention.end] == mention.text != ""
    for event in article.events:
        assert event.evidence
        assert {*event.actors, *event.recipients, *event.locations} <= known
        for evidence in event.evidence:
            assert fields[evidence.field][evidence.start : evidence.end] == evidence.text
            assert evidence.start <= evidence.trigger.start < evidence.trigger.end <= evidence.end


def _of_headers(headers: Iterable[tuple[str, bytes]], record: Record) -> None:
    pairs = list(headers)
    found = dict(pairs)
    assert len(found) == len(pairs), "a header stands twice"
    assert sum(len(key.encode()) + len(value) for key, value in pairs) <= _HEADER_BYTES
    assert set(_CE) <= set(found)
    for value in found.values():
        value.decode()
    assert found["ce_id"].decode() == topics.id_of(record)
    assert found["ce_dataschema"].decode() == codec.dataschema(record)
    assert datetime.fromisoformat(found["ce_time"].decode()) == record.processed_at
    assert _TRACEPARENT.fullmatch(found["traceparent"])


@cache
def _validator(name: str, version: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((_SCHEMAS / name / f"v{version}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def _no_number(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), "a key stands twice in one object"
    return found


def _no_surrogates(value: Any) -> None:
    for word in _strings(value):
        word.encode()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
