"""Where the files of the stack lie, and how a tool is run on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream import config

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROMETHEUS = ROOT / "deploy" / "prometheus"


def compose() -> dict[str, Any]:
    """The compose file, its merges resolved."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def tool(name: str) -> str:
    """A command that is installed; else the test is skipped, or fails where tools are required."""
    found = shutil.which(name)
    if found is None and os.environ.get("NEWSSTREAM_REQUIRE_TOOLS") == "1":
        pytest.fail(f"NEWSSTREAM_REQUIRE_TOOLS=1, but {name} is not installed", pytrace=False)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def run(*command: str, cwd: Path = ROOT, within: float = 110) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=within, check=False)


def settings_from(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    """The settings that a process with this environment would have; fails on a name that is none and on a bad value."""
    for name in [name for name in os.environ if name.startswith(config.PREFIX)]:
        monkeypatch.delenv(name)
    unknown = set(environment) - {f"{config.PREFIX}{name.upper()}" for name in config.Settings.model_fields}
    assert not unknown, f"no such settings: {unknown}"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return config.from_environment()
