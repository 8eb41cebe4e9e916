"""OpenTelemetry spans of the articles that have passed: made afterwards, from what the worker knows of them anyway.

The pool knows nothing of it, and the ids are derived, so the outputs name a span before it exists. Where the spans go is said
by OpenTelemetry's own variables (``OTEL_EXPORTER_OTLP_…``, ``OTEL_BSP_…``, ``OTEL_RESOURCE_ATTRIBUTES``).
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from contextlib import suppress

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.util.types import AttributeValue

from stream import codec
from stream.outcome import Passage

_NANOSECONDS = 1_000_000_000


class _Given(IdGenerator):
    """The ids that the next span is to have."""

    def __init__(self) -> None:
        self.trace = self.span = 1

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class Spans:
    """Makes the spans of each article. `exporter` gets them in batches, from a thread of its own; too many are dropped."""

    def __init__(self, exporter: SpanExporter, *, group: str, version: str) -> None:
        self._ids = _Given()
        self._provider = TracerProvider(
            sampler=sampling.ALWAYS_ON,  # who is sampled was decided by whoever began the trace
            resource=_resource(version),
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("newsstream", version)
        self._exporter = exporter
        self._group = group

    def record(self, passage: Passage) -> None:
        """Make the spans of one article: its own, and one per stage."""
        trace = passage.trace
        if not trace.sampled:
            return
        message, summary = passage.message, passage.summary
        self._ids.trace = int(trace.id, 16)
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": message.topic,
            "messaging.destination.partition.id": str(message.partition),
            "messaging.kafka.offset": message.offset,
            "messaging.consumer.group.name": self._group,
        }
        if summary.article_id is not None:
            attributes["newsstream.article_id"] = summary.article_id
        if summary.reason is not None:
            attributes["error.type"] = summary.reason.value
        else:
            attributes["newsstream.language"] = summary.language or ""
            attributes["newsstream.entities"] = len(summary.entity_types)
            attributes["newsstream.events"] = len(summary.event_types)
        article = self._start(f"process {message.topic}", trace, _sender(trace), passage.taken, api.SpanKind.CONSUMER, attributes)
        if summary.reason is not None:
            article.set_status(api.StatusCode.ERROR, summary.reason.value)
        inside = api.set_span_in_context(article, Context())
        began = passage.answered - sum(seconds for _, seconds in summary.timings)
        for stage, seconds in summary.timings:
            self._start(stage, trace, inside, began, api.SpanKind.INTERNAL, {}).end(_nanoseconds(began + seconds))
            began += seconds
        publish = self._start(
            codec.PUBLISH_SPAN, trace, inside, passage.sent, api.SpanKind.PRODUCER, {"messaging.system": "kafka"}
        )
        publish.end(_nanoseconds(passage.acknowledged))
        article.end(_nanoseconds(passage.acknowledged))

    def _start(
        self,
        name: str,
        trace: codec.Trace,
        parent: Context,
        began: float,
        kind: api.SpanKind,
        attributes: dict[str, AttributeValue],
    ) -> api.Span:
        self._ids.span = int(trace.span(name), 16)
        return self._tracer.start_span(name, parent, kind, attributes, start_time=_nanoseconds(began))

    async def close(self, *, within: float) -> None:
        """Export what waits; what cannot be exported within so many seconds is lost."""
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=close, name="close-traces", daemon=True).start()
        try:
            await asyncio.wait_for(closed.wait(), within)
        except TimeoutError:
            self._exporter.shutdown()  # it would try again


def opened(kind: str, *, group: str, version: str) -> Spans:
    """Spans that go to an OTLP receiver over HTTP, or to standard output, a line each."""
    exporter = OTLPSpanExporter() if kind == "otlp" else ConsoleSpanExporter(out=sys.stdout, formatter=_line)
    return Spans(exporter, group=group, version=version)


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


def _sender(trace: codec.Trace) -> Context:
    """The context of whoever sent the message; an empty one where the trace begins here."""
    if trace.parent is None:
        return Context()
    state = api.TraceState.from_header([trace.state.decode("ascii", "replace")]) if trace.state else None
    sender = api.SpanContext(int(trace.id, 16), int(trace.parent, 16), True, api.TraceFlags(int(trace.flags, 16)), state)
    return api.set_span_in_context(api.NonRecordingSpan(sender), Context())


def _resource(version: str) -> Resource:
    """What runs here; OpenTelemetry's variables overrule it."""
    ours = {
        "service.name": "newsstream",
        "service.version": version,
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    named = Resource.create()
    if str(named.attributes["service.name"]).startswith("unknown_service"):
        return named.merge(Resource(ours))
    return Resource(ours).merge(named)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)
