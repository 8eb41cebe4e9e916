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
    "content-type": "application/json",
}
_DEAD_LETTER = {
    "__streams.errors.exception": "the reason, under Kafka Streams' name for it",
    "__streams.errors.message": "the detail, for a human",
    "__streams.errors.topic": "where the refused message came from",
    "__streams.errors.partition": "its partition, in digits",
    "__streams.errors.offset": "its offset, in digits",
}
_NO_PART_OF_A_TYPE = {"title", "description", "default", "examples", "enum"}


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
            "description": "Streaming enrichment of news: language, entities and event types.",
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


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What a schema must not do to those who rely on an earlier one of the same major version; empty where all is well.

    Nothing may be removed, become required or change its type, and no value may leave an enumeration: records that were
    published once stay readable, and producers stay accepted. What leaves may not stop being required nor gain a type
    (`null`, say); what arrives may. Optional fields and values of an enumeration may be added.
    """
    arrives = old.get("$id") == _identity("article")
    found = []
    for where, before, after in _objects(old, new):
        fields, kept = before.get("properties", {}), after.get("properties", {})
        demanded, demands = set(before.get("required", ())), set(after.get("required", ()))
        found += [f"{where}: {name} was removed" for name in sorted(set(fields) - set(kept))]
        found += [f"{where}: {name} is newly required" for name in sorted(demands - demanded)]
        if not arrives:
            found += [f"{where}: {name} is no longer required" for name in sorted((demanded - demands) & set(kept))]
        found += [
            f"{where}: {name} has changed its type"
            for name in sorted(set(fields) & set(kept))
            if not _compatible(fields[name], kept[name], arrives=arrives)
        ]
        found += [
            f"{where}: the value {value} of {name} was removed"
            for name in fields
            for value in _values(fields[name])
            if value not in _values(kept.get(name, fields[name]))
        ]
        found += [f"{where}: the value {value} was removed" for value in _values(before) if value not in _values(after)]
    return found


def _compatible(before: Mapping[str, Any], after: Mapping[str, Any], *, arrives: bool) -> bool:
    old, new = _alternatives(before), _alternatives(after)
    return all(each in new for each in old) if arrives else all(each in old for each in new)


def _alternatives(field: Mapping[str, Any]) -> list[Any]:
    return [_bare(each) for each in field.get("anyOf", (field,))]


def _values(field: Mapping[str, Any]) -> list[Any]:
    return [value for each in field.get("anyOf", (field,)) for value in each.get("enum", ())]


def _bare(field: Any) -> Any:
    """A field's schema without what does not make its type; values of enumerations are compared one by one."""
    if isinstance(field, dict):
        return {key: _bare(value) for key, value in field.items() if key not in _NO_PART_OF_A_TYPE}
    return field


def _objects(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    yield str(old.get("title", "")), old, new
    for name, before in old.get("$defs", {}).items():
        yield name, before, new.get("$defs", {}).get(name, {})
