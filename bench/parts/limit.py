"""The limit: the pure pipeline without Kafka, in one process, and in as many at once as there are cores."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.corpus import ROOT, Article
from bench.running import ONE_THREAD
from bench.world import WARM

_START_WITHIN, _SLOWEST = 60.0, 1.5


async def alone(articles: Sequence[Article]) -> dict[str, Any]:
    """What one process came to."""
    [answer] = await _at_once([articles])
    return answer


async def together(articles: Sequence[Article], *, cores: int) -> float:
    """Articles a second of so many processes at once, each with its share."""
    warm, measured = articles[:WARM], articles[WARM:]
    answers = await _at_once([[*warm, *measured[number::cores]] for number in range(cores)])
    return float(sum(answer["articles"] / answer["seconds"] for answer in answers))


async def _at_once(lots: Sequence[Sequence[Article]]) -> list[dict[str, Any]]:
    """What processes that begin at the same moment came to, one for each lot."""
    with tempfile.TemporaryDirectory(prefix="newsstream-bench-") as folder:
        processes = []
        try:
            for number, lot in enumerate(lots):
                path = Path(folder, f"{number}.json")
                path.write_text(json.dumps([article.value.decode() for article in lot]), "utf-8")
                processes.append(
                    await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "bench.pure", str(path), str(WARM)),
                        cwd=ROOT,
                        env=os.environ | ONE_THREAD,
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                    )
                )
            async with asyncio.timeout(_START_WITHIN):
                for one in processes:
                    assert one.stdout is not None
                    await one.stdout.readline()
            for one in processes:
                assert one.stdin is not None
                one.stdin.write(b"\n")
            async with asyncio.timeout(30 + _SLOWEST * max(map(len, lots))):
                said = [(await one.communicate())[0] for one in processes]
            return [json.loads(text) for text in said]
        finally:
            for one in processes:
                if one.returncode is None:
                    one.kill()
                    await one.wait()
