"""The public contract, from the records: JSON Schemas, and the AsyncAPI document that says what travels where."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

import stream
from stream import codec, topics
from stream.records import Article, ArticleEntity, ArticleEvent, EnrichedArticle, Rejected

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DRAFT_07 = "http://json-schema.org/draft-07/schema#"
_VERSION = "v1"

RECORDS: Mapping[str, tuple[type[BaseModel], topics.Topic]] = {
    "article": (Article, topics.ARTICLES),
    "enriched-article": (EnrichedArticle, topics.ENRICHED),
    "news-event": (ArticleEvent, topics.EVENTS),
    "article-entity": (ArticleEntity, topics.ENTITIES),
    "rejected": (Rejected, topics.REJECTED),
}
"""Every record that travels, by the name of its schema."""

_TRACE = {
    "traceparent": "W3C trace context: the trace goes on from the article to every record that it causes",
    "tracestate": "W3C trace context, as it came",
}
_ATTEMPTS = {codec.ATTEMPTS_HEADER: "set by a replay: how often the message was refused before"}
_CLOUDEVENT = {
    "ce_specversion": "CloudEvents 1.0, binary mode",
    "ce_id": "the record's id: the same input gives the same",
    "ce_source": "the consumer group that made the record",
    "ce_type": "newsstream.<record>.v<version>",
    "ce_time": "when the record was made",
    "ce_dataschema": "the $id of the schema of the value",
    "content-type": f"{codec.JSON}; {codec.FRAMED} where a schema registry is set, and the value framed",
}
_DEAD_LETTER = {
    "__streams.errors.exception": "the reason, under Kafka Streams' name for it",
    "__streams.errors.message": "the detail, for a human",
    "__streams.errors.topic": "where the refused message came from",
    "__streams.errors.partition": "its partition, in digits",
    "__streams.errors.offset": "its offset, in digits",
}


class _Generator(GenerateJsonSchema):
    """Without the titles that pydantic makes up from the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def _identity(name: str) -> str:
    return f"urn:newsstream:{name}:1"


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a record; raises `KeyError` for a name that is none."""
    model, _ = RECORDS[name]
    mode = "validation" if model is Article else "serialization"
    body = model.model_json_schema(by_alias=True, mode=mode, schema_generator=_Generator)  # type: ignore[arg-type]
    if "schema" in body["properties"]:  # it has a default for our own convenience; a reader finds it always
        body["required"] = ["schema", *body["required"]]
    return {"$schema": _DIALECT, "$id": _identity(name), **body}


def for_registry(name: str) -> str:
    """The same schema in draft-07, the newest dialect in which every schema registry compares versions; canonical text."""
    return _canonical(_in_draft_07(schema(name)))


def _in_draft_07(part: Any) -> Any:
    if isinstance(part, dict):
        renamed = {"definitions" if key == "$defs" else key: _in_draft_07(value) for key, value in part.items()}
        if "$schema" in renamed:
            renamed["$schema"] = _DRAFT_07
        if isinstance(reference := renamed.get("$ref"), str):
            renamed["$ref"] = reference.replace("#/$defs/", "#/definitions/")
        return renamed
    return [_in_draft_07(each) for each in part] if isinstance(part, list) else part


def _headers(topic: topics.Topic) -> dict[str, Any]:
    always = {} if topic is topics.ARTICLES else {**_CLOUDEVENT, "traceparent": _TRACE["traceparent"]}
    always |= _DEAD_LETTER if topic is topics.REJECTED else {}
    sometimes = {**_TRACE, **_ATTEMPTS} if topic is topics.ARTICLES else {"tracestate": _TRACE["tracestate"]}
    properties = {key: {"type": "string", "description": about} for key, about in (always | sometimes).items()}
    return {"type": "object", "properties": properties, "required": sorted(always)}


def _key(topic: topics.Topic) -> str:
    if topic is topics.ARTICLES:
        return "the article's id where the producer has one; any key, or none, will do"
    if topic is topics.REJECTED:
        return "the article id; the record's own id where the message told none"
    return "the article id: everything of one article stays in one partition, in order"


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: channels, keys, headers, payloads."""
    messages: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name, (_, topic) in RECORDS.items():
        address = topic.full_name("news.")
        messages[name] = {
            "name": name,
            "contentType": "application/json",
            "headers": _headers(topic),
            "payload": {"$ref": f"{name}/{_VERSION}.json"},
            "bindings": {"kafka": {"key": {"type": "string", "description": _key(topic)}, "bindingVersion": "0.5.0"}},
        }
        channels[topic.name] = {
            "address": address,
            "description": topic.about,
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {"kafka": {"topic": address, "topicConfiguration": _configuration(topic), "bindingVersion": "0.5.0"}},
        }
        operations[f"{'receive' if topic is topics.ARTICLES else 'send'}-{topic.name}"] = {
            "action": "receive" if topic is topics.ARTICLES else "send",
            "channel": {"$ref": f"#/channels/{topic.name}"},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "newsstream",
            "version": stream.__version__,
            "description": (
                "Streaming enrichment of news: language, entities and event types. Where a schema registry is set, what leaves "
                "is framed (byte 0, the schema's id in four bytes, the JSON); what arrives may always be."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _configuration(topic: topics.Topic) -> dict[str, Any]:
    return {
        "cleanup.policy": ["delete"],
        "retention.ms": topic.retention_ms,
        "max.message.bytes": topic.max_message_bytes,
    }


def files() -> dict[str, str]:
    """Every generated file by its path below ``schemas/``, in canonical text."""
    generated = {f"{name}/{_VERSION}.json": _canonical(schema(name)) for name in RECORDS}
    # JSON is YAML: one canonical text, and no second writer.
    return {**generated, "asyncapi.yaml": _canonical(asyncapi())}


def _canonical(document: Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path) -> Iterator[Path]:
    """Write every generated file; yields those that changed."""
    for name, text in files().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            yield path


def drift(folder: Path) -> list[str]:
    """What is not as the records say: files that differ, that are missing, or that nothing generates."""
    generated = files()
    found = [f"{name}: missing" for name in generated if not (folder / name).exists()]
    for name, text in generated.items():
        if (folder / name).exists() and (folder / name).read_text(encoding="utf-8") != text:
            found.append(f"{name}: differs from the records (`make schemas` writes it)")
    present = sorted(str(path.relative_to(folder)) for path in (*folder.glob("*/v*.json"), *folder.glob("*.yaml")))
    return [*found, *(f"{name}: no record has this schema" for name in present if name not in generated)]
