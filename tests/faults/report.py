"""The results as lines, as a total, and as the table of ``docs/reliability.md``. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from tests.faults.cases import Result

_INTRODUCTION = """\
# Reliability

Every article that arrives gets its enriched record or its rejection: at least once, in order per partition, and with derived
ids, so that whoever writes by id sees the effect once. Each line below was written by the run that it reports
(`make faults`, or `make faults CASES=12` for some, on Apache Kafka {kafka}, with the seed that the line names): articles keep
arriving while something is broken at random moments, then everything on the output topics is compared with everything on the
input topic.

*Duplicated* are outputs that came again after a crash, each with the same id; after SIGTERM there are none.
*Recovery* is the longest time without any output, in seconds: session timeouts (3 s in these runs), restarts and the broker's
own absence included.
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case."""

    number: int
    title: str
    articles: int
    faults: int
    lost: int
    duplicated: int
    silence: float
    seconds: float
    note: str
    troubles: tuple[str, ...]

    @classmethod
    def of(cls, number: int, title: str, result: Result, *, seconds: float) -> Self:
        """The row of a case that was judged."""
        judged = result.verdict
        rejected = ", ".join(f"{count} {reason}" for reason, count in sorted(judged.rejected.items()))
        return cls(
            number=number,
            title=title.rstrip("."),
            articles=judged.articles,
            faults=result.faults,
            lost=judged.lost,
            duplicated=judged.duplicated,
            silence=result.silence,
            seconds=seconds,
            note="; ".join(filter(None, (f"rejected: {rejected}" if rejected else "", result.note))),
            troubles=judged.troubles,
        )

    @classmethod
    def failed(cls, number: int, title: str, trouble: str, *, seconds: float) -> Self:
        """The row of a case that could not be judged."""
        return cls(
            number=number,
            title=title,
            articles=0,
            faults=0,
            lost=0,
            duplicated=0,
            silence=0,
            seconds=seconds,
            note="",
            troubles=(trouble,),
        )

    def with_trouble(self, trouble: str) -> Self:
        """The same, with one more broken promise."""
        return replace(self, troubles=(*self.troubles, trouble))

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.lost and not self.troubles


def line(row: Row) -> str:
    """One line for the terminal."""
    trouble = f" BROKEN: {'; '.join(row.troubles)}" if row.troubles else ""
    return (
        f"case {row.number}: {row.articles} articles, {row.faults} faults, lost {row.lost}, duplicated {row.duplicated}, "
        f"recovery {row.silence:.1f} s, took {row.seconds:.0f} s. {row.note}{trouble}"
    )


def total(rows: Sequence[Row]) -> str:
    """The last line."""
    lost, duplicated, articles = (sum(getattr(row, name) for row in rows) for name in ("lost", "duplicated", "articles"))
    return f"lost {lost} duplicated {duplicated} of {articles}"


def document(rows: Sequence[Row], *, seed: int, kafka: str, before: str = "") -> str:
    """The page: the lines of these rows, and of the cases that did not run now those that stood there `before`."""
    head = "| case | articles | faults | lost | duplicated | recovery (s) | seed | |\n|---|--:|--:|--:|--:|--:|--:|---|"
    lines = [(int(found[1]), found[0]) for found in _LINE.finditer(before)]
    ran = {row.number for row in rows}
    lines = [one for one in lines if one[0] not in ran]
    for row in rows:
        figures = f"{row.articles:,} | {row.faults} | {row.lost} | {row.duplicated} | {row.silence:.1f} | {seed}"
        lines.append((row.number, f"| {row.number}. {row.title} | {figures} | {row.note} |"))
    lines.sort(key=lambda one: one[0])
    counted = [[int(cell.replace(",", "")) for cell in line.split(" | ")[1:5]] for _, line in lines]
    articles, _, lost, duplicated = (sum(column) for column in zip(*counted, strict=True))
    last = f"`lost {lost} duplicated {duplicated} of {articles}`"
    return "\n".join([_INTRODUCTION.format(kafka=kafka), head, *(line for _, line in lines), "", last, ""])


_LINE = re.compile(r"^\| (\d+)\. .*\|$", re.MULTILINE)
