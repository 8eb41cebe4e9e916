"""``newsstream evaluate entities``: both engines side by side, on paper and as figures for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stream import cli

pytestmark = pytest.mark.models

SENTENCE = "La NATO ha inviato armi all'Ucraina."


def test_both_engines_are_measured_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row each, and the same figures in a JSON file."""
    gold = tmp_path / "tiny.jsonl"
    gold.write_text(json.dumps({"text": SENTENCE, "ents": [[3, 7, "ORG"], [28, 35, "LOC"]], "lang": "it"}) + "\n", "utf-8")
    figures = tmp_path / "figures.json"

    status = cli.main(["evaluate", "entities", "--gold", str(gold), "--engine", "accurate", "fast", "--json", str(figures)])

    assert status == 0
    printed = capsys.readouterr().out
    assert "tiny accurate" in printed
    assert "tiny fast" in printed
    measured = json.loads(figures.read_text("utf-8"))["tiny"]
    assert measured["accurate"] == {"sentences": 1, "f1": 1.0, "f1_span": 1.0, "f1_PER": 0.0, "f1_LOC": 1.0, "f1_ORG": 1.0}
    assert set(measured["fast"]) == set(measured["accurate"])
