"""Draws docs/dashboard.png: what the panels show of some minutes of traffic (``python -m tests.integration.picture``).

A real Kafka, a worker, a Prometheus, the seeds again and again at a rate that changes, some refusals, a burst that has to wait.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from stream import broker, sources
from tests import dashboards
from tests.dashboards import Query
from tests.integration import prometheus, workers
from tests.integration.prometheus import Curve
from tests.integration.workers import Stage
from tests.kafka import apache
from tests.kafka.client import Outgoing

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "dashboard.png"
_RATE = "20s"
_COLUMNS = 6
_CURVES = 12
_DOTS = 85
_COLOURS = 96
_POISON = b"NEWSSTREAM-TEST"


def _values(pattern: str) -> list[bytes | None]:
    found: list[bytes | None] = []
    for path in sorted((ROOT / "seeds").glob(pattern)):
        with sources.open_input(str(path), standard_input=sys.stdin.buffer) as stream:
            found += list(sources.values(path.name, stream))
    return found


def _traffic(on: Stage, *, seconds: float) -> None:
    """A quarter of an hour of a small agency, in less: a steady stream, a burst in the middle, one article that kills."""
    articles, refusals = _values("*.ndjson"), _values("rejected/*")
    harmless = [value for value in refusals if _POISON not in (value or b"")]
    chance = random.Random(7)
    began, burst, killed = time.monotonic(), False, False
    while (gone := time.monotonic() - began) < seconds:
        batch: list[Outgoing] = [(None, chance.choice(articles)) for _ in range(chance.randint(2, 8))]
        if chance.random() < 0.12:
            batch.append((None, chance.choice(harmless)))
        if gone > seconds / 2 and not burst:
            burst, batch = True, [(None, chance.choice(articles)) for _ in range(600)]
        if gone > seconds / 4 and not killed:
            killed, batch = True, [*batch, *((None, value) for value in refusals if _POISON in (value or b""))]
        on.produce(batch)
        time.sleep(1)


def draw(panels: list[tuple[list[Query], list[Curve]]], path: Path) -> None:
    """Each panel of each dashboard, as small as can be read."""
    mpl.use("Agg")
    mpl.rcParams.update({"font.size": 6, "axes.titlesize": 7, "axes.spines.top": False, "axes.spines.right": False})
    rows = -(-len(panels) // _COLUMNS)
    figure, grid = plt.subplots(rows, _COLUMNS, figsize=(2.9 * _COLUMNS, 1.75 * rows))
    figure.subplots_adjust(left=0.03, right=0.99, top=0.975, bottom=0.02, wspace=0.22, hspace=0.42)
    places = list(grid.flat)
    for place in places[len(panels) :]:
        place.axis("off")
    for place, (queries, curves) in zip(places, panels, strict=False):
        place.set_title(f"{queries[0].dashboard} · {queries[0].panel}", loc="left", fontweight="bold")
        _panel(place, queries[0], sorted(curves, key=_highest, reverse=True)[:_CURVES])
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=_DOTS)
    plt.close(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _highest(curve: Curve) -> float:
    return max((value for _, value in curve.points), default=0)


def _panel(place: Axes, query: Query, curves: list[Curve]) -> None:
    formatter = FuncFormatter(lambda value, _: _shown(value, query.unit))
    if query.kind == "bargauge":
        last = [(curve.name, curve.points[-1][1]) for curve in curves if curve.points][::-1]
        place.barh(range(len(last)), [value for _, value in last], color="#a9c4e4")
        for row, (name, value) in enumerate(last):
            place.text(0, row, f" {name}: {value:.0f}", va="center")
        place.set_yticks([])
        place.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        return
    lone = query.kind == "stat"
    for curve in curves:
        minutes = [(moment - curve.points[0][0]) / 60 for moment, _ in curve.points]
        colour = "#c9d6e6" if lone else None
        place.plot(minutes, [value for _, value in curve.points], lw=0.9, label=curve.name, color=colour)
    many = not lone and len(curves) > 1
    place.set_ylim(bottom=0, top=max(map(_highest, curves), default=0) * (1.5 if many else 1.1) or 1)
    place.yaxis.set_major_formatter(formatter)
    place.yaxis.set_major_locator(MaxNLocator(5, integer=query.unit == "none"))
    if lone:
        shown = _shown(curves[0].points[-1][1], query.unit)
        place.text(0.5, 0.5, shown, transform=place.transAxes, ha="center", va="center", fontsize=16, color="#1f3a5f")
    elif many:
        place.legend(loc="upper left", fontsize=5, ncols=4, frameon=False, handlelength=1, columnspacing=1, labelspacing=0.2)


def _shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    number = f"{value:.0f}" if unit == "none" else f"{value:.3g}"
    return f"{number} s" if unit == "s" else number


def main(minutes: float) -> None:
    """Make the traffic, watch it, draw it."""
    port = broker.free_port()
    with (
        apache.ApacheKafka(libs=apache.libraries()) as kafka,
        workers.stage(kafka.bootstrap, f"p{uuid.uuid4().hex[:6]}.") as on,
        tempfile.TemporaryDirectory(prefix="newsstream-picture-") as folder,
        prometheus.running(prometheus.binary(), Path(folder), ports=[port]) as watching,
    ):
        worker = on.start(factory="tests.stub:open_poisonable", deadline=10, session_timeout=30, probes_port=port, wait=False)
        worker.wait_until_ready(within=200)
        start = prometheus.now()
        _traffic(on, seconds=60 * minutes)
        on.settle(within=300)
        time.sleep(3)  # for the last scrape
        end = prometheus.now()
        panels: dict[tuple[str, str], tuple[list[Query], list[Curve]]] = {}
        for query in dashboards.queries():
            queries, curves = panels.setdefault((query.dashboard, query.panel), ([], []))
            queries.append(query)
            curves += watching.curves(query, start=start, end=end, rate=_RATE, step=2)
        draw(list(panels.values()), PICTURE)
        print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes; alerts that fire: {watching.firing() or 'none'}")  # noqa: T201


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5)
