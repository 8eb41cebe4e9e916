"""A cheap pipeline for tests in which the language processing is beside the point, and the hooks that make articles poison.

Opened by ``NEWSSTREAM_PIPELINE_FACTORY=tests.stub:open_stub`` (cheap) or ``tests.stub:open_poisonable`` (the real pipeline,
with the same markers); ``open_mended`` and ``open_other`` are what a cheap one becomes after a change.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

from stream import codec, outcome
from stream.outcome import Options, Outcome
from stream.pool.process import Process, open_pipeline
from stream.records import (
    EnrichedArticle,
    EventType,
    Language,
    Message,
    ModelInfo,
    Provenance,
    Record,
    Rejected,
)

CRASH = b"NEWSSTREAM-TEST-CRASH"
HANG = b"NEWSSTREAM-TEST-HANG"
EAT = b"NEWSSTREAM-TEST-EAT"
RAISE = b"NEWSSTREAM-TEST-RAISE"
_SLEEP = re.compile(rb"NEWSSTREAM-TEST-SLEEP-(\d+)-MS")


def poison(value: bytes | None) -> None:
    """Do what the markers in `value` say: die, hang, eat memory, raise, or take time."""
    value = value or b""
    if CRASH in value:
        os.kill(os.getpid(), signal.SIGSEGV)
    if HANG in value:
        time.sleep(3600)
    if EAT in value:
        hoard = []
        while True:
            hoard.append(b"x" * (16 << 20))
    if RAISE in value:
        raise RuntimeError("told to")
    if found := _SLEEP.search(value):
        time.sleep(int(found[1]) / 1000)


def open_stub(options: Options) -> tuple[Process, tuple[ModelInfo, ...]]:
    """A pipeline that only decodes and encodes."""
    return _open(options, harmful=True)


def open_mended(options: Options) -> tuple[Process, tuple[ModelInfo, ...]]:
    """The same, once somebody has mended what made it die."""
    return _open(options, harmful=False)


def open_other(options: Options) -> tuple[Process, tuple[ModelInfo, ...]]:
    """The same, with another opinion: what tells of Roma is Italian."""
    return _open(options, harmful=True, language=lambda text: "it" if "Roma" in text else "und")


def _open(
    options: Options, *, harmful: bool, language: Callable[[str], str] = lambda _text: "und"
) -> tuple[Process, tuple[ModelInfo, ...]]:
    models = (ModelInfo(name="stub", version="1", sha256="0" * 64),)
    provenance = Provenance(service=options.service, event_ontology="plover-0.8", models=models)

    def process(message: Message) -> Outcome:
        if harmful:
            poison(message.value)
        now = datetime.now(UTC)
        article = codec.decode(message, max_bytes=options.max_message_bytes, now=now, service=options.service)
        records: tuple[Record, ...]
        if isinstance(article, Rejected):
            records = (article,)
        else:
            enriched = EnrichedArticle(
                article_id=codec.article_id(article),
                title=article.title,
                text=article.text,
                processed_at=now,
                metadata=article.metadata,
                language=Language(code=language(article.text), confidence=0),
                entities=(),
                primary_event_type=EventType.NONE,
                events=(),
                provenance=provenance,
                timings={},
            )
            records = (enriched,)
        return outcome.encode(records, message=message, options=options, now=now)

    return process, models


def open_poisonable(options: Options) -> tuple[Process, tuple[ModelInfo, ...]]:
    """The real pipeline, which honours the markers."""
    real, models = open_pipeline(options)

    def process(message: Message) -> Outcome:
        poison(message.value)
        return real(message)

    return process, models
