"""The demo, as a new user runs it: it accounts for everything, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.integration import workers

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.processes, pytest.mark.models]


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A handful of articles and refusals."""
    folder = tmp_path / "seeds"
    (folder / "rejected").mkdir(parents=True)
    (folder / "nl.ndjson").write_bytes((ROOT / "seeds" / "nl.ndjson").read_bytes())
    for name in ("empty.json", "not_json.json"):
        (folder / "rejected" / name).write_bytes((ROOT / "seeds" / "rejected" / name).read_bytes())
    return folder


def _start(seeds: Path, *options: str, log: Path) -> subprocess.Popen[bytes]:
    scratch = log.parent / "scratch"
    scratch.mkdir()
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "stream", "demo", "--seeds", str(seeds), *options],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _assert_nothing_is_left(family: list[psutil.Process], log: Path) -> None:
    workers.eventually(
        lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family),
        within=15,
        what=f"no process is left of {family}",
    )
    assert list((log.parent / "scratch").iterdir()) == []


def test_everything_is_accounted_for(seeds: Path, tmp_path: Path) -> None:
    """Status 0, the table, the counts per topic, the address of the metrics; and nothing left behind."""
    log = tmp_path / "log"
    process = _start(seeds, log=log)

    assert process.wait(100) == 0
    said = log.read_text(encoding="utf-8")
    assert "5 messages sent, every one is accounted for" in said
    assert re.search(r"enriched\s+│\s+3", said)
    assert re.search(r"rejected\s+│\s+2", said)
    assert 'news_articles_total{outcome="enriched"} 3' in said
    _assert_nothing_is_left([], log)


@pytest.mark.parametrize("moment", ["starting", "kept"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_cleans_up(seeds: Path, tmp_path: Path, moment: str, number: signal.Signals) -> None:
    """While the models load, and while it is kept for a look: no orphan process, no held port, no folder."""
    log = tmp_path / "log"
    process = _start(seeds, "--keep", log=log)
    words = {"starting": "topics", "kept": "Ctrl-C ends it"}[moment]
    workers.eventually(lambda: words in log.read_text(encoding="utf-8"), within=100, what=f"it says {words}")
    if moment == "starting":
        time.sleep(0.5)  # anywhere in the start of the worker; the moment itself is not what is tested
    family = _family(process)
    assert family

    process.send_signal(number)

    assert process.wait(30) == 130
    _assert_nothing_is_left(family, log)


def test_a_folder_without_seeds_is_named(tmp_path: Path) -> None:
    """A user in the wrong folder is told so."""
    log = tmp_path / "log"
    process = _start(tmp_path, log=log)

    assert process.wait(60) == 1
    assert "no articles in" in log.read_text(encoding="utf-8")
