"""Draws docs/dashboard.png: what the panels show of some minutes of traffic (``python -m tests.integration.picture``).

A real Kafka, a worker, a Prometheus, the seeds again and again at a rate that changes, some refusals, a burst that has to wait.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import uuid
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

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
_CURVES = 10
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
    figure, grid = plt.subplots(rows, _COLUMNS, figsize=(3.1 * _COLUMNS, 1.75 * rows), layout="constrained")
    places = list(grid.flat)
    for place in places[len(panels) :]:
        place.axis("off")
    for place, (queries, curves) in zip(places, panels, strict=False):
        place.set_title(f"{queries[0].dashboard} · {queries[0].panel}", loc="left", fontweight="bold")
        _panel(place, queries[0], curves)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)


def _panel(place: Axes, query: Query, curves: list[Curve]) -> None:
    curves = sorted(curves, key=lambda curve: -max((value for _, value in curve.points), default=0))
    formatter = FuncFormatter(lambda value, _: _shown(value, query.unit))
    if query.kind == "bargauge":
        last = [(curve.name, curve.points[-1][1]) for curve in curves if curve.points][:_CURVES][::-1]
        place.barh([name for name, _ in last], [value for _, value in last], color="#4c78a8")
        place.xaxis.set_major_formatter(formatter)
        return
    for curve in curves[:_CURVES]:
        began = curve.points[0][0] if curve.points else 0
        place.plot(
            [(moment - began) / 60 for moment, _ in curve.points], [value for _, value in curve.points], lw=0.9, label=curve.name
        )
    place.set_ylim(bottom=0)
    place.yaxis.set_major_formatter(formatter)
    if query.kind == "stat":
        value = curves[0].points[-1][1]
        place.text(0.5, 0.5, _shown(value, query.unit), transform=place.transAxes, ha="center", fontsize=15, color="#1f3a5f")
    elif len(curves) > 1:
        place.legend(loc="upper left", fontsize=5, ncols=2, frameon=False, handlelength=1)


def _shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    number = f"{value:.3g}"
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
