"""Why a broker does not let us in: what of TLS and SASL waiting will not heal, as a sentence that names what to change."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from stream.config import PREFIX, Settings

_CALL_SECONDS = 5.0
_ALL_CALLS_SECONDS = 15.0
_ALERT_SECONDS = 2.0
_TLS_ALERT = 0x1503
"""How the answer of a TLS listener to somebody who speaks plainly begins, read as the length of an answer."""

_HAS_EXPIRED, _NOT_YET_VALID, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's X509_V_ERR codes; whatever else is wrong with a certificate is a matter of whom we trust."""

_CLOSED: tuple[type[Exception], ...] = (ConnectionError, EOFError, ssl.SSLEOFError)


class _Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def refusal(settings: Settings) -> str | None:
    """What keeps us out for good; None where nothing does, or where waiting may help: nobody answers, or not in time.

    Every bootstrap server is called, and every broker that they tell of: those are reached under the names that the brokers
    advertise, which may be others.
    """
    try:
        async with asyncio.timeout(_ALL_CALLS_SECONDS):
            return await _first_refusal(settings)
    except TimeoutError:
        return None


async def _first_refusal(settings: Settings) -> str | None:
    addresses = [_Address(host, port) for host, port, _ in collect_hosts(settings.bootstrap_servers, randomize=False)]
    called: set[_Address] = set()
    while addresses:
        address = addresses.pop(0)
        if address not in called:
            called.add(address)
            answer = await _call(address, settings)
            if isinstance(answer, str):
                return answer
            addresses += answer
    return None


async def _call(address: _Address, settings: Settings) -> list[_Address] | str:
    """The brokers that this one tells of, none where it is away; or why it refuses us."""
    try:
        connection = await _connect(address, settings)
    except (KafkaError, OSError, ValueError, KeyError) as error:  # the last two: an answer that no SCRAM server gives
        return await _meaning(error, address, settings) or []
    try:
        metadata = await connection.send(MetadataRequest([]))
    except (KafkaError, OSError) as error:
        return await _meaning(error, address, settings) or []
    finally:
        await connection.close()
    return [_Address(host, port) for _, host, port, *_ in metadata.brokers]


async def _connect(address: _Address, settings: Settings, **changed: Any) -> AIOKafkaConnection:
    arguments = settings.client_arguments() | {"request_timeout_ms": int(_CALL_SECONDS * 1000)} | changed
    del arguments["bootstrap_servers"]
    return await create_conn(*address, **arguments)


async def _meaning(error: BaseException, address: _Address, settings: Settings) -> str | None:
    for cause in _causes(error):
        if (told := _told(cause, address, settings)) is not None:
            return told
    if any(isinstance(cause, _CLOSED) for cause in _causes(error)):
        return await _unsaid(address, settings)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _told(error: BaseException, address: _Address, settings: Settings) -> str | None:
    """What an error says by itself."""
    protocol = f"{PREFIX}SECURITY_PROTOCOL={settings.security_protocol}"
    match error:
        case ssl.SSLCertVerificationError():
            return _distrusted(error, address, settings)
        case ssl.SSLEOFError():
            return None
        case ssl.SSLError():
            return _alert(error, address, settings)
        case SaslAuthenticationFailed():
            return (
                f"the broker at {address} refuses the user {settings.sasl_username!r}: check {PREFIX}SASL_USERNAME, "
                f"{PREFIX}SASL_PASSWORD and {PREFIX}SASL_MECHANISM={settings.sasl_mechanism}"
            )
        case UnsupportedSaslMechanismError():
            return f"the broker at {address} does not offer {PREFIX}SASL_MECHANISM={settings.sasl_mechanism}"
        case IllegalSaslStateError():
            return f"the broker at {address} takes no users and passwords there: {protocol} does not fit that listener"
        case asyncio.IncompleteReadError(expected=int(expected)) if expected >> 16 == _TLS_ALERT:
            return f"the broker at {address} speaks TLS there: {protocol} does not fit that listener"
        case ValueError() | KeyError():
            return (
                f"the broker at {address} did not prove that it knows the password of {settings.sasl_username!r} itself: "
                f"is it the one that {PREFIX}BOOTSTRAP_SERVERS means?"
            )
    return None


def _distrusted(error: ssl.SSLCertVerificationError, address: _Address, settings: Settings) -> str:
    """Why we do not accept the certificate of a broker."""
    theirs = f"the certificate of the broker at {address}"
    match error.verify_code:
        case _ if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
            return (
                f"{theirs} is for another name ({error.verify_message.rstrip('.')}): {PREFIX}BOOTSTRAP_SERVERS, and the broker's "
                "advertised.listeners, must use a name that the certificate has"
            )
        case _ if error.verify_code == _HAS_EXPIRED:
            return f"{theirs}, or that of its CA, has expired: the broker needs a new one"
        case _ if error.verify_code == _NOT_YET_VALID:
            return f"{theirs} is not valid yet: is the clock of this machine right?"
    trusted = (
        f"by no CA in {PREFIX}SSL_CAFILE={settings.ssl_cafile!r}"
        if settings.ssl_cafile
        else f"by no CA that this machine trusts, and {PREFIX}SSL_CAFILE is not set"
    )
    return f"{theirs} is signed {trusted} ({error.verify_message})"


def _alert(error: ssl.SSLError, address: _Address, settings: Settings) -> str:
    """What a TLS error means that is not about the broker's certificate: mostly, it is about ours."""
    reason = (error.reason or str(error)).replace("_", " ").lower()
    if "alert" not in reason or not any(word in reason for word in ("certificate", "unknown ca", "access denied")):
        return f"TLS with the broker at {address} fails: {reason}"
    if not settings.ssl_certfile:
        return f"the broker at {address} asks for our certificate: set {PREFIX}SSL_CERTFILE and {PREFIX}SSL_KEYFILE ({reason})"
    return (
        f"the broker at {address} refuses our certificate, {PREFIX}SSL_CERTFILE={settings.ssl_certfile!r}: has it expired, or is "
        f"it signed by a CA that the broker does not trust? ({reason})"
    )


async def _unsaid(address: _Address, settings: Settings) -> str | None:
    """Why the broker hung up without a word: the protocol does not fit that listener; None where it may only be going away."""
    protocol = f"{PREFIX}SECURITY_PROTOCOL={settings.security_protocol}"
    if settings.security_protocol.endswith("SSL"):
        if await _speaks_plainly(address, settings):
            return f"the broker at {address} speaks no TLS there: {protocol} does not fit that listener"
        if (alert := await _awaited_alert(address, settings)) is not None:
            return alert
    if not settings.security_protocol.startswith("SASL") and await _wants_a_password(address, settings):
        return f"the broker at {address} wants a user and a password there: {protocol} does not fit that listener"
    return None


async def _speaks_plainly(address: _Address, settings: Settings) -> bool:
    try:
        connection = await _connect(address, settings, security_protocol="PLAINTEXT")
    except (KafkaError, OSError):
        return False
    await connection.close()
    return True


async def _awaited_alert(address: _Address, settings: Settings) -> str | None:
    """What the broker says of our certificate to whoever listens first: who speaks first may find the line cut instead."""
    try:
        async with asyncio.timeout(_ALERT_SECONDS):
            reader, writer = await asyncio.open_connection(*address, ssl=settings.ssl_context())
            try:
                await reader.read(1)
            finally:
                writer.close()
    except ssl.SSLEOFError:
        return None
    except ssl.SSLError as error:
        return _alert(error, address, settings)
    except OSError:
        return None
    return None


async def _wants_a_password(address: _Address, settings: Settings) -> bool:
    try:
        connection = await _connect(address, settings)
    except (KafkaError, OSError):
        return False
    try:
        answer = await connection.send(SaslHandShakeRequest(settings.sasl_mechanism))
    except (KafkaError, OSError):
        return False
    finally:
        await connection.close()
    return for_code(answer.error_code) is not IllegalSaslStateError
