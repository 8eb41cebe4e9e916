"""What was promised once stays promised, whoever edits the promise: the lists and the published schemas, over their history."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stream import compatibility

HERE = Path(__file__).parent
ELSEWHERE = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
"""The environment without what git tells its hooks: which repository is meant, the folder says."""
PUBLISHED = sorted((HERE / "published").glob("*-v1.json"))


def _git(*arguments: str) -> str:
    """What git says; the test is skipped with the reason where this is no repository."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git on the PATH: history cannot be asked")
    command = [git, "-C", str(HERE), *arguments]
    done = subprocess.run(command, env=ELSEWHERE, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"no history here: {' '.join(done.stderr.split())[:200]}")
    return done.stdout


def _versions(path: Path) -> list[str]:
    """Every committed version of a file, newest first."""
    name = path.relative_to(HERE).as_posix()
    commits = _git("log", "--format=%H", "--diff-filter=AM", "--", name).split()
    return [_git("show", f"{commit}:./{name}") for commit in commits]


def test_no_line_of_the_list_of_examples_was_ever_taken_back() -> None:
    """Whoever edits an example, and its digest with it, is seen."""
    path = HERE / "examples.sha256"
    now = set(path.read_text(encoding="utf-8").splitlines())

    assert [sorted(set(version.splitlines()) - now) for version in _versions(path) if set(version.splitlines()) - now] == []


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_published_schema_was_never_weakened(path: Path) -> None:
    """Refreshing the published schema does not make a breaking change an accepted one."""
    now = json.loads(path.read_text(encoding="utf-8"))

    assert [compatibility.breaking(json.loads(version), now) for version in _versions(path)] == [[] for _ in _versions(path)]


def test_the_published_topics_were_never_withdrawn() -> None:
    """The same of topics and headers."""
    path = HERE / "published" / "asyncapi.json"
    now = json.loads(path.read_text(encoding="utf-8"))

    assert [compatibility.withdrawn(json.loads(version), now) for version in _versions(path)] == [[] for _ in _versions(path)]
