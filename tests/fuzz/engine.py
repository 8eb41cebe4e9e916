"""One fuzzer, in a process of its own: ``python -m tests.fuzz.engine TARGET FOLDER SECONDS``; it ends at the first broken law."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["stream"]):  # whatever imports them first must do it here
    from tests import mutations
    from tests.fuzz import targets

LIMIT_SECONDS = 20
"""Of one input; a law of its own is stricter where it is the time of the CPU."""
_LIMIT_MB = 3072
_LONGEST = 16 * 1024


def _mutator(data: bytes, longest: int, seed: int) -> bytes:
    """Up to three mutations: libFuzzer's own half of the time, else those that know what an article is."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 2, 3))):
        data = mutations.mutate(data, chance, other=data) if chance.random() < 0.5 else atheris.Mutate(data[:longest], longest)
    return bytes(data[:longest])


def main(target: str, folder: Path, seconds: int) -> None:
    """Fuzz; libFuzzer ends the process."""
    seeds, corpus, crashes = folder / "seeds", folder / "corpus", folder / "crashes"
    for made in (seeds, corpus, crashes):
        made.mkdir(parents=True, exist_ok=True)
    for number, value in enumerate(targets.seeds(target)):
        (seeds / f"{number:03}").write_bytes(value)
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-timeout={LIMIT_SECONDS}",
        f"-rss_limit_mb={_LIMIT_MB}",
        f"-max_len={_LONGEST}",
        f"-artifact_prefix={crashes}/",
        "-print_final_stats=1",
        str(corpus),
        str(seeds),
    ]
    fuzzed = targets.TARGETS[target]
    atheris.Setup(arguments, fuzzed, custom_mutator=_mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
