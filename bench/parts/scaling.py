"""How the rate of newsstream changes with its processes, workers, articles ahead, partitions, and the length of articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import measuring, stage
from bench.world import WARM, World

PART = "scaling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One way to run it."""

    what: str
    value: int
    words: int = 400
    processes: int
    workers: int = 1
    partitions: int = stage.PARTITIONS
    settings: dict[str, str] = field(default_factory=dict)


def settings(cores: int) -> Iterator[Setting]:
    """Everything that is varied; the usual setting comes first, in the middle and last, to see how steady the machine is."""
    usual = Setting(what="usual", value=0, processes=cores)
    yield usual
    for processes in sorted({1, cores}):
        yield Setting(what="processes", value=processes, processes=processes)
    for workers in (2, 3, 4):
        yield Setting(what="workers of one process", value=workers, processes=1, workers=workers)
    yield usual
    for ahead in (1, 2, 8, 16):
        yield Setting(what="articles ahead", value=ahead, processes=cores, settings={"NEWSSTREAM_PREFETCH": str(ahead)})
    for partitions in (1, 2, 32):
        yield Setting(what="partitions", value=partitions, processes=cores, partitions=partitions)
    for words in (100, 400, 1000, 3000, 10_000):
        yield Setting(what="words", value=words, words=words, processes=cores)
    yield usual


async def measure(world: World) -> None:
    """One run for each setting."""
    found: dict[str, Any] = {"runs": [], "failures": []}
    words = 400 * (world.articles * 2 // 3)
    for one in list(settings(world.cores))[: 3 if world.quick else None]:
        count = max(2 * world.cores, min(words // one.words, 2 * world.articles))
        articles = world.corpus(count, words=one.words)
        try:
            run = await measuring.run(
                world.bootstrap,
                "newsstream",
                articles,
                warm=WARM,
                processes=one.processes,
                workers=one.workers,
                partitions=one.partitions,
                settings=one.settings,
                patience=1.5 * max(1, one.words / 400),
            )
        except Exception as error:  # noqa: BLE001 - reported, and the others go on
            found["failures"].append({"name": f"{one.what} {one.value}", "what": f"{type(error).__name__}: {error}"[:1500]})
            world.say(f"scaling: {one.what} {one.value} FAILED: {error!r}")
            continue
        read = sum(article.words for article in articles[WARM:])
        found["runs"].append({**asdict(one), "articles": count, "rate": run.rate, "words_rate": run.rate * read / count})
        world.say(f"scaling: {one.what} {one.value}: {run.rate:.2f} articles/s, {run.rate * read / count:.0f} words/s")
        world.keep(PART, found)
    world.keep(PART, found)
