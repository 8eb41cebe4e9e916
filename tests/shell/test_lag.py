"""How far behind a worker is, also when nothing can be fetched."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from stream import lag
from stream.lag import Lag, Sight


def _seconds(sights: Iterable[tuple[float, Sight]]) -> list[float]:
    meter = Lag()
    return [meter.read({0: sight}, now=now).seconds for now, sight in sights]


def test_nothing_waits() -> None:
    """All is acknowledged, and Kafka was heard of a moment ago."""
    reading = Lag().read({0: Sight(end=7, done=7, heard=99)}, now=100)

    assert reading == lag.Reading({0: 0}, 0)


def test_the_oldest_article_in_flight_is_as_old_as_it_says() -> None:
    """Of two partitions, the one that is further behind counts."""
    sights = {0: Sight(end=9, done=7, heard=100, oldest=90), 1: Sight(end=5, done=4, heard=100, oldest=60)}

    reading = Lag().read(sights, now=100)

    assert reading == lag.Reading({0: 2, 1: 1}, 40)


def test_what_waits_and_cannot_be_taken_in_grows_old() -> None:
    """Nothing is in flight: the intake waits, or a rebalance never ends. The age counts from when it was seen first."""
    waiting = [(now, Sight(end=9, done=7, heard=now)) for now in (100.0, 101.0, 160.0)]

    assert _seconds(waiting) == [0, 1, 60]


def test_the_age_is_that_of_the_oldest_that_still_waits() -> None:
    """One article more every ten seconds, and one acknowledged every ten: always some ten seconds behind, never more."""
    sights = [(10.0 * n, Sight(end=n + 1, done=max(0, n - 1), heard=10.0 * n)) for n in range(1, 20)]

    assert set(_seconds(sights)[2:]) == {10}


def test_a_kafka_that_is_silent_is_no_good_news() -> None:
    """Nothing was waiting when it was last heard of; what has arrived since, nobody knows, so it may be that far behind."""
    silent = [(now, Sight(end=7, done=7, heard=100)) for now in (101.0, 109.0, 130.0, 400.0)]
    never_heard_of = [(now, Sight()) for now in (100.0, 105.0, 190.0)]

    assert _seconds(silent) == [0, 0, 30, 300]
    assert _seconds(never_heard_of) == [0, 0, 90]


def test_gaps_at_the_end_are_no_lag() -> None:
    """A transaction ends with a marker, which nobody gets: an idle topic is not behind, and wakes nobody."""
    reading = [Lag().read({0: Sight(end=8, done=7, drained=True, heard=now)}, now=now) for now in (100.0, 900.0)]

    assert [(item.messages[0], item.seconds) for item in reading] == [(0, 0), (0, 0)]


def test_a_timestamp_from_the_future_is_no_negative_age() -> None:
    """Producers' clocks are what they are; what waits still has the age at which it was seen."""
    sights = [(now, Sight(end=9, done=7, heard=now, oldest=10_000)) for now in (100.0, 130.0)]

    assert _seconds(sights) == [0, 30]


def test_a_revoked_partition_is_forgotten() -> None:
    """When it comes back, it begins anew: somebody else has worked on it."""
    meter = Lag()
    meter.read({0: Sight(end=9, done=7, heard=100), 1: Sight(end=1, done=1, heard=100)}, now=100)
    meter.read({1: Sight(end=1, done=1, heard=200)}, now=200)

    back = meter.read({0: Sight(end=9, done=8, heard=300)}, now=300)

    assert back == lag.Reading({0: 1}, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=200))
def test_the_age_is_right_to_the_second_whatever_comes_and_goes(steps: list[tuple[int, int]]) -> None:
    """Against the plain list of when each message was seen first."""
    meter, arrived, done = Lag(), list[float](), 0
    for second, (come, gone) in enumerate(steps):
        now = float(second)
        arrived += [now] * come
        done = min(len(arrived), done + gone)

        reading = meter.read({0: Sight(end=len(arrived), done=done, heard=now)}, now=now)

        assert reading.messages[0] == len(arrived) - done
        assert reading.seconds == (now - arrived[done] if done < len(arrived) else 0)


def test_what_it_remembers_is_bounded() -> None:
    """A day of traffic with nothing acknowledged: the age stays right, the memory small."""
    meter = Lag()
    for second in range(20_000):
        reading = meter.read({0: Sight(end=second + 1, heard=second)}, now=second)

    assert reading.seconds == 19_999
    assert len(meter._marks[0]) <= lag._MAX_MARKS
