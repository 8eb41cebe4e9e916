"""``newsstream evaluate``: read the gold, run the pipeline, print the figures, write the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stream.evaluation import document, entities, event_report, events, languages, pictures, running, scores
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


def evaluate_entities(
    paths: Sequence[Path], *, engines: Sequence[Options], page: Path | None, name: str | None, figures: Path | None = None
) -> None:
    """Measure mentions with each engine; print, write the section where a page is given, and the figures as JSON.

    Raises as `evaluate_events`.
    """
    out = _console()
    rows, shares, everything = [], {}, []
    measured: dict[str, dict[str, dict[str, float]]] = {}
    for path, options in ((path, options) for path in paths for options in engines):
        gold = entities.read(path)
        called = path.stem if len(engines) == 1 else f"{path.stem} {options.engine}"
        articles = list(running.enrich((one.text for one in gold), options=options, about=path.stem))
        answers = [entities.answer(one, article) for one, article in zip(gold, articles, strict=True)]
        everything += answers if options is engines[0] else []
        seconds = sum(article.timings["entities"] for article in articles if article is not None)
        shares[called] = entities.f1(answers)
        by_type = [entities.score(answers, kind) for kind in entities.TYPES]
        measured.setdefault(path.stem, {})[options.engine] = {
            "sentences": len(answers),
            "f1": round(shares[called].value, 4),
            "f1_span": round(entities.f1(answers, typed=False).value, 4),
            **{f"f1_{one.name}": round(one.f1, 4) for one in by_type},
        }
        rows.append(
            (
                called,
                str(len(answers)),
                str(shares[called]),
                f"{entities.f1(answers, typed=False).value:.3f}",
                *(f"{one.f1:.3f} ({one.precision:.2f}/{one.recall:.2f})" for one in by_type),
                f"{1000 * seconds / max(1, len(answers)):.1f}",
            )
        )
    head = ("gold", "sentences", "F1 exact", "F1 span", *(f"{kind} (P/R)" for kind in entities.TYPES), "ms each")
    _show(out, head, rows)
    mistakes = [(what, str(count)) for what, count in entities.kinds_of_errors(everything)]
    _show(out, ("mistake", "mentions"), mistakes)
    if figures is not None:
        figures.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    worst = [(what, str(count)) for what, count in entities.errors(everything)]
    _show(out, ("commonest mistakes", "mentions"), worst)
    if page is not None:
        called = name or "entities"
        picture = pictures.bars(shares, page.parent / f"{called}-f1.png", about="F1, exact span and type")
        parts = [
            f"## {called}",
            "F1 of mentions, exact span and type; intervals: 95 % of bootstrap resamples of the sentences.",
            document.table(head, rows),
            f"![F1]({picture.name})",
            document.table(("mistake", "mentions"), mistakes),
        ]
        document.write(page, name=called, body="\n\n".join(parts))
        out.print(f"written: {page}, section {called}")


def evaluate_language(paths: Sequence[Path], *, options: Options, page: Path | None, name: str | None) -> None:
    """Measure the language step; print, and write the section where a page is given. Raises as `evaluate_events`."""
    out = _console()
    gold = languages.read(paths)
    articles = running.enrich((one.text for one in gold), options=options, about="language")
    answers = [languages.answer(one, article) for one, article in zip(gold, articles, strict=True)]
    rows = []
    for kind in dict.fromkeys(one.gold.kind for one in answers):
        own = [one for one in answers if one.gold.kind == kind]
        error, _ = scores.calibration(languages.sure(own))
        mistakes = ", ".join(f"{what} {count}" for what, count in languages.mistakes(own, most=5))
        rows.append((kind, str(len(own)), str(languages.right(own)), str(languages.wrong(own)), f"{error:.3f}", mistakes))
    head = ("text", "texts", "right", "taken for another", "calibration error", "what for what")
    _show(out, head, rows)
    if page is not None:
        called = name or "language"
        picture = pictures.reliability(languages.sure(answers), page.parent / f"{called}-reliability.png")
        body = "\n\n".join([f"## {called}", document.table(head, rows), f"![reliability]({picture.name})"])
        document.write(page, name=called, body=body)
        out.print(f"written: {page}, section {called}")
