"""The Kubernetes manifests: each resource fits the published schemas, and what they name is the code's.

Kubernetes' own resources are held against its published schemas, strictly. For those of KEDA and of the Prometheus operator no
Python package brings schemas, so their fields are compared with a list that we wrote from their documentation: it finds a typo in
a name, not a value that the operator would refuse. What kustomize makes of it all is tried where `kubectl` is installed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import stream
from stream import cli, config, topics
from tests.deploy import dockerfile, rules
from tests.deploy.places import DOCKERFILE, PROMETHEUS, ROOT, run, settings_from

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.34")
"""Of Kubernetes: two that lie three releases apart."""
_LEAVE_GROUP_SECONDS = 10
_WORKER_MIB = 128
"""A worker without its pool: 77 MiB were measured (docs/reliability.md)."""
_PROCESS_MIB = 365
"""A pool process with the bundled models, as measured (docs/reliability.md)."""
_OVERSHOOT = 1.25
"""By how much a pool process may pass NEWSSTREAM_PROCESS_MEMORY_MB before an allocation fails (stream/pool/process.py)."""

_PATCHES = {"ca.yaml", "trigger.yaml"}


def _resources(folder: Path) -> list[dict[str, Any]]:
    files = [path for path in sorted(folder.rglob("*.yaml")) if path.name != "kustomization.yaml" and path.name not in _PATCHES]
    return [document for path in files for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def _one(kind: str) -> dict[str, Any]:
    (found,) = (resource for resource in _resources(FOLDER) if resource["kind"] == kind)
    return found


def _environment(*folders: str) -> dict[str, str]:
    """The settings of these folders, later ones above earlier ones."""
    lines = [line for name in folders for line in (FOLDER / name / "settings.env").read_text(encoding="utf-8").splitlines()]
    return dict(line.split("=", 1) for line in lines)


def _pods() -> list[dict[str, Any]]:
    return [_one(kind)["spec"]["template"]["spec"] for kind in ("Deployment", "Job")]


def _mebibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "Gi" else 1)


# --- the schemas

_OPERATORS_FIELDS: dict[str, dict[str, set[str]]] = {
    "PodMonitor": {
        "spec": {"jobLabel", "selector", "podMetricsEndpoints", "namespaceSelector", "podTargetLabels", "sampleLimit"},
        "spec.podMetricsEndpoints": {"port", "path", "interval", "scrapeTimeout", "scheme"},
        "spec.selector": {"matchLabels", "matchExpressions"},
    },
    "PrometheusRule": {
        "spec": {"groups"},
        "spec.groups": {"name", "rules", "interval", "limit"},
        "spec.groups.rules": {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"},
    },
    "ScaledObject": {
        "spec": {
            "scaleTargetRef",
            "minReplicaCount",
            "maxReplicaCount",
            "pollingInterval",
            "cooldownPeriod",
            "advanced",
            "triggers",
            "fallback",
        },
        "spec.scaleTargetRef": {"name", "kind", "apiVersion", "envSourceContainerName"},
        "spec.advanced": {"horizontalPodAutoscalerConfig", "restoreToOriginalReplicaCount"},
        "spec.advanced.horizontalPodAutoscalerConfig": {"behavior", "name"},
        "spec.triggers": {"type", "metadata", "authenticationRef", "name"},
        "spec.triggers.metadata": {
            "bootstrapServers",
            "consumerGroup",
            "topic",
            "lagThreshold",
            "activationLagThreshold",
            "offsetResetPolicy",
            "allowIdleConsumers",
            "excludePersistentLag",
            "limitToPartitionsWithLag",
            "sasl",
            "tls",
            "version",
        },
    },
    "TriggerAuthentication": {
        "spec": {"secretTargetRef", "env"},
        "spec.secretTargetRef": {"parameter", "name", "key"},
    },
}
_API = {
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
}


def _unknown_fields(resource: dict[str, Any], known: dict[str, set[str]]) -> list[str]:
    """Fields that a list of known ones lacks, by their path."""
    found = [name for name in resource if name not in {"apiVersion", "kind", "metadata", "spec"}]

    def look(value: Any, path: str) -> None:
        if isinstance(value, list):
            for item in value:
                look(item, path)
        elif isinstance(value, dict) and path in known:
            found.extend(f"{path}.{name}" for name in value if name not in known[path])
            for name, inner in value.items():
                look(inner, f"{path}.{name}")

    look(resource.get("spec"), "spec")
    return found


def _misfits(resource: dict[str, Any]) -> list[str]:
    """What a resource's schema has against it."""
    kind = resource["kind"]
    if kind in _API:
        wrong = [] if resource["apiVersion"] == _API[kind] else [f"apiVersion {resource['apiVersion']}"]
        return wrong + _unknown_fields(resource, _OPERATORS_FIELDS[kind])
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{version}: {'.'.join(str(part) for part in error.path)}: {error.message}")
    return found


@pytest.mark.parametrize("resource", _resources(FOLDER), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_resource_fits_its_schema(resource: dict[str, Any]) -> None:
    """No field that Kubernetes or an operator does not know, none of the wrong type; every resource is labelled as ours."""
    assert _misfits(resource) == []
    assert resource["metadata"]["labels"]["app.kubernetes.io/name"] == "newsstream"


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ["spec", "template", "spec", "terminationGracePeriod"], 60),
        ("Deployment", ["spec", "replicas"], "two"),
        ("PodDisruptionBudget", ["spec", "maxUnavailble"], 1),
        ("ScaledObject", ["spec", "maxReplicas"], 8),
        ("PodMonitor", ["spec", "joblabel"], "app"),
        ("PrometheusRule", ["spec", "groups"], [{"name": "x", "rule": []}]),
        ("TriggerAuthentication", ["apiVersion"], "keda.sh/v1"),
    ],
)
def test_a_typo_in_a_manifest_is_seen(kind: str, path: list[str], value: Any) -> None:
    """Both ways of looking find a field that nobody knows."""
    resource = inner = _one(kind)
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value

    assert _misfits(resource)


def test_no_file_is_left_out() -> None:
    """Every manifest and patch is named by the kustomization beside it, and every file named is there."""
    for kustomization in FOLDER.rglob("kustomization.yaml"):
        document = yaml.safe_load(kustomization.read_text(encoding="utf-8"))
        patches = {patch["path"] for patch in document.get("patches", []) if "path" in patch}
        settings = {name for generator in document.get("configMapGenerator", []) for name in generator["envs"]}
        named = {*document.get("resources", []), *document.get("components", []), *patches, *settings}

        assert [name for name in named if not (kustomization.parent / name).exists()] == []
        assert {path.name for path in kustomization.parent.iterdir() if path.is_file()} <= named | {"kustomization.yaml"}


# --- what the manifests say, against the code


@pytest.mark.parametrize("folders", [("base",), ("base", "overlays/example")])
def test_the_settings_exist_and_are_valid(folders: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker starts with them; of the example, with the secrets that it says to make."""
    environment = _environment(*folders)
    if "NEWSSTREAM_SSL_CAFILE" in environment:
        (mount,) = (patch["value"] for patch in _patch("ca.yaml") if "mountPath" in patch["value"])
        assert environment["NEWSSTREAM_SSL_CAFILE"] == f"{mount['mountPath']}/ca.crt"
        authority = tmp_path / "ca.crt"
        authority.write_bytes(_authority())
        environment["NEWSSTREAM_SSL_CAFILE"] = str(authority)
        keys = [one["key"] for one in _one("TriggerAuthentication")["spec"]["secretTargetRef"] if one["name"] == "newsstream"]
        environment |= dict.fromkeys(keys, "x")

    settings = settings_from(environment, monkeypatch)

    assert settings.probes_host == "0.0.0.0"  # noqa: S104 - inside the pod, to be scraped
    assert settings.replication_factor != 1, "a cluster keeps more than one copy"


def _authority() -> bytes:
    import certifi  # noqa: PLC0415 - any authority does

    return Path(certifi.where()).read_bytes()


def _patch(name: str) -> list[dict[str, Any]]:
    patches: list[dict[str, Any]] = yaml.safe_load((FOLDER / "overlays" / "example" / name).read_text(encoding="utf-8"))
    return patches


def test_the_commands_are_those_of_the_command_line() -> None:
    """The image's entry point is `newsstream`; what the pods give it is something that it knows."""
    parse = cli.parser().parse_args
    worker, job = (pod["containers"][0] for pod in _pods())

    assert parse(worker["args"]).command == "worker"
    assert parse(job["args"]).action == "create"
    assert "command" not in worker
    assert "command" not in job


def test_the_probes_ask_the_port_that_the_worker_serves() -> None:
    """Port and routes are those of stream/probes.py; the monitor and the probes name the port."""
    (container,) = _one("Deployment")["spec"]["template"]["spec"]["containers"]
    (endpoint,) = _one("PodMonitor")["spec"]["podMetricsEndpoints"]
    routes = re.findall(r'add_get\("(/\w+)"', (ROOT / "stream" / "probes.py").read_text(encoding="utf-8"))
    asked = [container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")] + [endpoint]

    assert container["ports"] == [{"name": "probes", "containerPort": int(_environment("base")["NEWSSTREAM_PROBES_PORT"])}]
    assert {one["port"] for one in asked} == {"probes"}
    assert [one["path"] for one in asked] == routes


def test_the_rules_find_the_job_that_the_monitor_names() -> None:
    """The alerts ask for job="newsstream": the label whose value becomes the job's name says that."""
    monitor = _one("PodMonitor")["spec"]
    labels = _one("Deployment")["spec"]["template"]["metadata"]["labels"]
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]

    assert labels[monitor["jobLabel"]] == job["job_name"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()


def test_the_rules_are_those_of_prometheus() -> None:
    """One source: what the operator is given is written from deploy/prometheus/rules.yml."""
    assert rules.TARGET.read_text(encoding="utf-8") == rules.rendered(), "run `make docs`"
    assert _one("PrometheusRule")["spec"] == yaml.safe_load(rules.SOURCE.read_text(encoding="utf-8"))


def test_selectors_choose_workers_and_no_other_pod() -> None:
    """The budget and the monitor mean the pods of the Deployment, not those of the Job that makes the topics."""
    labels = _one("Deployment")["spec"]["template"]["metadata"]["labels"]
    job = _one("Job")["spec"]["template"]["metadata"]["labels"]

    for selector in (_one(kind)["spec"]["selector"] for kind in ("Deployment", "PodDisruptionBudget", "PodMonitor")):
        assert selector["matchLabels"].items() <= labels.items()
        assert not selector["matchLabels"].items() <= job.items()


@pytest.mark.parametrize("pod", _pods(), ids=["worker", "topics"])
def test_a_pod_may_do_nothing_but_its_work(pod: dict[str, Any]) -> None:
    """What Pod Security calls restricted, a file system that cannot be written to, and no way into the cluster's API."""
    user = int(next(line.rest for line in dockerfile.lines(DOCKERFILE) if line.name == "USER").split(":")[0])
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == user
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["serviceAccountName"] == _one("ServiceAccount")["metadata"]["name"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [(mount["name"], mount["mountPath"]) for mount in container["volumeMounts"]] == [("tmp", "/tmp")]  # noqa: S108
    assert "emptyDir" in next(volume for volume in pod["volumes"] if volume["name"] == "tmp")


def test_a_worker_has_the_time_and_the_room_that_it_needs() -> None:
    """It drains before it is killed; a process that grows is replaced before the kernel ends the whole container."""
    settings = _environment("base")
    pod = _one("Deployment")["spec"]["template"]["spec"]
    resources = pod["containers"][0]["resources"]
    processes, most = int(settings["NEWSSTREAM_PROCESSES"]), int(settings["NEWSSTREAM_PROCESS_MEMORY_MB"])

    assert pod["terminationGracePeriodSeconds"] > float(settings["NEWSSTREAM_DRAIN_TIMEOUT"]) + _LEAVE_GROUP_SECONDS
    assert resources["requests"]["cpu"] == str(processes)
    assert "cpu" not in resources["limits"], "a worker that is throttled misses its heartbeats"
    assert _mebibytes(resources["requests"]["memory"]) >= _WORKER_MIB + processes * _PROCESS_MIB
    assert _mebibytes(resources["limits"]["memory"]) >= _WORKER_MIB + processes * most * _OVERSHOOT


def test_workers_are_scaled_by_the_lag_of_their_group_and_never_past_the_partitions() -> None:
    """KEDA looks at the topic and the group that the workers read; a worker without a partition would never be ready."""
    settings = _environment("base")
    scaled = _one("ScaledObject")["spec"]
    (trigger,) = scaled["triggers"]
    rolling = _one("Deployment")["spec"]["strategy"]["rollingUpdate"]

    assert scaled["scaleTargetRef"]["name"] == _one("Deployment")["metadata"]["name"]
    assert scaled["maxReplicaCount"] <= int(settings["NEWSSTREAM_PARTITIONS"])
    assert rolling["maxSurge"] == 0
    assert trigger["metadata"]["topic"] == topics.ARTICLES.full_name(settings["NEWSSTREAM_TOPIC_PREFIX"])
    assert trigger["metadata"]["consumerGroup"] == settings["NEWSSTREAM_GROUP_ID"]
    assert trigger["metadata"]["bootstrapServers"] == settings["NEWSSTREAM_BOOTSTRAP_SERVERS"]
    assert trigger["metadata"]["offsetResetPolicy"] == "earliest"
    assert trigger["metadata"]["excludePersistentLag"] == "true"
    assert int(trigger["metadata"]["lagThreshold"]) > 0
    assert all(isinstance(value, str) for value in trigger["metadata"].values()), "KEDA's metadata are strings"


def test_the_images_are_of_this_version() -> None:
    """Base and example say which version they are of; no `latest`."""
    for name in ("base", "overlays/example"):
        document = yaml.safe_load((FOLDER / name / "kustomization.yaml").read_text(encoding="utf-8"))
        assert [image["newTag"] for image in document["images"]] == [stream.__version__]


def test_no_password_lies_here() -> None:
    """Secrets are made apart from the manifests."""
    assert "Secret" not in {resource["kind"] for resource in _resources(FOLDER)}
    for file in FOLDER.rglob("*.env"):
        assert "PASSWORD" not in file.read_text(encoding="utf-8")


# --- kustomize itself


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, Any]]:
    """The example as kustomize makes it, by kind; kinds are there once."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed here: what kustomize makes of the example is not tried")
    done = run(kubectl, "kustomize", str(FOLDER / "overlays" / "example"))
    if "unknown field" in done.stderr:
        pytest.skip(f"the kustomize in kubectl is too old for components: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    documents = list(yaml.safe_load_all(done.stdout))
    found = {document["kind"]: document for document in documents}
    assert len(found) == len(documents)
    return found


def test_the_example_comes_out_whole(rendered: dict[str, dict[str, Any]]) -> None:
    """Everything is there, valid, in one namespace; settings merge, and what they say reaches KEDA."""
    settings = rendered["ConfigMap"]["data"]
    (trigger,) = rendered["ScaledObject"]["spec"]["triggers"]

    assert set(rendered) == {resource["kind"] for resource in _resources(FOLDER)} | {"ConfigMap"}
    assert [misfit for resource in rendered.values() for misfit in _misfits(resource)] == []
    assert {resource["metadata"]["namespace"] for resource in rendered.values()} == {"news"}
    assert settings == _environment("base", "overlays/example")
    assert trigger["metadata"]["bootstrapServers"] == settings["NEWSSTREAM_BOOTSTRAP_SERVERS"]
    assert trigger["metadata"]["sasl"] == settings["NEWSSTREAM_SASL_MECHANISM"].lower().replace("-sha-", "_sha")
    assert trigger["metadata"]["tls"] == "enable"
    assert trigger["authenticationRef"]["name"] == rendered["TriggerAuthentication"]["metadata"]["name"]
    assert "replicas" not in rendered["Deployment"]["spec"], "KEDA decides"


def test_the_pods_of_the_example_read_the_settings_and_the_authority(rendered: dict[str, dict[str, Any]]) -> None:
    """Both pods have the ConfigMap under the name that it was given, the image, and the file that a setting names."""
    settings = rendered["ConfigMap"]
    folder = str(Path(settings["data"]["NEWSSTREAM_SSL_CAFILE"]).parent)
    for kind in ("Deployment", "Job"):
        pod = rendered[kind]["spec"]["template"]["spec"]
        (container,) = pod["containers"]

        assert container["image"] == f"registry.example/newsstream:{stream.__version__}"
        assert container["envFrom"][0]["configMapRef"]["name"] == settings["metadata"]["name"]
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", folder}  # noqa: S108
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_settings_in_the_manifests_are_the_codes() -> None:
    """Comments too name only settings that exist."""
    named = {
        name for file in FOLDER.rglob("*.yaml") for name in re.findall(r"NEWSSTREAM_[A-Z_]+\b", file.read_text(encoding="utf-8"))
    }

    assert {name for name in named if not name.endswith("_")} <= {
        f"{config.PREFIX}{name.upper()}" for name in config.Settings.model_fields
    }
