"""The parts of a replay that need no broker: its arguments, what is chosen, what is sent, and how articles compare."""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stream import cli, codec
from stream.differences import Change, Differences
from stream.records import EnrichedArticle, EventType, Language, Message, Provenance, Reason, Rejected
from stream.replay import ReplayError, arguments, comparison, reading, refused, rejections, scratch, tables
from stream.replay.comparison import Standing, Tally
from stream.replay.published import Before
from stream.replay.refused import Choice, Refused, Verdict

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

VALUE = b'{"id": "a", "text": "Kyiv"}'


def _rejected(
    value: bytes | None = VALUE,
    *,
    reason: Reason = Reason.CRASHED,
    attempts: int = 0,
    article_id: str | None = "a",
    keep: int = 1000,
    **message: Any,
) -> Rejected:
    refused_message = Message(value=value, topic="news.articles", attempts=attempts, **message)
    return codec.reject(refused_message, reason, "died", now=NOW, service="0", article_id=article_id, keep_bytes=keep)


@contextlib.contextmanager
def _collected(*records: tuple[Rejected, int], **choice: Any) -> Iterator[Refused]:
    """Rejections with their times in milliseconds, found at offsets 0, 1, 2 … of partition 0."""
    with refused.opened(Choice(**choice), max_message_bytes=1000) as found:
        for offset, (record, at_ms) in enumerate(records):
            found.add(record, partition=0, offset=offset, at_ms=at_ms)
        yield found


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-02T08:30", NOW),
        ("2026-03-02T09:30+01:00", NOW),
        ("2026-03-02T08:30:00Z", NOW),
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("6h", NOW - timedelta(hours=6)),
        (" 2d ", NOW - timedelta(days=2)),
    ],
)
def test_times_are_iso_or_ago(text: str, expected: datetime) -> None:
    """As operators write them; without a zone they are UTC."""
    assert arguments.moment(text, now=NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "6 h", "999999d", "0001-01-01T00:00+14:00", "-1h"])
def test_what_is_no_time_is_said_with_what_is_one(text: str) -> None:
    """No traceback, whatever is written."""
    with pytest.raises(argparse.ArgumentTypeError, match="is no time: say 2026-03-02"):
        arguments.moment(text, now=NOW)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rejected --reason crashd", "no reason crashd: there are empty"),
        ("rejected --max-attempts 0", "no number from 1 up"),
        ("rejected --limit -1", "no number from 1 up"),
        ("articles --into sha/dow", "cannot begin a topic's name"),
        ("articles --partition two", "no number from 0 up"),
        ("articles --from-offset ٣", "no number from 0 up"),
        ("articles --tolerance nan", "no number from 0 to 1"),
        ("articles --from-offset 1", "say --partition too"),
        ("articles --partition 0 --from-offset 1 --from-time 1h", "not by both"),
        ("articles --partition 0 --from-offset 2 --until-offset 2", "--until-offset must be greater"),
        ("articles --from-time 1h --until-time 2h", "--until-time must be later"),
        ("", "SOURCE"),
    ],
)
def test_arguments_that_make_no_sense_are_a_usage_error(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, before anything is connected to, and the line says what would make sense."""
    try:
        status = cli.main(["replay", *line.split()])
    except SystemExit as left:
        status = int(str(left.code))

    assert status == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("source", ["rejected", "articles"])
def test_its_help_teaches(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it does, what it does not do by itself, and examples."""
    with pytest.raises(SystemExit):
        cli.main(["replay", source, "--help"])

    shown = capsys.readouterr().out
    assert f"newsstream replay {source}" in shown.partition("examples:")[2]
    assert "--yes" in shown


# --- what is read ---------------------------------------------------------------------------------


def test_a_part_holds_what_was_sent_in_its_time() -> None:
    """From the first moment up to, and without, the last; a part without times holds everything, also what has no time."""
    part = reading.Part(topic="t", spans=(), since_ms=10, until_ms=20)
    spans = (reading.Span(partition=0, first=3, end=9), reading.Span(partition=1, first=4, end=4))

    assert [part.holds(at) for at in (-1, 9, 10, 19, 20)] == [False, False, True, True, False]
    assert reading.Part(topic="t", spans=()).holds(-1)
    assert reading.Part(topic="t", spans=spans).offsets == 6


# --- what is chosen -------------------------------------------------------------------------------


def test_a_message_is_sent_once_however_often_it_was_refused() -> None:
    """A rejection written twice, and a replay refused at a new offset, are one message, with the most attempts of them."""
    with _collected(
        (_rejected(offset=7), 1), (_rejected(offset=7), 2), (_rejected(offset=9, attempts=1), 3), (_rejected(b"[]"), 4)
    ) as found:
        assert found.counts() == {(Reason.CRASHED, Verdict.SEND): 2}
        assert [found.attempts_to_send(partition=0, offset=offset) for offset in range(4)] == [2, None, None, 1]
        assert [line.attempts for line in found.lines()] == [2, 1]


def test_the_same_bytes_under_another_key_are_another_message() -> None:
    """And no key is not an empty key."""
    with _collected((_rejected(key=None), 1), (_rejected(key=b""), 2), (_rejected(key=b"k"), 3)) as found:
        assert found.counts() == {(Reason.CRASHED, Verdict.SEND): 3}


def test_what_becomes_of_a_message() -> None:
    """Settled, refused too often, without its bytes, without any: each is left alone, and counted under its reason."""
    with _collected(
        (_rejected(b'{"text": "settled"}', article_id="settled"), 10),
        (_rejected(b'{"text": "often"}', attempts=2), 11),
        (_rejected(b"x" * 50, reason=Reason.TOO_LARGE, keep=10), 12),
        (_rejected(None, reason=Reason.EMPTY), 13),
        (_rejected(), 14),
        max_attempts=3,
    ) as found:
        found.enriched("settled", at_ms=11)
        found.enriched("a", at_ms=9)

        assert found.earliest() == datetime.fromtimestamp(0.01, UTC)
        assert found.counts() == {
            (Reason.CRASHED, Verdict.ENRICHED_SINCE): 1,
            (Reason.CRASHED, Verdict.REFUSED_TOO_OFTEN): 1,
            (Reason.TOO_LARGE, Verdict.BYTES_NOT_KEPT): 1,
            (Reason.EMPTY, Verdict.NO_VALUE): 1,
            (Reason.CRASHED, Verdict.SEND): 1,
        }
        assert [found.attempts_to_send(partition=0, offset=offset) for offset in range(5)] == [None] * 4 + [1]
        assert len(list(found.lines(per_reason=1))) == 3


def test_damaged_bytes_are_not_sent() -> None:
    """The digest tells."""
    whole = _rejected()
    damaged = whole.model_copy(update={"original": whole.original.model_copy(update={"value": base64.b64encode(b"{}").decode()})})

    with _collected((damaged, 1)) as found:
        assert found.counts() == {(Reason.CRASHED, Verdict.BYTES_NOT_KEPT): 1}


def test_a_later_refusal_counts_even_where_it_is_not_chosen() -> None:
    """Whoever chooses the first crash by its time cannot send poison round for ever."""
    until = datetime.fromtimestamp(5 / 1000, UTC)

    with _collected((_rejected(), 1), (_rejected(attempts=1, reason=Reason.TIMED_OUT), 9), until=until, max_attempts=2) as found:
        assert found.counts() == {(Reason.CRASHED, Verdict.REFUSED_TOO_OFTEN): 1}


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ({"reasons": frozenset({Reason.CRASHED})}, ["a"]),
        ({"since": datetime.fromtimestamp(0.002, UTC)}, ["b"]),
        ({"until": datetime.fromtimestamp(0.002, UTC)}, ["a"]),
        ({"ids": frozenset({"b"})}, ["b"]),
        ({"ids": frozenset({"a", "b"})}, ["a", "b"]),
        ({"ids": frozenset({"a"}), "reasons": frozenset({Reason.INVALID})}, []),
    ],
)
def test_rejections_are_chosen_by_what_is_said_of_them(choice: dict[str, Any], chosen: list[str]) -> None:
    """Everything that is said must hold."""
    one = _rejected()
    other = _rejected(b'{"id": "b", "text": "Roma"}', reason=Reason.INVALID, article_id=None)

    with _collected((one, 1), (other, 2), **choice) as found:
        assert [line.article_id for line in found.lines()] == chosen
        assert found.unknown() == tuple(sorted(choice.get("ids", frozenset()) - set(chosen)))


def test_a_rejection_is_found_by_its_own_id() -> None:
    """What was no article has no other."""
    record = _rejected(b"[]", article_id=None)

    with _collected((record, 1), ids=frozenset({record.id})) as found:
        assert found.unknown() == ()
        assert [line.article_id for line in found.lines()] == [None]


# --- what is sent ---------------------------------------------------------------------------------


def test_the_trace_is_that_of_the_rejection() -> None:
    """Where the message brought none, one was derived from its old offset; attempts are counted anew."""
    own = (("traceparent", b"nonsense"), ("from", b"a"), ("newsstream-attempts", b"1"), ("from", b"b"))
    record = _rejected(headers=own)
    travelled = (("ce_id", b"x"), ("traceparent", b"00-abc"), ("content-type", b"application/json"))

    assert rejections.headers(record, travelled=travelled, attempts=2) == [
        ("from", b"a"),
        ("from", b"b"),
        ("traceparent", b"00-abc"),
        ("newsstream-attempts", b"2"),
    ]


def test_without_headers_of_its_own_a_rejection_leaves_the_message_its_trace() -> None:
    """A tool that copied the topic may have lost them."""
    record = _rejected(headers=(("traceparent", b"00-own"),))

    assert rejections.headers(record, travelled=(), attempts=1)[0] == ("traceparent", b"00-own")


# --- how articles compare -------------------------------------------------------------------------


def _article(language: str = "it") -> EnrichedArticle:
    return EnrichedArticle(
        article_id="a",
        title="Roma",
        text="Kyiv",
        processed_at=NOW,
        language=Language(code=language, confidence=1),
        entities=(),
        primary_event_type=EventType.NONE,
        events=(),
        provenance=Provenance(service="0", event_ontology="plover-0.8", models=()),
        timings={},
    )


@pytest.mark.parametrize(
    ("before", "now", "standing"),
    [
        (Before(record=_article()), _article(), Standing.SAME),
        (Before(record=_article()), _article("uk"), Standing.CHANGED),
        (Before(record=_article()), Reason.CRASHED, Standing.NOW_REJECTED),
        (Before(reason=Reason.CRASHED), Reason.CRASHED, Standing.SAME),
        (Before(reason=Reason.CRASHED), Reason.TIMED_OUT, Standing.OTHER_REASON),
        (Before(reason=Reason.CRASHED), _article(), Standing.NOW_ENRICHED),
        (Before(), _article(), Standing.NOT_PUBLISHED_BEFORE),
        (Before(), Reason.INVALID, Standing.NOT_PUBLISHED_BEFORE),
        (Before(unreadable=True), _article(), Standing.UNREADABLE_BEFORE),
    ],
)
def test_an_article_stands_as_its_two_outcomes_say(before: Before, now: EnrichedArticle | Reason, standing: Standing) -> None:
    """Enriched, rejected or nothing before; enriched or rejected now."""
    compared = comparison.compare(Message(value=b""), before, now, tolerance=0.05)

    assert compared.standing is standing
    assert (compared.differences is not None) == (standing is Standing.CHANGED)


def test_what_has_changed_is_counted_and_shown() -> None:
    """As a table for people, as JSON for programs."""
    tally = Tally()
    changed = comparison.compare(Message(value=b""), Before(record=_article()), _article("uk"), tolerance=0.05)
    gone = comparison.compare(Message(value=b""), Before(record=_article()), Reason.CRASHED, tolerance=0.05)
    for one in (changed, gone, changed):
        tally.add(one)

    assert tally.articles == {"changed": 2, "now_rejected": 1}
    assert tally.changes == {"language": 2}
    assert changed.differences == Differences(language=Change(before="it", now="uk"))
    assert json.loads(changed.model_dump_json())["differences"]["language"] == {"before": "it", "now": "uk"}
    assert tables.changed([changed, gone]).row_count == 2
    assert tables.counts(tally).row_count == 3


def test_a_full_disk_is_said_in_one_line() -> None:
    """With where the file lies, and how to choose another place."""
    with pytest.raises(ReplayError, match="TMPDIR"), scratch.scratch("CREATE TABLE t (x)") as database:
        raise sqlite3.OperationalError("database or disk is full")
    assert database is not None
