"""The pipeline without Kafka, in one process: how fast it is, and what each step of it costs.

``python -m bench.pure FILE WARM``: opens the pipeline, works through the first articles of the file (a JSON array of strings) to
get warm, says "ready", waits for a line on standard input, works through the rest, and prints one JSON object.
"""

from __future__ import annotations

import gc
import json
import pickle
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from stream import codec, outcome, pipeline
from stream.pool import frames
from stream.records import EnrichedArticle, Message


def main(path: str, warm: int) -> None:
    """Open, warm up, wait, measure, print."""
    options = outcome.Options()
    models = pipeline.load(options)
    messages = [_message(value) for value in json.loads(Path(path).read_text("utf-8"))]
    gc.collect()
    gc.freeze()
    for message in messages[:warm]:
        pipeline.enrich(message, models=models, options=options, clock=time.perf_counter, now=datetime.now(UTC))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    done = []
    began, used = time.perf_counter(), time.process_time()
    for message in messages[warm:]:
        now = datetime.now(UTC)
        done.append((message, pipeline.enrich(message, models=models, options=options, clock=time.process_time, now=now)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    costs: defaultdict[str, float] = defaultdict(float)
    for message, records in done:
        assert isinstance(records[0], EnrichedArticle)
        for name, seconds_of_step in records[0].timings.items():
            costs[name] += seconds_of_step
        before = time.process_time()
        result = outcome.encode(records, message=message, options=options, now=now)
        encoded = time.process_time()
        for frame in (frames.pack(message), frames.pack(result)):
            pickle.loads(frame[8:])  # noqa: S301 - just written
        costs["encode"] += encoded - before
        costs["transport"] += time.process_time() - encoded
    costs["records"] = cpu - sum(costs[name] for name in ("decode", "text", "language", "entities", "events"))
    articles = len(done)
    answer = {
        "articles": articles,
        "seconds": seconds,
        "cpu": cpu / articles,
        "costs": {name: total / articles for name, total in costs.items()},
        "records": sum(len(records) for _, records in done) / articles,
    }
    sys.stdout.write(json.dumps(answer) + "\n")


def _message(value: str) -> Message:
    return codec.message(value=value.encode(), key=None, topic="articles", partition=0, offset=0, seconds=None, headers=())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
