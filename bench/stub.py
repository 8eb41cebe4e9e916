"""A pipeline that costs nothing: it answers every article with records that the real one made of another.

What remains is the worker itself: Faust's loop, the pipes of the pool, the producer. Opened by
``NEWSSTREAM_PIPELINE_FACTORY=bench.stub:open_recorded``; the records lie in the file that ``BENCH_RECORDED`` names.
"""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from stream import codec, pipeline
from stream.outcome import Options, Outcome
from stream.pool.process import Process
from stream.records import Message, ModelInfo

RECORDED = "BENCH_RECORDED"


def record(source: Path, path: Path) -> int:
    """Write what the real pipeline makes of the article in `source` to `path`; how many records that are."""
    options = Options()
    models = pipeline.load(options)
    message = codec.message(
        value=source.read_bytes(), key=None, topic="articles", partition=0, offset=0, seconds=None, headers=()
    )
    result = pipeline.process(message, models=models, options=options, clock=perf_counter, now=datetime.now(UTC))
    path.write_bytes(pickle.dumps(result))
    return len(result.records)


def open_recorded(_options: Options) -> tuple[Process, tuple[ModelInfo, ...]]:
    """Answer with the recorded outcome, under the key of the message."""
    recorded: Outcome = pickle.loads(Path(os.environ[RECORDED]).read_bytes())  # noqa: S301 - written by us, just now

    def process(message: Message) -> Outcome:
        key = message.key or b""
        return Outcome(tuple(replace(one, key=key) for one in recorded.records), recorded.summary)

    return process, (ModelInfo(name="stub", version="1", sha256="0" * 64),)


if __name__ == "__main__":
    sys.stdout.write(f"{record(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
