"""Mutated inputs through a real worker with the real pipeline: each is answered once, and what comes out keeps the laws."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil

from stream import topics
from stream.codec import Encoded
from stream.records import Record, Rejected
from tests import laws, mutations
from tests.faults import scene
from tests.faults.verdict import Verdict
from tests.kafka.client import Outgoing, Received

if TYPE_CHECKING:  # the list of cases imports this one
    from tests.faults.cases import Result, World

SHORT, FULL = 2_000, 100_000
_WHOLE = 0.01
"""Share of mutants that are made of whole articles; the others of one sentence each, which are quick."""
_BATCH = 2_000
_MOST_MEBIBYTES = 1536


def mutated_inputs(world: World) -> Result:
    """Mutants of the seeds, in a real worker: each is answered once, and every record keeps the contract."""
    from tests.faults import cases  # noqa: PLC0415 - the list of cases imports this one

    total = SHORT if world.short else FULL
    seed = world.chance.getrandbits(32)
    world.say(f"{total:,} mutants of seed {seed}")
    # nearly everything may be rejected here, and the real pipeline answers
    settings: dict[str, Any] = {"factory": None, "max_rejected_ratio": 1, "log_level": "error"}
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, **settings) as on:
        began = time.monotonic()
        worker = on.start()
        most = 0
        sent = 0
        for batch in batches(total, seed=seed):
            on.stage.produce(batch)
            sent += len(batch)

            def caught_up(until: int = sent - _BATCH) -> bool:
                nonlocal most
                with suppress(psutil.NoSuchProcess):
                    main = psutil.Process(worker.process.pid)
                    most = max(most, *(one.memory_info().rss >> 20 for one in [main, *main.children()]))
                return on.clock.total >= until  # each has one record on one of the two topics that the clock looks at

            on.wait_for(caught_up, f"{sent:,} mutants are nearly answered", within=600)
        on.quiet()
        seconds = time.monotonic() - began
        silence = on.clock.stop()
        judged = judge(
            {topic.name: on.read(topic) for topic in topics.ALL},
            committed=on.stage.committed(),
            ends=on.stage.ends(),
            expected=total,
        )
        troubles = [*judged.troubles, *on.leftovers()]
        troubles += [f"workers left with {on.exits}"] if on.exits else []
        troubles += [] if most < _MOST_MEBIBYTES else [f"a process had {most} MiB"]
        return cases.Result(
            verdict=Verdict(
                articles=judged.articles,
                lost=judged.lost,
                duplicated=judged.duplicated,
                rejected=judged.rejected,
                troubles=tuple(troubles),
            ),
            faults=total,
            silence=silence,
            note=f"mutants of seed {seed}; {total / seconds:,.0f} a second, {most} MiB in one process at most",
        )


def batches(total: int, *, seed: int) -> Iterator[list[Outgoing]]:
    """So many mutants, numbered in the trace that each carries; the same seed makes the same ones."""
    chance = random.Random(seed)
    quick = mutations.mutants([*mutations.briefs(), *mutations.refusals()], chance)
    whole = mutations.mutants(mutations.articles(), chance)
    for first in range(0, total, _BATCH):
        numbers = range(first, min(total, first + _BATCH))
        yield [_outgoing(number, next(whole if chance.random() < _WHOLE else quick), chance) for number in numbers]


def _outgoing(number: int, value: bytes, chance: random.Random) -> Outgoing:
    keys = (b"", b"\xff", f"k{number % 97}".encode())
    key = chance.choice((None, *keys) if value else keys)  # a producer sends no message with neither key nor value
    trace = f"00-{number + 1:032x}-{1:016x}-01".encode()
    return key, value or None, (("traceparent", trace), *_junk(chance))  # no value is a tombstone


def _junk(chance: random.Random) -> list[tuple[str, bytes]]:
    """Headers that mean nothing, now and then."""
    names = ("tracestate", "newsstream-attempts", "ce_id", "\u0301", "")
    return [(chance.choice(names), chance.randbytes(chance.choice((0, 3, 700)))) for _ in range(chance.choice((0, 0, 0, 1, 3)))]


def judge(
    read: Mapping[str, Sequence[Received]], *, committed: Mapping[int, int], ends: Mapping[int, int], expected: int
) -> Verdict:
    """What became of the mutants, told from each other by their traces; `read` holds everything on each topic."""
    inputs = Counter(_trace(record) for record in read[topics.ARTICLES.name])
    troubles: list[str] = []
    answers: dict[str, list[Record]] = {}
    for topic in topics.OUTPUTS:
        for received in sorted(read[topic.name], key=lambda record: (record.partition, record.offset)):
            try:
                answers.setdefault(_trace(received), []).append(_lawful(received, topic.name))
            except AssertionError as error:
                troubles.append(f"{topic.name} {received.partition}/{received.offset} breaks a law: {error}")
    firsts = {
        trace: sum(topics.topic_of(record) in (topics.ENRICHED, topics.REJECTED) for record in found)
        for trace, found in answers.items()
    }
    for trace, found in answers.items():
        if firsts[trace] == 1:
            try:
                laws.of_an_answer(_in_order(found))
            except AssertionError as error:
                troubles.append(f"the answer to {trace} breaks a law: {error}")
    troubles += [f"an output for {trace}, which was never sent" for trace in sorted(set(answers) - set(inputs))[:3]]
    troubles += [] if inputs.total() == len(inputs) == expected else [f"{inputs.total()} were sent instead of {expected}"]
    troubles += [
        f"partition {number}: {committed.get(number)} of {end} is committed"
        for number, end in ends.items()
        if committed.get(number, 0) != end
    ]
    return Verdict(
        articles=inputs.total(),
        lost=sum(1 for trace in inputs if not firsts.get(trace)),
        duplicated=sum(count - 1 for count in firsts.values() if count > 1),
        rejected=Counter(record.reason.value for found in answers.values() for record in found if isinstance(record, Rejected)),
        troubles=tuple(troubles[:8]),
    )


def _trace(record: Received) -> str:
    return dict(record.headers)["traceparent"].decode()[3:35]


def _lawful(record: Received, topic: str) -> Record:
    return laws.of_a_record(Encoded(topic=topic, key=record.key or b"", value=record.value or b"", headers=record.headers))


def _in_order(found: Iterable[Record]) -> list[Record]:
    """The records of an answer as the pipeline made them: its article or rejection, its events, its entities.

    Those of one topic and one article stand in one partition, in order.
    """
    order = [topics.REJECTED, topics.ENRICHED, topics.EVENTS, topics.ENTITIES]
    return sorted(found, key=lambda record: order.index(topics.topic_of(record)))
