"""Logs: one line per event, JSON where nobody looks, and the libraries' in the same form."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from stream import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is global: every test leaves it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_every_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours with its fields, a library's with its message, and a traceback inside its line."""
    logs.configure(form="json", level="info")

    structlog.get_logger("stream.test").info("ready", group="news", articles=3, title="Київ")
    logging.getLogger("elsewhere").error("trouble with %s", "a thing")
    try:
        int("seven")
    except ValueError:
        structlog.get_logger("stream.test").exception("failed")

    ours, theirs, failed = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["level"], ours["logger"], ours["articles"], ours["title"]) == (
        "ready",
        "info",
        "stream.test",
        3,
        "Київ",
    )
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("trouble with a thing", "error")
    assert "ValueError: invalid literal" in failed["exception"]


def test_libraries_speak_of_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Faust and aiokafka tell a lot at every start; what we say at the level that was asked for is not drowned in it."""
    logs.configure(form="json", level="debug")

    logging.getLogger("aiokafka").info("joining group")
    logging.getLogger("faust").info("starting")
    logging.getLogger("aiokafka").warning("heartbeat failed")
    structlog.get_logger("stream.test").debug("detail")

    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["heartbeat failed", "detail"]


def test_a_level_silences_what_lies_below(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and errors only, when so told."""
    logs.configure(form="json", level="warning")

    structlog.get_logger("stream.test").info("ready")
    structlog.get_logger("stream.test").warning("waiting for Kafka", reason="no answer")

    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["reason"] == "no answer"


@pytest.mark.parametrize(("form", "starts_with_brace"), [("auto", True), ("json", True), ("console", False)])
def test_without_a_terminal_auto_means_json(capsys: pytest.CaptureFixture[str], form: str, *, starts_with_brace: bool) -> None:
    """A container's log is read by machines; a person may ask for lines to read."""
    logs.configure(form=form, level="info")

    structlog.get_logger("stream.test").info("ready")

    assert capsys.readouterr().err.startswith("{") is starts_with_brace
