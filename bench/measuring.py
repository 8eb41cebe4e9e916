"""One run of one contender: its start, its rate, its CPU, its memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench import stage
from bench.corpus import Article
from bench.running import Running
from bench.stage import Stage

_START_WITHIN = 90.0
_SLOWEST = 1.5
"""Seconds that an article of 400 words may take before a run is given up."""


_WHOLE = 400.0
"""Seconds for a whole run, whatever hangs."""


class FailedError(Exception):
    """A contender could not do the job; the message says what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run came to."""

    articles: int
    start: float
    """Seconds from its start to its first acknowledged article, while articles wait."""
    rate: float
    """Articles a second."""
    cpu: float
    """CPU-seconds for an article, of all of its processes."""
    loop: float
    """The same, of its first process alone."""
    largest: int
    """Peak MiB of its largest process."""
    together: int
    """Peak MiB of all of its processes together."""


def watching(running: Sequence[Running]) -> Callable[[], None]:
    """Raises once one of them has ended by itself."""

    def watch() -> None:
        for one in running:
            if one.ended():
                raise FailedError(f"it ended with {one.process.returncode}; it said last:\n{one.said()}")

    return watch


async def warmed(on: Stage, running: Sequence[Running], warm: Sequence[Article]) -> float:
    """Wait until the articles that were there before the start are out; seconds from the start to the first."""
    try:
        await on.wait_for(len(warm), within=_START_WITHIN, watch=watching(running))
    except stage.LateError as error:
        raise FailedError(f"{error}; it said last:\n{running[0].said()}") from error
    return min(one.moment for one in await on.outputs()) - running[0].started


async def run(
    bootstrap: str,
    contender: str,
    articles: Sequence[Article],
    *,
    warm: int,
    processes: int,
    workers: int = 1,
    partitions: int = stage.PARTITIONS,
    settings: Mapping[str, str] | None = None,
    patience: float = _SLOWEST,
) -> Run:
    """Measure a contender, or several workers of its kind in one group.

    Args:
        bootstrap: the broker.
        contender: name of its module.
        articles: to be worked through; the first `warm` of them only warm it up.
        warm: see there.
        processes: of a pool, where it has one.
        workers: of its group.
        partitions: of every topic.
        settings: more of its environment.
        patience: seconds for an article.

    """
    async with asyncio.timeout(_WHOLE), stage.stage(bootstrap, processes=processes, partitions=partitions) as on:
        before, measured = articles[:warm], articles[warm:]
        await on.feed(before)
        environment = on.place.environment() | dict(settings or {})
        with ExitStack() as stack:
            family = [stack.enter_context(Running(f"bench.contenders.{contender}", environment)) for _ in range(workers)]
            start = await warmed(on, family, before)
            cpu, loop = sum(one.cpu() for one in family), sum(one.own_cpu() for one in family)
            began = time.time()
            await on.feed(measured)
            try:
                await on.wait_for(len(articles), within=30 + patience * len(measured), watch=watching(family))
            except stage.LateError as error:
                raise FailedError(f"{error}; it said last:\n{family[0].said()}") from error
            cpu, loop = sum(one.cpu() for one in family) - cpu, sum(one.own_cpu() for one in family) - loop
            memory = [one.memory() for one in family]
            outputs = await on.outputs()
            wanted = {one.key for one in measured}
            done = {one.key: one.moment for one in outputs if one.key in wanted}
            if len(done) < len(measured):
                raise FailedError(f"{len(measured) - len(done)} articles never came out")
            return Run(
                articles=len(measured),
                start=start,
                rate=len(measured) / (max(done.values()) - began),
                cpu=cpu / len(measured),
                loop=loop / len(measured),
                largest=max(one.largest for one in memory),
                together=sum(one.together for one in memory),
            )
