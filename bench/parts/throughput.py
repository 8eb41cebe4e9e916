"""Articles a second, from the input topic to acknowledged records, of every contender, with the limit in the same rounds."""

from __future__ import annotations

from typing import Any

from bench import measuring, ratios
from bench.contenders import ALL
from bench.parts import limit
from bench.summary import ALONE, TOGETHER
from bench.world import WARM, World, stopwatch

PART = "throughput"


async def measure(world: World, *, limits: bool = True, contenders: bool = True) -> None:
    """All rounds; what was found is kept after each."""
    names = [*world.contenders] if contenders else []
    names += [ALONE, TOGETHER] if limits else []
    found: dict[str, Any] = {"rounds": [], "failures": []}
    articles = world.corpus(world.articles)
    for number in range(world.rounds):
        one: dict[str, Any] = {}
        for name in ratios.order(names, number):
            elapsed = stopwatch()
            try:
                one[name] = await _one(world, name, articles)
            except Exception as error:  # noqa: BLE001 - whoever fails is reported, and the others go on
                found["failures"].append({"round": number + 1, "name": name, "what": f"{type(error).__name__}: {error}"[:1500]})
                world.say(f"round {number + 1}: {name} FAILED: {error}")
                continue
            world.say(f"round {number + 1}: {name}: {one[name]['rate']:.2f} articles/s ({elapsed():.0f} s)")
        found["rounds"].append(one)
        world.keep(PART if contenders else "limit", found)


async def _one(world: World, name: str, articles: list[Any]) -> dict[str, Any]:
    alone = articles[: WARM + max(4, world.articles // world.cores)]
    if name == ALONE:
        answer = await limit.alone(alone)
        return {**answer, "rate": world.cores * answer["articles"] / answer["seconds"]}
    if name == TOGETHER:
        return {"rate": await limit.together(articles, cores=world.cores)}
    chosen = articles if ALL[name].cores else alone
    run = await measuring.run(world.bootstrap, name, chosen, warm=WARM, processes=world.cores)
    return {field: getattr(run, field) for field in run.__slots__}
