"""Bytes to records and back: nothing raises, everything refused says why."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from stream import codec
from stream.records import Article, Message, Reason, Record, Rejected

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def _decode(value: bytes | None, *, max_bytes: int = 1024 * 1024) -> Article | Rejected:
    return codec.decode(Message(value=value), max_bytes=max_bytes, now=NOW, service="0.1.0")


def _refusal(value: bytes | None, *, max_bytes: int = 1024 * 1024) -> Rejected:
    decoded = _decode(value, max_bytes=max_bytes)
    assert isinstance(decoded, Rejected)
    return decoded


def _article(value: bytes) -> Article:
    decoded = _decode(value)
    assert isinstance(decoded, Article)
    return decoded


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        (None, Reason.EMPTY, "no value"),
        (b"", Reason.EMPTY, "zero bytes"),
        (b"\xff\xfe{\x00", Reason.NOT_UTF8, "byte 0"),
        (b'{"text": "caf\xe9"}', Reason.NOT_UTF8, "byte 13"),
        (b"Kyiv, 2 March", Reason.NOT_JSON, "line 1 column 1"),
        (b'{"text": "cut', Reason.NOT_JSON, "EOF"),
        (b'{"text": "a\x00b"}', Reason.NOT_JSON, "control character"),
        (b"[" * 100_000, Reason.NOT_JSON, "recursion"),
        (b'{"a":' * 100_000, Reason.NOT_JSON, "recursion"),
        (b"[]", Reason.INVALID, "object"),
        (b'"Kyiv"', Reason.INVALID, "object"),
        (b"{}", Reason.INVALID, "text"),
        (b'{"text": 7}', Reason.INVALID, "text"),
        (b'{"text": null}', Reason.INVALID, "text"),
        (b'{"text": "a", "id": ""}', Reason.INVALID, "id"),
        (b'{"text": "a", "metadata": []}', Reason.INVALID, "metadata"),
        (b'{"text": "a", "published_at": "yesterday"}', Reason.INVALID, "published_at"),
        (b'{"text": "a", "published_at": "0001-01-01T00:00:00+14:00"}', Reason.INVALID, "published_at"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(value: bytes | None, reason: Reason, words: str) -> None:
    """Whatever the bytes, the answer is a rejection whose detail tells a person what is wrong."""
    refused = _refusal(value)

    assert refused.reason is reason
    assert words in refused.detail


def test_a_value_above_the_limit_is_refused_before_it_is_read() -> None:
    """Ten megabytes of brackets cost nothing: the size alone decides, and only the beginning is kept."""
    refused = _refusal(b"[" * 10_000_000)

    assert refused.reason is Reason.TOO_LARGE
    assert refused.original.truncated
    assert refused.original.size == 10_000_000
    assert refused.original.value is not None
    assert len(base64.b64decode(refused.original.value)) == 64 * 1024


def test_a_refusal_keeps_the_original_bytes_and_coordinates() -> None:
    """Everything that is needed to try again is in the record."""
    message = Message(
        value=b"\x80\x81", key=b"k\xff", topic="news.articles", partition=3, offset=41, headers=(("h", b"\x00\x01"),), attempts=2
    )

    refused = codec.decode(message, max_bytes=10, now=NOW, service="0.1.0")

    assert isinstance(refused, Rejected)
    assert refused.original.value is not None
    assert base64.b64decode(refused.original.value) == b"\x80\x81"
    assert (refused.topic, refused.partition, refused.offset) == ("news.articles", 3, 41)
    assert base64.b64decode(refused.headers[0].value) == b"\x00\x01"
    assert refused.attempts == 3


def test_unknown_fields_are_tolerated_and_metadata_passes_through() -> None:
    """A producer may send more than we read."""
    found = _article(b'{"text": "a", "byline": "x", "metadata": {"desk": ["esteri", 1, null]}}')

    assert found.metadata == {"desk": ["esteri", 1, None]}


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    """Files from Windows begin with one."""
    assert _article(b'\xef\xbb\xbf{"text": "a"}').text == "a"


@pytest.mark.parametrize("schema", [0, 7, 2**32 - 1])
def test_an_article_in_a_schema_registry_s_frame_is_read(schema: int) -> None:
    """Byte 0, four bytes of an id, JSON, with or without a byte order mark: the same article, with the same id, as without."""
    plain = b'{"text": "Kyiv is quiet."}'

    assert _article(codec.framed(plain, schema)) == _article(plain)
    assert _article(codec.framed(b"\xef\xbb\xbf" + plain, schema)) == _article(plain)
    assert codec.schema_id(codec.framed(plain, schema)) == schema


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        (b"\x00", Reason.NOT_JSON, "line 1 column 1"),
        (b"\x00\x00\x00\x07", Reason.NOT_JSON, "line 1 column 1"),
        (b"\x00\x00\x00\x00\x07", Reason.NOT_JSON, "after a schema registry's frame"),
        (b"\x00\x00\x00\x00\x07\x06abc", Reason.NOT_JSON, "only JSON is read, not Avro"),
        (b"\x00\x00\x00\x00\x07\xff", Reason.NOT_UTF8, "only JSON is read, not Avro"),
        (b"\x01\x00\x00\x00\x07{}", Reason.NOT_JSON, "line 1 column 1"),
        (codec.framed(codec.framed(b'{"text": "a"}', 1), 1), Reason.NOT_JSON, "frame"),
        ('{"text": "a"}'.encode("utf-16-be"), Reason.NOT_JSON, "frame"),
        ('{"text": "a"}'.encode("utf-32-be"), Reason.NOT_JSON, "frame"),
        (codec.framed(b'{"text": 7}', 1), Reason.INVALID, "text"),
    ],
)
def test_what_is_no_json_in_a_frame_is_refused_whole(value: bytes, reason: Reason, words: str) -> None:
    """Avro, half a frame, another byte, two frames: the rejection keeps every byte, so that a replay gets what came."""
    refused = _refusal(value)

    assert refused.reason is reason
    assert words in refused.detail
    assert base64.b64decode(refused.original.value or "") == value


def test_a_record_is_framed_where_its_topic_has_an_id() -> None:
    """The frame comes before the same JSON; other topics' ids are nothing to it; and our own reader copes with both."""
    message = Message(value=b"x")
    record = _rejected(message)

    plain = codec.encode(record, message=message, source="newsstream/test", schema_ids={"enriched": 1})
    made = codec.encode(record, message=message, source="newsstream/test", schema_ids={"enriched": 1, "rejected": 258})

    assert made.value == b"\x00\x00\x00\x01\x02" + plain.value
    assert codec.record_from_json(made.value) == codec.record_from_json(plain.value) == record
    assert codec.unframed(made.value) == codec.unframed(plain.value) == plain.value


def test_lone_surrogates_are_replaced() -> None:
    """Half an emoji is odd, not wrong: it becomes U+FFFD, and whole emoji stay."""
    assert _article(b'{"text": "a\\ud83d b \\ud83d\\ude00"}').text == "a\ufffd b 😀"


def test_a_moment_without_a_zone_is_taken_as_utc() -> None:
    """Agencies forget the zone; one in Kyiv's summer is turned."""
    assert _article(b'{"text": "a", "published_at": "2026-03-02T08:30:00"}').published_at == NOW
    assert _article(b'{"text": "a", "published_at": "2026-03-02T10:30:00+02:00"}').published_at == NOW


def test_ids_are_functions_of_content() -> None:
    """The producer's id is kept; else the address decides, else the text: the same input gives the same id."""
    by_url = _article(b'{"url": "https://agenzia.example/1", "text": "a"}')
    corrected = _article(b'{"url": "https://agenzia.example/1", "text": "b"}')
    by_text = _article(b'{"text": "a"}')

    assert codec.article_id(_article(b'{"id": "x-1", "text": "a"}')) == "x-1"
    assert codec.article_id(by_url) == codec.article_id(corrected)
    assert codec.article_id(by_url) != codec.article_id(by_text)
    assert codec.article_id(by_text) == codec.article_id(_article(b'{"text": "a", "source": "other"}'))


def _rejected(message: Message) -> Rejected:
    return codec.reject(message, Reason.NOT_JSON, "no JSON", now=NOW, service="0.1.0")


def _headers_of(record: Record, message: Message) -> dict[str, bytes]:
    return dict(codec.encode(record, message=message, source="newsstream/test").headers)


def test_every_record_travels_as_a_cloud_event() -> None:
    """CloudEvents 1.0 in binary mode: the attributes are headers, the value is the data."""
    message = Message(value=b"x", topic="news.articles", partition=1, offset=2)
    record = _rejected(message)

    headers = _headers_of(record, message)

    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"].decode() == record.id
    assert headers["ce_type"] == b"newsstream.rejected.v1"
    assert headers["ce_time"] == b"2026-03-02T08:30:00Z"
    assert headers["ce_dataschema"] == b"urn:newsstream:rejected:1"
    assert headers["content-type"] == b"application/json"
    assert headers["__streams.errors.offset"] == b"2"


_SENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_trace_of_the_input_goes_on() -> None:
    """Where we make no spans, whoever reads the outputs belongs to whoever sent the article; the vendor's state is untouched."""
    message = Message(value=b"x", headers=(("traceparent", _SENT), ("tracestate", b"vendor=1")))

    headers = _headers_of(_rejected(message), message)

    assert headers["traceparent"] == _SENT
    assert headers["tracestate"] == b"vendor=1"


def test_where_spans_are_made_the_outputs_belong_to_ours() -> None:
    """The same trace, the sender's decision, and a span that tells two messages of one trace apart."""
    first, second = (Message(value=b"x", topic="a", offset=offset, headers=(("traceparent", _SENT),)) for offset in (1, 2))
    traces = [codec.trace(message, ratio=0.0) for message in (first, second, first)]

    sent = [dict(trace.headers())["traceparent"].decode() for trace in traces]

    assert all(parent.startswith("00-0af7651916cd43dd8448eb211c80319c-") and parent.endswith("-01") for parent in sent)
    assert sent[0].split("-")[2] == traces[0].span(codec.PUBLISH_SPAN) != traces[0].parent
    assert sent[0] == sent[2] != sent[1]


def test_a_share_of_the_traces_that_begin_here_is_sampled() -> None:
    """One in four, decided once, by the id: the outputs say so, and the spans follow."""
    traces = [codec.trace(Message(value=str(number).encode()), ratio=0.25) for number in range(2000)]

    assert 400 < sum(trace.sampled for trace in traces) < 600
    assert all(dict(trace.headers())["traceparent"].endswith(b"-01") == trace.sampled for trace in traces)
    assert codec.trace(Message(value=b"x"), ratio=None).sampled


@pytest.mark.parametrize("parent", [b"", b"nonsense", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", b"\xff"])
def test_a_trace_is_started_where_there_is_none(parent: bytes) -> None:
    """A missing or broken header gives a new trace, the same on every redelivery, and no foreign state."""
    message = Message(value=b"x", headers=(("traceparent", parent), ("tracestate", b"vendor=1")))

    first, second = _headers_of(_rejected(message), message), _headers_of(_rejected(message), message)

    assert first["traceparent"] == second["traceparent"]
    assert "tracestate" not in first


def test_a_record_reads_back_as_it_was() -> None:
    """Encoding loses nothing."""
    record = _rejected(Message(value=b"\x00\xff", key=b"k"))

    assert codec.record_from_json(codec.to_json(record)) == record
    assert json.loads(codec.to_json(record))["schema"] == "rejected/1"


def test_foreign_json_is_no_record() -> None:
    """Somebody else's schema is refused by name."""
    with pytest.raises(ValueError, match="enriched-article/9"):
        codec.record_from_json(b'{"schema": "enriched-article/9"}')


def test_an_odd_key_or_header_does_no_harm() -> None:
    """A megabyte of key and a thousand headers are cut, so that the rejection itself can be delivered."""
    message = Message(value=b"x", key=b"k" * 1_000_000, headers=tuple((f"h{number}", b"v" * 100_000) for number in range(1000)))

    assert len(codec.to_json(_rejected(message))) < 4_000_000


def test_a_rejection_without_its_original_fits_any_topic() -> None:
    """Headers of megabytes are cut, the last ones first: else no broker would take the rejection, and nothing could follow."""
    message = Message(
        value=b"x", headers=(("first", b"a" * 60_000), *((f"h{number}", b"x" * 1_000_000) for number in range(100)))
    )

    refused = codec.reject(message, Reason.CRASHED, "died", now=NOW, service="0", keep_bytes=0)

    assert len(codec.to_json(refused)) < 128 * 1024
    assert [len(base64.b64decode(header.value)) for header in refused.headers[:4]] == [60_000, 5_536, 0, 0]


@pytest.mark.parametrize("state", [b"x" * 513, b"\xff", b"a\nb", b""])
def test_a_tracestate_that_nobody_could_pass_on_is_left_out(state: bytes) -> None:
    """It stands in every record of an article: a long one would be multiplied, and the others are no header of W3C's."""
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    message = Message(value=b"x", headers=(("traceparent", trace), ("tracestate", state)))

    headers = _headers_of(_rejected(message), message)

    assert "tracestate" not in headers
    assert headers["traceparent"][:36] == trace[:36]


def test_a_surrogate_makes_nothing_readable_that_is_too_deep() -> None:
    """What is accepted can be read back: with a surrogate in it, deeper JSON than any reader of ours takes once was."""
    value = b'{"id":"\\ud800","text":"x","metadata":' + b'{"a":' * 210 + b"1" + b"}" * 211

    decoded = codec.decode(Message(value=value), max_bytes=10_000, now=NOW, service="0")

    assert isinstance(decoded, Rejected)
    assert decoded.reason is Reason.NOT_JSON


def test_a_surrogate_hides_no_wrong_type() -> None:
    """The reason is what is wrong with the article once the surrogate is replaced."""
    decoded = codec.decode(Message(value=b'{"title":"\\ud800","text":7}'), max_bytes=10_000, now=NOW, service="0")

    assert isinstance(decoded, Rejected)
    assert decoded.reason is Reason.INVALID
    assert decoded.detail.startswith("text:")
