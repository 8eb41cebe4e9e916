"""The pipeline on every core: spawned processes, a deadline per article, isolation of articles that kill a process.

Each process works through its articles one by one and answers each, so the article on which a process died is always
known: it is the first that has no answer. It is tried again in another process; when it kills that one too, it becomes a
rejection. Its neighbours are handed to other processes and notice nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from stream import outcome
from stream.outcome import Options, Outcome
from stream.pool import frames
from stream.records import Message, ModelInfo, Reason

_ENVIRONMENT = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
) | {"TOKENIZERS_PARALLELISM": "false", "ORT_DISABLE_TELEMETRY": "1"}
_WATCH_SECONDS = 0.1
_START_SECONDS = 120.0
_START_ATTEMPTS = 3
_RESTART_ATTEMPTS = 10
"""Attempts to replace a process once the pipeline was open: it can be opened, so what stands in the way may pass."""
_RESTART_PAUSE_SECONDS = 0.1
_HOPELESS_DEATHS = 20
"""Deaths in a row, without one answer in between, after which the pool is beyond repair."""
_WINDOW_SECONDS = 60.0
_ANSWERS_PER_DEATH = 5
_PIPE_LIMIT = 1 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class PoolBrokenError(Exception):
    """The pool cannot work any more: an infrastructure failure, never the fault of one article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a process and an article may use."""

    size: int
    prefetch: int = 4
    deadline: float = 20.0
    memory_bytes: int = 1536 * 1024 * 1024
    max_restarts: int = 100


@dataclass(slots=True)
class _Job:
    message: Message
    future: asyncio.Future[Outcome]
    deaths: int = 0


@dataclass(slots=True, eq=False)
class _Child:
    """A process, and the articles that it was handed and has not answered."""

    subprocess: asyncio.subprocess.Process
    pending: deque[_Job] = field(default_factory=deque)
    head_since: float = 0.0
    killed_for: str | None = None

    @property
    def pid(self) -> int:
        return self.subprocess.pid

    def hand(self, job: _Job, *, now: float) -> None:
        assert self.subprocess.stdin is not None
        if not self.pending:
            self.head_since = now
        self.pending.append(job)
        self.subprocess.stdin.write(frames.pack(job.message))

    def kill(self, cause: str) -> None:
        self.killed_for = cause
        with suppress(ProcessLookupError):
            self.subprocess.kill()


class Pool:
    """The pipeline on every core.

    Args:
        factory: ``module:function`` that opens the pipeline in a process.
        options: for the pipeline.
        limits: see `Limits`.
        on_restart: told the cause each time that a process is replaced.
        on_size: told how many processes are ready.

    """

    def __init__(
        self,
        *,
        factory: str,
        options: Options,
        limits: Limits,
        on_restart: Callable[[str], None] = lambda _cause: None,
        on_size: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self._factory = factory
        self._options = options
        self._limits = limits
        self._on_restart = on_restart
        self._on_size = on_size
        self._queue: deque[_Job] = deque()
        self._ready: list[_Child] = []
        self._starting: set[asyncio.subprocess.Process] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._broken: PoolBrokenError | None = None
        self._deaths: deque[float] = deque()
        self._answers: deque[float] = deque(maxlen=10_000)
        self._deaths_in_a_row = 0
        self._all_ready = asyncio.Event()
        self.models: tuple[ModelInfo, ...] = ()
        """What the processes loaded; known once `start` has returned."""

    # --- what others call

    async def start(self) -> None:
        """Start every process, and return when all are ready; raises `PoolBrokenError` where they cannot be."""
        self._tasks = [asyncio.create_task(self._keep_alive(), name=f"pool-{number}") for number in range(self._limits.size)]
        self._tasks.append(asyncio.create_task(self._watch(), name="pool-watch"))
        await self._all_ready.wait()
        if self._broken is not None:
            await self.stop()
            raise self._broken

    async def process(self, message: Message) -> Outcome:
        """The outcome of one message; content never raises. Raises `PoolBrokenError` when the pool is beyond repair."""
        if self._broken is not None:
            raise self._broken
        job = _Job(message, asyncio.get_running_loop().create_future())
        self._queue.append(job)
        self._dispatch()
        return await job.future

    async def stop(self) -> None:
        """End every process, at once; whatever is unanswered is cancelled."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        processes = [child.subprocess for child in self._ready] + list(self._starting)
        for subprocess in processes:
            with suppress(ProcessLookupError):
                subprocess.kill()
        for subprocess in processes:
            await subprocess.wait()
            _close(subprocess)
        for job in [*self._queue, *(job for child in self._ready for job in child.pending)]:
            job.future.cancel()
        self._queue.clear()
        self._ready.clear()
        self._on_size(0)

    @property
    def alive(self) -> bool:
        """Whether the pool can still work."""
        return self._broken is None and not self._stopping

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the processes that are ready."""
        return tuple(child.pid for child in self._ready)

    # --- handing out

    def _dispatch(self) -> None:
        """Hand queued articles to whichever process has the least to do."""
        while self._queue and self._ready:
            child = min(self._ready, key=lambda candidate: len(candidate.pending))
            if len(child.pending) >= self._limits.prefetch:
                return
            job = self._queue.popleft()
            if not job.future.done():
                child.hand(job, now=time.monotonic())

    # --- the life of a process

    async def _keep_alive(self) -> None:
        """Keep one process running for ever."""
        failures = 0
        while self._broken is None:
            child = await self._spawn()
            if isinstance(child, str):
                failures += 1
                self._on_restart("start")
                if failures >= (_RESTART_ATTEMPTS if self._all_ready.is_set() else _START_ATTEMPTS):
                    self._break(f"a pool process could not be started: {child}")
                elif self._all_ready.is_set():
                    await asyncio.sleep(min(_RESTART_PAUSE_SECONDS * 2**failures, _WINDOW_SECONDS / _RESTART_ATTEMPTS))
                continue
            failures = 0
            self._ready.append(child)
            self._on_size(len(self._ready))
            if len(self._ready) == self._limits.size:
                self._all_ready.set()
            self._dispatch()
            await self._listen(child)
            await self._bury(child)

    async def _spawn(self) -> _Child | str:
        """A process that is ready, or why there is none."""
        try:
            subprocess = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "stream.pool.process",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | _ENVIRONMENT,
                limit=_PIPE_LIMIT,
            )
        except OSError as error:  # no room for another process, or no right to start one
            return str(error)
        self._starting.add(subprocess)
        assert subprocess.stdin is not None
        assert subprocess.stdout is not None
        task = frames.Task(self._factory, self._options, self._limits.memory_bytes, os.getpid())
        subprocess.stdin.write(frames.pack(task))
        try:
            first = await asyncio.wait_for(frames.receive(subprocess.stdout), _START_SECONDS)
        except (asyncio.IncompleteReadError, ConnectionError):
            first = frames.Failed("it died while opening the pipeline")
        except TimeoutError:
            first = frames.Failed(f"it was not ready after {_START_SECONDS:.0f} s")
        if isinstance(first, frames.Failed):
            with suppress(ProcessLookupError):
                subprocess.kill()
            await subprocess.wait()
            _close(subprocess)
            self._starting.discard(subprocess)
            return first.detail
        self.models = first.models
        self._starting.discard(subprocess)
        return _Child(subprocess)

    async def _listen(self, child: _Child) -> None:
        """Take answers until the process has gone."""
        assert child.subprocess.stdout is not None
        while True:
            try:
                answer: Outcome = await frames.receive(child.subprocess.stdout)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            now = time.monotonic()
            child.head_since = now
            self._answers.append(now)
            self._deaths_in_a_row = 0
            job = child.pending.popleft()
            if not job.future.done():
                job.future.set_result(answer)
            self._dispatch()

    async def _bury(self, child: _Child) -> None:
        """Decide what becomes of the articles of a process that has gone."""
        self._ready.remove(child)
        self._on_size(len(self._ready))
        with suppress(ProcessLookupError):
            child.subprocess.kill()  # it may only have closed its output
        code = await child.subprocess.wait()
        _close(child.subprocess)
        self._on_restart(child.killed_for or "crashed")
        self._count_death(working=bool(child.pending))
        if child.pending:
            self._judge(child.pending.popleft(), child, code)
        self._queue.extendleft(reversed(child.pending))
        self._dispatch()

    def _judge(self, job: _Job, child: _Child, code: int) -> None:
        """Reject the article on which a process died, or try it once more."""
        if job.future.done():
            return
        if child.killed_for == "timed_out":
            self._reject(job, Reason.TIMED_OUT, f"not finished after {self._limits.deadline:g} s")
        elif child.killed_for == "memory":
            self._reject(job, Reason.CRASHED, f"its process needed more than {self._limits.memory_bytes >> 20} MiB")
        else:
            job.deaths += 1
            # SIGKILL comes from outside (an operator, the kernel short of memory): such a death proves less.
            if job.deaths < (3 if code == -signal.SIGKILL else 2):
                self._queue.appendleft(job)
            else:
                self._reject(job, Reason.CRASHED, f"its process died {job.deaths} times, last of {_cause_of_death(code)}")

    def _reject(self, job: _Job, reason: Reason, detail: str) -> None:
        job.future.set_result(outcome.rejected(job.message, reason, detail, options=self._options, now=datetime.now(UTC)))

    # --- keeping watch

    async def _watch(self) -> None:
        """Kill a process whose article has passed its deadline, or that eats memory."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            asleep, last = now - last - _WATCH_SECONDS, now
            for child in self._ready:
                if asleep > _WATCH_SECONDS:  # we were frozen, or starved: answers may have come that nobody has read
                    child.head_since += asleep
                if child.pending and now - child.head_since > self._limits.deadline:
                    child.kill("timed_out")
                elif _resident_bytes(child.pid) > self._limits.memory_bytes:
                    child.kill("memory")

    def _count_death(self, *, working: bool) -> None:
        now = time.monotonic()
        self._deaths.append(now)
        self._deaths_in_a_row += working  # one that died idle proves nothing about the articles
        while self._deaths and self._deaths[0] < now - _WINDOW_SECONDS:
            self._deaths.popleft()
        answers = sum(1 for moment in self._answers if moment >= now - _WINDOW_SECONDS)
        if self._deaths_in_a_row >= max(_HOPELESS_DEATHS, 3 * self._limits.size):
            self._break(f"{self._deaths_in_a_row} pool processes died in a row without answering one article")
        elif len(self._deaths) > self._limits.max_restarts and answers < _ANSWERS_PER_DEATH * len(self._deaths):
            self._break(
                f"{len(self._deaths)} pool processes died within {_WINDOW_SECONDS:.0f} s, while {answers} articles were answered"
            )

    def _break(self, detail: str) -> None:
        """Give up: everybody who waits for an answer learns it."""
        self._broken = PoolBrokenError(detail)
        self._all_ready.set()
        for job in [*self._queue, *(job for child in self._ready for job in child.pending)]:
            if not job.future.done():
                job.future.set_exception(self._broken)
        self._queue.clear()


def _close(subprocess: asyncio.subprocess.Process) -> None:
    """Close the pipes of a process that has gone."""
    transport = subprocess._transport  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no other way to close both pipes
    transport.close()


def _resident_bytes(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(fields[1]) * _PAGE


def _cause_of_death(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit status {code}"
