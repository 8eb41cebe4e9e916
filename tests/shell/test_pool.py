"""The pool: every message is answered, whatever it does to its process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import psutil
import pytest

from stream import outcome, pool
from stream.records import Message, Reason
from tests import stub

pytestmark = pytest.mark.processes


@asynccontextmanager
async def _pool(
    *, factory: str = "tests.stub:open_stub", causes: list[str] | None = None, **limits: Any
) -> AsyncIterator[pool.Pool]:
    seen = causes if causes is not None else []
    made = pool.Pool(
        factory=factory, options=outcome.Options(), limits=pool.Limits(**({"size": 1} | limits)), on_restart=seen.append
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def _message(name: str, marker: bytes = b"") -> Message:
    return Message(value=b'{"id": "%s", "text": "%s"}' % (name.encode(), marker or b"Kyiv"))


async def _answers(made: pool.Pool, *messages: Message) -> list[tuple[str | None, Reason | None]]:
    async with asyncio.timeout(60):
        done = await asyncio.gather(*(made.process(message) for message in messages))
    return [(one.summary.article_id, one.summary.reason) for one in done]


@pytest.mark.parametrize(
    ("marker", "reason", "cause"),
    [
        (stub.CRASH, Reason.CRASHED, "crashed"),
        (stub.HANG, Reason.TIMED_OUT, "timed_out"),
        (stub.RAISE, Reason.CRASHED, None),
    ],
)
def test_only_the_culprit_is_rejected(marker: bytes, reason: Reason, cause: str | None) -> None:
    """Its neighbours before and after, handed to the same process, are answered as if nothing had happened."""
    causes: list[str] = []

    async def act() -> list[tuple[str | None, Reason | None]]:
        async with _pool(causes=causes, deadline=1.0) as made:
            return await _answers(made, _message("a"), _message("bad", marker), _message("b"), _message("c"))

    assert asyncio.run(act()) == [("a", None), ("bad", reason), ("b", None), ("c", None)]
    assert set(causes) == ({cause} if cause else set())


def test_nobody_pays_for_a_machine_that_was_frozen() -> None:
    """The clock ran on, but nobody could work, or read an answer: the articles are not late."""
    causes: list[str] = []

    async def act() -> list[tuple[str | None, Reason | None]]:
        async with _pool(causes=causes, deadline=0.8) as made:
            working = asyncio.create_task(_answers(made, *(_message(name, b"NEWSSTREAM-TEST-SLEEP-200-MS") for name in "abc")))
            await asyncio.sleep(0.1)
            os.kill(made.pids[0], signal.SIGSTOP)
            time.sleep(1.6)  # noqa: ASYNC251 - the fault itself
            os.kill(made.pids[0], signal.SIGCONT)
            return await working

    assert asyncio.run(act()) == [("a", None), ("b", None), ("c", None)]
    assert causes == []


def test_an_article_that_eats_memory_is_rejected() -> None:
    """By the limit inside the process, or by the watch from outside: crashed, and the next one is answered."""

    async def act() -> list[tuple[str | None, Reason | None]]:
        async with _pool(memory_bytes=400 << 20, deadline=20.0) as made:
            return await _answers(made, _message("fat", stub.EAT), _message("b"))

    assert asyncio.run(act()) == [("fat", Reason.CRASHED), ("b", None)]


def test_a_process_that_somebody_kills_takes_no_article_with_it() -> None:
    """One SIGKILL from outside proves nothing against the article: it is tried again."""

    async def act() -> list[tuple[str | None, Reason | None]]:
        async with _pool() as made:
            working = asyncio.create_task(_answers(made, _message("slow", b"NEWSSTREAM-TEST-SLEEP-700-MS"), _message("b")))
            await asyncio.sleep(0.3)
            os.kill(made.pids[0], signal.SIGKILL)
            return await working

    assert asyncio.run(act()) == [("slow", None), ("b", None)]


def test_the_work_is_shared() -> None:
    """Two processes do two slow articles at the same time."""

    async def act() -> float:
        async with _pool(size=2, prefetch=1) as made:
            loop = asyncio.get_running_loop()
            started = loop.time()
            await _answers(made, *(_message(name, b"NEWSSTREAM-TEST-SLEEP-2000-MS") for name in "ab"))
            return loop.time() - started

    assert asyncio.run(act()) < 3.7


def test_stopping_leaves_no_process() -> None:
    """Whatever they were doing."""

    async def act() -> list[int]:
        async with _pool(size=2) as made:
            pids = list(made.pids)
            asyncio.create_task(made.process(_message("hang", stub.HANG))).cancel()
            return pids

    pids = asyncio.run(act())

    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_pipeline_that_cannot_be_opened_breaks_the_pool() -> None:
    """After three attempts, with the reason; never an endless silent retry."""
    causes: list[str] = []

    async def act() -> None:
        async with _pool(factory="tests.nowhere:open", causes=causes):
            pass

    with pytest.raises(pool.PoolBrokenError, match="nowhere"):
        asyncio.run(act())
    assert causes == ["start"] * 3


def test_a_process_that_the_system_does_not_start_breaks_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for another process, or no right to start one: whoever waits for the pool learns it instead of waiting for ever."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")

    async def act() -> None:
        async with asyncio.timeout(30), _pool():
            pass

    with pytest.raises(pool.PoolBrokenError, match="/nonexistent/python"):
        asyncio.run(act())


def test_a_pool_that_only_dies_gives_up() -> None:
    """Nothing but poison: twenty deaths without one answer are no longer the fault of an article."""

    async def act() -> None:
        async with _pool(max_restarts=3) as made:
            await _answers(made, *(_message(f"bad{number}", stub.CRASH) for number in range(30)))

    with pytest.raises(pool.PoolBrokenError, match="died"):
        asyncio.run(act())


def test_processes_that_die_idle_blame_no_article() -> None:
    """More kills than would be hopeless in a row, while there is nothing to do: each is replaced, and the pool still works."""
    causes: list[str] = []

    async def act() -> list[tuple[str | None, Reason | None]]:
        async with _pool(causes=causes, max_restarts=100) as made:
            for _ in range(22):
                await _until_ready(made)
                psutil.Process(made.pids[0]).kill()
                await _until(lambda: not made.pids)
            await _until_ready(made)
            return await _answers(made, _message("a"))

    answers = asyncio.run(act())

    assert answers == [("a", None)]
    assert causes == ["crashed"] * 22


def test_a_process_that_is_killed_while_it_starts_is_started_again() -> None:
    """Once the pipeline was open, what stands in the way of a new process may pass: three failures are not the end."""
    causes: list[str] = []

    async def act() -> list[tuple[str | None, Reason | None]]:
        async with _pool(causes=causes) as made:
            psutil.Process(made.pids[0]).kill()
            await _until(lambda: not made.pids)
            for count in range(1, 5):
                await _until(lambda: bool(_pool_processes()))
                _pool_processes()[0].kill()
                await _until(lambda count=count: causes.count("start") == count)  # type: ignore[misc]
            return await _answers(made, _message("a"))

    answers = asyncio.run(act())

    assert answers == [("a", None)]
    assert causes == ["crashed", *["start"] * 4]


def _pool_processes() -> list[psutil.Process]:
    """Pool processes of this test, ready or starting; the session's brokers are children too, and not meant."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and "stream.pool.process" in child.cmdline():
                found.append(child)
    return found


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.005)


async def _until_ready(made: pool.Pool) -> None:
    await _until(lambda: bool(made.pids))
