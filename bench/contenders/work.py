"""What is the same for everybody: the place that the harness names, and the pipeline."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from dataclasses import dataclass

from stream import codec, topics
from stream.codec import Encoded
from stream.outcome import Options
from stream.pool.process import open_pipeline

_VARIABLES = {"bootstrap": "BENCH_BOOTSTRAP", "prefix": "BENCH_PREFIX", "group": "BENCH_GROUP"}
_PROCESSES, _SESSION = "BENCH_PROCESSES", "BENCH_SESSION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to work."""

    bootstrap: str
    prefix: str
    """Of every topic name."""
    group: str
    processes: int
    """For those that use more than one."""
    session: int
    """Seconds until the group gives a dead member up."""

    @property
    def articles(self) -> str:
        """The input topic."""
        return topics.ARTICLES.full_name(self.prefix)

    def output(self, record: Encoded) -> str:
        """The topic of a record."""
        return self.prefix + record.topic

    @property
    def outputs(self) -> list[str]:
        """Every output topic."""
        return [topic.full_name(self.prefix) for topic in topics.OUTPUTS]

    def environment(self) -> dict[str, str]:
        """For a process that is to work here."""
        named = {variable: getattr(self, name) for name, variable in _VARIABLES.items()}
        return named | {_PROCESSES: str(self.processes), _SESSION: str(self.session)}


def place() -> Place:
    """The place that the environment names."""
    named = {name: os.environ[variable] for name, variable in _VARIABLES.items()}
    return Place(**named, processes=int(os.environ[_PROCESSES]), session=int(os.environ[_SESSION]))


class Work:
    """The pipeline, opened once: bytes of an article to all of its records."""

    def __init__(self) -> None:
        self._process, _ = open_pipeline(Options())
        gc.collect()
        gc.freeze()  # as the pool of newsstream does: it is the same pipeline everywhere

    def __call__(
        self,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Iterable[tuple[str, bytes | None]] = (),
        partition: int = 0,
        offset: int = 0,
    ) -> tuple[Encoded, ...]:
        """Every record that an article causes."""
        message = codec.message(
            value=value, key=key, topic="articles", partition=partition, offset=offset, seconds=None, headers=headers
        )
        return self._process(message).records
