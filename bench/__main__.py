"""Measure newsstream beside others: ``python -m bench``; the last line is one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import corpus, pictures, ratios, report, summary
from bench.contenders import ALL
from bench.corpus import ROOT
from bench.parts import costs, kill, latency, model, naive, scaling, throughput
from bench.world import RESULTS, World
from tests.kafka import apache

PARTS = ("limit", "throughput", "latency", "kill", "scaling", "profile", "model", "naive")
_KEPT = (throughput.PART, latency.PART, kill.PART, scaling.PART, costs.PART, model.PART, naive.PART)
DOCUMENT = ROOT / "docs" / "performance.md"


def main(arguments: list[str]) -> int:
    """Run the chosen parts; 0 when everything was measured and may be reported, else 1."""
    chosen = _parser().parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    results = RESULTS / "quick" if chosen.quick else RESULTS
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # which asyncio turns into a tidy end
    with apache.ApacheKafka(libs=apache.libraries()) as kafka:
        world = World(
            bootstrap=kafka.bootstrap,
            kafka=apache.version(),
            folder=chosen.text or corpus.beside(),
            contenders=chosen.contenders,
            rounds=chosen.rounds or (1 if chosen.quick else ratios.ROUNDS),
            articles=chosen.articles or (16 if chosen.quick else 120),
            cores=len(os.sched_getaffinity(0)),
            quick=chosen.quick,
            results=results,
            say=_say,
        )
        broken = asyncio.run(_measure(world, chosen.parts))
    found = {part: kept for part in _KEPT if (kept := world.kept(part))}
    if found and not any(part["circumstances"]["quick"] for part in found.values()):
        DOCUMENT.write_text(report.document(found), "utf-8")
        pictures.draw(found, DOCUMENT.parent)
        _say(f"written: {DOCUMENT.relative_to(ROOT)}")
    for one in summary.promises(found):
        _say(f"{one.what}: {one.found} ({one.wanted}): {one.verdict}")
    sys.stdout.write(summary.last_line(found) + "\n")
    failures = broken or any(part.get("failures") for part in found.values())
    refused = any(one.verdict.startswith("refused") for one in summary.promises(found))
    return int(not chosen.quick and bool(failures or refused))


async def _measure(world: World, parts: list[str]) -> bool:
    """Every chosen part, in the order in which they need each other; whether one of them broke."""
    steps: dict[str, Callable[[World], Awaitable[None]]] = {
        "latency": latency.measure,
        "kill": kill.measure,
        "model": model.measure,
        "profile": costs.measure,
        "naive": naive.measure,
        "scaling": scaling.measure,
    }
    broken = False
    if {"limit", "throughput"} & set(parts):
        _say("part throughput")
        await throughput.measure(world, limits="limit" in parts, contenders="throughput" in parts)
    for name, measure in steps.items():
        if name in parts:
            _say(f"part {name}")
            try:
                await measure(world)
            except Exception as error:  # noqa: BLE001 - the other parts go on
                broken = True
                _say(f"part {name} FAILED: {type(error).__name__}: {error}")
    return broken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--contenders", type=_names(tuple(ALL)), default=list(ALL), metavar="A,B", help=f"of {', '.join(ALL)}")
    parser.add_argument("--parts", type=_names(PARTS), default=list(PARTS), metavar="A,B", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help=f"fewer than {ratios.ROUNDS} make no report")
    parser.add_argument("--articles", type=int, help="in a run that uses all cores")
    parser.add_argument(
        "--text", type=Path, help="folder with raw text, LANGUAGE.txt (default: found beside the checkout, or the seeds)"
    )
    parser.add_argument("--quick", action="store_true", help="a try: few articles, one round, no document")
    return parser


def _names(allowed: tuple[str, ...]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        chosen = [one.strip() for one in text.split(",") if one.strip()]
        if unknown := [one for one in chosen if one not in allowed]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(allowed)}")
        return chosen

    return names


def _say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
