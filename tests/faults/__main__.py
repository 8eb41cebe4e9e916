"""Run the fault cases on Apache Kafka; the last line reads ``lost N duplicated M of K``."""

from __future__ import annotations

import argparse
import logging
import random
import secrets
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults import cases, report
from tests.faults.cases import CASES, World
from tests.kafka import apache

_DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


def main(arguments: list[str]) -> int:
    """Run the chosen cases; 0 when every promise was kept, 1 when one was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--cases", default="", metavar="1,2", help="numbers of cases (default: all)")
    parser.add_argument("--short", action="store_true", help="fewer faults, some minutes; writes no document")
    parser.add_argument("--seed", type=int, help="of the chance that picks moments and victims (default: a new one)")
    chosen = parser.parse_args(arguments)
    numbers = [int(word) for word in chosen.cases.split(",") if word.strip()] or list(CASES)
    seed = chosen.seed if chosen.seed is not None else secrets.randbelow(1_000_000)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers that are away are what some cases are about
    _say(f"seed {seed}")
    rows: list[report.Row] = []
    with tempfile.TemporaryDirectory(prefix="newsstream-faults-") as folder:
        cases.environment_for(folder)
        with apache.ApacheKafka(libs=apache.libraries()) as kafka:
            before = cases.files_of(folder)
            for number in numbers:
                title, parts = CASES[number]
                for part in parts:
                    world = World(kafka=kafka, chance=random.Random(f"{seed} {part.__name__}"), say=_say, short=chosen.short)
                    rows.append(_run(number, title, part, world))
                    left = cases.files_of(folder) - before
                    if left:
                        rows[-1] = rows[-1].with_trouble(f"files are left: {sorted(left)}")
                    _say(report.line(rows[-1]))
    if not chosen.short and all(row.kept for row in rows):
        page = _DOCUMENT.read_text("utf-8") if _DOCUMENT.exists() else ""
        _DOCUMENT.write_text(report.document(rows, seed=seed, kafka=apache.version(), before=page), encoding="utf-8")
    broken = [row for row in rows if not row.kept]
    for row in broken:
        _say(f"BROKEN {row.number} {row.title}: {'; '.join(row.troubles) or 'lost'}")
    sys.stdout.write(f"{report.total(rows)}\n")
    return 1 if broken else 0


def _run(number: int, title: str, part: cases.Case, world: World) -> report.Row:
    _say(f"case {number}: {part.__doc__}")
    began = time.monotonic()
    try:
        result = part(world)
    except Exception as error:  # noqa: BLE001 - a case that could not be judged is a broken promise, and the others go on
        traceback.print_exc()
        return report.Row.failed(number, title, f"{type(error).__name__}: {error}", seconds=time.monotonic() - began)
    return report.Row.of(number, part.__doc__ or title, result, seconds=time.monotonic() - began)


def _say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
