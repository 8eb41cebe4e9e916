"""PLOVER's sixteen types with their derived codes, read from the versioned table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from stream.records import EventType


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What follows from an event type."""

    type: EventType
    quad: int
    root: str
    roots: tuple[str, ...]
    score: float
    modes: tuple[str, ...]
    acled: str | None
    acled_modes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The table and its version."""

    version: str
    types: dict[EventType, TypeInfo]


def read(text: str) -> Taxonomy:
    """The taxonomy of a TOML table; a type that is missing or unknown is an error of ours and raises `ValueError`."""
    table = tomllib.loads(text)
    types = {
        EventType(name): TypeInfo(
            type=EventType(name),
            quad=row["quad"],
            root=row["root"],
            roots=tuple(row["roots"]),
            score=row["score"],
            modes=tuple(row["modes"]),
            acled=row.get("acled"),
            acled_modes=row.get("acled_modes", {}),
        )
        for name, row in table["types"].items()
    }
    missing = set(EventType) - set(types) - {EventType.NONE}
    if missing:
        raise ValueError(f"the taxonomy lacks {', '.join(sorted(missing))}")
    return Taxonomy(version=table["version"], types=types)
