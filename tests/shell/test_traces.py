"""Spans of the articles that have passed: whose children they are, what they say, and that nobody pays for them unasked."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from stream import codec, config, traces
from stream.outcome import Passage, Summary
from stream.records import Message, Reason
from tests import otlp

PARENT = "b7ad6b7169203331"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TIMINGS = (("decode", 0.25), ("text", 0.25), ("language", 0.25), ("entities", 1.0), ("events", 0.5))


def _passage(message: Message, summary: Summary, *, ratio: float = 1.0) -> Passage:
    return Passage(
        message=message,
        summary=summary,
        taken=1000.0,
        answered=1005.0,
        sent=1006.0,
        acknowledged=1007.0,
        trace=codec.trace(message, ratio=ratio),
    )


def _sent(parent: str = f"00-{TRACE}-{PARENT}-01", *, state: bytes = b"vendor=1") -> Message:
    headers = (("traceparent", parent.encode()), ("tracestate", state))
    return Message(value=b"{}", topic="news.articles", partition=3, offset=42, headers=headers)


def _spans(*passages: Passage) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()

    async def act() -> None:
        spans = traces.Spans(exporter, group="desk", version="1.2")
        for passage in passages:
            spans.record(passage)
        await spans.close(within=5)

    asyncio.run(act())
    return list(exporter.get_finished_spans())


def _id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def test_an_article_is_a_span_and_each_stage_is_one_of_its_children() -> None:
    """The article is a child of whoever sent it; the stages follow one another, and end when the answer came."""
    enriched = Summary("a1", None, language="it", entity_types=("PER",), event_types=("AID", "AID"), timings=TIMINGS)

    spans = {span.name: span for span in _spans(_passage(_sent(), enriched))}

    article = spans.pop("process news.articles")
    assert set(spans) == {"decode", "text", "language", "entities", "events", "publish"}
    assert {f"{span.context.trace_id:032x}" for span in (article, *spans.values()) if span.context} == {TRACE}
    assert article.parent is not None
    assert f"{article.parent.span_id:016x}" == PARENT
    assert article.parent.is_remote
    assert article.context is not None
    assert article.context.trace_state.get("vendor") == "1"
    assert all(span.parent and f"{span.parent.span_id:016x}" == _id(article) for span in spans.values())
    assert {name: ((span.start_time or 0) / 1e9, (span.end_time or 0) / 1e9) for name, span in spans.items()} == {
        "decode": (1002.75, 1003.0),
        "text": (1003.0, 1003.25),
        "language": (1003.25, 1003.5),
        "entities": (1003.5, 1004.5),
        "events": (1004.5, 1005.0),
        "publish": (1006.0, 1007.0),
    }
    said = dict(article.attributes or {})
    assert (said["newsstream.article_id"], said["newsstream.language"], said["newsstream.events"]) == ("a1", "it", 2)
    assert (said["messaging.destination.partition.id"], said["messaging.kafka.offset"]) == ("3", 42)
    assert said["messaging.consumer.group.name"] == "desk"
    assert article.status.is_unset


def test_the_outputs_belong_to_the_span_that_published_them() -> None:
    """Whoever reads an enriched article and traces too is a child of our publish span, with and without a sender."""
    for message in (_sent(), Message(value=b"{}", topic="news.articles", offset=7)):
        outgoing = dict(codec.trace(message, ratio=1.0).headers())["traceparent"].decode().split("-")

        (publish,) = [span for span in _spans(_passage(message, Summary("a", None))) if span.name == "publish"]

        assert publish.context is not None
        assert outgoing[1:3] == [f"{publish.context.trace_id:032x}", _id(publish)]


def test_a_trace_that_begins_here_has_no_parent() -> None:
    """The article is its root."""
    spans = _spans(_passage(Message(value=b"{}", topic="news.articles"), Summary("a", None)))

    assert [span.name for span in spans if span.parent is None] == ["process news.articles"]


def test_a_rejected_article_is_an_error_with_its_reason() -> None:
    """Whoever searches for errors finds it; it has no stages."""
    spans = {span.name: span for span in _spans(_passage(_sent(), Summary(None, Reason.TIMED_OUT)))}

    article = spans["process news.articles"]
    assert set(spans) == {"process news.articles", "publish"}
    assert article.status.description == "timed_out"
    assert dict(article.attributes or {})["error.type"] == "timed_out"


def test_who_sends_the_article_decides_whether_it_is_traced() -> None:
    """A trace that its sender does not sample is left alone; of those that begin here, our own share counts."""
    unsampled = _passage(_sent(f"00-{TRACE}-{PARENT}-00"), Summary("a", None))
    none_of_ours = _passage(Message(value=b"{}"), Summary("a", None), ratio=0.0)

    assert _spans(unsampled, none_of_ours) == []


@given(st.text(max_size=60), st.binary(max_size=60), st.text(max_size=40))
def test_whatever_the_headers_say_nothing_raises(parent: str, state: bytes, article_id: str) -> None:
    """Producers write anything; a span is not worth an article."""
    message = Message(value=b"x", headers=(("traceparent", parent.encode("utf-8", "replace")), ("tracestate", state)))
    sent = Message(value=b"x", headers=(("traceparent", f"00-{TRACE}-{PARENT}-01".encode()), ("tracestate", state)))

    for one in (message, sent):
        _SHARED.record(_passage(one, Summary(article_id, None, timings=TIMINGS)))


_SHARED = traces.Spans(InMemorySpanExporter(), group="desk", version="1.2")


def test_spans_arrive_at_an_otlp_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP, where OpenTelemetry's own variable says; with the service's name, which the environment may overrule."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=night")

    async def act() -> None:
        spans = traces.opened("otlp", group="desk", version="1.2")
        spans.record(_passage(_sent(), Summary("a1", None, timings=TIMINGS)))
        await spans.close(within=5)

    with otlp.receiver() as (address, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        asyncio.run(act())

    (batch,) = [spans for request in received for spans in request.resource_spans]
    resource = {item.key: item.value.string_value for item in batch.resource.attributes}
    assert (resource["service.name"], resource["service.version"]) == ("newsstream", "1.2")
    assert resource["deployment.environment.name"] == "night"
    names = {span.name: span.parent_span_id.hex() for scope in batch.scope_spans for span in scope.spans}
    assert len(names) == 7
    assert names["process news.articles"] == PARENT


@pytest.mark.parametrize("status", [None, 503])
def test_a_receiver_that_is_away_or_ill_delays_nobody(monkeypatch: pytest.MonkeyPatch, status: int | None) -> None:
    """More spans than the queue holds, and a collector that takes none: recording goes on at once, stopping has a deadline."""

    async def act() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        spans = traces.opened("otlp", group="desk", version="1.2")
        started = loop.time()
        for _ in range(1000):
            spans.record(_passage(_sent(), Summary("a1", None, timings=TIMINGS)))
        recorded = loop.time()
        await spans.close(within=0.5)
        return recorded - started, loop.time() - recorded

    with otlp.receiver(status or 200) as (address, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address if status else "http://127.0.0.1:9")
        recording, closing = asyncio.run(act())

    assert recording < 30
    assert closing < 5


def test_a_console_shows_a_span_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """For whoever has no collector at hand."""

    async def act() -> None:
        spans = traces.opened("console", group="desk", version="1.2")
        spans.record(_passage(_sent(), Summary("a1", None)))
        await spans.close(within=5)

    asyncio.run(act())

    assert {json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()} == {"process news.articles", "publish"}


def test_a_name_that_somebody_chose_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """``OTEL_SERVICE_NAME`` wins over ours."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "desk-two")

    assert _spans(_passage(_sent(), Summary("a", None)))[0].resource.attributes["service.name"] == "desk-two"


def test_off_means_that_nothing_of_it_is_loaded() -> None:
    """The worker and its pool processes never import OpenTelemetry unasked."""
    code = "import sys, stream.worker, stream.pool.process; print([m for m in sys.modules if m.startswith('opentelemetry')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"


def test_asking_for_traces_without_the_extra_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    assert config.Settings(traces="otlp").options().traces_ratio == 1.0
    monkeypatch.setattr(config, "find_spec", lambda _name: None)

    with pytest.raises(ValueError, match=r"NEWSSTREAM_TRACES=otlp needs OpenTelemetry: pip install 'newsstream\[traces\]'"):
        config.Settings(traces="otlp")
