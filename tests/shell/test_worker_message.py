"""What Kafka delivers, whatever a producer wrote into it, is a message; nothing of it may stop the worker."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from stream import worker
from stream.records import Message


def _delivered(**raw: Any) -> Message:
    defaults: dict[str, Any] = {
        "value": b"x",
        "key": None,
        "topic": "news.articles",
        "partition": 1,
        "offset": 7,
        "timestamp": 1.0,
        "headers": [],
    }
    return worker._message(SimpleNamespace(message=SimpleNamespace(**(defaults | raw))))


@pytest.mark.parametrize("timestamp", [None, -1.0, 0, 9.2e15, float("inf"), float("nan")])
def test_a_timestamp_that_no_calendar_has_is_none(timestamp: float | None) -> None:
    """Milliseconds up to 2**63 fit into a record: the year 292 million must not stop the partition."""
    assert _delivered(timestamp=timestamp).timestamp is None


def test_an_ordinary_timestamp_is_kept() -> None:
    """In UTC."""
    assert _delivered(timestamp=1_772_440_200.5).timestamp == datetime(2026, 3, 2, 8, 30, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("attempts", [b"", b"-1", b"many", b"9" * 5000, "٣".encode()])
def test_a_header_of_attempts_that_is_no_number_counts_as_none(attempts: bytes) -> None:
    """Anybody can set a header."""
    assert _delivered(headers=[("newsstream-attempts", attempts)]).attempts == 0


def test_headers_pass_through() -> None:
    """Also those without a value; a number of attempts is read."""
    message = _delivered(headers=[("newsstream-attempts", b"2"), ("empty", None)])

    assert message.attempts == 2
    assert message.headers[1] == ("empty", b"")
