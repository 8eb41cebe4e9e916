"""The panels of deploy/grafana/dashboards, for whoever checks or draws them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards"
ALL = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one panel."""

    dashboard: str
    panel: str
    kind: str
    unit: str
    about: str
    expression: str
    legend: str

    def __str__(self) -> str:
        """As a test names it."""
        return f"{self.dashboard}: {self.panel}: {self.legend}"

    def asked(self, *, rate: str, span: str) -> str:
        """The expression, with Grafana's variables filled in."""
        return self.expression.replace("$__rate_interval", rate).replace("$__range", span)

    def name(self, labels: dict[str, str]) -> str:
        """The legend of a series."""
        return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), self.legend)


def read(name: str) -> dict[str, Any]:
    """One dashboard, as Grafana reads it."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document


def queries() -> Iterator[Query]:
    """Every query of every panel, in the order in which they are seen."""
    for name in ("service", "pool", "content"):
        for panel in read(name)["panels"]:
            unit = panel["fieldConfig"]["defaults"]["unit"]
            for target in panel["targets"]:
                yield Query(
                    name, panel["title"], panel["type"], unit, panel["description"], target["expr"], target["legendFormat"]
                )
