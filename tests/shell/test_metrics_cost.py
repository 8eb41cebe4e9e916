"""What being watched costs: under one per cent of the work on an article, and a page that stays small."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest

from stream import outcome, pipeline
from stream.metrics import Metrics
from stream.outcome import Summary
from stream.records import EventType, Message

SEEDS = Path(__file__).parents[2] / "seeds"
BUSY = Summary(
    "a",
    None,
    language="it",
    entity_types=("PER", "ORG", "LOC", "PER", "MISC") * 8,
    event_types=tuple(kind.value for kind in EventType if kind is not EventType.NONE),
    timings=tuple((stage, 0.01) for stage in ("decode", "text", "language", "entities", "events")),
)
"""More entities and events than articles have."""


def _calls(work: Callable[[], object]) -> int:
    """How many Python functions `work` calls: the same on every machine, busy or not."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_counting_an_article_takes_few_calls() -> None:
    """Once per kind, not once per entity."""
    metrics = Metrics()

    assert _calls(lambda: metrics.count(BUSY)) < 400
    assert _calls(lambda: metrics.count(Summary("a", None, language="it"))) < 30


def test_the_page_stays_small() -> None:
    """Label values come from closed sets: a million articles add no line."""
    metrics = Metrics()
    before = metrics.exposition().count(b"\n")
    for language in ("it", "en", "xx", "yy", "zz"):
        metrics.count(Summary("a", None, language=language, entity_types=("PER",), event_types=("AID",)))

    assert metrics.exposition().count(b"\n") == before < 400


@pytest.mark.models
def test_it_costs_less_than_one_per_cent_of_an_article() -> None:
    """CPU time, not the clock on the wall, and far below the limit where it was measured: a busy machine may blur it."""
    options = outcome.Options()
    models = pipeline.load(options)
    line = (SEEDS / "it.ndjson").read_bytes().splitlines()[0]
    metrics = Metrics()

    def article() -> outcome.Outcome:
        now = datetime.now(UTC)
        return pipeline.process(Message(value=line), models=models, options=options, clock=time.perf_counter, now=now)

    def count() -> None:
        metrics.count(summary)
        metrics.time(published=0.01, end_to_end=0.5, now=0)
        metrics.in_flight.set(1)
        metrics.in_flight.set(0)

    summary = article().summary
    work = min(_cpu(article, times=1) for _ in range(5))
    watching = min(_cpu(count, times=100) for _ in range(5)) / 100

    assert watching < 0.01 * work, f"{watching * 1e6:.0f} µs of {work * 1e3:.1f} ms"


def _cpu(work: Callable[[], object], *, times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - started
