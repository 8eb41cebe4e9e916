"""One process of the pool: opens the pipeline once, then answers one message after the other.

Started as ``python -m stream.pool.process``. The first frame on standard input says what to open; the first frame on
standard output says `Ready` or `Failed`. It ignores SIGINT and SIGTERM (its parent closes its input when it may go), and
dies with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO

from stream import outcome, pipeline
from stream.pool import frames
from stream.records import Message, ModelInfo, Reason

_PR_SET_PDEATHSIG = 1

Process = Callable[[Message], outcome.Outcome]


def open_pipeline(options: outcome.Options) -> tuple[Process, tuple[ModelInfo, ...]]:
    """Open the real pipeline."""
    models = pipeline.load(options)

    def process(message: Message) -> outcome.Outcome:
        return pipeline.process(message, models=models, options=options, clock=time.perf_counter, now=datetime.now(UTC))

    return process, models.infos


def answer(message: Message, process: Process, *, options: outcome.Options) -> outcome.Outcome:
    """The outcome of one message. A bug of ours that one article brings out is a rejection of that article."""
    try:
        return process(message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours must not suffer; the ratio of rejections is watched
        detail = f"{type(error).__name__}: {error}"[:300]
    return outcome.rejected(message, Reason.CRASHED, detail, options=options, now=datetime.now(UTC))


def _die_with(parent: int) -> None:
    """Be killed when the parent dies, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _bound_memory(limit: int) -> None:
    """Turn a greedy allocation into a `MemoryError`; the parent also watches the resident size."""
    resource.setrlimit(resource.RLIMIT_DATA, (limit + limit // 4, limit + limit // 4))


def _claim_stdout() -> BinaryIO:
    """Keep standard output for frames; whatever else is printed goes to standard error."""
    frames_out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return frames_out


def main() -> int:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    source, sink = sys.stdin.buffer, _claim_stdout()
    task: frames.Task = frames.read(source)
    _die_with(task.parent)
    _bound_memory(task.memory_bytes)
    started = time.perf_counter()
    gc.disable()  # nothing of what is loaded is garbage: looking for it takes a tenth of the start
    module, _, function = task.factory.partition(":")
    try:
        process, models = getattr(importlib.import_module(module), function)(task.options)
    except (ValueError, ImportError, OSError) as error:
        sink.write(frames.pack(frames.Failed(f"{type(error).__name__}: {error}")))
        sink.flush()
        return 1
    gc.collect()
    gc.freeze()
    gc.enable()
    sink.write(frames.pack(frames.Ready(models, time.perf_counter() - started)))
    sink.flush()
    while True:
        try:
            message = frames.read(source)
        except EOFError:
            return 0
        sink.write(frames.pack(answer(message, process, options=task.options)))
        sink.flush()


if __name__ == "__main__":
    sys.exit(main())
