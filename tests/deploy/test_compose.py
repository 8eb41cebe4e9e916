"""The compose stack: every setting, port, file, command and address that it names is one of the code's."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

import stream
from stream import cli, config
from tests.deploy import dockerfile
from tests.deploy.places import DOCKERFILE, PROMETHEUS, ROOT, compose, run, settings_from, tool

SERVICES: dict[str, Any] = compose()["services"]
OURS = sorted(name for name, service in SERVICES.items() if service.get("build"))
_LEAVE_GROUP_SECONDS = 10
"""What a worker takes at most for its last commit, once nothing is in flight."""


def _environment(name: str) -> dict[str, str]:
    """What the container sees where nothing is set on the machine."""
    given = SERVICES[name]["environment"]
    return {variable: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for variable, value in given.items()}


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_our_services_are_known() -> None:
    """The tests below look at all of them."""
    assert OURS == ["seed", "topics", "worker"]


@pytest.mark.parametrize("name", OURS)
def test_the_settings_exist_and_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in a variable would be ignored silently; a bad value would stop the start. Nothing is left to the machine."""
    settings = settings_from(_environment(name), monkeypatch)

    assert settings.probes_host == "0.0.0.0"  # noqa: S104 - inside the container, to be scraped
    assert settings.log_format == "json"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_find_kafka_under_the_name_that_it_tells_them(name: str) -> None:
    """A client goes where the broker's advertised listener sends it: the same address, on a listener that exists."""
    kafka = SERVICES["kafka"]["environment"]
    advertised = dict(item.split("://") for item in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    listeners = dict(item.split("://:") for item in kafka["KAFKA_LISTENERS"].split(","))

    assert _environment(name)["NEWSSTREAM_BOOTSTRAP_SERVERS"] == advertised["PLAINTEXT"] == f"kafka:{listeners['PLAINTEXT']}"
    assert advertised["HOST"] == f"localhost:{listeners['HOST']}"
    assert f"127.0.0.1:{listeners['HOST']}:{listeners['HOST']}" in SERVICES["kafka"]["ports"]
    assert SERVICES["kafka"]["healthcheck"]["test"][-1].rpartition(":")[2] == listeners["PLAINTEXT"]
    assert SERVICES["kafka-ui"]["environment"]["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"] == advertised["PLAINTEXT"]


def test_the_commands_are_those_of_the_command_line() -> None:
    """What the containers run is something that `newsstream` knows, with a file that is mounted."""
    parse = cli.parser().parse_args
    (seed,) = re.findall(r"newsstream ([^|;]+)", SERVICES["seed"]["entrypoint"][-1])
    (folder,) = SERVICES["seed"]["volumes"]

    assert parse(SERVICES["topics"]["command"]).action == "create"
    assert parse(SERVICES["worker"]["command"]).command == "worker"
    assert parse(shlex.split(seed)).command == "produce"
    assert folder == "./seeds:/seeds:ro"
    for pattern in re.findall(r"/seeds/(\S+?)[ ;]", SERVICES["seed"]["entrypoint"][-1]):
        assert list((ROOT / "seeds").glob(pattern)), f"no seed is called {pattern}"


def test_what_is_mounted_exists() -> None:
    """What a service mounts from here is here."""
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    local = [name for name in mounted if name.startswith("./")]

    assert local
    assert [name for name in local if not (ROOT / name).exists()] == []
    assert {name for name in mounted if not name.startswith("./")} == set(compose()["volumes"])


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    """The folders are mounted where Grafana, and our own provisioning files, look for them."""
    folder = ROOT / "deploy" / "grafana"
    providers = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("provisioning/dashboards/*.y*ml")]
    sources = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("provisioning/datasources/*.y*ml")]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in SERVICES["grafana"]["volumes"])

    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    paths = {provider["options"]["path"] for file in providers for provider in file["providers"]}
    assert paths == {mounts["./deploy/grafana/dashboards"]}
    assert {source["url"] for file in sources for source in file["datasources"]} == {"http://prometheus:9090"}
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) in paths
    assert (folder / "dashboards" / home.name).exists()


def test_prometheus_scrapes_the_port_that_the_worker_serves() -> None:
    """The scrape configuration, the compose file, the image and the default of the setting agree."""
    scrape = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = scrape["scrape_configs"]
    port = job["dns_sd_configs"][0]["port"]
    exposed = [line.rest for line in dockerfile.lines(DOCKERFILE) if line.name == "EXPOSE"]

    assert job["job_name"] == "newsstream"
    assert job["dns_sd_configs"][0]["names"] == ["worker"]
    assert port == int(_environment("worker")["NEWSSTREAM_PROBES_PORT"])
    assert port == config.Settings.model_fields["probes_port"].default
    assert exposed == [str(port)]


def test_prometheus_reads_the_rules() -> None:
    """Every rule file that the configuration names is mounted beside it."""
    files = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["rule_files"]

    assert files
    for name in files:
        assert f"./deploy/prometheus/{name}:/etc/prometheus/{name}:ro" in SERVICES["prometheus"]["volumes"]


def test_the_grace_period_is_longer_than_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose must not kill a worker that is still finishing what is in flight, or leaving its group."""
    drain = settings_from(_environment("worker"), monkeypatch).drain_timeout

    assert _seconds(SERVICES["worker"]["stop_grace_period"]) >= drain + _LEAVE_GROUP_SECONDS


def test_images_are_pinned_and_the_worker_waits_for_its_topics() -> None:
    """No `latest`, no image that nobody keeps up; Kafka is healthy and the topics are there before a worker starts."""
    images = [service["image"] for service in SERVICES.values()]

    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+$", image)] == []
    assert not any("bitnami" in image for image in images)
    for name in ("worker", "seed"):
        assert SERVICES[name]["depends_on"]["topics"]["condition"] == "service_completed_successfully"
    for name in ("topics", "kafka-ui"):
        assert SERVICES[name]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert SERVICES["worker"]["deploy"]["replicas"] == 2


def test_only_who_is_asked_for_starts() -> None:
    """`make up` starts the stack; the seeds and the view into Kafka come on demand."""
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        "kafka-ui": ["ui"],
        "seed": ["seed"],
    }
    assert "docker compose up --build --detach" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_a_container_that_ends_is_not_asked_for_its_health() -> None:
    """The image's health check asks a worker; the one-shot containers serve no probes."""
    for name in OURS:
        service = SERVICES[name]
        assert service.get("healthcheck") == (None if name == "worker" else {"disable": True})
        assert service["restart"] == ("unless-stopped" if name == "worker" else "no")


def test_kafka_keeps_its_data_where_the_volume_is() -> None:
    """Left to itself the broker writes below /tmp, and a new container starts without a single article."""
    volumes = dict(volume.split(":") for volume in SERVICES["kafka"]["volumes"])

    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] == volumes["kafka-data"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_write_nowhere_but_to_tmp(name: str) -> None:
    """A hole in a parser of other people's HTML finds no capability and nothing to write to."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["tmpfs"] == "/tmp"  # noqa: S108 - inside the container
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_and_signals_arrive(name: str) -> None:
    """Every container has an init, a user that is not root, and no way to become it."""
    service = SERVICES[name]
    user = service.get("user") or next(line.rest for line in dockerfile.lines(DOCKERFILE) if line.name == "USER")

    assert service["init"] is True
    assert user.split(":")[0] not in {"0", "root"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service)


def test_ports_are_this_machines_alone_and_its_own() -> None:
    """Nothing here asks for a password: no port is open to the network, and none is taken twice."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert all(port.startswith("127.0.0.1:") for port in published)
    assert len({port.split(":")[1] for port in published}) == len(published)


def test_the_head_of_the_file_tells_the_truth() -> None:
    """The addresses and commands that it begins with are those below."""
    head = (ROOT / "docker-compose.yml").read_text(encoding="utf-8").partition("x-newsstream")[0]
    published = {port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])}
    commands = re.findall(r"docker compose --profile (\S+) up (?:-d )?(\S+)", head)

    assert set(re.findall(r"http://localhost:(\d+)", head)) <= published
    assert commands
    assert all(profile in SERVICES[name]["profiles"] for profile, name in commands)


def test_the_image_is_named_after_the_version_that_it_holds() -> None:
    """An old image is not taken for the new service."""
    assert {SERVICES[name]["image"] for name in OURS} == {f"newsstream:{stream.__version__}"}


def test_docker_compose_reads_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compose file is one, and every service comes out of it as it went in."""
    monkeypatch.delenv("NEWSSTREAM_PROCESSES", raising=False)
    done = run(tool("docker-compose"), "--profile", "seed", "--profile", "ui", "config")

    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)["services"]
    assert set(read) == set(SERVICES)
    assert {name: service["image"] for name, service in read.items()} == {n: s["image"] for n, s in SERVICES.items()}
    for name in OURS:
        assert read[name]["environment"] == _environment(name)
    assert json.dumps(read["seed"]["entrypoint"]).count("$$") == 1
