"""A process that is measured: bound to the life of the harness, its whole family read from /proc, gone at the end."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from bench.corpus import ROOT
from stream import broker

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
) | {"TOKENIZERS_PARALLELISM": "false", "ORT_DISABLE_TELEMETRY": "1"}
"""What the pool of newsstream sets for its processes; everybody gets it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak resident sizes, in MiB."""

    largest: int
    """Of the largest process."""
    together: int
    """Of all processes; what they share is counted for each."""


class Running:
    """``python -m MODULE`` with an environment; use it as a context."""

    def __init__(self, module: str, environment: Mapping[str, str], *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="newsstream-bench-")
        self._log = Path(self._folder.name, "log")
        self._families: dict[int, psutil.Process] = {}
        variables = ONE_THREAD | {"BENCH_FOLDER": self._folder.name, "PYTHONPATH": str(ROOT)} | dict(environment)
        given = [f"{name}={value}" for name, value in variables.items()]
        self.started = time.time()
        self.process = broker.spawn(["env", *given, sys.executable, "-m", module, *arguments], log=self._log)
        self._root = psutil.Process(self.process.pid)

    def family(self) -> list[psutil.Process]:
        """The process and everything that it started and that lives."""
        found = [self._root]
        with suppress(psutil.NoSuchProcess):
            found += self._root.children(recursive=True)
        self._families.update({one.pid: one for one in found})
        return found

    def cpu(self) -> float:
        """CPU-seconds that the whole family has used."""
        total = 0.0
        for one in self.family():
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
        with suppress(psutil.NoSuchProcess):
            times = self._root.cpu_times()
            total += times.children_user + times.children_system  # of those that have ended
        return total

    def own_cpu(self) -> float:
        """CPU-seconds of the first process alone."""
        times = self._root.cpu_times()
        return times.user + times.system

    def memory(self) -> Memory:
        """What the kernel noted as the most of each process."""
        sizes = [peak for one in self.family() if (peak := _peak(one.pid))]
        return Memory(largest=max(sizes, default=0) >> 10, together=sum(sizes) >> 10)

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def said(self, lines: int = 12) -> str:
        """The last that it said."""
        return "\n".join(line[:400] for line in self._log.read_text("utf-8", "replace").splitlines()[-lines:])

    def kill(self) -> None:
        """SIGKILL, to it; whatever of its family does not follow by itself is killed a moment later, as with a container."""
        self.family()
        self.process.kill()
        self.process.wait(10)
        time.sleep(0.3)
        self._sweep()

    def close(self) -> None:
        """SIGTERM, and SIGKILL to what is left after some seconds."""
        self.family()
        if not self.ended():
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(8)
        self._sweep()
        self.process.wait(10)
        self._folder.cleanup()

    def _sweep(self) -> None:
        for one in self._families.values():
            with suppress(psutil.NoSuchProcess):
                one.kill()  # psutil knows a process by its pid and its birth

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close."""
        self.close()


def _peak(pid: int) -> int:
    """KiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
