"""Who could do the job: one short module each, run as a process of its own, configured as its documentation recommends.

Each is started as ``python -m bench.contenders.NAME`` with a place in its environment, reads the input topic of its group from
the earliest article, puts every record of every article through `work.Work`, publishes all of them, and ends on SIGTERM.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the job."""

    name: str
    about: str
    cores: bool
    """Whether it uses all cores."""


ALL = {
    one.name: one
    for one in (
        Contender("newsstream", "this project: Faust, a pool of processes, acknowledged in order", cores=True),
        Contender("faust_agent", "a textbook Faust agent: `async for`, `topic.send`", cores=False),
        Contender("aiokafka_loop", "a plain aiokafka consumer and producer, committing automatically", cores=False),
        Contender("faststream_app", "FastStream, `AckPolicy.ACK`, every record awaited", cores=False),
        Contender("quix_app", "Quix Streams, at least once (its default)", cores=False),
        Contender("arroyo_pool", "Sentry's arroyo, `RunTaskWithMultiprocessing`, `Produce`, `CommitOffsets`", cores=True),
        Contender(
            "pipe_batches", "aiokafka in batches, each over a pool as `nlp.pipe(n_process=…)` does, then committed", cores=True
        ),
    )
}
