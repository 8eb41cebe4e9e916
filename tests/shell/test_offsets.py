"""What is committed is what was acknowledged, in order, and nothing else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream import offsets

P0, P1 = TP("news.articles", 0), TP("news.articles", 1)


def test_the_offset_after_the_last_acknowledged_message_is_committable() -> None:
    """Gaps that the broker leaves (compaction, transaction markers) are no reason to wait."""
    ledger = offsets.Ledger()
    ledger.acknowledge(P0, 4)
    ledger.acknowledge(P0, 7)

    assert ledger.committable(P0) == 8
    assert ledger.committable(P1) is None
    assert list(ledger.partitions()) == [P0]


def test_an_acknowledgement_out_of_order_is_a_bug_of_ours() -> None:
    """It is loud: a commit that skips a message loses it."""
    ledger = offsets.Ledger()
    ledger.acknowledge(P0, 7)

    with pytest.raises(ValueError, match="offset 6 was acknowledged after 7"):
        ledger.acknowledge(P0, 6)


def test_a_revoked_partition_is_forgotten() -> None:
    """Whoever has it next starts from what was committed; so do we when it comes back."""
    ledger = offsets.Ledger()
    ledger.acknowledge(P0, 7)
    ledger.acknowledge(P1, 3)

    ledger.forget({P0})

    assert ledger.committable(P0) is None
    assert ledger.committable(P1) == 4
    ledger.acknowledge(P0, 2)
    assert ledger.committable(P0) == 3


def test_a_message_is_taken_in_once_in_an_assignment() -> None:
    """Faust seeks back while a fetch is under way, and so delivers some messages twice: the second time is no news."""
    ledger = offsets.Ledger()

    taken = [ledger.take(P0, offset) for offset in (100, 101, 100, 101, 102)]
    ledger.forget({P0})

    assert taken == [True, True, False, False, True]
    assert ledger.take(P0, 100)
    assert ledger.take(P1, 0)


def test_a_commit_covers_everything_that_was_acknowledged_before_it_was_asked_for() -> None:
    """The timer's commit is under way when the last article is acknowledged: the commit of the shutdown must not be skipped."""
    committed: list[int | None] = []
    ledger = offsets.Ledger()

    class Slow(offsets.consumer_class(ledger)):  # type: ignore[misc]
        """Reads the ledger at once, and takes its time to tell the broker."""

        async def force_commit(self, *_: Any, **__: Any) -> bool:
            offset = ledger.committable(P0)
            await asyncio.sleep(0.01)
            committed.append(offset)
            return True

    async def act() -> None:
        consumer = Slow.__new__(Slow)
        consumer.app, consumer._loop = SimpleNamespace(client_only=False), asyncio.get_running_loop()
        ledger.acknowledge(P0, 1)
        timer = asyncio.create_task(consumer.commit())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ledger.acknowledge(P0, 2)
        await consumer.commit()
        await timer

    asyncio.run(act())

    assert committed == [2, 3]


@given(st.lists(st.integers(min_value=0, max_value=50), min_size=1))
def test_nothing_beyond_the_last_acknowledged_message_is_ever_committable(steps: list[int]) -> None:
    """For any growing sequence of offsets."""
    ledger = offsets.Ledger()
    offset = -1
    for step in steps:
        offset += 1 + step
        ledger.acknowledge(P0, offset)

        assert ledger.committable(P0) == offset + 1
