"""The command line as a person, or a script, meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream import cli, dryrun

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


def _newsstream(*arguments: str, data: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "stream", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        input=data,
        capture_output=True,
        timeout=100,
        check=False,
    )


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command with what it does, and examples to copy."""
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])

    shown = capsys.readouterr().out
    assert left.value.code == 0
    assert "newsstream enrich article.txt" in shown
    assert all(name in shown for name in ("demo", "worker", "enrich", "topics", "produce", "tail", "replay", "schemas", "broker"))


def test_an_unknown_command_is_a_usage_error() -> None:
    """Status 2, as everywhere."""
    with pytest.raises(SystemExit) as left:
        cli.main(["enritch"])

    assert left.value.code == 2


def test_a_bad_setting_is_status_2() -> None:
    """And the variable is named."""
    done = _newsstream("enrich", NEWSSTREAM_DEADLINE="soon")

    assert done.returncode == 2
    assert b"NEWSSTREAM_DEADLINE='soon'" in done.stderr


def test_a_file_that_is_not_there_is_status_1() -> None:
    """With the name of the file, and no traceback."""
    done = _newsstream("enrich", "nowhere.txt")

    assert done.returncode == 1
    assert b"nowhere.txt" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["", "enriched,nothing"])
def test_kinds_that_do_not_exist_are_named(value: str) -> None:
    """``--only`` knows the output topics."""
    with pytest.raises(ValueError, match="expected some of enriched,events,entities,rejected"):
        dryrun.parse_kinds(value)


def test_enrich_keeps_the_order_and_says_what_was_refused() -> None:
    """NDJSON in, NDJSON out, line by line; refusals are counted on standard error."""
    lines = [json.dumps({"id": f"a{number}", "text": f"Kyiv {number}"}) for number in range(50)]
    lines.insert(10, "{bad json")

    done = _newsstream("enrich", "-", data="\n".join(lines).encode(), NEWSSTREAM_PIPELINE_FACTORY="tests.stub:open_stub")

    assert done.returncode == 0
    assert [json.loads(line)["article_id"] for line in done.stdout.splitlines()] == [f"a{number}" for number in range(50)]
    assert b"1 of 51 rejected" in done.stderr


def test_enrich_shows_rejections_when_asked() -> None:
    """With the reason, and the place in the file as offset."""
    done = _newsstream(
        "enrich", "-", "--only", "rejected", data=b'{"text":"a"}\n[1]\n', NEWSSTREAM_PIPELINE_FACTORY="tests.stub:open_stub"
    )

    (rejected,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (rejected["reason"], rejected["offset"]) == ("invalid", 1)


def test_no_kafka_is_one_line() -> None:
    """Nobody listens on the port: status 1 and the address, no traceback."""
    done = _newsstream("topics", "create", "--bootstrap-servers", "127.0.0.1:9")

    assert done.returncode == 1
    assert b"127.0.0.1:9" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """``newsstream topics list | head -1``."""
    command = f"{sys.executable} -m stream topics list | head -1"

    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, timeout=60, check=False)  # noqa: S602 - a pipe is meant

    assert done.returncode == 0
    assert done.stdout.startswith(b"news.articles")
    assert b"Traceback" not in done.stderr
