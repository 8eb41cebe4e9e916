"""The image, without an engine: the Dockerfile's own lines are run, and what they make works as nobody in particular.

The wheels that `requirements/` pins are fetched once, into `.cache/`, as `make` fetches what it sets up.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import stream
from stream import broker as brokers
from stream import config, topics
from tests.deploy import dockerfile, places
from tests.deploy.places import DOCKERFILE, ROOT
from tests.integration import workers
from tests.kafka.plugin import Broker

pytestmark = [pytest.mark.processes, pytest.mark.timeout(700)]


@dataclass(frozen=True)
class Image:
    """What the Dockerfile made: its last stage, what its first one left, and a folder that whoever runs it may write to."""

    last: dockerfile.Stage
    build: Path
    tmp: Path
    work: Path

    @property
    def user(self) -> int:
        """The user by number."""
        return int(self.last.said["USER"].split(":")[0])

    @property
    def packages(self) -> Path:
        """Where its Python finds what is installed."""
        (found,) = self.last.root.glob("venv/lib/python3*/site-packages")
        return found

    def as_its_user(self, *words: str) -> list[str]:
        """A command as the image's user, who has no name on this machine; as ourselves where we are not root."""
        if os.geteuid() != 0:
            return list(words)
        number = str(self.user)
        return ["setpriv", "--reuid", number, "--regid", number, "--clear-groups", "--no-new-privs", *words]

    def environment(self, **settings: object) -> dict[str, str]:
        """What the container would see: the image's variables, no home, and the settings."""
        named = {f"{config.PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
        return {**self.last.environment, "HOME": "/nonexistent", "TMPDIR": str(self.tmp), **named}

    def run(self, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """The entry point with these arguments, in a folder that cannot be written to."""
        return subprocess.run(
            self.as_its_user(*self.last.words("ENTRYPOINT"), *arguments),
            cwd=self.work,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def healthy(self, port: int) -> bool:
        """What the health check says."""
        done = subprocess.run(
            self.as_its_user(*self.last.words("HEALTHCHECK")),
            cwd=self.work,
            env=self.environment(probes_port=port),
            capture_output=True,
            timeout=30,
            check=False,
        )
        return done.returncode == 0

    def strays(self) -> list[str]:
        """What its user has written outside its own temporary folder, wherever everybody may write."""
        everybodys = [path for path in ("/tmp", "/var/tmp", "/dev/shm", str(self.work)) if Path(path).is_dir()]  # noqa: S108
        found = []
        for place in everybodys:
            for folder, names, files in os.walk(place):
                names[:] = [name for name in names if Path(folder, name) != self.tmp]
                found += [str(path) for path in (Path(folder, name) for name in [*names, *files]) if _owner(path) == self.user]
        return found


def _owner(path: Path) -> int:
    try:
        return path.lstat().st_uid
    except OSError:  # of another test, and gone by now
        return -1


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The Dockerfile replayed, once."""
    if importlib.util.find_spec("ensurepip") is None:
        _cannot("python -m venv makes no pip here: Python's ensurepip is missing (Debian: python3-venv)")
    if os.geteuid() != 0:
        print("the image is tried as ourselves: only root can become its user")  # noqa: T201
    wheels = ROOT / ".cache" / "wheels"
    if reason := dockerfile.fetch_wheels(
        wheels, *(ROOT / "requirements" / f"{name}.txt" for name in ("traces", "build")), within=300
    ):
        _cannot(reason)
    folder = Path(tempfile.mkdtemp(prefix="newsstream-image-"))
    try:
        folder.chmod(0o755)  # its user has to get in
        dockerfile.context(ROOT, into=folder / "context")
        build, last = dockerfile.replay(
            DOCKERFILE,
            context=folder / "context",
            roots=folder / "stages",
            environment=dockerfile.base_environment(folder / "bin", wheels=wheels),
            within=200,
        )
        tmp, work = folder / "tmp", folder / "work"
        tmp.mkdir()
        tmp.chmod(0o777)
        work.mkdir(mode=0o555)
        for seed in ("it.ndjson", "it-nepal-field-hospital.txt"):
            shutil.copy(ROOT / "seeds" / seed, work)
        yield Image(last, build.root, tmp, work)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cannot(reason: str) -> None:
    if os.environ.get("NEWSSTREAM_REQUIRE_TOOLS") == "1":
        pytest.fail(f"NEWSSTREAM_REQUIRE_TOOLS=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def test_both_stages_stand_on_one_slim_base_pinned_by_version() -> None:
    """What is built with one Python runs with the same; the last stage runs nothing, so it can hold no tools."""
    found = list(dockerfile.lines(DOCKERFILE))
    bases = [line.rest.partition(" ")[0] for line in found if line.name == "FROM"]
    last = found[max(number for number, line in enumerate(found) if line.name == "FROM") :]

    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    assert [line.rest for line in last if line.name in {"RUN", "COPY"}] == ["--from=build /venv /venv"]


def test_the_image_runs_as_nobody_in_particular_and_reports_to_nobody() -> None:
    """Not root, by number so that Kubernetes can see it; the inference library keeps its telemetry to itself."""
    said = {line.name: line.rest for line in dockerfile.lines(DOCKERFILE)}

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["USER"])
    assert "ORT_DISABLE_TELEMETRY=1" in said["ENV"].split()
    assert "curl" not in said["HEALTHCHECK"]


def test_every_install_is_by_hash_or_from_the_folder() -> None:
    """Nothing is taken from an index by its name alone."""
    installs = [
        part for line in dockerfile.lines(DOCKERFILE) if line.name == "RUN" for part in line.rest.split("&&") if "install" in part
    ]

    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


@pytest.mark.parametrize("path", ["tests", "seeds", "training", ".git", ".venv", "deploy", "stream/__pycache__"])
def test_the_context_is_small(path: str, tmp_path: Path) -> None:
    """An engine is sent what the Dockerfile copies, and nothing else."""
    dockerfile.context(ROOT, into=tmp_path / "context")

    assert not (tmp_path / "context" / path).exists()
    assert (tmp_path / "context" / "stream" / "assets").is_dir()


def test_a_line_that_cannot_be_replayed_is_an_error(tmp_path: Path) -> None:
    """The replay leaves nothing out in silence: an unknown instruction, a file that is not sent, a command that fails."""
    (tmp_path / "context").mkdir()
    for number, line in enumerate(["ADD x y", "COPY missing .", "RUN exit 3"]):
        with pytest.raises(dockerfile.ReplayError):
            dockerfile.replay(
                f"FROM scratch\n{line}\n",
                context=tmp_path / "context",
                roots=tmp_path / str(number),
                environment={"PATH": "/usr/bin:/bin"},
                within=10,
            )


def test_the_wheel_holds_the_package_with_its_models_and_nothing_else(image: Image) -> None:
    """Every file of `stream/` is in it, lexicons and models too; tests, seeds and training are not."""
    (wheel,) = (image.build / "build" / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "stream").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert wheel.name.startswith(f"newsstream-{stream.__version__}-")
    assert held == ours
    assert any(name.endswith(".onnx") for name in held) or any("news_entities_xx/" in name for name in held)


def test_the_image_holds_what_is_pinned_and_no_tools(image: Image) -> None:
    """The distributions of `requirements/traces.txt` and our own: no pip, no build backend, no test tool, no demo broker."""
    pinned = set()
    text = (ROOT / "requirements" / "traces.txt").read_text(encoding="utf-8")
    for line in re.findall(r"^([a-z0-9][^\\#\n]*==[^\\#\n]*)", text, re.MULTILINE):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            pinned.add(requirement.name)
    metadata = [path.read_text(encoding="utf-8", errors="replace") for path in image.packages.glob("*.dist-info/METADATA")]
    held = {re.sub(r"[-_.]+", "-", re.search(r"^Name: (.+)$", one, re.MULTILINE)[1]).lower() for one in metadata}  # type: ignore[index]

    assert held == pinned | {"newsstream"}
    assert [path.name for path in image.last.root.iterdir()] == ["venv"]


@pytest.mark.models
def test_it_enriches_without_a_name_a_home_or_anything_to_write_to(image: Image) -> None:
    """Both kinds of seeds, as the image's user: models are inside, and nothing is written but to the temporary folder."""
    done = [image.run("enrich", "--processes", "1", seed) for seed in ("it-nepal-field-hospital.txt", "it.ndjson")]

    assert [one.returncode for one in done] == [0, 0], done[0].stderr + done[1].stderr
    articles = [json.loads(line) for one in done for line in one.stdout.splitlines()]
    assert len(articles) == 1 + len((ROOT / "seeds" / "it.ndjson").read_text(encoding="utf-8").splitlines())
    assert {article["language"]["code"] for article in articles} == {"it"}
    assert all(article["entities"] for article in articles)
    assert not _noise(done[0].stderr + done[1].stderr)
    assert image.strays() == []


def _noise(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.search(r"Traceback|Warning|denied|Read-only|No such file", line)]


@contextmanager
def _container(image: Image, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """The image's command, with the variables that the compose file gives a worker."""
    given = places.compose()["services"]["worker"]["environment"]
    environment = {name: str(value) for name, value in given.items() if not str(value).startswith("$")}
    with subprocess.Popen(
        image.as_its_user(*image.last.words("ENTRYPOINT"), *image.last.words("CMD")),
        cwd=image.work,
        env=environment | image.environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.kafka
@pytest.mark.models
def test_its_worker_works_is_healthy_and_leaves_in_time(image: Image, kafka: Broker, prefix: str) -> None:
    """From the topics to SIGTERM with the commands of the compose file, as the image's user, on a real broker."""
    port = brokers.free_port()
    common = {"bootstrap_servers": kafka.bootstrap, "topic_prefix": prefix, "partitions": 2}
    grace = int(places.compose()["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    seeds = len((ROOT / "seeds" / "it.ndjson").read_text(encoding="utf-8").splitlines())
    made = image.run("topics", "create", **common)
    assert made.returncode == 0, made.stderr
    assert not image.healthy(port)

    with _container(image, **common, group_id=f"{prefix}group", processes=1, probes_port=port) as process:
        workers.eventually(lambda: process.poll() is not None or image.healthy(port), what="it is healthy", every=0.3)
        sent = image.run("produce", "it.ndjson", **common)
        with workers.stage(kafka.bootstrap, prefix, create=False) as on:
            enriched = on.consume(topics.ENRICHED, until=seeds)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=grace)

    assert sent.returncode == 0, sent.stderr
    assert len(enriched) == seeds
    assert process.returncode == 0, said
    assert not _noise(said)
    assert all(line.startswith("{") for line in said.splitlines()), "its log is JSON"
    assert image.strays() == []
