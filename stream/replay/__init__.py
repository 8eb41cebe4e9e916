"""Once more: refused messages back onto the input topic, or a part of the input through the pipeline again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

INTERRUPTED = 130


class ReplayError(Exception):
    """A replay cannot go on; the message says why, and what to do."""


async def interruptible(work: Coroutine[Any, Any, int]) -> int:
    """The exit status of `work`: its own, or that of an interruption, which may come at any moment (Ctrl-C or SIGTERM)."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if not task.cancelling():  # something inside was cancelled, and nobody asked for that: no interruption, but a fault
            raise
        return INTERRUPTED  # whatever was started has been ended by now


async def within(stop: Callable[[], Awaitable[Any]], *, seconds: float = 5.0) -> None:
    """Stop a client, but do not wait for ever, and let nothing that it raises hide why it is stopped.

    Where Kafka is away, aiokafka's own `stop` may wait for it, and it may raise `CancelledError` although nobody cancels.
    """
    stopping = asyncio.ensure_future(stop())
    await asyncio.wait([stopping], timeout=seconds)
    if stopping.done():
        if not stopping.cancelled():
            stopping.exception()
    else:
        stopping.cancel()
