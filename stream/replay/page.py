"""Where a replay writes: tables for people or NDJSON for programs on standard output, remarks and progress beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Form = Literal["auto", "table", "ndjson"]
FORMS: tuple[Form, ...] = ("auto", "table", "ndjson")

_WIDTH = 120


class Page:
    """Standard output and standard error of one run."""

    def __init__(self, form: Form) -> None:
        self.for_people = form == "table" or (form == "auto" and sys.stdout.isatty())
        """Whether tables are written, and not NDJSON."""
        self._out = Console(width=None if sys.stdout.isatty() else _WIDTH)
        self._err = Console(stderr=True)

    def table(self, table: Table) -> None:
        """Write a table to standard output."""
        self._out.print(table)

    def line(self, record: BaseModel) -> None:
        """Write a line of NDJSON to standard output."""
        sys.stdout.buffer.write(record.model_dump_json().encode() + b"\n")
        sys.stdout.buffer.flush()

    def say(self, words: str) -> None:
        """Write a remark to standard error."""
        self._err.print(words, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar on standard error where that is a terminal; what is yielded is told how much is done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._err, transient=True, disable=not self._err.is_terminal) as bars:
            bar = bars.add_task(what, total=total)
            yield lambda done: bars.update(bar, completed=done)
