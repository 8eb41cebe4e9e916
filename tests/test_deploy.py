"""The stack that people run: every setting, port, file and metric that it names is one of the code's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

import stream
from stream import config
from tests import promql

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "deploy" / "prometheus"


def _compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None and os.environ.get("NEWSSTREAM_REQUIRE_TOOLS") == "1":
        pytest.fail(f"NEWSSTREAM_REQUIRE_TOOLS=1, but {name} is not installed", pytrace=False)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def _run(*command: str, cwd: Path = ROOT, within: float = 110) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=within, check=False)


def test_every_setting_that_is_named_exists() -> None:
    """A typo in a variable would be ignored silently: compose file and Dockerfile name only settings of the code."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8") + (ROOT / "Dockerfile").read_text(encoding="utf-8")
    named = set(re.findall(r"NEWSSTREAM_[A-Z_]+", text))

    assert named
    assert named <= {f"{config.PREFIX}{name.upper()}" for name in config.Settings.model_fields}


def test_every_mounted_file_exists() -> None:
    """What a service mounts from here is here."""
    mounted = [volume.split(":")[0] for service in _compose()["services"].values() for volume in service.get("volumes", [])]
    local = [name for name in mounted if name.startswith("./")]

    assert local
    assert all((ROOT / name).exists() for name in local)


def test_the_grace_period_is_longer_than_the_drain() -> None:
    """Compose must not kill a worker that is still finishing what is in flight."""
    grace = int(_compose()["services"]["worker"]["stop_grace_period"].removesuffix("s"))

    assert grace > config.Settings.model_fields["drain_timeout"].default


def test_images_are_pinned_and_the_worker_waits_for_its_topics() -> None:
    """No `latest`; Kafka is healthy and the topics are there before a worker starts."""
    services = _compose()["services"]

    assert all(re.search(r":v?\d", service["image"]) for service in services.values())
    assert services["worker"]["depends_on"]["topics"]["condition"] == "service_completed_successfully"
    assert services["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafka_keeps_its_data_where_the_volume_is() -> None:
    """Left to itself the broker writes below /tmp, and a new container starts without a single article."""
    kafka = _compose()["services"]["kafka"]
    volumes = dict(volume.split(":") for volume in kafka["volumes"])

    assert kafka["environment"]["KAFKA_LOG_DIRS"] == volumes["kafka-data"]


@pytest.mark.parametrize("name", ["topics", "worker", "seed"])
def test_our_containers_can_write_nowhere_but_to_tmp(name: str) -> None:
    """A hole in a parser of other people's HTML finds no capability and nothing to write to; signals reach the worker."""
    service = _compose()["services"][name]

    assert service["read_only"] is True
    assert service["tmpfs"] == "/tmp"  # noqa: S108 - inside the container
    assert service["cap_drop"] == ["ALL"]
    assert service["init"] is True


def test_the_image_is_named_after_the_version_that_it_holds() -> None:
    """An old image is not taken for the new service."""
    images = {service["image"] for service in _compose()["services"].values() if service.get("build")}

    assert images == {f"newsstream:{stream.__version__}"}


def test_the_image_runs_as_nobody_in_particular_and_reports_to_nobody() -> None:
    """Not root, by number so that Kubernetes can see it; the inference library keeps its telemetry to itself."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]

    assert any(re.fullmatch(r"USER [1-9]\d*", line) for line in last_stage)
    assert any(line.startswith("ENV ") and "ORT_DISABLE_TELEMETRY=1" in line for line in last_stage)
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)


def test_prometheus_scrapes_the_port_that_the_worker_serves() -> None:
    """The scrape configuration, the compose file and the default of the setting agree."""
    scrape = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = scrape["scrape_configs"]
    port = job["dns_sd_configs"][0]["port"]

    assert job["job_name"] == "newsstream"
    assert job["dns_sd_configs"][0]["names"] == ["worker"]
    assert "worker" in _compose()["services"]
    assert port == int(_compose()["services"]["worker"]["environment"]["NEWSSTREAM_PROBES_PORT"])
    assert port == config.Settings.model_fields["probes_port"].default


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
    done = _run(_tool("promtool"), "check", "config", "prometheus.yml", cwd=PROMETHEUS)

    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_rules_and_they_behave() -> None:
    """``promtool test rules``: each alert fires when it should, and is silent when it should."""
    done = _run(_tool("promtool"), "test", "rules", "rules_test.yml", cwd=PROMETHEUS)

    assert done.returncode == 0, done.stdout + done.stderr


def test_docker_compose_reads_the_file() -> None:
    """The compose file is one."""
    done = _run(_tool("docker-compose"), "config", "-q")

    assert done.returncode == 0, done.stderr


@pytest.mark.processes
@pytest.mark.models
def test_the_wheel_of_the_image_works_alone(tmp_path: Path) -> None:
    """The Dockerfile's steps, replayed: the wheel, away from this folder, brings its models along and enriches an article."""
    built = _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist"))
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", system_site_packages=False, with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    target = tmp_path / "site"
    installed = _run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    assert installed.returncode == 0, installed.stderr
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    article = tmp_path / "article.txt"
    article.write_text("Kyiv\nThe mayor of Kyiv met the king of Norway on Monday.", encoding="utf-8")

    done = subprocess.run(
        [str(python), "-m", "stream", "enrich", "--processes", "1", str(article)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{target}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert '"language":{"code":"en"' in done.stdout
    assert "Norway" in done.stdout


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
