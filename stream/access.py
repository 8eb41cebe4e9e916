"""Whether Kafka lets us in and lets us do what we came for; what it denies will not heal by waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from stream import acls, handshake
from stream.config import Settings


class DeniedError(Exception):
    """Kafka refuses us; the message names the setting to change, or the right to grant."""


async def check(settings: Settings, rights: Sequence[acls.Right]) -> None:
    """Return when Kafka grants `rights`, or does not tell.

    Raises:
        DeniedError: it refuses us, or one of them, for good.
        KafkaError: it does not answer: waiting may help.
        OSError: the same.

    """
    try:
        denied = await acls.denied(settings, rights)
    except (KafkaError, OSError, ValueError) as error:
        await _raise_refusal(settings, error)
        raise
    if denied:
        raise DeniedError(acls.sentence(denied, settings))


@asynccontextmanager
async def explained(settings: Settings, rights: Sequence[acls.Right]) -> AsyncIterator[None]:
    """Check `rights` first; and where Kafka refuses something afterwards, ask again, and say what it was."""
    await check(settings, rights)
    try:
        yield
    except KafkaError as error:
        try:
            await check(settings, rights)
        except (KafkaError, OSError):
            raise error from None
        raise


async def _raise_refusal(settings: Settings, error: Exception) -> None:
    refusal = await handshake.refusal(settings)
    if refusal is not None:
        raise DeniedError(refusal) from error
