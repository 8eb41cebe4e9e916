"""How far one worker goes: its loop alone, measured with a pipeline that costs nothing."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import measuring, stub
from bench.corpus import ROOT
from bench.world import WARM, World

PART = "model"


async def measure(world: World) -> None:
    """Rounds of the stub with as many processes as cores, where the loop is what limits."""
    count = 300 if world.quick else 2000
    articles = world.corpus(count, words=400)
    found: dict[str, Any] = {"runs": [], "failures": []}
    with tempfile.TemporaryDirectory(prefix="newsstream-bench-") as folder:
        path = Path(folder, "recorded")
        found["records"] = await _recorded(articles[WARM].value, path)
        settings = {stub.RECORDED: str(path), "NEWSSTREAM_PIPELINE_FACTORY": "bench.stub:open_recorded"}
        for number in range(1 if world.quick else 3):
            try:
                run = await measuring.run(
                    world.bootstrap, "newsstream", articles, warm=WARM, processes=world.cores, settings=settings, patience=0.1
                )
            except Exception as error:  # noqa: BLE001 - reported, and the other parts go on
                found["failures"].append({"round": number + 1, "what": f"{type(error).__name__}: {error}"[:1500]})
                world.say(f"model: FAILED: {error!r}")
                continue
            found["runs"].append({"rate": run.rate, "loop": run.loop, "cpu": run.cpu, "articles": run.articles})
            world.say(f"model: the loop alone: {run.rate:.0f} articles/s, {run.loop * 1000:.2f} ms of CPU for each")
            world.keep(PART, found)
    world.keep(PART, found)


async def _recorded(value: bytes, path: Path) -> int:
    """In a process of its own: the harness stays small."""
    source = path.with_suffix(".json")
    source.write_bytes(value)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.stub", str(source), str(path)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(90):
        said, _ = await child.communicate()
    return int(said)
