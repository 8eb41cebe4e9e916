"""Fuzz for a while, one target after the other; what breaks a law is kept, and how to make a test of it is said."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz import targets

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "fuzz"
REGRESSIONS = Path(__file__).parent / "regressions"
_GRACE_SECONDS = 120
"""Beyond the time that was asked for: models are loaded, the corpus is read, one last input may take its limit."""


def main(arguments: list[str]) -> int:
    """Fuzz the chosen targets; 0 when every law held."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*targets.TARGETS, "all"], default="all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    chosen = parser.parse_args(arguments)
    names = list(targets.TARGETS) if chosen.target == "all" else [chosen.target]
    return max([_fuzz(name, seconds=chosen.seconds) for name in names])


def _fuzz(target: str, *, seconds: int) -> int:
    folder = CACHE / target
    before = _crashes(folder)
    command = [sys.executable, "-m", "tests.fuzz.engine", target, str(folder), str(seconds)]
    status = subprocess.run(command, cwd=ROOT, check=False, timeout=seconds + _GRACE_SECONDS).returncode
    found = sorted(_crashes(folder) - before)
    for path in found:
        kept = (REGRESSIONS / target / "WHAT-IT-IS").relative_to(ROOT)
        sys.stdout.write(
            f"\n{target}: {path.relative_to(ROOT)} ({path.stat().st_size} bytes) broke a law. "
            "To keep it as a test, then mend it:\n"
            f"  cp {path.relative_to(ROOT)} {kept}\n  {sys.executable} -m pytest tests/fuzz\n"
        )
    if not status:
        sys.stdout.write(f"{target}: every law held for {seconds} s\n")
    return 1 if status or found else 0


def _crashes(folder: Path) -> set[Path]:
    return set((folder / "crashes").glob("*"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
