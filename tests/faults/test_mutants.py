"""The judge of the mutants sees what it is there to see, and a seed makes the same mutants again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from stream import codec, outcome, topics
from stream.records import Message, Reason
from tests.faults import mutants
from tests.faults.verdict import Verdict
from tests.kafka.client import Received

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _input(number: int) -> Received:
    trace = f"00-{number:032x}-{1:016x}-01".encode()
    return Received(topic="t", partition=0, offset=number, timestamp=0, key=b"k", value=b"x", headers=(("traceparent", trace),))


def _rejection(number: int, *, reason: Reason = Reason.NOT_JSON) -> Received:
    sent = _input(number)
    message = Message(value=sent.value, topic="t", partition=0, offset=number, headers=sent.headers)
    refused = codec.reject(message, reason, "no", now=NOW, service="0")
    (record,) = outcome.encode((refused,), message=message, options=outcome.Options(), now=NOW).records
    return replace(sent, key=record.key, value=record.value, headers=record.headers)


def _judge(inputs: Sequence[Received], rejected: Sequence[Received], *, committed: int | None = None) -> Verdict:
    read = {topic.name: () for topic in topics.ALL} | {"articles": inputs, "rejected": rejected}
    ends = {0: len(inputs)}
    return mutants.judge(read, committed=ends if committed is None else {0: committed}, ends=ends, expected=len(inputs))


def test_every_mutant_answered_once_is_a_kept_promise() -> None:
    """Two sent, two refused."""
    judged = _judge([_input(1), _input(2)], [_rejection(2), _rejection(1)])

    assert judged.kept
    assert (judged.articles, judged.lost, judged.duplicated, judged.rejected) == (2, 0, 0, {"not_json": 2})


def test_silence_and_repetition_are_seen() -> None:
    """The first has no answer, the second has two."""
    judged = _judge([_input(1), _input(2)], [_rejection(2), _rejection(2)])

    assert (judged.lost, judged.duplicated) == (1, 1)
    assert not judged.kept


def test_an_answer_to_nothing_and_a_gap_in_the_offsets_are_seen() -> None:
    """Nobody sent the third, and the second is not committed."""
    judged = _judge([_input(1), _input(2)], [_rejection(number) for number in (1, 2, 3)], committed=1)

    assert "never sent" in judged.troubles[0]
    assert "1 of 2 is committed" in judged.troubles[1]


def test_a_record_that_breaks_a_law_is_seen() -> None:
    """A field that the schema does not know, a key that is not the article's."""
    bad = _rejection(1)
    worse = replace(bad, value=(bad.value or b"").replace(b'"attempts":1', b'"attempts":1,"more":2'))

    assert "breaks a law" in _judge([_input(1)], [worse]).troubles[0]
    assert "breaks a law" in _judge([_input(1)], [replace(bad, key=b"other")]).troubles[0]


def test_a_seed_makes_the_same_mutants_again() -> None:
    """Whoever reads the seed in a report can send the same messages; another seed sends others."""
    first, again, other = (next(mutants.batches(50, seed=seed)) for seed in (1, 1, 2))

    assert first == again != other
    assert len(first) == 50
