"""Headers whose names are no UTF-8 reach us like any others: aiokafka's reader fails on them, and so would every worker in turn.

The broker takes any bytes for the name of a header. aiokafka 0.14.0 raises `UnicodeDecodeError` in the middle of a batch and
reads the same batch again for ever, so that one such message stops its partition. There is no setting; its reader is replaced.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _OVERHEAD = 8, 12
"""Every batch begins with an offset of eight bytes, then the length of what follows these twelve."""


def accept_any_name() -> None:
    """Let the consumers of this process read headers with any name; what is no UTF-8 in it becomes U+FFFD."""
    fetcher.MemoryRecords = Records


class Records:
    """What aiokafka's fetcher reads batches from."""

    def __init__(self, data: bytes) -> None:
        self._batches = MemoryRecords(data)
        self._data = data
        self._at = 0
        self.size_in_bytes = self._batches.size_in_bytes
        self.has_next = self._batches.has_next

    def next_batch(self) -> _Batch:
        """The next batch, or an error of aiokafka's where it is broken."""
        batch = self._batches.next_batch()
        start = self._at
        (length,) = _LENGTH.unpack_from(self._data, start + _LENGTH_AT)
        self._at = start + _OVERHEAD + length
        return _Batch(batch, memoryview(self._data)[start : self._at])


class _Batch:
    """A batch of aiokafka's quick reader, whose iteration goes on with its slow one where the quick one fails on a name."""

    def __init__(self, quick: Any, data: memoryview) -> None:
        self._quick = quick
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._quick, name)

    def __next__(self) -> Any:
        return next(self._quick)

    def __iter__(self) -> Iterator[Any]:
        last = -1
        try:
            for record in self._quick:
                last = record.offset
                yield record
        except UnicodeDecodeError:
            yield from (record for record in _Patient(self._data) if record.offset > last)


class _Patient(_DefaultRecordBatchPy):  # type: ignore[misc]  # marked as final; its buffer is all that differs
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Patch(self._buffer)


class _Patch(bytearray):
    """Bytes of which every part can be decoded."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        found = super().__getitem__(at)
        return _Patch(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)
