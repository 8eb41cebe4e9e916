"""What stands around the pipeline costs little beside it: CPU of one run, and counts of calls; never the clock on the wall."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import psutil
import pytest

from bench import corpus
from stream import codec, delivery, outcome, pipeline, pool
from stream.codec import Encoded
from stream.metrics import Metrics
from stream.outcome import Outcome
from stream.records import Message, Reason
from tests import bundled

OPTIONS = outcome.Options()
FLOOR = 0.5
"""Of what the pipeline alone achieves; nine tenths are measured (docs/performance.md)."""
EVENTS = 0.1
"""Of what entities cost; some three hundredths are measured."""
CALLS = 400
"""Python calls of the delivery for an article of one record, those of asyncio included; some two hundred are made."""


def _messages(count: int, *, words: int) -> list[Message]:
    """Articles that nobody has read before: the encoder remembers."""
    made = corpus.articles(count, folder=None, words=words, seed=random.randrange(1 << 30))
    return [Message(value=one.value, key=one.key, topic="news.articles", partition=0) for one in made]


def _pure(messages: list[Message]) -> float:
    """CPU-seconds of the pipeline alone."""
    began = time.process_time()
    for message in messages:
        now = datetime.now(UTC)
        pipeline.enrich(message, models=bundled.models(), options=OPTIONS, clock=time.perf_counter, now=now)
    return time.process_time() - began


async def _through_the_pool(messages: list[Message], *, warm: list[Message]) -> float:
    """CPU-seconds of a pool of one process and of this one, which hands out and takes back."""
    made = pool.Pool(factory="stream.pool.process:open_pipeline", options=OPTIONS, limits=pool.Limits(size=1, deadline=60))
    await made.start()
    try:
        [child] = [psutil.Process(pid) for pid in made.pids]
        await asyncio.gather(*map(made.process, warm))
        before, began = child.cpu_times(), time.process_time()
        done = await asyncio.gather(*map(made.process, messages))
        after, own = child.cpu_times(), time.process_time() - began
    finally:
        await made.stop()
    assert all(one.summary.reason is None for one in done)
    return own + after.user + after.system - before.user - before.system


@pytest.mark.models
@pytest.mark.processes
def test_the_pool_achieves_at_least_half_of_what_the_pipeline_alone_does() -> None:
    """The same articles, both ways, in one run: a machine that is busy is busy for both."""
    warm, messages = _messages(2, words=100), _messages(12, words=200)
    through = asyncio.run(_through_the_pool(messages, warm=warm))

    _pure(warm)
    alone = _pure(messages)

    assert alone / through > FLOOR


@pytest.mark.models
def test_events_cost_little_beside_entities() -> None:
    """What reads the words for events looks at what the encoder has seen: it must never cost like an encoder."""
    spent = {"entities": 0.0, "events": 0.0}
    for message in _messages(6, words=400):
        now = datetime.now(UTC)
        done = pipeline.process(message, models=bundled.models(), options=OPTIONS, clock=time.process_time, now=now)
        for step, seconds in done.summary.timings:
            if step in spent:
                spent[step] += seconds

    assert 0 < spent["events"] < EVENTS * spent["entities"]


class _Ready:
    """A publisher that has everything at once."""

    def alone(self, _record: Encoded) -> bool:
        """Nothing is large."""
        return False

    async def send(self, _record: Encoded) -> asyncio.Future[None]:
        """Delivered."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future


def _calls(work: Coroutine[Any, Any, None]) -> int:
    """How many Python functions are called until `work` is done."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    with asyncio.Runner() as runner:
        runner.get_loop()
        sys.setprofile(seen)
        try:
            runner.run(work)
        finally:
            sys.setprofile(None)
    return count


async def _deliver(count: int, answer: Outcome) -> None:
    """So many articles, taken in and acknowledged."""
    acknowledged = asyncio.Event()
    handled = 0

    async def process(_message: Message) -> Outcome:
        return answer

    async def acknowledge(_token: object) -> None:
        nonlocal handled
        handled += 1
        if handled == count:
            acknowledged.set()

    handler = delivery.Delivery(
        process=process,
        publisher=_Ready(),
        acknowledge=acknowledge,
        fail=lambda error: pytest.fail(str(error)),
        options=OPTIONS,
        metrics=Metrics(),
        in_flight=16,
    )
    for number in range(count):
        await handler.take(Message(value=b"{}", key=b"a", topic="news.articles", offset=number), lane=0, token=number)
    await acknowledged.wait()
    await handler.stop()


def test_an_article_passes_the_delivery_in_few_calls() -> None:
    """The difference between many articles and few, so that the start counts for nothing; the same on every machine."""
    message = Message(value=b"{}", key=b"a", topic="news.articles")
    rejected = codec.reject(message, Reason.NO_TEXT, "nothing", now=datetime.now(UTC), service="0", article_id="a")
    record = codec.encode(rejected, message=message, source="newsstream")
    answer = Outcome((record,), outcome.Summary("a", None, language="it"))

    few, many = (_calls(_deliver(count, answer)) for count in (100, 300))

    assert (many - few) / 200 < CALLS
