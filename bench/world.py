"""What every part is given, and where what it finds is kept."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import corpus
from bench.corpus import ROOT, Article

RESULTS = ROOT / ".cache" / "bench-results"
WARM = 6
"""Articles before those that are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The circumstances of a run."""

    bootstrap: str
    kafka: str
    """Its version."""
    folder: Path | None
    """Raw text; None where articles are made of the seeds."""
    contenders: Sequence[str]
    rounds: int
    articles: int
    """In each run, of contenders that use all cores; the others get their share."""
    cores: int
    quick: bool
    results: Path
    say: Callable[[str], None]

    def corpus(self, count: int, *, words: int = 400, only: str | None = None) -> list[Article]:
        """Articles, and some before them to get warm."""
        return corpus.articles(count + WARM, folder=self.folder, words=words, only=only)

    def keep(self, part: str, found: Mapping[str, Any]) -> None:
        """Keep what a part has found so far."""
        self.results.mkdir(parents=True, exist_ok=True)
        whole = {"taken": datetime.now(UTC).isoformat(timespec="seconds"), "circumstances": self.circumstances(), **found}
        path = self.results / f"{part}.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
        partial.replace(path)

    def kept(self, part: str) -> dict[str, Any] | None:
        """What a part has found, in this run or in one before."""
        path = self.results / f"{part}.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None

    def circumstances(self) -> dict[str, Any]:
        """What a reader must know of the run."""
        return {
            "cores": self.cores,
            "cpu": _cpu(),
            "python": platform.python_version(),
            "kafka": self.kafka,
            "load": round(os.getloadavg()[0], 2),
            "quick": self.quick,
            "text": "raw text" if self.folder else "seeds",
        }


def _cpu() -> str:
    """The processor, and whether it multiplies bytes at once: with VNNI the encoder takes less than half the time."""
    described: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        described.setdefault(name.strip(), value.strip())
    vnni = {"avx512_vnni", "avx_vnni"} & set(described.get("flags", "").split())
    return f"{described.get('model name', platform.machine())} {'with' if vnni else 'without'} VNNI"


def stopwatch() -> Callable[[], float]:
    """Seconds since it was made."""
    began = time.monotonic()
    return lambda: time.monotonic() - began
