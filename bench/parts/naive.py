"""The pipeline beside a naive use of spaCy, both with the same small package, in alternating order."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import ratios
from bench.corpus import ROOT
from bench.running import ONE_THREAD
from bench.world import WARM, World

PART = "naive"
HOWS = ("naive", "same", "accurate", "fast")


async def measure(world: World) -> None:
    """Rounds; each way in a process of its own."""
    found: dict[str, Any] = {"rounds": [], "failures": []}
    articles = world.corpus(4 if world.quick else 24, only="fr")
    with tempfile.TemporaryDirectory(prefix="newsstream-bench-") as folder:
        path, package = Path(folder, "articles.json"), Path(folder, "small")
        await _run("bench.stock", str(package))
        path.write_text(json.dumps([article.value.decode() for article in articles]), "utf-8")
        for number in range(world.rounds):
            one: dict[str, Any] = {}
            for how in ratios.order(HOWS, number):
                try:
                    one[how] = json.loads(await _run("bench.naive", how, str(path), str(WARM), str(package)))
                except Exception as error:  # noqa: BLE001 - reported, and the others go on
                    found["failures"].append(
                        {"round": number + 1, "name": how, "what": f"{type(error).__name__}: {error}"[:1500]}
                    )
                    world.say(f"naive: {how} FAILED: {error!r}")
            found["rounds"].append(one)
            world.say("naive: " + ", ".join(f"{how} {run['seconds'] * 1000:.0f} ms" for how, run in one.items()))
            world.keep(PART, found)


async def _run(*command: str) -> bytes:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", *command),
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(240):
            said, complaint = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise RuntimeError(complaint.decode(errors="replace")[-600:])
    return said
