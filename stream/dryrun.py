"""The pipeline without Kafka: a file in, records out as NDJSON, in the order of the input."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from contextlib import ExitStack
from typing import BinaryIO

from stream import pool, sources, topics
from stream.config import Settings
from stream.outcome import Outcome
from stream.records import Message

_IN_FLIGHT_PER_PROCESS = 16


class FailedError(Exception):
    """The pipeline could not be opened."""


def parse_kinds(value: str) -> frozenset[str]:
    """``"enriched,events"`` as a set; raises `ValueError` on a word that names no output topic."""
    known = {topic.name for topic in topics.OUTPUTS}
    kinds = frozenset(word.strip() for word in value.split(",") if word.strip())
    if not kinds or not kinds <= known:
        raise ValueError(f"--only {value}: expected some of {','.join(topic.name for topic in topics.OUTPUTS)}")
    return kinds


async def run(name: str, *, form: sources.Form, kinds: frozenset[str], settings: Settings) -> int:
    """Enrich a file; returns the exit status. Raises `OSError` where it cannot be read, `FailedError` where nothing works."""
    counts: Counter[str] = Counter()
    workers = pool.Pool(
        factory=settings.pipeline_factory,
        options=settings.options(),
        limits=pool.Limits(
            size=settings.pool_size(),
            prefetch=settings.prefetch,
            deadline=settings.deadline,
            memory_bytes=settings.process_memory_mb * 1024 * 1024,
            max_restarts=settings.max_restarts,
        ),
    )
    with ExitStack() as stack:
        source = sources.open_input(name, standard_input=sys.stdin.buffer)
        if source is not sys.stdin.buffer:
            stack.enter_context(source)
        try:
            await workers.start()
            await _enrich(name, source, form=form, kinds=kinds, workers=workers, settings=settings, counts=counts)
        except pool.PoolBrokenError as error:
            raise FailedError(str(error)) from error
        finally:
            await workers.stop()
    if counts["rejected"] and "rejected" not in kinds:
        _say(f"{counts['rejected']} of {counts.total()} rejected; `--only rejected` shows why")
    return 0


async def _enrich(
    name: str,
    source: BinaryIO,
    *,
    form: sources.Form,
    kinds: frozenset[str],
    workers: pool.Pool,
    settings: Settings,
    counts: Counter[str],
) -> None:
    waiting: deque[asyncio.Task[Outcome]] = deque()
    for number, value in enumerate(sources.values(name, source, form=form)):
        waiting.append(asyncio.create_task(workers.process(Message(value=value, topic=name, offset=number))))
        while len(waiting) >= _IN_FLIGHT_PER_PROCESS * settings.pool_size():
            _write(await waiting.popleft(), kinds, counts)
    while waiting:
        _write(await waiting.popleft(), kinds, counts)


def _write(done: Outcome, kinds: frozenset[str], counts: Counter[str]) -> None:
    counts["rejected" if done.summary.reason else "enriched"] += 1
    for record in done.records:
        if record.topic in kinds:
            sys.stdout.buffer.write(record.value + b"\n")
    sys.stdout.buffer.flush()


def _say(words: str) -> None:
    sys.stderr.write(f"newsstream: {words}\n")
