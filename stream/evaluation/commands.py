"""``newsstream evaluate``: read the gold, run the pipeline, print the figures, write the page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stream.evaluation import document, event_report, events, running, scores
from stream.outcome import Options

_WIDTH = 130


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


def _show(out: Console, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    shown = Table(*head)
    for row in rows:
        shown.add_row(*row)
    out.print(shown)


def evaluate_events(
    paths: Sequence[Path], *, form: events.Format, held_out: bool, options: Options, page: Path | None, name: str | None
) -> None:
    """Measure event types; print, and write the section where a page is given.

    Raises:
        ValueError: a file is not of the form that was named.
        OSError: a file cannot be read.

    """
    gold = [one for path in paths for one in events.read(path, form, held_out=held_out)]
    if not gold:
        raise ValueError("no gold sentences")
    out = _console()
    articles = list(running.enrich((one.text for one in gold), options=options, about="event types"))
    answers = [events.answer(one, article) for one, article in zip(gold, articles, strict=True)]
    spent = [article.timings["events"] for article in articles if article is not None]
    milliseconds = 1000 * sum(spent) / max(1, len(spent))
    roots = events.roots(answers)
    for line in event_report.summary(answers, milliseconds=milliseconds):
        out.print(line)
    if any(one.gold.language for one in answers):
        _show(out, event_report.LANGUAGE_HEAD, event_report.by_language(answers))
    _show(out, event_report.HEAD, event_report.by_class(scores.by_class(roots)))
    _show(out, ("gold → said", "sentences"), event_report.confusions(roots))
    _confusion(out, roots)
    _show(out, ("sentence", "gold", "said"), event_report.failures(answers))
    if page is not None:
        called = name or (paths[0].stem if len(paths) == 1 else form)
        section = event_report.section(answers, name=called, milliseconds=milliseconds, folder=page.parent)
        document.write(page, name=called, body=section)
        out.print(f"written: {page}, section {called}")


def _confusion(out: Console, roots: Sequence[scores.Pair]) -> None:
    names, counts = scores.confusion(roots)
    shown = Table("gold ↓ said →", *(name[:5] for name in names), padding=(0, 0))
    for name, row in zip(names, counts, strict=True):
        shown.add_row(name, *(str(count) if count else "·" for count in row))
    out.print(shown)
