"""The topics on the broker: made from the table, waited for, and asked how large a record they take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from stream import access, acls, topics
from stream.config import Settings

_RETRY_SECONDS = 1.0
_OVERHEAD_BYTES = 4096
"""What a record costs beside its value: key, headers, the batch around it."""


@dataclass(frozen=True, slots=True)
class Created:
    """What became of one topic."""

    name: str
    existed: bool


class TopicError(Exception):
    """A topic could not be made, or is missing."""


FAILURES: tuple[type[Exception], ...] = (TopicError, access.DeniedError, KafkaError, OSError)
"""What `create_topics` raises."""


async def connect(settings: Settings) -> AIOKafkaAdminClient:
    """An admin client that is connected; raises `KafkaError` or `OSError`."""
    client = AIOKafkaAdminClient(**settings.client_arguments())
    try:
        await client.start()
    except BaseException:
        with suppress(KafkaError, OSError):
            await client.close()
        raise
    return client


async def create_topics(settings: Settings, *, wanted: Iterable[topics.Topic] = topics.ALL) -> tuple[Created, ...]:
    """Make the topics that are `wanted` and do not exist; raises `TopicError` or `DeniedError` where the broker refuses."""
    await access.check(settings, ())
    client = await connect(settings)
    try:
        made = [await _create(client, topic, settings) for topic in wanted]
    finally:
        await client.close()
    if denied := [answer for answer in made if isinstance(answer, acls.Right)]:
        raise access.DeniedError(acls.sentence(denied, settings))
    return tuple(answer for answer in made if isinstance(answer, Created))


async def _create(client: AIOKafkaAdminClient, topic: topics.Topic, settings: Settings) -> Created | acls.Right:
    """What became of a topic, or the right that is lacking."""
    name = topic.full_name(settings.topic_prefix)
    new = NewTopic(name, settings.partitions, settings.replication_factor, topic_configs=topic.settings())
    try:
        response = await client.create_topics([new], timeout_ms=30_000)
    except TopicAlreadyExistsError:
        return Created(name, existed=True)
    _, code, *rest = response.topic_errors[0]
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        return Created(name, existed=True)
    if error is TopicAuthorizationFailedError:
        return acls.Right("CREATE", "topic", name)
    if code:
        raise TopicError(f"cannot create topic {name}: {error.__name__} {rest[0] if rest and rest[0] else ''}".rstrip())
    return Created(name, existed=False)


async def missing_topics(client: AIOKafkaAdminClient, names: Iterable[str]) -> tuple[str, ...]:
    """Which of `names` the broker does not have."""
    existing = set(await client.list_topics())
    return tuple(name for name in names if name not in existing)


async def wait_until_ready(settings: Settings, *, waiting: Callable[[str], None]) -> None:
    """Return once Kafka answers and has every topic.

    Args:
        settings: where Kafka is; ``startup_timeout`` bounds the waiting.
        waiting: told why, again and again, while it waits.

    Raises:
        TimeoutError: not ready within ``startup_timeout``; the message says what is lacking.
        DeniedError: Kafka refuses us, or denies a right: waiting will not help.

    """
    loop = asyncio.get_running_loop()
    until = loop.time() + settings.startup_timeout if settings.startup_timeout else float("inf")
    names = [topic.full_name(settings.topic_prefix) for topic in topics.ALL]
    while True:
        reason = await _lacking(settings, names)
        if reason is None:
            return
        waiting(reason)
        if loop.time() + _RETRY_SECONDS > until:
            raise TimeoutError(reason)
        await asyncio.sleep(_RETRY_SECONDS)


async def _lacking(settings: Settings, names: list[str]) -> str | None:
    try:
        await access.check(settings, acls.required("worker", settings))
        client = await connect(settings)
    except (KafkaError, OSError) as error:
        return f"Kafka at {settings.bootstrap_servers} does not answer: {_first_line(error)}"
    try:
        missing = await missing_topics(client, names)
    except (KafkaError, OSError) as error:
        return f"Kafka at {settings.bootstrap_servers} does not list its topics: {_first_line(error)}"
    finally:
        await client.close()
    return f"topics are missing: {', '.join(missing)} (`newsstream topics create` makes them)" if missing else None


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]


async def largest_value(settings: Settings) -> int | None:
    """The largest value, in bytes, that all output topics take; None where the broker does not say."""
    names = [topic.full_name(settings.topic_prefix) for topic in topics.OUTPUTS]
    client = await connect(settings)
    try:
        responses = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    except (KafkaError, OSError, AttributeError):  # the embedded broker, or no permission to describe
        return None
    finally:
        await client.close()
    limits = [int(value) for response in responses for name, value in _configs(response) if name == "max.message.bytes"]
    return min(limits) - _OVERHEAD_BYTES if limits else None


def _configs(response: Any) -> list[tuple[str, str]]:
    return [(entry[0], entry[1]) for resource in response.resources for entry in resource[4] if entry[1] is not None]
