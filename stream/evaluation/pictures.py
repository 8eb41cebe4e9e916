"""Pictures of the figures, drawn by matplotlib (the extra ``evaluate``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stream.evaluation import scores
from stream.evaluation.scores import Estimate, Pair

_DOTS = 90
_INK = "#1f3a5f"


class MissingError(Exception):
    """Matplotlib is not installed."""


def _plots() -> Any:
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra, which only pictures need
    except ImportError as error:
        raise MissingError("pictures need matplotlib: pip install 'newsstream[evaluate]'") from error
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    return plt


def _saved(pyplot: Any, figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DOTS, bbox_inches="tight", metadata={"Software": None})
    pyplot.close(figure)
    return path


def confusion(pairs: Sequence[Pair], path: Path) -> Path:
    """Gold classes in rows, said ones in columns; the shade is the share of the row."""
    pyplot = _plots()
    names, table = scores.confusion(pairs)
    shares = table / table.sum(axis=1, keepdims=True).clip(min=1)
    size = 0.42 * len(names) + 1.5
    figure, axes = pyplot.subplots(figsize=(size, size))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("said")
    axes.set_ylabel("gold")
    for row in range(len(names)):
        for column in range(len(names)):
            if table[row, column]:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=7, color=colour)
    return _saved(pyplot, figure, path)


def reliability(answers: Sequence[tuple[float, bool]], path: Path) -> Path:
    """How often what was said with a confidence is right; the diagonal is a confidence that means what it says."""
    pyplot = _plots()
    error, bins = scores.calibration(answers)
    figure, axes = pyplot.subplots(figsize=(4.5, 4.5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    axes.bar([one.low + 0.05 for one in bins], [one.right for one in bins], width=0.09, color=_INK, alpha=0.75)
    for one in bins:
        axes.text(one.low + 0.05, one.right + 0.02, str(one.count), ha="center", fontsize=7)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.08)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right (over the bars: how many)")
    axes.set_title(f"expected calibration error {error:.3f}", fontsize=9)
    return _saved(pyplot, figure, path)


def bars(figures: Mapping[str, Estimate], path: Path, *, about: str) -> Path:
    """A bar a name, with its interval."""
    pyplot = _plots()
    names = list(figures)
    values = [figures[name].value for name in names]
    below = [max(0.0, figures[name].value - figures[name].low) for name in names]
    above = [max(0.0, figures[name].high - figures[name].value) for name in names]
    figure, axes = pyplot.subplots(figsize=(0.5 * len(names) + 2, 3.2))
    axes.bar(range(len(names)), values, yerr=[below, above], color=_INK, alpha=0.75, capsize=3)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_ylim(0, 1)
    axes.set_ylabel(about)
    return _saved(pyplot, figure, path)
