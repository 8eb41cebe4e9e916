"""The public contract: schemas are those of the records, examples stay valid, nothing is taken away."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from stream import codec, compatibility, config, schemas, topics
from stream.records import Article, Message, Record, Rejected

FOLDER = Path(__file__).parents[2] / "schemas"
EXAMPLES = sorted(FOLDER.glob("*/examples/v1/*.json"))
PUBLISHED = Path(__file__).parent / "published"
OUTGOING = [name for name in schemas.RECORDS if name != "article"]


def _case(path: Path) -> str:
    return f"{path.parents[2].name}/{path.stem}"


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _record(name: str) -> Record:
    """A record of this schema: its first example."""
    path = next(path for path in EXAMPLES if path.parents[2].name == name)
    return codec.record_from_json(path.read_bytes())


def _of(before: Any, after: Any) -> Any:
    """What `after` says of everything that `before` speaks of."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {key: _of(before[key], after[key]) for key in before if key in after}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [_of(old, new) for old, new in zip(before, after, strict=True)]
    return after


def _objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects_in(item)


def test_the_committed_schemas_are_those_of_the_records() -> None:
    """A changed record without its schema fails here, and so does a schema without a record."""
    assert schemas.drift(FOLDER) == []


def test_drift_is_seen(tmp_path: Path) -> None:
    """Missing, different and orphaned files are each named."""
    list(schemas.write(tmp_path))
    (tmp_path / "rejected" / "v1.json").unlink()
    (tmp_path / "article" / "v1.json").write_text("{}", encoding="utf-8")
    (tmp_path / "ghost").mkdir()
    (tmp_path / "ghost" / "v1.json").write_text("{}", encoding="utf-8")

    found = "\n".join(schemas.drift(tmp_path))

    assert "rejected/v1.json: missing" in found
    assert "article/v1.json: differs" in found
    assert "ghost/v1.json: no record" in found


def test_every_record_has_examples() -> None:
    """A schema without an example shows nobody what it means."""
    assert {path.parents[2].name for path in EXAMPLES} == set(schemas.RECORDS)


def test_no_example_is_without_a_schema() -> None:
    """An example of nothing promises nothing."""
    assert [path for path in EXAMPLES if not (path.parents[2] / "v1.json").exists()] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=_case)
def test_an_example_is_valid_and_today_s_code_reads_it(path: Path) -> None:
    """Examples are only ever added: what was published once can be read for ever."""
    text = path.read_text(encoding="utf-8")
    name = path.parents[2].name

    jsonschema.Draft202012Validator(schemas.schema(name)).validate(json.loads(text))
    if name == "article":
        Article.model_validate_json(text)
    else:
        assert codec.record_from_json(text.encode()).schema_.startswith(f"{name}/")


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.parents[2].name != "article"], ids=_case)
def test_nothing_of_an_example_is_lost_when_it_is_read_and_written(path: Path) -> None:
    """Each field comes out again as it went in; fields that were added since come out with their defaults."""
    before = _load(path)

    after = json.loads(codec.to_json(codec.record_from_json(path.read_bytes())))

    assert _of(before, after) == before
    jsonschema.Draft202012Validator(schemas.schema(path.parents[2].name)).validate(after)


def test_examples_are_never_edited_and_never_removed() -> None:
    """`examples.sha256` has a line for each; a new example adds its line, an old line never changes."""
    lines = (Path(__file__).parent / "examples.sha256").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    assert listed == {path.relative_to(FOLDER).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in EXAMPLES}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("enriched-article/examples/v1/*.json")), ids=_case)
def test_the_offsets_of_an_example_count_code_points(path: Path) -> None:
    """`text[start:end]` is the mention, emoji or not; a trigger lies inside its evidence; references lead to entities."""
    article = _load(path)
    known = {entity["id"] for entity in article["entities"]}

    for found in _objects_in([article["entities"], article["events"]]):
        if "field" in found:
            assert article[found["field"]][found["start"] : found["end"]] == found["text"]
        if "trigger" in found:
            assert found["start"] <= found["trigger"]["start"] < found["trigger"]["end"] <= found["end"]
        assert {*found.get("actors", ()), *found.get("recipients", ()), *found.get("locations", ())} <= known


@pytest.mark.parametrize("path", sorted(FOLDER.glob("rejected/examples/v1/*.json")), ids=_case)
def test_the_bytes_of_a_refused_example_are_those_of_its_digest(path: Path) -> None:
    """Whole, or the beginning of a value that was larger."""
    original = _load(path)["original"]
    kept = base64.b64decode(original["value"] or "", validate=True)

    assert len(kept) < original["size"] if original["truncated"] else len(kept) == original["size"]
    assert original["truncated"] or hashlib.sha256(kept).hexdigest() == original["sha256"]


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{", b"7", b'{"text": 7}', b'{"text": ["\xc3\xa9"]}', b"x" * 3000])
def test_every_refusal_fits_its_schema(value: bytes | None) -> None:
    """Whatever arrives, `news.rejected` keeps its contract."""
    message = Message(value=value, key=b"\x00\xff", topic="news.articles", headers=(("h\udcff", b"\xfe"),), attempts=3)

    refused = codec.decode(message, max_bytes=2048, now=datetime(2026, 3, 2, tzinfo=UTC), service="0.1.0")

    assert isinstance(refused, Rejected)
    jsonschema.Draft202012Validator(schemas.schema("rejected")).validate(json.loads(codec.to_json(refused)))


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_a_schema_is_one_by_its_own_dialect(name: str) -> None:
    """JSON Schema 2020-12 accepts it as a schema."""
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))


@pytest.mark.parametrize("name", OUTGOING)
def test_a_record_names_its_schema_in_value_and_header(name: str) -> None:
    """`schema` is always there to dispatch on, and the header holds the `$id`."""
    schema = schemas.schema(name)

    assert "schema" in schema["required"]
    assert codec.dataschema(_record(name)) == schema["$id"]


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_nothing_published_is_taken_back(name: str) -> None:
    """The schemas of `published/` are those that people rely on: within v1 only what is optional is added."""
    assert compatibility.breaking(_load(PUBLISHED / f"{name}-v1.json"), schemas.schema(name)) == []


def test_no_record_that_was_published_has_gone() -> None:
    """Nor is there one that nobody published: a new record is published with its first release."""
    assert {path.name.removesuffix("-v1.json") for path in PUBLISHED.glob("*-v1.json")} == set(schemas.RECORDS)


def test_no_topic_and_no_header_that_was_published_has_gone() -> None:
    """`published/asyncapi.json` is what people have subscribed to."""
    assert compatibility.withdrawn(_load(PUBLISHED / "asyncapi.json"), schemas.asyncapi()) == []


def test_a_topic_that_moves_and_a_header_that_goes_are_seen() -> None:
    """Whoever reads the old topic would wait for ever."""
    old, new = schemas.asyncapi(), copy.deepcopy(schemas.asyncapi())
    new["channels"]["events"]["address"] = "news.happenings"
    new["channels"]["entities"]["messages"] = {}
    del new["channels"]["rejected"]
    new["components"]["messages"]["news-event"]["headers"]["required"].remove("ce_dataschema")
    new["components"]["messages"]["rejected"]["payload"] = {"$ref": "rejected/v2.json"}

    assert compatibility.withdrawn(old, new) == [
        "events: news.events is now news.happenings",
        "entities: article-entity no longer travels there",
        "rejected: news.rejected is now nowhere",
        "rejected: rejected no longer travels there",
        "news-event: the header ce_dataschema is no longer sent",
        "rejected: its schema is no longer rejected/v1.json",
    ]


@pytest.mark.parametrize("name", OUTGOING)
def test_what_leaves_forbids_unknown_fields(name: str) -> None:
    """A typo in a field name cannot slip out."""
    assert schemas.schema(name)["additionalProperties"] is False


def test_what_arrives_tolerates_unknown_fields() -> None:
    """A producer may send more than we read."""
    assert schemas.schema("article").get("additionalProperties", True) is True


def test_a_removed_field_is_breaking() -> None:
    """Consumers would miss it."""
    old = schemas.schema("enriched-article")
    new = copy.deepcopy(old)
    del new["properties"]["primary_event_type"]
    del new["$defs"]["Mention"]["properties"]["start"]

    assert compatibility.breaking(old, new) == ["EnrichedArticle: primary_event_type was removed", "Mention: start was removed"]


def test_a_newly_required_input_field_is_breaking() -> None:
    """Producers would be refused."""
    old = schemas.schema("article")
    new = copy.deepcopy(old)
    new["required"] = ["text", "title"]

    assert compatibility.breaking(old, new) == ["Article: title is newly required"]


def test_an_added_optional_field_breaks_nothing() -> None:
    """That is how records grow."""
    old = schemas.schema("news-event")
    new = copy.deepcopy(old)
    new["properties"]["casualties"] = {"type": "integer"}

    assert compatibility.breaking(old, new) == []


@pytest.mark.parametrize(
    ("name", "field", "change", "complaint"),
    [
        ("enriched-article", "title", {"type": "integer"}, "EnrichedArticle: title has changed its type"),
        ("enriched-article", "article_id", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "article_id has changed its type"),
        ("rejected", "reason", {"type": "string"}, "Rejected: reason has changed its type"),
        ("article", "title", {"type": "string"}, "Article: title has changed its type"),
    ],
)
def test_a_changed_type_is_breaking(name: str, field: str, change: dict[str, Any], complaint: str) -> None:
    """Another type, a null that nobody expected, an enumeration thrown open; and input that was accepted until now."""
    old = schemas.schema(name)
    new = copy.deepcopy(old)
    new["properties"][field] = change

    (found,) = compatibility.breaking(old, new)

    assert found.endswith(complaint)


def test_a_reason_that_is_gone_is_breaking_and_one_more_is_not() -> None:
    """Rejections of last month must still be read by a replay of today."""
    old = schemas.schema("rejected")
    new = copy.deepcopy(old)
    new["$defs"]["Reason"]["enum"] = [*new["$defs"]["Reason"]["enum"][1:], "too_boring"]

    assert compatibility.breaking(old, new) == ["Reason: the value empty was removed"]


def test_a_value_that_is_gone_from_a_list_is_breaking() -> None:
    """An enumeration may stand inside a field: in a list, beside a null."""
    old = schemas.schema("enriched-article")
    old["properties"]["desks"] = {"anyOf": [{"type": "array", "items": {"enum": ["home", "world"]}}, {"type": "null"}]}
    new = copy.deepcopy(old)
    new["properties"]["desks"]["anyOf"][0]["items"]["enum"] = ["world"]

    assert compatibility.breaking(old, new) == ["EnrichedArticle: the value home of desks was removed"]


def test_another_identity_is_breaking() -> None:
    """Consumers dispatch on `ce_dataschema`."""
    old = schemas.schema("rejected")

    assert compatibility.breaking(old, old | {"$id": "urn:newsstream:rejected:2"}) == [
        "the $id is no longer urn:newsstream:rejected:1"
    ]


def test_a_field_that_leaves_may_not_become_optional() -> None:
    """Consumers rely on finding it."""
    old = schemas.schema("news-event")
    new = copy.deepcopy(old)
    new["required"].remove("confidence")

    assert compatibility.breaking(old, new) == ["ArticleEvent: confidence is no longer required"]


def test_input_may_be_accepted_more_widely() -> None:
    """Nobody is refused by a field that takes more than before."""
    old = schemas.schema("article")
    new = copy.deepcopy(old)
    new["properties"]["text"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "or none"}
    new["required"] = []

    assert compatibility.breaking(old, new) == []


@pytest.mark.parametrize("name", OUTGOING)
def test_the_headers_that_travel_are_those_of_the_asyncapi_document(name: str) -> None:
    """None is undocumented, none that is promised is missing."""
    message = Message(
        value=b"{}", headers=(("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"), ("tracestate", b"x=1"))
    )
    promised = schemas.asyncapi()["components"]["messages"][name]["headers"]

    travelling = {key for key, _ in codec.encode(_record(name), message=message, source="newsstream/test").headers}

    assert travelling == set(promised["properties"])
    assert set(promised["required"]) == travelling - {"tracestate"}


@pytest.mark.parametrize("name", OUTGOING)
def test_a_record_travels_where_the_asyncapi_document_says(name: str) -> None:
    """Address, default prefix and how the topic is made are those of the code."""
    topic = topics.topic_of(_record(name))
    channel = schemas.asyncapi()["channels"][topic.name]

    assert channel["address"] == topic.full_name(config.Settings.model_fields["topic_prefix"].default)
    assert list(channel["messages"]) == [name]
    assert {key: str(value) for key, value in channel["bindings"]["kafka"]["topicConfiguration"].items()} == {
        **topic.settings(),
        "cleanup.policy": "['delete']",
    }


def test_the_asyncapi_document_names_every_topic_once() -> None:
    """Addresses, payloads and headers as the service uses them; the file is YAML."""
    document = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))

    assert {channel["address"] for channel in document["channels"].values()} == {
        "news.articles",
        "news.enriched",
        "news.events",
        "news.entities",
        "news.rejected",
    }
    for message in document["components"]["messages"].values():
        assert (FOLDER / message["payload"]["$ref"]).exists()
