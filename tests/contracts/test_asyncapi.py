"""`schemas/asyncapi.yaml` is an AsyncAPI 3.0 document: the AsyncAPI project's own JSON Schema says so."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from stream import schemas

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "asyncapi"
PACKAGE = "@asyncapi/specs@6.11.1"
INTEGRITY = "sha512-A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ=="
MEMBER = "package/schemas/3.0.0-without-$id.json"
REQUIRE = "NEWSSTREAM_REQUIRE_ASYNCAPI"

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def validator() -> Any:
    """AsyncAPI's schema of 3.0 documents, from npm; skipped with the reason where there is none, failed where it is required."""
    target = CACHE / f"{PACKAGE.rpartition('@')[2]}.json"
    if not target.exists():
        try:
            content = _member(_packed())
        except (OSError, subprocess.SubprocessError) as error:
            if os.environ.get(REQUIRE) == "1":
                pytest.fail(f"{REQUIRE}=1, but there is no {PACKAGE}: {error}", pytrace=False)
            pytest.skip(f"no {PACKAGE} from npm: {error}")
        CACHE.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return jsonschema.Draft7Validator(json.loads(target.read_bytes()))


def _packed() -> bytes:
    """The package, as npm hands it out; raises `OSError` where there is no npm, or it does not answer."""
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("no npm on the PATH")
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            npm,
            "pack",
            "--silent",
            "--ignore-scripts",
            "--cache",
            f"{scratch}/cache",
            "--pack-destination",
            scratch,
            PACKAGE,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=scratch)
        found = sorted(Path(scratch).glob("*.tgz"))
        if done.returncode or not found:
            raise OSError(" ".join(done.stderr.split())[:200] or f"npm left with {done.returncode}")
        return found[0].read_bytes()


def _member(package: bytes) -> bytes:
    digest = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
    assert digest == INTEGRITY, f"{PACKAGE} is not what it was: {digest}"
    with tempfile.TemporaryFile() as file:
        file.write(package)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            extracted = archive.extractfile(MEMBER)
            assert extracted is not None
            return extracted.read()


def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "schemas" / "asyncapi.yaml").read_text(encoding="utf-8"))
    return document


def test_the_committed_document_is_valid(validator: Any) -> None:
    """As it stands in the file, references and bindings included."""
    assert [f"{list(error.path)}: {error.message}"[:300] for error in validator.iter_errors(_document())] == []


def test_the_document_is_valid_with_the_payloads_in_it(validator: Any) -> None:
    """What a tool sees that follows the references: our schemas in the place of their names."""
    document = _document()
    for name, message in document["components"]["messages"].items():
        assert message["payload"] == {"$ref": f"{name}/v1.json"}
        message["payload"] = {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": json.loads(schemas.for_registry(name)),
        }

    assert [f"{list(error.path)}: {error.message}"[:300] for error in validator.iter_errors(document)] == []


def _without_address(document: dict[str, Any]) -> None:
    document["channels"]["events"]["adress"] = document["channels"]["events"].pop("address")


def _other_action(document: dict[str, Any]) -> None:
    document["operations"]["send-events"]["action"] = "publish"


def _without_title(document: dict[str, Any]) -> None:
    del document["info"]["title"]


def _headers_are_a_list(document: dict[str, Any]) -> None:
    document["components"]["messages"]["rejected"]["headers"] = ["ce_id"]


def _retention_in_words(document: dict[str, Any]) -> None:
    document["channels"]["events"]["bindings"]["kafka"]["topicConfiguration"]["retention.ms"] = "a week"


@pytest.mark.parametrize("spoil", [_without_address, _other_action, _without_title, _headers_are_a_list, _retention_in_words])
def test_a_fault_in_the_document_is_seen(validator: Any, spoil: Callable[[dict[str, Any]], None]) -> None:
    """So the schema does check what we rely on, Kafka's bindings included."""
    document = copy.deepcopy(_document())
    spoil(document)

    assert list(validator.iter_errors(document))
