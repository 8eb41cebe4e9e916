"""What a fuzzer or a reader once found stays found: each file under `regressions` is given to its target again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import targets

REGRESSIONS = Path(__file__).parent / "regressions"


def _cases() -> list[object]:
    return [
        pytest.param(
            path, id=f"{path.parent.name}/{path.name}", marks=[pytest.mark.models] if path.parent.name == "pipeline" else []
        )
        for path in sorted(REGRESSIONS.glob("*/*"))
    ]


@pytest.mark.parametrize("path", _cases())
def test_what_was_found_once_breaks_no_law_again(path: Path) -> None:
    """Its target takes it, within its time."""
    targets.TARGETS[path.parent.name](path.read_bytes())


def test_every_regression_belongs_to_a_target() -> None:
    """A folder with a misspelt name would never be replayed."""
    assert {path.name for path in REGRESSIONS.iterdir()} <= set(targets.TARGETS)


@pytest.mark.parametrize("target", ["decode", "text"])
def test_the_seeds_of_a_fuzzer_break_no_law(target: str) -> None:
    """A fuzzer that begins where a law is broken already finds nothing else."""
    for value in targets.seeds(target):
        targets.TARGETS[target](value)
