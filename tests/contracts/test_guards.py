"""Each guard of the contract fails when it should: on a copy of the project, changed the way somebody might change it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
"""The environment without what git tells its hooks: which repository is meant, the folder says."""

pytestmark = pytest.mark.processes


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The part of the project that the contract's tests need, in a repository of its own."""
    shutil.copytree(ROOT / "stream", tmp_path / "stream", ignore=shutil.ignore_patterns("assets", "__pycache__"))
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    shutil.copytree(ROOT / "tests" / "contracts", tmp_path / "tests" / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    for arguments in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "--message", "before")):
        subprocess.run(["git", *arguments], cwd=tmp_path, env=ELSEWHERE, check=True, capture_output=True, timeout=30)
    return tmp_path


def _run(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


def _tests(folder: Path, *files: str) -> tuple[int, str]:
    """What these of the contract's tests, all part of `make check`, say of the copy."""
    return _run(folder, "pytest", "-q", "--noconftest", *(f"tests/contracts/{name}" for name in files))


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer says {old!r}: choose another change"
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_copy_itself_is_well(copy: Path) -> None:
    """Else every test below would pass for the wrong reason."""
    status, said = _tests(copy, "test_schemas.py", "test_history.py")

    assert status == 0, said
    assert "skipped" not in said
    assert _run(copy, "stream", "schemas", "check")[0] == 0


RECORDS = "stream/records.py"
TAKEN_BACK = "test_nothing_published_is_taken_back"


@pytest.mark.parametrize(
    ("file", "old", "new", "failing"),
    [
        pytest.param(
            RECORDS, "    salience: float = Field(ge=0, le=1)\n", "", f"{TAKEN_BACK}[article-entity]", id="removed field"
        ),
        pytest.param(
            RECORDS, "    modality: Modality\n", "    mood: Modality\n", f"{TAKEN_BACK}[news-event]", id="renamed field"
        ),
        pytest.param(
            RECORDS,
            "    title: str | None = None\n    text: str = Field(",
            "    title: str\n    text: str = Field(",
            f"{TAKEN_BACK}[article]",
            id="newly required in",
        ),
        pytest.param(
            RECORDS,
            "    reason: Reason\n",
            "    reason: Reason\n    severity: str\n",
            f"{TAKEN_BACK}[rejected]",
            id="newly required out",
        ),
        pytest.param(RECORDS, "    score: float\n", "    score: int\n", f"{TAKEN_BACK}[news-event]", id="narrowed type"),
        pytest.param(
            RECORDS,
            "    language: str\n",
            "    language: str | None\n",
            f"{TAKEN_BACK}[article-entity]",
            id="null that nobody expects",
        ),
        pytest.param(RECORDS, '    HISTORICAL = "historical"\n', "", f"{TAKEN_BACK}[news-event]", id="narrowed enumeration"),
        pytest.param(
            RECORDS,
            '["iso3166", "geonames", "wikidata"]',
            '["iso3166", "geonames"]',
            f"{TAKEN_BACK}[enriched-article]",
            id="narrowed literal",
        ),
        pytest.param(RECORDS, "rejected/1", "rejected/2", f"{TAKEN_BACK}[rejected]", id="another version"),
        pytest.param(
            "stream/schemas.py",
            "urn:newsstream:",
            "urn:news:",
            "test_a_record_names_its_schema_in_value_and_header",
            id="another identity",
        ),
        pytest.param(
            "stream/topics.py",
            'Topic("events"',
            'Topic("happenings"',
            "test_no_topic_and_no_header_that_was_published_has_gone",
            id="topic renamed",
        ),
        pytest.param(
            "stream/codec.py",
            '        ("ce_dataschema", dataschema(record).encode()),\n',
            "",
            "test_the_headers_that_travel_are_those_of_the_asyncapi_document",
            id="header dropped",
        ),
    ],
)
def test_a_change_that_breaks_fails_although_the_schemas_were_written_again(  # the guard that is left once drift is silenced
    copy: Path, file: str, old: str, new: str, failing: str
) -> None:
    """Drift is seen first; then somebody does what it says, and the change is refused all the same."""
    _edit(copy / file, old, new)

    drifted, _ = _run(copy, "stream", "schemas", "check")
    written, said = _run(copy, "stream", "schemas", "write")
    status, failed = _tests(copy, f"test_schemas.py::{failing}")

    assert written == 0, said
    assert drifted == (0 if file == "stream/codec.py" else 1)
    assert status == 1
    assert f"FAILED tests/contracts/test_schemas.py::{failing}" in failed


def _add_optional_field(copy: Path) -> None:
    _edit(
        copy / RECORDS,
        "    salience: float = Field(ge=0, le=1)\n",
        "    salience: float = Field(ge=0, le=1)\n    note: str | None = None\n",
    )
    assert _run(copy, "stream", "schemas", "write")[0] == 0


def test_an_optional_field_passes(copy: Path) -> None:
    """The guards forbid what breaks, and nothing else."""
    _add_optional_field(copy)

    status, said = _tests(copy, "test_schemas.py", "test_history.py")

    assert status == 0, said


def _ghost_schema(copy: Path) -> None:
    (copy / "schemas" / "ghost").mkdir()
    (copy / "schemas" / "ghost" / "v1.json").write_text("{}", encoding="utf-8")


def _ghost_example(copy: Path) -> None:
    (copy / "schemas" / "ghost" / "examples" / "v1").mkdir(parents=True)
    (copy / "schemas" / "ghost" / "examples" / "v1" / "boo.json").write_text("{}", encoding="utf-8")


def _example_without_a_line(copy: Path) -> None:
    folder = copy / "schemas" / "rejected" / "examples" / "v1"
    shutil.copy(folder / "tombstone.json", folder / "another.json")


def _removed_example(copy: Path) -> None:
    (copy / "schemas" / "rejected" / "examples" / "v1" / "tombstone.json").unlink()


def _edited_example(copy: Path) -> Path:
    path = copy / "schemas" / "rejected" / "examples" / "v1" / "tombstone.json"
    _edit(path, '"attempts": 1', '"attempts": 2')
    return path


def _edited_example_and_its_digest(copy: Path) -> None:
    path = copy / "schemas" / "rejected" / "examples" / "v1" / "tombstone.json"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    after = hashlib.sha256(_edited_example(copy).read_bytes()).hexdigest()
    _edit(copy / "tests" / "contracts" / "examples.sha256", before, after)


def _removed_record(copy: Path) -> None:
    _edit(copy / "stream" / "schemas.py", '    "article-entity": (ArticleEntity, topics.ENTITIES),\n', "")
    shutil.rmtree(copy / "schemas" / "article-entity")
    lines = copy / "tests" / "contracts" / "examples.sha256"
    kept = [line for line in lines.read_text(encoding="utf-8").splitlines() if "article-entity/" not in line]
    lines.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert _run(copy, "stream", "schemas", "write")[0] == 0


def _breaking_change_with_what_was_published_refreshed(copy: Path) -> None:
    _edit(copy / RECORDS, "    modality: Modality\n", "    mood: Modality\n")
    assert _run(copy, "stream", "schemas", "write")[0] == 0
    for path in sorted((copy / "schemas").glob("*/v1.json")):
        shutil.copy(path, copy / "tests" / "contracts" / "published" / f"{path.parent.name}-v1.json")


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        (_ghost_schema, "test_schemas.py::test_the_committed_schemas_are_those_of_the_records"),
        (_ghost_example, "test_schemas.py::test_no_example_is_without_a_schema"),
        (_example_without_a_line, "test_schemas.py::test_examples_are_never_edited_and_never_removed"),
        (_removed_example, "test_schemas.py::test_examples_are_never_edited_and_never_removed"),
        (_edited_example, "test_schemas.py::test_examples_are_never_edited_and_never_removed"),
        (_edited_example_and_its_digest, "test_history.py::test_no_line_of_the_list_of_examples_was_ever_taken_back"),
        (_removed_record, "test_schemas.py::test_no_record_that_was_published_has_gone"),
        (
            _breaking_change_with_what_was_published_refreshed,
            "test_history.py::test_a_published_schema_was_never_weakened[news-event-v1]",
        ),
    ],
    ids=lambda value: value.__name__.strip("_").replace("_", " ") if callable(value) else "",
)
def test_a_file_that_does_not_fit_is_seen(copy: Path, change: Callable[[Path], object], failing: str) -> None:
    """Orphans either way, examples that are edited, a promise that is edited with the thing that was promised."""
    change(copy)

    status, said = _tests(copy, failing)

    assert status == 1
    assert f"FAILED tests/contracts/{failing}" in said
