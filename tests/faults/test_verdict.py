"""The judge of the fault cases sees what it is there to see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from stream import outcome
from stream.outcome import Options
from stream.records import Message, Reason
from tests.faults import report, verdict
from tests.faults.verdict import Verdict
from tests.kafka.client import Received

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _record(partition: int, offset: int, value: dict[str, str] | bytes, *, ce_id: str = "") -> Received:
    encoded = value if isinstance(value, bytes) else json.dumps(value).encode()
    headers = (("ce_id", ce_id.encode()),)
    return Received(topic="t", partition=partition, offset=offset, timestamp=0, key=None, value=encoded, headers=headers)


def _inputs(*names: str) -> list[Received]:
    return [_record(0, offset, {"id": name}) for offset, name in enumerate(names)]


def _outputs(*names: str) -> list[Received]:
    return [_record(0, offset, {"article_id": name}, ce_id=name) for offset, name in enumerate(names)]


def _rejection(offset: int, *, reason: Reason = Reason.NOT_JSON) -> Received:
    message = Message(value=b"x", topic="news.articles", partition=0, offset=offset)
    made = outcome.rejected(message, reason, "no", options=Options(), now=NOW)
    return _record(0, 0, made.records[0].value)


def _judge(
    inputs: Sequence[Received], enriched: Sequence[Received], rejected: Sequence[Received] = (), *, committed: int | None = None
) -> Verdict:
    ends = {0: len(inputs)}
    return verdict.judge(inputs, enriched, rejected, committed=ends if committed is None else {0: committed}, ends=ends)


def test_everything_answered_once_in_order_is_a_kept_promise() -> None:
    """Two enriched, one rejected, nothing else."""
    judged = _judge([*_inputs("a", "b"), _record(0, 2, b"no json")], _outputs("a", "b"), [_rejection(2)])

    assert judged.kept
    assert (judged.articles, judged.lost, judged.duplicated, judged.rejected) == (3, 0, 0, {"not_json": 1})


def test_a_missing_answer_is_a_loss() -> None:
    """Of three articles the second has no output."""
    judged = _judge(_inputs("a", "b", "c"), _outputs("a", "c"))

    assert judged.lost == 1
    assert not judged.kept


def test_a_repeated_answer_is_a_duplicate_wherever_it_stands() -> None:
    """A redelivery starts again from what was committed: first occurrences are still in order."""
    judged = _judge(_inputs("a", "b", "c"), _outputs("a", "b", "a", "b", "c"))

    assert judged.duplicated == 2
    assert judged.kept


def test_an_answer_that_overtakes_is_disorder() -> None:
    """The first occurrence of the third stands before the first of the second."""
    judged = _judge(_inputs("a", "b", "c"), _outputs("a", "c", "b"))

    assert judged.troubles == ("input 0: 1 came out after 2",)


def test_two_different_answers_are_no_duplicate() -> None:
    """Enriched one time and rejected the other, or rejected for two reasons: a reader could not tell which one is true."""
    both = _judge(_inputs("a"), _outputs("a"), [_rejection(0)])
    two = _judge(_inputs("a"), [], [_rejection(0), _rejection(0, reason=Reason.CRASHED)])

    assert "was answered with" in both.troubles[0]
    assert "was answered with" in two.troubles[0]


def test_an_answer_to_nothing_is_seen() -> None:
    """An output whose article was never sent."""
    assert "never sent" in _judge(_inputs("a"), _outputs("a", "ghost")).troubles[0]


def test_what_is_not_committed_is_seen() -> None:
    """Everything came out, but the next worker would begin one too early."""
    assert _judge(_inputs("a", "b"), _outputs("a", "b"), committed=1).troubles == ("partition 0: 1 is committed, the end is 2",)


def test_silence_is_measured_between_the_first_output_and_the_last() -> None:
    """What lies before the start and after the end is nobody's fault."""
    timeline = [(0.0, 0), (5.0, 10), (6.0, 20), (7.0, 20), (9.5, 30), (60.0, 30)]

    assert verdict.longest_silence(timeline) == 3.5


def _row(number: int, **figures: int) -> report.Row:
    defaults = {"articles": 1_000, "faults": 3, "lost": 0, "duplicated": 0}
    chosen = defaults | figures
    return report.Row(number=number, title=f"Case {number}", silence=1.5, seconds=9, note="", troubles=(), **chosen)


def test_a_selection_of_cases_rewrites_its_own_lines_of_the_page() -> None:
    """The others stay as their run wrote them, and the total counts all."""
    whole = report.document([_row(1), _row(2, duplicated=7), _row(10)], seed=5, kafka="4")

    again = report.document([_row(2, articles=2_500, duplicated=1)], seed=6, kafka="4", before=whole)

    lines = [line for line in again.splitlines() if line.startswith("| ") and "Case" in line]
    assert lines[0] == "| 1. Case 1 | 1,000 | 3 | 0 | 0 | 1.5 | 5 |  |"
    assert lines[1] == "| 2. Case 2 | 2,500 | 3 | 0 | 1 | 1.5 | 6 |  |"
    assert [line.split(".")[0] for line in lines] == ["| 1", "| 2", "| 10"]
    assert again.splitlines()[-1] == "`lost 0 duplicated 1 of 4500`"
