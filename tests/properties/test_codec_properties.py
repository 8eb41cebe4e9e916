"""Properties of the codec: whatever the bytes, an answer; whatever the answer, a record that reads back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from stream import codec, outcome
from stream.records import Article, Message, Reason, Rejected
from tests import laws
from tests.properties import hostile

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
articles = st.dictionaries(
    st.sampled_from(["id", "url", "source", "title", "text", "published_at", "language", "metadata", "extra"]),
    json_values,
)
values = st.none() | st.binary(max_size=400) | articles.map(lambda item: json.dumps(item).encode())


@given(
    value=values,
    key=st.none() | st.binary(max_size=20),
    headers=st.lists(st.tuples(st.text(), st.binary(max_size=20)), max_size=4),
)
def test_decode_never_raises(value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    """Any value, key and headers give an article or a rejection that can be encoded and read back."""
    message = Message(value=value, key=key, headers=tuple(headers))

    decoded = codec.decode(message, max_bytes=300, now=NOW, service="0")

    if isinstance(decoded, Rejected):
        assert codec.record_from_json(codec.to_json(decoded)) == decoded
    else:
        assert codec.article_id(decoded)


@given(value=values)
def test_a_message_refused_from_outside_is_always_accounted_for(value: bytes | None) -> None:
    """A crash or a deadline makes one record, with the same id each time, for any value."""
    message = Message(value=value, topic="news.articles", partition=1, offset=2)
    options = outcome.Options(max_message_bytes=300)

    first = outcome.rejected(message, Reason.CRASHED, "died", options=options, now=NOW)
    second = outcome.rejected(message, Reason.CRASHED, "died", options=options, now=NOW)

    assert first == second
    assert [record.topic for record in first.records] == ["rejected"]


@given(item=articles)
def test_ids_do_not_depend_on_anything_but_content(item: dict[str, object]) -> None:
    """Two readings of the same article agree."""
    value = json.dumps(item).encode()

    found = [codec.decode(Message(value=value, offset=offset), max_bytes=10_000, now=NOW, service="0") for offset in (1, 2)]

    if all(isinstance(one, Article) for one in found):
        assert len({codec.article_id(one) for one in found if isinstance(one, Article)}) == 1


@given(value=hostile.values, key=hostile.keys, headers=hostile.headers)
def test_what_no_library_would_write_is_an_article_or_a_rejection(
    value: bytes | None, key: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    """Keys that stand twice, numbers without end, dates outside any calendar, surrogates alone: the same answer twice."""
    laws.of_decoding(Message(value=value, key=key, topic="news.articles", headers=headers))
