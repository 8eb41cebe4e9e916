"""What Prometheus is told: every metric that a rule names is one of the code's, and every alert fires; and what is pinned, is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import promql
from tests.deploy import places

ROOT = places.ROOT
PROMETHEUS = places.PROMETHEUS


def _rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_only_what_is_exposed(rule: dict[str, Any]) -> None:
    """A typo in a metric, a label or a closed value would make an alert that never fires."""
    assert promql.unknown(rule["expr"], promql.registered() | promql.recorded(_rules())) == []


def test_every_alert_is_seen_to_fire_and_to_stay_silent() -> None:
    """Each alert has a case in which it fires, and one in which it does not."""
    alerts = {rule["alert"] for rule in _rules() if "alert" in rule}
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]

    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


@pytest.mark.parametrize("rule", [rule for rule in _rules() if "alert" in rule], ids=lambda rule: rule["alert"])
def test_who_is_woken_finds_what_to_do(rule: dict[str, Any]) -> None:
    """An alert leads to a section of its own name, which says what it means, what to look at, and what to do."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / page).read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL))

    assert anchor == rule["alert"].lower()
    assert all(f"**{part}.**" in sections[rule["alert"]] for part in ("Means", "Look", "Do"))


def test_no_section_of_the_runbook_is_about_an_alert_that_is_gone() -> None:
    """What is written for the night is true."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\bNewsstream[A-Z]\w+", text)) == {rule["alert"] for rule in _rules() if "alert" in rule}


def test_prometheus_accepts_its_configuration() -> None:
    """``promtool check config``, which reads the rules that it names too."""
    done = places.run(places.tool("promtool"), "check", "config", "prometheus.yml", cwd=PROMETHEUS)

    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_rules_and_they_behave() -> None:
    """``promtool test rules``: each alert fires when it should, and is silent when it should."""
    done = places.run(places.tool("promtool"), "test", "rules", "rules_test.yml", cwd=PROMETHEUS)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
def test_requirements_are_pinned_by_hash_and_name_no_place(path: Path) -> None:
    """Each requirement has its hashes; no index address, no path of a machine, no squatted version."""
    text = path.read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,_-]+\])?)==([^ ;\\]+)", text, re.MULTILINE)

    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links)", text, re.MULTILINE)
    assert not re.search(r"(^|\s)/(tmp|work|home|opt|root)/", text)
    assert all(version != "999.9.9" for _, version in pins)
