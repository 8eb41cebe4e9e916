"""Ending a loop of asyncio on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def until_terminated(loop: Coroutine[Any, Any, None]) -> None:
    """Run `loop`, and cancel it on SIGTERM."""
    task = asyncio.ensure_future(loop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
