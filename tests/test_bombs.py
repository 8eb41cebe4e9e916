"""What is built to exhaust costs little: each bomb has its outcome, in bounded time and memory, and breaks no law."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import bombs
from tests.bombs import BOMBS, Cost

MEBIBYTES = 150
ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.models, pytest.mark.processes, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    """What each costs, measured in a process of its own: one that other tests have not filled."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bombs"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=500,
    )
    told = [Cost(**json.loads(line)) for line in done.stdout.splitlines()]
    return {cost.bomb: cost for cost in told}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_enriched_or_refused_for_its_reason_and_costs_little(name: str, costs: dict[str, Cost]) -> None:
    """Seconds of CPU time, mebibytes beyond the models."""
    cost = costs[name]

    assert cost.outcome == (BOMBS[name].reason or "enriched")
    assert cost.seconds < cost.allowed
    assert cost.mebibytes < MEBIBYTES


def test_a_law_that_is_broken_in_a_child_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that fails neither hangs nor goes on as its parent."""

    def broken(*_: object, **__: object) -> None:
        raise AssertionError("no such law")

    monkeypatch.setattr("tests.laws.of_processing", broken)

    assert "no such law" in bombs.measure("a tombstone").outcome
