"""What a person does beside the service: send articles, and look at what came out."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from rich.progress import Progress

from stream import access, acls, codec, headers, sources, topics
from stream.config import Settings
from stream.records import Article, Message

UNREACHABLE: tuple[type[Exception], ...] = (access.DeniedError, KafkaError, OSError)
_MAX_VALUE = 16 * 1024 * 1024


async def produce(name: str, *, form: sources.Form, settings: Settings) -> int:
    """Send the articles of a file; returns how many. Raises `KafkaError`, `OSError`, or `DeniedError`."""
    async with AsyncExitStack() as stack:
        source = sources.open_input(name, standard_input=sys.stdin.buffer)
        if source is not sys.stdin.buffer:
            stack.enter_context(source)
        await stack.enter_async_context(access.explained(settings, acls.required("produce", settings)))
        progress = stack.enter_context(Progress(disable=not sys.stderr.isatty(), transient=True))
        bar = progress.add_task("sending", total=None)
        producer = AIOKafkaProducer(
            **settings.client_arguments(),
            acks="all",
            enable_idempotence=True,
            linger_ms=10,
            max_request_size=_MAX_VALUE,
        )
        await producer.start()
        try:
            sent: list[asyncio.Future[Any]] = []
            for value in sources.values(name, source, form=form):
                sent.append(await send(producer, value, settings=settings))
                progress.advance(bar)
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
    return len(sent)


async def send(producer: AIOKafkaProducer, value: bytes | None, *, settings: Settings) -> asyncio.Future[Any]:
    """Hand one value over, under its article's id where it has one."""
    future: asyncio.Future[Any] = await producer.send(
        topics.ARTICLES.full_name(settings.topic_prefix), value, key=key_of(value, settings=settings)
    )
    return future


def key_of(value: bytes | None, *, settings: Settings) -> bytes | None:
    """The article id under which a value travels; None where it is no article."""
    now = datetime.fromtimestamp(0, UTC)
    article = codec.decode(Message(value=value), max_bytes=settings.max_message_bytes, now=now, service="")
    return codec.article_id(article).encode() if isinstance(article, Article) else None


async def tail(topic: str, *, from_beginning: bool, most: int | None, idle: float | None, settings: Settings) -> None:
    """Print the values of a topic, one a line, unframed, until `most` have come, or none for `idle` seconds, or Ctrl-C."""
    short = {each.name: each.full_name(settings.topic_prefix) for each in topics.ALL}
    name = short.get(topic, topic)
    headers.accept_any_name()
    async with access.explained(settings, [acls.Right("READ", "topic", name)]):
        consumer = AIOKafkaConsumer(
            name,
            **settings.client_arguments(),
            auto_offset_reset="earliest" if from_beginning else "latest",
            max_partition_fetch_bytes=_MAX_VALUE,
        )
        await consumer.start()
        try:
            seen = 0
            while most is None or seen < most:
                try:
                    message = await asyncio.wait_for(consumer.getone(), idle)
                except TimeoutError:
                    return
                sys.stdout.buffer.write(codec.unframed(message.value or b"") + b"\n")
                sys.stdout.buffer.flush()
                seen += 1
        finally:
            await consumer.stop()
