"""The public contract: schemas are those of the records, examples stay valid, nothing is taken away."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from stream import codec, schemas
from stream.records import Article

FOLDER = Path(__file__).parents[2] / "schemas"
EXAMPLES = sorted(FOLDER.glob("*/examples/v1/*.json"))


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


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parents[2].name}/{path.stem}")
def test_an_example_is_valid_and_today_s_code_reads_it(path: Path) -> None:
    """Examples are only ever added: what was published once can be read for ever."""
    text = path.read_text(encoding="utf-8")
    name = path.parents[2].name

    jsonschema.Draft202012Validator(schemas.schema(name)).validate(json.loads(text))
    if name == "article":
        Article.model_validate_json(text)
    else:
        assert codec.record_from_json(text.encode()).schema_.startswith(f"{name}/")


@pytest.mark.parametrize("name", [name for name in schemas.RECORDS if name != "article"])
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

    assert schemas.breaking(old, new) == ["EnrichedArticle: primary_event_type was removed", "Mention: start was removed"]


def test_a_newly_required_input_field_is_breaking() -> None:
    """Producers would be refused."""
    old = schemas.schema("article")
    new = copy.deepcopy(old)
    new["required"] = ["text", "title"]

    assert schemas.breaking(old, new) == ["Article: title is newly required"]


def test_an_added_optional_field_breaks_nothing() -> None:
    """That is how records grow."""
    old = schemas.schema("news-event")
    new = copy.deepcopy(old)
    new["properties"]["casualties"] = {"type": "integer"}

    assert schemas.breaking(old, new) == []


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
