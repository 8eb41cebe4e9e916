"""The stack that people run: every setting, port, file and metric that it names is one of the code's."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream import config
from stream.metrics import Metrics

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "deploy" / "prometheus"


def _compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def _tool(name: str) -> str:
    found = shutil.which(name)
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


def test_prometheus_scrapes_the_port_that_the_worker_serves() -> None:
    """The scrape configuration, the compose file and the default of the setting agree."""
    scrape = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = scrape["scrape_configs"]
    port = job["dns_sd_configs"][0]["port"]

    assert job["job_name"] == "newsstream"
    assert port == int(_compose()["services"]["worker"]["environment"]["NEWSSTREAM_PROBES_PORT"])
    assert port == config.Settings.model_fields["probes_port"].default


def test_rules_name_only_metrics_that_exist() -> None:
    """A typo in a metric's name would make an alert that never fires."""
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    known = {sample.name for metric in Metrics().registry.collect() for sample in metric.samples}
    known |= {metric.name for metric in Metrics().registry.collect()}
    recorded = {rule["record"] for rule in every if "record" in rule}

    for rule in every:
        named = set(re.findall(r"\bnews[_:][a-z0-9_:]+", rule["expr"]))
        assert named <= known | recorded, named - known - recorded


def test_every_alert_has_a_runbook_and_is_seen_to_fire() -> None:
    """Who is woken knows what to do; each alert has a case in which it fires."""
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    cases = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8"))
    fired = {case["alertname"] for test in cases["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}

    assert all(len(rule["annotations"]["runbook"]) > 20 for rule in alerts.values())
    assert fired == set(alerts)


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
