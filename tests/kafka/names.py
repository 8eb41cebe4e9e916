"""Names of headers that are any bytes, as producers in other languages may send them."""

from __future__ import annotations

from typing import Self


class Name(str):
    """A name that aiokafka's slow writer writes as `raw`; the quick one takes nothing but plain strings."""

    __slots__ = ("raw",)
    raw: bytes

    def __new__(cls, raw: bytes) -> Self:
        """A name that is written as these bytes."""
        made = super().__new__(cls, "name")
        made.raw = raw
        return made

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """The bytes."""
        return self.raw
