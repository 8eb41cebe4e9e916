"""Articles a second, from the input topic to acknowledged records, of every contender, with the limit in the same rounds."""

from __future__ import annotations

from typing import Any

from bench import measuring, ratios
from bench.contenders import ALL
from bench.parts import limit
from bench.summary import ALONE, TOGETHER
from bench.world import WARM, World, stopwatch

PART = "throughput"
ARROYO = "arroyo_pool"


async def measure(world: World, *, limits: bool = True, contenders: bool = True) -> None:
    """All rounds; what was found is kept after each."""
    names = [*world.contenders] if contenders else []
    names += [ALONE, TOGETHER] if limits else []
    found: dict[str, Any] = {"rounds": [], "failures": []}
    articles = world.corpus(world.articles)
    if ARROYO in names and not world.quick:
        found["batches"] = await _batches(world, articles)
        world.keep(PART, found)
    for number in range(world.rounds):
        one: dict[str, Any] = {}
        for name in ratios.order(names, number):
            elapsed = stopwatch()
            try:
                one[name] = await _one(world, name, articles, settings(world, name))
            except Exception as error:  # noqa: BLE001 - whoever fails is reported, and the others go on
                found["failures"].append({"round": number + 1, "name": name, "what": f"{type(error).__name__}: {error}"[:1500]})
                world.say(f"round {number + 1}: {name} FAILED: {error}")
                continue
            world.say(f"round {number + 1}: {name}: {one[name]['rate']:.2f} articles/s ({elapsed():.0f} s)")
        found["rounds"].append(one)
        world.keep(PART if contenders else "limit", found)


def settings(world: World, name: str) -> dict[str, str]:
    """What a contender was tuned to, as its documentation asks for."""
    rates: dict[str, float] = (world.kept(PART) or {}).get("batches", {}) if name == ARROYO else {}
    return {"BENCH_ARROYO_BATCH": max(rates, key=lambda size: rates[size])} if rates else {}


async def _batches(world: World, articles: list[Any]) -> dict[str, float]:
    """The rate of arroyo by the size of its batches, once each."""
    rates: dict[str, float] = {}
    for size in ("1", "2", "4", "8"):
        try:
            run = await measuring.run(
                world.bootstrap, ARROYO, articles, warm=WARM, processes=world.cores, settings={"BENCH_ARROYO_BATCH": size}
            )
        except Exception as error:  # noqa: BLE001 - another size may do
            world.say(f"{ARROYO} in batches of {size} FAILED: {error}")
            continue
        rates[size] = run.rate
        world.say(f"{ARROYO} in batches of {size}: {run.rate:.2f} articles/s")
    return rates


async def _one(world: World, name: str, articles: list[Any], chosen_settings: dict[str, str]) -> dict[str, Any]:
    alone = articles[: WARM + max(4, world.articles // world.cores)]
    if name == ALONE:
        answer = await limit.alone(alone)
        return {**answer, "rate": world.cores * answer["articles"] / answer["seconds"]}
    if name == TOGETHER:
        return {"rate": await limit.together(articles, cores=world.cores)}
    chosen = articles if ALL[name].cores else alone
    run = await measuring.run(world.bootstrap, name, chosen, warm=WARM, processes=world.cores, settings=chosen_settings)
    return {field: getattr(run, field) for field in run.__slots__}
