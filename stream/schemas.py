"""The public contract, from the records: JSON Schemas, and the AsyncAPI document that says what travels where."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import stream
from stream import topics
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

_HEADERS = (
    ("ce_specversion", "CloudEvents 1.0"),
    ("ce_id", "the record's id: the same input gives the same"),
    ("ce_source", "the consumer group that made the record"),
    ("ce_type", "newsstream.<record>.v<version>"),
    ("ce_time", "when the record was made"),
    ("ce_dataschema", "the $id of the schema of the value"),
    ("content-type", "application/json"),
    ("traceparent", "W3C trace context: the trace of the message that caused the record"),
)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a record; raises `KeyError` for a name that is none."""
    model, _ = RECORDS[name]
    mode = "validation" if model is Article else "serialization"
    body = model.model_json_schema(by_alias=True, mode=mode)  # type: ignore[arg-type]
    return {"$schema": _DIALECT, "$id": f"urn:newsstream:{name}:1", **body}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: channels, keys, headers, payloads."""
    header = {"type": "object", "properties": {key: {"type": "string", "description": about} for key, about in _HEADERS}}
    messages: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name, (_, topic) in RECORDS.items():
        address = topic.full_name("news.")
        messages[name] = {
            "name": name,
            "contentType": "application/json",
            "payload": {"$ref": f"{name}/{_VERSION}.json"},
            "bindings": {"kafka": {"key": {"type": "string", "description": "the article id"}, "bindingVersion": "0.5.0"}},
        }
        if topic is not topics.ARTICLES:
            messages[name]["headers"] = header
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
    """What a consumer of `old` would miss in `new`: removed fields; and what a producer would lack: new required fields."""
    found = []
    for where, before, after in _objects(old, new):
        removed = set(before.get("properties", {})) - set(after.get("properties", {}))
        required = set(after.get("required", ())) - set(before.get("required", ())) - _added_by_us(before, after)
        found += [f"{where}: {name} was removed" for name in sorted(removed)]
        found += [f"{where}: {name} is newly required" for name in sorted(required)]
    return found


def _added_by_us(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Fields that are new altogether in what we write: a consumer that tolerates them misses nothing."""
    return set() if after.get("title") == "Article" else set(after.get("properties", {})) - set(before.get("properties", {}))


def _objects(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    yield str(old.get("title", "")), old, new
    for name, before in old.get("$defs", {}).items():
        yield name, before, new.get("$defs", {}).get(name, {})
