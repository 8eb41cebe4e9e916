"""A header with any name is read; everything else is read as before."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from stream import headers
from tests.kafka.names import Name


def batch(*names: bytes, compression: int = 0, base: int = 0) -> bytes:
    """A batch of messages with one header each."""
    builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=compression,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for offset, name in enumerate(names):
        builder.append(offset, timestamp=1, key=b"k", value=b"v%d" % offset, headers=[(Name(name), b"x")])
    data = bytearray(builder.build())
    data[:8] = base.to_bytes(8, "big")
    return bytes(data)


def _read(data: bytes) -> list[tuple[int, Any, Any]]:
    records, found = headers.Records(data), []
    while records.has_next():
        one = records.next_batch()
        assert one.validate_crc()
        found += [(record.offset, record.value, record.headers) for record in one]
    return found


def test_aiokafka_itself_fails() -> None:
    """The reason for all this: when this test fails, the module can go."""
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(batch(b"\xff")).next_batch())


@pytest.mark.parametrize("compression", [0, 1, 3])
def test_any_name_is_read_and_no_message_is_missed_or_read_twice(compression: int) -> None:
    """In the middle of a batch, plain or compressed, and in the batch after it."""
    data = batch(b"a", b"\xff\xfe", "è".encode(), compression=compression) + batch(b"\xed\xa0\x80", base=3)

    assert _read(data) == [
        (0, b"v0", [("a", b"x")]),
        (1, b"v1", [("\ufffd\ufffd", b"x")]),
        (2, b"v2", [("è", b"x")]),
        (3, b"v0", [("\ufffd\ufffd\ufffd", b"x")]),
    ]


def test_a_part_of_a_batch_at_the_end_is_left_for_the_next_fetch() -> None:
    """A broker sends as much as was asked for, and may end in the middle of a batch."""
    assert [offset for offset, _, _ in _read(batch(b"a") + batch(b"b", base=1)[:-3])] == [0]


def test_consumers_read_through_it_once_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is replaced at import."""
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)

    headers.accept_any_name()

    assert fetcher.MemoryRecords is headers.Records
