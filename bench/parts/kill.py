"""What is lost, and what comes twice, when a worker is killed once at a random moment and started again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from bench import measuring, stage
from bench.parts import throughput
from bench.running import Running
from bench.world import WARM, World

PART = "kill"
_QUIET_SECONDS = 12.0
"""Without an output, after which nothing more is expected: twice the session of a group."""
_WHOLE = 300.0


async def measure(world: World) -> None:
    """Every contender, at the same point of its work."""
    found: dict[str, Any] = {"contenders": {}, "failures": []}
    for name in world.contenders:
        try:
            one = await _one(world, name, random.Random("kill"))
        except Exception as error:  # noqa: BLE001 - whoever fails is reported, and the others go on
            found["failures"].append({"name": name, "what": f"{type(error).__name__}: {error}"[:1500]})
            world.say(f"kill: {name} FAILED: {error!r}")
            continue
        found["contenders"][name] = one
        world.say(f"kill: {name}: lost {one['lost']}, duplicated {one['duplicated']} of {one['articles']}")
        world.keep(PART, found)
    world.keep(PART, found)


async def _one(world: World, name: str, chance: random.Random) -> dict[str, int]:
    """Killed while it works through a backlog, between a quarter and three quarters of the way."""
    articles = world.corpus(20 if world.quick else 48)
    module = f"bench.contenders.{name}"
    tuned = throughput.settings(world, name)
    async with asyncio.timeout(_WHOLE), stage.stage(world.bootstrap, processes=world.cores) as on:
        await on.feed(articles[:WARM])
        with Running(module, on.place.environment() | tuned) as first:
            await measuring.warmed(on, [first], articles[:WARM])
            await on.feed(articles[WARM:])
            goal = WARM + round(chance.uniform(0.25, 0.75) * (len(articles) - WARM))
            await on.wait_for(goal, within=120, watch=measuring.watching([first]))
            await asyncio.sleep(chance.uniform(0, 0.3))
            first.kill()
        with Running(module, on.place.environment() | tuned) as second:
            await _until_quiet(on, second, {article.key for article in articles})
        came = Counter(one.key for one in await on.outputs())
    lost = sum(article.key not in came for article in articles)
    return {"kills": 1, "articles": len(articles), "lost": lost, "duplicated": sum(came.values()) - len(came)}


async def _until_quiet(on: stage.Stage, running: Running, wanted: set[bytes]) -> None:
    """Until everything has come out and nothing more comes, or nothing comes for long."""
    watch, quiet, before = measuring.watching([running]), 0.0, -1
    while quiet < _QUIET_SECONDS * (2 if before == 0 else 1):
        watch()
        await asyncio.sleep(0.5)
        quiet += 0.5
        if (count := await on.count()) != before:
            quiet, before = 0.0, count
        if quiet >= _QUIET_SECONDS / 3 and wanted <= {one.key for one in await on.outputs()}:
            return
