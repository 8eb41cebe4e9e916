"""Commit only what was acknowledged, in order: Faust's own arithmetic of offsets is replaced by a ledger.

Faust 0.15.3 commits past gaps in three ways (``Consumer._new_offset`` compares with ``> 1`` and checks nothing while the
committed offset is 0 or None; a message of an old generation is acknowledged without having been processed; gaps are filled
in advance). Here the offset to commit is the one after the last message that `Ledger.acknowledge` was told of, nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class Ledger:
    """The offset after the last acknowledged message of each partition, and after the last taken in, in this assignment."""

    def __init__(self) -> None:
        self._next: dict[TP, int] = {}
        self._taken: dict[TP, int] = {}

    def take(self, tp: TP, offset: int) -> bool:
        """Whether a message is new: Faust delivers some twice when it seeks back while it fetches."""
        if offset < self._taken.get(tp, 0):
            return False
        self._taken[tp] = offset + 1
        return True

    def acknowledge(self, tp: TP, offset: int) -> None:
        """Everything of `tp` up to `offset` is done; raises `ValueError` when told out of order."""
        if offset < self._next.get(tp, 0):
            raise ValueError(f"{tp}: offset {offset} was acknowledged after {self._next[tp] - 1}")
        self._next[tp] = offset + 1

    def committable(self, tp: TP) -> int | None:
        """The offset to commit; None where nothing was acknowledged."""
        return self._next.get(tp)

    def finished(self, tp: TP, *, last: int | None, committed: int) -> bool:
        """Whether all that was handed out, up to `last`, was taken in, and all that was taken in is acknowledged."""
        taken = self._taken.get(tp)
        if taken is None:
            return last is None or last <= committed  # Faust begins to count at what is committed
        return (last is None or last < taken) and self._next.get(tp) == taken

    def partitions(self) -> Iterator[TP]:
        """Partitions of which something was acknowledged."""
        return iter(tuple(self._next))

    def forget(self, tps: set[TP]) -> None:
        """Partitions that were revoked: whoever has them next starts from what was committed."""
        for tp in tps:
            self._next.pop(tp, None)
            self._taken.pop(tp, None)


@dataclass(frozen=True, slots=True)
class Known:
    """What the consumer knows of a partition; None where Kafka has not told yet."""

    end: int | None
    """The offset after its last message."""
    heard: float | None
    """When Kafka last answered a fetch, in Unix time."""
    done: int
    """The offset after the last acknowledged message, or else the committed one."""
    drained: bool
    """All that there is was handed out, taken in, and acknowledged."""


class LedgerConsumer(driver.Consumer):
    """Faust's consumer, which commits what the ledger says."""

    ledger: ClassVar[Ledger]
    logger = logging.getLogger("faust.consumer")

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.ledger.partitions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        # Faust keeps lists of acknowledged offsets that nobody but this method would ever empty.
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self.ledger.committable(tp)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002
        """Commit; what could not be committed is not remembered as if it were."""
        before = {tp: self._committed_offset[tp] for tp in offsets}
        committed: bool = await super()._commit_offsets(offsets, start_new_transaction)
        if not committed:
            self._committed_offset.update(before)
        return committed

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002 - Faust's signature
        """Commit what is acknowledged by now.

        Where a commit is under way, Faust waits for it and does nothing: what was acknowledged since that one began stays
        uncommitted, and comes twice when it was the last commit before the partition is given away.
        """
        await self.maybe_wait_for_commit_to_finish()
        return bool(await super().commit(topics, start_new_transaction=start_new_transaction))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps (compaction, transaction markers) need no filling where only the last offset counts."""

    def known(self, tp: TP) -> Known:
        """What is known of an assigned partition, without asking anybody."""
        subscription = self._thread._ensure_consumer()._subscription.subscription  # noqa: SLF001 - only its coroutine is public
        state = subscription.assignment and subscription.assignment.state_value(tp)
        end = state.highwater if state else None
        committed, done = self._committed_offset.get(tp) or 0, self.ledger.committable(tp)
        return Known(
            end=end,
            heard=state.timestamp / 1000 if state and state.timestamp else None,
            done=committed if done is None else done,
            drained=end is not None
            and state.has_valid_position
            and state.position >= end
            and self.ledger.finished(tp, last=self._read_offset.get(tp), committed=committed),
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every partition to its committed offset; to its beginning where none, or 0, is committed.

        aiokafka leaves such a partition where it is, so what was fetched and dropped would be skipped.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        untouched = [tp for tp, offset in committed.items() if not offset]
        if untouched:
            await self._thread.seek_to_beginning(*untouched)
        return committed


def consumer_class(ledger: Ledger) -> type[LedgerConsumer]:
    """A consumer class for one app, bound to its ledger."""
    return type("BoundLedgerConsumer", (LedgerConsumer,), {"ledger": ledger})
