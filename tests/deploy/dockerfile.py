"""A Dockerfile, replayed without an engine: its lines run here, below a folder that stands for the root of each stage.

Only the instructions that our Dockerfile uses are known; another one is an error, so that nothing is skipped in silence.
What a base image holds is not replayed: the Python of the tests stands in for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

_ABSOLUTE = re.compile(r"(?<![\w/.:*$}])/(?=[a-z])")
"""The first slash of an absolute path, in a shell line or in a variable."""


class ReplayError(Exception):
    """A line could not be replayed; the message says which, and what was said."""


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction: its name, and the rest without continuations."""

    name: str
    rest: str


@dataclass(slots=True)
class Stage:
    """What a stage has become."""

    root: Path
    base: str
    name: str
    environment: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """Of each instruction that only says something (USER, EXPOSE, …), the last one."""

    def words(self, instruction: str) -> list[str]:
        """An instruction in exec form, as its words."""
        text = self.said[instruction]
        words: list[str] = json.loads(text[text.index("[") :])
        return words


def lines(text: str) -> Iterator[Line]:
    """The instructions of a Dockerfile, in order."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", kept).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield Line(name.upper(), rest.strip())


def context(folder: Path, *, into: Path) -> None:
    """Copy what `folder`'s ``.dockerignore`` lets through, as an engine is sent it: the last pattern that fits decides."""
    patterns = [line for line in (folder / ".dockerignore").read_text(encoding="utf-8").splitlines() if line]

    def sent(path: str) -> bool:
        found = True
        for pattern in patterns:
            plain = pattern.removeprefix("!")
            parts = path.split("/")
            anywhere = plain.startswith("**/")
            names = parts if anywhere else ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
            if any(fnmatch(name, plain.removeprefix("**/")) for name in names):
                found = pattern.startswith("!")
        return found

    def ignored(inside: str, names: list[str]) -> list[str]:
        return [name for name in names if not sent((Path(inside) / name).relative_to(folder).as_posix())]

    shutil.copytree(folder, into, ignore=ignored)


def replay(text: str, *, context: Path, roots: Path, environment: Mapping[str, str], within: float) -> list[Stage]:
    """Run a Dockerfile's lines; returns its stages, the last of which is the image.

    A folder that a stage copies from another one is moved there, for what is installed in it knows its own path only
    by the names that the Dockerfile gives: stages take turns at one root, and what is left of a stage is kept beside it.
    """
    root = roots / "root"
    stages: list[Stage] = []
    directory = root
    for line in lines(text):
        if line.name == "FROM":
            if stages:
                stages[-1].root = root.rename(roots / stages[-1].name)
            root.mkdir(parents=True)
            base, _, name = line.rest.partition(" AS ")
            stages.append(Stage(root, base, name or "image", {"LD_LIBRARY_PATH": environment.get("LD_LIBRARY_PATH", "")}))
            directory = root
            continue
        stage = stages[-1]
        if line.name == "WORKDIR":
            directory = Path(_below(root, line.rest))
            directory.mkdir(parents=True, exist_ok=True)
        elif line.name == "ENV":
            for pair in shlex.split(line.rest):
                variable, _, value = pair.partition("=")
                stage.environment[variable] = _below(root, value).replace("$PATH", environment["PATH"])
        elif line.name == "COPY":
            _copy(line.rest, stages=stages, context=context, directory=directory)
        elif line.name == "RUN":
            _run(line.rest, root=root, directory=directory, environment={**environment, **stage.environment}, within=within)
        elif line.name in {"USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}:
            stage.said[line.name] = line.rest
        else:
            raise ReplayError(f"{line.name}: teach tests/deploy/dockerfile.py this instruction")
    return stages


def _below(root: Path, text: str) -> str:
    return _ABSOLUTE.sub(f"{root}/", text)


def _copy(rest: str, *, stages: list[Stage], context: Path, directory: Path) -> None:
    *sources, target = rest.split()
    root = stages[-1].root
    if sources[0].startswith("--from="):
        (origin,) = (stage for stage in stages if stage.name == sources[0].removeprefix("--from="))
        for source in sources[1:]:
            if source != target:
                raise ReplayError(f"COPY {rest}: what is installed in {source} would not find itself in {target}")
            (origin.root / source.lstrip("/")).rename(root / target.lstrip("/"))
        return
    for source in sources:
        found = context / source
        if not found.exists():
            raise ReplayError(f"COPY {rest}: {source} is not there, or .dockerignore keeps it away")
        if found.is_dir():
            shutil.copytree(found, directory / target, dirs_exist_ok=True)
        else:
            place = directory / target
            if target.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, place)


def _run(command: str, *, root: Path, directory: Path, environment: Mapping[str, str], within: float) -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", _below(root, command)],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the shell alone would leave its child at work
            raise ReplayError(f"RUN {command}: not done within {within:.0f} s") from None
    if process.returncode:
        raise ReplayError(f"RUN {command}: status {process.returncode}\n{said[-4000:]}")


def base_environment(folder: Path, *, wheels: Path) -> dict[str, str]:
    """What a base image would set: a PATH with ``python`` on it; pip finds what it installs in a folder of wheels.

    A Python that lies where only its owner may go, as root's own does, is copied to where the image's user may go.
    """
    folder.mkdir(parents=True)
    prefix, executable = Path(sys.base_prefix), Path(sys.executable).resolve()
    home = prefix
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in prefix.parents):
        home = folder / "installed"
        shutil.copytree(
            prefix, home, symlinks=True, ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a", "share")
        )
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {home / executable.relative_to(prefix)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**pip, "HOME": "/nonexistent", "LD_LIBRARY_PATH": str(home / "lib"), "PATH": f"{folder}:/usr/bin:/bin"}


def fetch_wheels(folder: Path, *requirements: Path, within: float) -> str | None:
    """Have in `folder` every wheel that hash-pinned files name, fetched once; returns why that cannot be done here."""
    for file in requirements:
        done = folder / f"{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}.done"
        if done.exists():
            continue
        options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--progress-bar", "off", "--dest", str(folder)]
        try:
            fetched = subprocess.run(
                [sys.executable, "-m", "pip", "download", *options, "--requirement", str(file)],
                capture_output=True,
                text=True,
                timeout=within,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the wheels of {file.name} were not fetched within {within:.0f} s"
        if fetched.returncode:
            return f"the wheels of {file.name} cannot be fetched: {fetched.stderr.strip().splitlines()[-1]}"
        done.touch()
    return None
