"""The dashboards that people look at: each query asks for what the service exposes, each file is one that Grafana takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests import dashboards, promql
from tests.dashboards import Query

ROOT = Path(__file__).parents[1]
GRAFANA = ROOT / "deploy" / "grafana"
UIDS = {"content": "newsstream-content", "pool": "newsstream-pool", "service": "newsstream-service"}
"""People bookmark them."""


def _rules() -> list[dict[str, str]]:
    document = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("query", list(dashboards.queries()), ids=str)
def test_a_panel_asks_for_what_is_exposed(query: Query) -> None:
    """A typo in a metric, a label or a closed value would make a panel that is empty for ever; legends name what is left."""
    assert promql.unknown(query.expression, promql.registered() | promql.recorded(_rules())) == []
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) == promql.grouped(query.expression)


@pytest.mark.parametrize("query", list(dashboards.queries()), ids=str)
def test_every_single_letter_counts(query: Query) -> None:
    """Each metric of each panel, misspelt, is seen: the check above reads all of the expression."""
    known = promql.registered() | promql.recorded(_rules())
    named = {name for name in known if re.search(rf"(?<![\w:]){name}(?![\w:])", query.expression)}

    assert named
    for name in named:
        misspelt = re.sub(rf"(?<![\w:]){name}(?![\w:])", f"{name[:-1]}z", query.expression)
        assert f"{name[:-1]}z" in promql.unknown(misspelt, known)


@pytest.mark.parametrize("name", dashboards.ALL)
def test_a_dashboard_is_one_that_grafana_takes(name: str) -> None:
    """A stable address, the datasource of whoever looks, panels that say what they show and do not overlap."""
    document = dashboards.read(name)
    panels = document["panels"]
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert document["uid"] == UIDS[name]
    assert [variable["name"] for variable in document["templating"]["list"]] == ["datasource"]
    sources = [item["datasource"] for panel in panels for item in (panel, *panel["targets"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert all(panel["description"].strip() and panel["fieldConfig"]["defaults"]["unit"] for panel in panels)
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_the_dashboards_are_all_there() -> None:
    """RED for the service, USE for the pool, and what the articles are about."""
    titles = {name: " ".join(panel["title"] for panel in dashboards.read(name)["panels"]) for name in dashboards.ALL}

    assert set(dashboards.ALL) == set(UIDS)
    assert all(word in titles["service"] for word in ("Rate", "Errors", "Duration", "Lag"))
    assert all(word in titles["pool"] for word in ("Utilisation", "Saturation", "Errors"))
    assert all(word in titles["content"] for word in ("language", "Events by type", "Entities by type", "Rejections by reason"))


def test_the_alerts_that_panels_name_exist() -> None:
    """Whoever reads a panel is led to an alert that is there."""
    alerts = {rule["alert"] for rule in _rules() if "alert" in rule}
    named = {word for query in dashboards.queries() for word in re.findall(r"Newsstream\w+", query.about)}

    assert named <= alerts


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    """What is provisioned agrees with the compose file and the scrape interval."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/newsstream.yml").read_text(encoding="utf-8"))["providers"]
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))["global"]
    mounts = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])

    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services
    assert source["jsonData"]["timeInterval"] == scrape["scrape_interval"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.removeprefix(provider["options"]["path"] + "/") in {f"{name}.json" for name in dashboards.ALL}
