"""What travels beside the value, read by other people's libraries: CloudEvents' own, and OpenTelemetry's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stream import codec, config, topics
from stream.codec import Encoded
from stream.records import Message, Record, Rejected

FOLDER = Path(__file__).parents[2] / "schemas"
EXAMPLES = sorted(path for path in FOLDER.glob("*/examples/v1/*.json") if path.parents[2].name != "article")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def _record(path: Path) -> Record:
    return codec.record_from_json(path.read_bytes())


def _encoded(
    record: Record,
    *headers: tuple[str, bytes],
    schema_ids: dict[str, int] | None = None,
    traces_ratio: float | None = None,
) -> Encoded:
    message = Message(value=b"{}", topic="news.articles", partition=1, offset=7, headers=headers)
    return codec.encode(record, message=message, source="newsstream/test", schema_ids=schema_ids, traces_ratio=traces_ratio)


def _span(made: Encoded) -> trace.SpanContext:
    """The trace context of a record, as OpenTelemetry reads it; invalid where it does not."""
    carrier = {name: value.decode() for name, value in made.headers if name in ("traceparent", "tracestate")}
    return trace.get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parents[2].name}/{path.stem}")
def test_cloudevents_own_library_reads_what_we_meant(path: Path) -> None:
    """Attributes from the headers, data from the value, the key as its partition key."""
    record = _record(path)
    made = _encoded(record)

    event = from_binary(KafkaMessage(dict(made.headers), made.key, made.value), JSONFormat())

    name = path.parents[2].name
    assert (event.get_specversion(), event.get_type()) == ("1.0", f"newsstream.{name}.v1")
    assert (event.get_id(), event.get_source()) == (topics.id_of(record), "newsstream/test")
    assert event.get_time() == record.processed_at
    assert event.get_dataschema() == json.loads((FOLDER / name / "v1.json").read_bytes())["$id"]
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == json.loads(codec.to_json(record))
    assert event.get_extension("partitionkey") == topics.key_of(record)


def test_cloudevents_own_library_leaves_a_framed_value_alone() -> None:
    """A value in the wire format is no JSON, and its content type does not say so: nobody's JSON parser stumbles over it."""
    record = _record(EXAMPLES[0])
    made = _encoded(record, schema_ids={topics.topic_of(record).name: 200})

    event = from_binary(KafkaMessage(dict(made.headers), made.key, made.value), JSONFormat())

    assert event.get_datacontenttype() == "application/octet-stream"
    assert event.get_data() == made.value
    assert json.loads(codec.unframed(made.value)) == json.loads(codec.to_json(record))


@pytest.mark.parametrize("group", ["night desk", "новини", "a/b?c#d", "100%"])
def test_the_source_is_a_uri_reference_whatever_the_group_is_called(group: str) -> None:
    """CloudEvents asks for one; other groups keep their names as they are."""
    source = config.Settings(group_id=group).options().source

    assert source.isascii()
    assert not set(source) & set(' ?#<>"')
    assert source.count("/") == 1
    assert config.Settings(group_id="night-desk.1_a~").options().source == "newsstream/night-desk.1_a~"


@pytest.mark.parametrize("ratio", [None, 0.5])
def test_opentelemetry_finds_our_records_in_the_trace_of_the_article(ratio: float | None) -> None:
    """The same trace, sampled as before, the state as it came; children of our span, or of the sender's where we make none."""
    parent = ("traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    state = ("tracestate", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")

    spans = [_span(_encoded(_record(path), parent, state, traces_ratio=ratio)) for path in EXAMPLES]

    assert all(span.is_valid for span in spans)
    assert {f"{span.trace_id:032x}" for span in spans} == {TRACE}
    assert all(span.trace_flags.sampled for span in spans)
    assert {span.trace_state.to_header() for span in spans} == {"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"}
    (named,) = {f"{span.span_id:016x}" for span in spans}
    assert (named == PARENT) is (ratio is None)


def test_a_trace_that_is_not_sampled_stays_so() -> None:
    """Nobody's bill grows because of us."""
    made = _encoded(_record(EXAMPLES[0]), ("traceparent", f"00-{TRACE}-{PARENT}-00".encode()))

    assert not _span(made).trace_flags.sampled


def test_a_new_trace_is_one_for_opentelemetry_too() -> None:
    """All records of one article share it."""
    spans = [_span(_encoded(_record(path))) for path in EXAMPLES]

    assert all(span.is_valid for span in spans)
    assert len({span.trace_id for span in spans}) == 1


@pytest.mark.parametrize(
    ("parent", "goes_on"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"01-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", True),
        (f"cc-{TRACE}-{PARENT}-01.what", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{PARENT}-1", False),
        (f" 00-{TRACE}-{PARENT}-01", False),
        (f"00-{TRACE}-{PARENT}-01\n", False),
    ],
)
def test_later_versions_of_the_trace_are_read_and_broken_ones_are_not(parent: str, *, goes_on: bool) -> None:
    """W3C: a later version may only add to the end; whatever is broken starts a new trace."""
    span = _span(_encoded(_record(EXAMPLES[0]), ("traceparent", parent.encode())))

    assert span.is_valid
    assert (f"{span.trace_id:032x}" == TRACE) is goes_on


@pytest.mark.parametrize(("flags", "kept"), [("01", "01"), ("03", "03"), ("ff", "03"), ("00", "00"), ("fe", "02")])
def test_flags_that_nobody_knows_are_not_passed_on(flags: str, kept: str) -> None:
    """Sampled and random are known; the rest is zero, as W3C asks."""
    made = _encoded(_record(EXAMPLES[0]), ("traceparent", f"00-{TRACE}-{PARENT}-{flags}".encode()))

    assert dict(made.headers)["traceparent"].endswith(f"-{kept}".encode())


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ((b"a=1", b"b=2"), b"a=1,b=2"),
        ((b"",), None),
        (("é=1".encode(),), None),
        ((b"a=" + b"x" * 511,), None),
        ((b"a=" + b"x" * 510,), b"a=" + b"x" * 510),
    ],
)
def test_vendors_state_is_passed_on_within_reason(states: tuple[bytes, ...], kept: bytes | None) -> None:
    """Several headers are one; what is no text, or would be repeated at length on every record, is left out: never the trace."""
    headers = [("traceparent", f"00-{TRACE}-{PARENT}-01".encode()), *(("tracestate", state) for state in states)]

    made = dict(_encoded(_record(EXAMPLES[0]), *headers).headers)

    assert made.get("tracestate") == kept
    assert TRACE in made["traceparent"].decode()


def test_a_rejection_says_where_it_came_from_in_its_headers() -> None:
    """Kafka Streams' names, as text."""
    refused = codec.decode(
        Message(value=b"{", topic="news.articles", partition=3, offset=41),
        max_bytes=9,
        now=datetime(2026, 3, 2, tzinfo=UTC),
        service="0",
    )
    assert isinstance(refused, Rejected)

    headers = dict(_encoded(refused).headers)

    assert headers["__streams.errors.exception"] == b"not_json"
    assert [headers[f"__streams.errors.{name}"] for name in ("topic", "partition", "offset")] == [b"news.articles", b"3", b"41"]
