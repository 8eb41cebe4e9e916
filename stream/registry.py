"""The schemas of what leaves, at a schema registry with Confluent's API: looked up, and registered where they are new."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import aiohttp

from stream import schemas, topics
from stream.config import PREFIX, Settings

_RETRY_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_LARGEST_ID = 2**32 - 1
_UNKNOWN = range(40400, 40500)
"""Error codes that come with 404 where a subject or a schema is not known; a wrong address comes without."""
_BUSY = (408, 429)


class RefusedError(Exception):
    """The registry says no, and will say it again; the message tells what to change."""


class UnavailableError(Exception):
    """The registry does not answer, or not now."""


def subject(topic: topics.Topic, settings: Settings) -> str:
    """Under which name the values of a topic are registered (Confluent's `TopicNameStrategy`)."""
    return f"{topic.full_name(settings.topic_prefix)}-value"


async def wait_for_ids(settings: Settings, *, waiting: Callable[[str], None]) -> dict[str, int]:
    """The schema's id for each output topic, by its name; none where no registry is set.

    Args:
        settings: where the registry is; ``startup_timeout`` bounds the waiting.
        waiting: told why, again and again, while it waits.

    Raises:
        RefusedError: the registry refuses us or a schema.
        TimeoutError: no answer within ``startup_timeout``.

    """
    if settings.schema_registry_url is None:
        return {}
    loop = asyncio.get_running_loop()
    until = loop.time() + settings.startup_timeout if settings.startup_timeout else float("inf")
    while True:
        try:
            return await ids(settings, register=settings.schema_registry_register)
        except UnavailableError as error:
            waiting(str(error))
            if loop.time() + _RETRY_SECONDS > until:
                raise TimeoutError(str(error)) from error
        await asyncio.sleep(_RETRY_SECONDS)


async def ids(settings: Settings, *, register: bool) -> dict[str, int]:
    """The schema's id for each output topic, by its name; asked once.

    Looked up first: a schema that is no longer the newest of its subject keeps its id, and so an older worker still starts.

    Raises:
        RefusedError: the registry refuses us or a schema, or lacks one and `register` is false.
        UnavailableError: it does not answer.
        FileError: the CA's file cannot be used.

    """
    async with _session(settings) as session:
        return {
            topic.name: await _id(session, name, topic, settings, register=register)
            for name, (_, topic) in schemas.RECORDS.items()
            if topic in topics.OUTPUTS
        }


def _session(settings: Settings) -> aiohttp.ClientSession:
    assert settings.schema_registry_url is not None
    secure = settings.schema_registry_url.startswith("https:")
    headers = {"Content-Type": _MEDIA_TYPE, "Accept": f"{_MEDIA_TYPE}, application/json"}
    if settings.schema_registry_username and settings.schema_registry_password:
        pair = f"{settings.schema_registry_username}:{settings.schema_registry_password.get_secret_value()}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=settings.registry_ssl_context() if secure else True),
        timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS),
        headers=headers,
    )


async def _id(session: aiohttp.ClientSession, name: str, topic: topics.Topic, settings: Settings, *, register: bool) -> int:
    subject_name = subject(topic, settings)
    address = f"{str(settings.schema_registry_url).rstrip('/')}/subjects/{quote(subject_name)}"
    body = json.dumps({"schemaType": "JSON", "schema": schemas.for_registry(name)}).encode()
    status, answer = await _ask(session, address, body)
    if _is_unknown(status, answer):
        if not register:
            raise RefusedError(
                f"the schema registry does not have this version's schema of {subject_name}: "
                f"`newsstream schemas register` registers it, and so does the worker with {PREFIX}SCHEMA_REGISTRY_REGISTER=true"
            )
        status, answer = await _ask(session, f"{address}/versions", body)
    found = answer.get("id") if status == 200 else None
    if isinstance(found, int) and 0 <= found <= _LARGEST_ID:
        return found
    raise RefusedError(_refusal(status, answer, subject_name, settings))


def _is_unknown(status: int, answer: dict[str, Any]) -> bool:
    return status == 404 and answer.get("error_code") in _UNKNOWN


async def _ask(session: aiohttp.ClientSession, address: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer; an empty document where it is no JSON object."""
    try:
        async with session.post(address, data=body, allow_redirects=False) as response:
            status, raw = response.status, await response.read()
    except aiohttp.ClientSSLError as error:
        raise RefusedError(
            f"no TLS with the schema registry at {address}: {_line(error)} (does {PREFIX}SCHEMA_REGISTRY_CAFILE name its CA, "
            f"and does {PREFIX}SCHEMA_REGISTRY_URL begin as the registry serves?)"
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnavailableError(f"the schema registry at {address} does not answer: {_line(error)}") from error
    try:
        document = json.loads(raw)
    except ValueError:
        document = {}
    answer = document if isinstance(document, dict) else {}
    if status >= 500 or status in _BUSY:
        raise UnavailableError(f"the schema registry at {address} answers {status}: {_message(answer)}")
    return status, answer


def _refusal(status: int, answer: dict[str, Any], subject_name: str, settings: Settings) -> str:
    said = _message(answer)
    if status in (401, 403):
        who = settings.schema_registry_username or "nobody"
        return (
            f"the schema registry refuses {who} ({status}: {said}): check {PREFIX}SCHEMA_REGISTRY_USERNAME and …_PASSWORD, "
            f"and the rights on {subject_name}"
        )
    if status == 409:
        return (
            f"the schema registry holds the schema of {subject_name} to be incompatible with an earlier one: {said} "
            "(docs/contract.md says which level of compatibility fits)"
        )
    if status == 422:
        return f"the schema registry does not accept the schema of {subject_name}: {said}"
    return (
        f"{PREFIX}SCHEMA_REGISTRY_URL={settings.schema_registry_url!r} does not answer like a schema registry "
        f"({status}: {said}): is the path right?"
    )


def _message(answer: dict[str, Any]) -> str:
    return _line(answer.get("message") or "no message")


def _line(said: object) -> str:
    """What somebody else said, on one line of bounded length."""
    text = " ".join(str(said).split()) or type(said).__name__
    return text if len(text) <= 300 else text[:299] + "…"
