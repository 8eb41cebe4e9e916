"""What is no refusal, and what Apache Kafka itself cannot be made to do: with listeners of our own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from stream import broker, config, handshake
from tests.kafka.certificates import Authority, Pair

_PASSWORD = {"security_protocol": "SASL_SSL", "sasl_username": "alice", "sasl_password": "secret"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom everybody here trusts."""
    return Authority(tmp_path_factory.mktemp("handshake"))


@asynccontextmanager
async def _hangs_up(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A listener that closes every connection without a word."""

    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, broker.HOST, 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


def _server(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.both)
    return context


@contextmanager
def _demanding(pair: Pair, *, clients: Path) -> Iterator[int]:
    """A listener that takes one call, wants a certificate, and says so when there is none; asyncio's own would hang up."""
    context = _server(pair)
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server((broker.HOST, 0)) as listener:
        listener.settimeout(20)

        def take_a_call() -> None:
            with listener.accept()[0] as call, suppress(ssl.SSLError):
                context.wrap_socket(call, server_side=True).close()

        thread = threading.Thread(target=take_a_call)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _settings(authority: Authority, port: int, **changed: Any) -> config.Settings:
    tls = {"security_protocol": "SSL", "ssl_cafile": str(authority.file)}
    return config.Settings(**({"bootstrap_servers": f"{broker.HOST}:{port}"} | tls | changed))


def test_nobody_there_is_no_refusal(authority: Authority) -> None:
    """That heals by waiting."""
    assert asyncio.run(handshake.refusal(_settings(authority, broker.free_port()))) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"security_protocol": "PLAINTEXT", "ssl_cafile": None},
        {"security_protocol": "SSL"},
        _PASSWORD,
    ],
)
def test_a_broker_that_hangs_up_is_no_refusal(authority: Authority, changed: dict[str, Any]) -> None:
    """A broker that is going away does that too."""

    async def ask() -> str | None:
        async with _hangs_up() as port:
            return await handshake.refusal(_settings(authority, port, **changed))

    assert asyncio.run(ask()) is None


def test_a_certificate_that_is_not_valid_yet_makes_one_look_at_the_clock(authority: Authority) -> None:
    """Ours may be wrong."""
    tomorrow = authority.sign("tomorrow", hosts=(broker.HOST,), starts=1, days=2)

    async def ask() -> str | None:
        async with _hangs_up(_server(tomorrow)) as port:
            return await handshake.refusal(_settings(authority, port))

    assert "is not valid yet: is the clock of this machine right?" in (asyncio.run(ask()) or "")


def test_an_alert_is_heard_by_whoever_listens_first(authority: Authority) -> None:
    """Who speaks first may find the line cut, with the alert lost in it."""
    pair = authority.sign("listener", hosts=(broker.HOST,))

    with _demanding(pair, clients=authority.file) as port:
        told = asyncio.run(handshake._awaited_alert(handshake._Address(broker.HOST, port), _settings(authority, port)))

    assert "asks for our certificate: set NEWSSTREAM_SSL_CERTFILE" in (told or "")


def test_a_broker_that_does_not_know_the_password_itself_is_no_broker_of_ours(authority: Authority) -> None:
    """With SCRAM both sides prove that they know it; aiokafka raises a plain `ValueError` when the other side cannot."""
    settings = _settings(authority, 9092, **_PASSWORD)

    told = handshake._told(ValueError("Server sent wrong signature!"), handshake._Address("kafka", 9092), settings)

    assert "the broker at kafka:9092 did not prove that it knows the password of 'alice'" in (told or "")
