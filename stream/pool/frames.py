"""How the pool and its processes talk: length-prefixed pickles over pipes, between code of one version on one machine."""

from __future__ import annotations

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from stream.outcome import Options
from stream.records import ModelInfo

_LENGTH = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Task:
    """What to open."""

    factory: str
    """``module:function``; the function takes `Options` and returns a `Process` and the models that it uses."""
    options: Options
    memory_bytes: int
    parent: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The pipeline is open."""

    models: tuple[ModelInfo, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The pipeline could not be opened, for a reason that a user can mend."""

    detail: str


def pack(item: object) -> bytes:
    """One frame."""
    payload = pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(payload)) + payload


def read(stream: BinaryIO) -> Any:
    """The next frame; raises `EOFError` where the other side has gone."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(header)
    payload = stream.read(length)
    if len(payload) < length:
        raise EOFError
    return pickle.loads(payload)  # noqa: S301 - written by our own parent or child, never by a stranger


async def receive(reader: asyncio.StreamReader) -> Any:
    """The next frame; raises `asyncio.IncompleteReadError` or `ConnectionError` where the other side has gone."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - as above
