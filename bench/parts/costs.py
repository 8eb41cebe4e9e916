"""What each step costs an article, in CPU-seconds: those of the pipeline, the pipes, and the worker around it."""

from __future__ import annotations

from typing import Any

from bench.parts import limit
from bench.world import WARM, World

PART = "costs"


async def measure(world: World) -> None:
    """Once through the corpus, in one process; the worker's own share comes from the model."""
    articles = world.corpus(max(4, world.articles // 2))
    answer: dict[str, Any] = await limit.alone(articles)
    answer["words"] = sum(article.words for article in articles[WARM:]) / answer["articles"]
    answer["bytes"] = sum(len(article.value) for article in articles[WARM:]) / answer["articles"]
    world.say("costs: " + ", ".join(f"{name} {cost * 1000:.2f} ms" for name, cost in sorted(answer["costs"].items())))
    world.keep(PART, answer)
