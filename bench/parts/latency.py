"""Time end to end at half of the load that a contender can take: articles arrive at random moments, as news does."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from bench import measuring, ratios, stage
from bench.contenders import ALL
from bench.parts import throughput
from bench.running import Running
from bench.world import WARM, World

PART = "latency"
_SECONDS = 22.0
_WINDOWS = 5
_WHOLE = 300.0


async def measure(world: World) -> None:
    """One run each; its articles are looked at in five windows."""
    found: dict[str, Any] = {"contenders": {}, "failures": []}
    rates = saturated(world)
    for name in world.contenders:
        try:
            found["contenders"][name] = await _one(world, name, rates[name] / 2)
        except Exception as error:  # noqa: BLE001 - whoever fails is reported, and the others go on
            found["failures"].append({"name": name, "what": f"{type(error).__name__}: {error}"[:1500]})
            world.say(f"latency: {name} FAILED: {error!r}")
            continue
        one = found["contenders"][name]
        world.say(f"latency: {name}: p50 {one['p50']:.3f} s, p99 {one['p99']:.3f} s at {one['pace']:.2f} articles/s")
        world.keep(PART, found)
    world.keep(PART, found)


def saturated(world: World) -> dict[str, float]:
    """The median rate of each contender, by its rounds."""
    kept = world.kept(throughput.PART) or {"rounds": []}
    rates: dict[str, list[float]] = {}
    for one in kept["rounds"]:
        for name, run in one.items():
            rates.setdefault(name, []).append(run["rate"])
    return {name: ratios.Figure.of(values).median for name, values in rates.items()}


async def _one(world: World, name: str, pace: float) -> dict[str, Any]:
    total = max(10, round(pace * (4 if world.quick else _SECONDS)))
    chance = random.Random(f"latency {total}")
    moments = [0.0]
    while len(moments) < total:
        moments.append(moments[-1] + chance.expovariate(pace))
    articles = world.corpus(total)
    async with asyncio.timeout(_WHOLE), stage.stage(world.bootstrap, processes=world.cores) as on:
        await on.feed(articles[:WARM])
        with Running(f"bench.contenders.{name}", on.place.environment() | throughput.settings(world, name)) as running:
            await measuring.warmed(on, [running], articles[:WARM])
            sent = await on.feed(articles[WARM:], moments=moments)
            await on.wait_for(len(articles), within=60, watch=measuring.watching([running]))
            outputs = {one.key: one.moment for one in await on.outputs()}
    waited = [outputs[key] - moment for key, moment in sent.items()]
    size = max(1, len(waited) // _WINDOWS)
    windows = [ratios.percentile(waited[first : first + size], 0.5) for first in range(0, size * _WINDOWS, size)]
    return {
        "pace": pace,
        "articles": total,
        "cores": ALL[name].cores,
        "p50": ratios.percentile(waited, 0.5),
        "p99": ratios.percentile(waited, 0.99),
        "most": max(waited),
        "p50_of_windows": windows,
    }
