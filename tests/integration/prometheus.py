"""Debian's Prometheus on a free port, with the rules of deploy/, asked as Grafana asks it."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream import broker
from tests.dashboards import Query
from tests.integration import workers

DEPLOY = Path(__file__).parents[2] / "deploy" / "prometheus"


@dataclass(frozen=True, slots=True)
class Curve:
    """One series of one panel: points of moment and value, gaps left out."""

    name: str
    points: tuple[tuple[float, float], ...]


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def _get(self, route: str, **arguments: Any) -> Any:
        query = urllib.parse.urlencode(arguments)
        with urllib.request.urlopen(f"{self._address}/api/v1/{route}?{query}", timeout=10) as answer:  # noqa: S310 - http, on loopback
            return json.load(answer)["data"]

    def answers(self) -> bool:
        """Whether it is ready."""
        try:
            with urllib.request.urlopen(f"{self._address}/-/ready", timeout=5) as answer:  # noqa: S310 - http, on loopback
                return bool(answer.status == 200)
        except OSError:
            return False

    def value(self, expression: str) -> float:
        """What an expression without labels comes to now; NaN where it comes to nothing."""
        result = self._get("query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else math.nan

    def firing(self) -> set[str]:
        """The alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self._get("alerts")["alerts"] if alert["state"] == "firing"}

    def curves(self, query: Query, *, start: float, end: float, rate: str, step: float = 1.0) -> list[Curve]:
        """What a panel shows between two moments (Unix time)."""
        expression = query.asked(rate=rate, span=f"{int(end - start)}s")
        found = self._get("query_range", query=expression, start=start, end=end, step=step)["result"]
        return [
            Curve(
                query.name(series["metric"]),
                tuple((moment, float(value)) for moment, value in series["values"] if math.isfinite(float(value))),
            )
            for series in found
        ]


def binary() -> str:
    """Debian's ``prometheus``; without it the test is skipped with the reason, or fails where the tools are required."""
    found = shutil.which("prometheus")
    if found is None and os.environ.get("NEWSSTREAM_REQUIRE_TOOLS") == "1":
        pytest.fail("NEWSSTREAM_REQUIRE_TOOLS=1, but prometheus is not installed", pytrace=False)
    if found is None:
        pytest.skip("prometheus is not installed here")
    return found


@contextmanager
def running(command: str, folder: Path, *, ports: list[int], waits: Mapping[str, str] | None = None) -> Iterator[Prometheus]:
    """Prometheus, which scrapes the workers on `ports` every second.

    Args:
        command: from `binary`.
        folder: for its data.
        ports: of the workers' probes.
        waits: by alert, a `for` that replaces that of the rules.

    """
    configuration = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = configuration["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    rules = yaml.safe_load((DEPLOY / "rules.yml").read_text(encoding="utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if rule.get("alert") in (waits or {})):
        rule["for"] = (waits or {})[rule["alert"]]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    (folder / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    port = broker.free_port()
    arguments = [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([command, "--config.file=prometheus.yml", *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        made = Prometheus(port)
        workers.eventually(made.answers, within=30, what="Prometheus is ready", every=0.1)
        yield made
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def now() -> float:
    """Unix time, as Prometheus keeps it."""
    return time.time()
