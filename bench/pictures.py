"""Pictures for ``docs/performance.md``, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import ratios, summary
from bench.ratios import Figure
from bench.summary import TOGETHER, US, Results

_OURS, _OTHERS, _LIMIT = "#1f3a5f", "#9fb3c8", "#b5523b"


def draw(results: Results, folder: Path) -> None:
    """Every picture for which there are results."""
    import matplotlib as mpl  # noqa: PLC0415 - takes a second, at the end of many minutes

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    for name, figure in _figures(results, plt):
        figure.savefig(folder / f"performance-{name}.png", dpi=90, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)


def _figures(results: Results, plt: Any) -> Iterator[tuple[str, Any]]:
    if names := summary.contenders(results):
        yield "contenders", _contenders(results, plt, names)
    if parts := summary.costs(results):
        yield "costs", _costs(plt, parts)
    if summary.machine(results) is not None:
        yield "scaling", _scaling(results, plt)


def _contenders(results: Results, plt: Any, names: list[str]) -> Any:
    figure, axes = plt.subplots(figsize=(7, 0.45 * len(names) + 1))
    rates = [Figure.of(summary.field(results, name, "rate")) for name in reversed(names)]
    spans = [[one.median - one.least for one in rates], [one.most - one.median for one in rates]]
    colours = [_OURS if name == US else _OTHERS for name in reversed(names)]
    axes.barh(list(reversed(names)), [one.median for one in rates], xerr=spans, color=colours, capsize=3)
    if limit := summary.field(results, TOGETHER, "rate"):
        axes.axvline(Figure.of(limit).median, color=_LIMIT, linestyle="--", label="limit: the pipeline alone, on all cores")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    axes.set_xlabel("articles a second")
    return figure


def _costs(plt: Any, parts: dict[str, float]) -> Any:
    figure, axes = plt.subplots(figsize=(7, 0.35 * len(parts) + 0.8))
    names = list(reversed(parts))
    axes.barh(names, [parts[name] * 1000 for name in names], color=_OURS)
    axes.set_xscale("log")
    axes.set_xlabel("CPU of an article (ms, logarithmic)")
    return figure


def _scaling(results: Results, plt: Any) -> Any:
    machine = summary.machine(results)
    assert machine is not None
    figure, axes = plt.subplots(figsize=(7, 3.6))
    cores = list(range(1, 65))
    axes.plot(cores, [ratios.predicted(machine, cores=one) for one in cores], color=_OURS, label="model")
    measured = [run for run in results.get("scaling", {}).get("runs", []) if run["what"] == "processes"]
    axes.plot([run["value"] for run in measured], [run["rate"] for run in measured], "o", color=_LIMIT, label="measured")
    axes.axhline(1 / machine.loop, color=_OTHERS, linestyle="--", label="one loop, saturated")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("cores")
    axes.set_ylabel("articles a second")
    axes.legend(fontsize=8)
    return figure
