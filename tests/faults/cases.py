"""The cases: each lets articles flow, breaks something at random moments, waits for quiet and gives its verdict."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psutil
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream import topics
from tests import stub
from tests.faults import mutants, scene, traffic
from tests.faults.scene import Scene
from tests.faults.verdict import Verdict
from tests.integration.workers import Worker
from tests.kafka import apache, client

_PACE = 120.0
_REAL = "tests.stub:open_poisonable"
_PROCESSES = 2
_REAL_PACE = 8.0
"""Articles a second that two busy cores can follow."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What a case may use."""

    kafka: apache.ApacheKafka
    chance: random.Random
    say: Callable[[str], None]
    short: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    """A row of the table."""

    verdict: Verdict
    faults: int
    silence: float
    """The longest time without an output, in seconds."""
    note: str = ""


def killed_worker(world: World) -> Result:
    """SIGKILL of the worker, under load."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say) as on:
        with scene.feeding(on, pace=_PACE):
            for turn in range(4 if world.short else 20):
                # every fifth time it is killed while it starts
                worker = on.start(wait=turn % 5 != 4)
                on.moment(1.5)
                on.kill(worker)
            on.start()
        return _finish(on)


def terminated_worker(world: World) -> Result:
    """SIGTERM of the worker, under load: nothing comes twice."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say) as on:
        with scene.feeding(on, pace=_PACE):
            for _ in range(4 if world.short else 20):
                worker = on.start()
                on.moment(1.5)
                on.terminate(worker)
            on.start()
        return _without_duplicates(_finish(on))


def killed_pool_processes(world: World) -> Result:
    """SIGKILL of random pool processes: nothing is lost, nothing comes twice, nobody is blamed."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say) as on:
        worker = on.start()
        with scene.feeding(on, pace=_PACE):
            while on.faults < (10 if world.short else 50):
                on.wait_for(lambda: worker.metric("news_pool_processes") >= 1, "a pool process works")
                on.moment(0.8)
                _kill_one(on, worker)
        return _nobody_blamed(_without_duplicates(_finish(on)))


def rebalances(world: World) -> Result:
    """Two to four workers that join, leave, are killed, or are frozen for longer than their session."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, processes=1) as on:
        frozen: list[Worker] = []
        on.start()
        on.start()
        with scene.feeding(on, pace=_PACE):
            for _ in range(6 if world.short else 30):
                on.moment(2.0)
                awake = [worker for worker in on.running if worker not in frozen]
                choices = ["thaw"] * bool(frozen)
                choices += ["join"] * (len(on.running) < 4) + ["leave", "kill", "freeze"] * (len(awake) > 1)
                choice = on.chance.choice(choices)
                on.say(f"{choice} ({len(on.running)} workers)")
                if choice == "join":
                    on.start(wait=on.chance.random() < 0.5)  # and sometimes the next fault hits the rebalance
                    on.faults += 1
                elif choice == "leave":
                    worker = on.chance.choice(awake)
                    on.wait_for(lambda worker=worker: worker.get("/livez")[0] == 200, "a worker answers")  # type: ignore[misc]
                    on.terminate(worker)
                elif choice == "kill":
                    on.kill(on.chance.choice(awake))
                elif choice == "freeze":
                    frozen.append(on.chance.choice(awake))
                    frozen[-1].process.send_signal(signal.SIGSTOP)
                    on.faults += 1
                    on.moment(8)  # more often than not longer than its session
                else:
                    frozen.pop(0).process.send_signal(signal.SIGCONT)
            for worker in frozen:
                worker.process.send_signal(signal.SIGCONT)
        return _finish(on)


def killed_worker_with_the_real_pipeline(world: World) -> Result:
    """SIGKILL of a worker that runs the real pipeline."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, factory=_REAL) as on:
        with scene.feeding(on, pace=_REAL_PACE, special=traffic.Traffic(on.chance)) as feeder:
            for _ in range(1 if world.short else 8):
                worker = on.start()
                on.wait_for_outputs(10)
                on.moment(3)
                on.kill(worker)
            on.start()
            on.wait_for(lambda: feeder.sent >= (100 if world.short else 1000), "articles were sent")
        return _finish(on)


def killed_pool_processes_of_the_real_pipeline(world: World) -> Result:
    """SIGKILL of random processes that run the real pipeline: nothing is lost, nothing comes twice, nobody is blamed."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, factory=_REAL) as on:
        worker = on.start()
        with scene.feeding(on, pace=_REAL_PACE, special=traffic.Traffic(on.chance)) as feeder:
            while on.faults < (2 if world.short else 15):
                on.wait_for_outputs(5)
                on.moment(2)
                _kill_one(on, worker)
            on.wait_for(lambda: feeder.sent >= (100 if world.short else 1000), "articles were sent")
        return _nobody_blamed(_without_duplicates(_finish(on)))


def broken_broker(world: World) -> Result:
    """The broker stopped for longer than the session timeout, or killed, and started again."""
    with (
        apache.ApacheKafka(libs=apache.libraries()) as own,
        scene.scene(own.bootstrap, world.chance, world.say) as on,
    ):
        on.start()
        with scene.feeding(on, pace=_PACE):
            on.wait_for_outputs(50)
            for turn in range(2 if world.short else 6):
                if turn % 2:
                    own.kill()
                else:
                    own.stop()
                    on.moment(4)
                    time.sleep(4)  # longer than the session: that is the fault
                on.faults += 1
                own.start()
                on.wait_for_outputs(100)
                on.moment(3)
        return _finish(on)


def poison(world: World) -> Result:
    """One article in fifty crashes its process, hangs, eats memory or raises."""
    kinds = ((stub.CRASH, "crashed"), (stub.HANG, "timed_out"), (stub.EAT, "crashed"), (stub.RAISE, "crashed"))
    expected: Counter[str] = Counter()

    def special(number: int) -> tuple[str | None, bytes] | None:
        if number % 50 != 25:
            return None
        marker, reason = kinds[number // 50 % len(kinds)]
        expected[reason] += 1
        return f"p{number}", json.dumps({"id": f"p{number}", "text": marker.decode()}).encode()

    with scene.scene(world.kafka.bootstrap, world.chance, world.say, deadline=1, process_memory_mb=256, max_restarts=1000) as on:
        on.start()
        with scene.feeding(on, pace=60, special=special) as feeder:
            on.wait_for(lambda: feeder.sent >= (600 if world.short else 2400), "poison was sent")
        on.faults = expected.total()
        result = _without_duplicates(_finish(on))
        wrong = [] if result.verdict.rejected == expected else [f"expected {expected}, got {result.verdict.rejected}"]
        return _with_trouble(result, wrong)


def refused_output(world: World) -> Result:
    """The broker begins to refuse what it took before: large outputs become rejections, their neighbours notice nothing."""
    large: set[str] = set()
    with scene.scene(world.kafka.bootstrap, world.chance, world.say) as on:
        letters = random.Random(on.chance.getrandbits(32))

        def special(number: int) -> tuple[str | None, bytes] | None:
            if number % 20 != 10:
                return None
            size = letters.choice((1_000, 100_000, 400_000, 800_000))
            if size > 300_000 and limited:
                large.add(f"s{number}")
            text = letters.randbytes(size // 2).hex()  # compresses to half
            return f"s{number}", json.dumps({"id": f"s{number}", "text": text}).encode()

        limited = False
        on.start()
        with scene.feeding(on, pace=60, special=special) as feeder:
            on.wait_for_outputs(50)
            asyncio.run(_limit(on, 150_000))
            on.faults += 1
            more = feeder.sent + 60
            on.wait_for(lambda: feeder.sent >= more, "the broker refuses")
            limited = True
            more = feeder.sent + (200 if world.short else 1000)
            on.wait_for(lambda: feeder.sent >= more, "large outputs were sent")
        result = _finish(on)
        count = result.verdict.rejected.get("output_too_large", 0)
        troubles = [] if count >= len(large) else [f"{count} of {len(large)} were rejected"]
        troubles += [f"{len(on.exits)} workers left"] if on.exits else []
        return _with_trouble(_without_duplicates(result), troubles)


def shrunken_topic(world: World) -> Result:
    """The output topic is made to take less than a batch: the worker leaves, reads the new limit, and goes on."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say) as on:

        def special(number: int) -> tuple[str | None, bytes] | None:
            if number % 20 != 10:
                return None
            text = on.chance.randbytes(20_000).hex()
            return f"s{number}", json.dumps({"id": f"s{number}", "text": text}).encode()

        on.start()
        with scene.feeding(on, pace=60, special=special) as feeder:
            on.wait_for_outputs(50)
            asyncio.run(_limit(on, 20_000))
            on.faults += 1
            on.wait_for(lambda: bool(on.exits), "a worker leaves")
            more = feeder.sent + (200 if world.short else 1000)
            on.wait_for(lambda: feeder.sent >= more, "large outputs were sent")
        result = _finish(on)
        troubles = [] if on.exits == [1] else [f"workers left with {on.exits}"]
        troubles += [] if result.verdict.rejected.get("output_too_large") else ["nothing was rejected"]
        return _with_trouble(result, troubles)


def missing_topic(world: World) -> Result:
    """The topic for rejections is deleted while it is needed, and made again: the worker says so, leaves, and comes back."""
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, delivery_timeout=4, request_timeout=6) as on:
        on.start()

        def special(number: int) -> tuple[str | None, bytes] | None:
            return (f"b{number}", b"no json") if deleted and number % 10 == 0 else None

        deleted = False
        with scene.feeding(on, pace=60, special=special) as feeder:
            on.wait_for_outputs(50)
            asyncio.run(_delete(on))
            deleted = True
            on.faults += 1
            on.wait_for(lambda: any("topics are missing" in worker.said() for worker in on.running), "it says what is missing")
            on.stage.create_topics()
            more = feeder.sent + 200
            on.wait_for(lambda: feeder.sent >= more, "more was sent")
        result = _finish(on)
        return _with_trouble(result, [] if 1 in on.exits else ["no worker left with status 1"])


def nearly_everything_rejected(world: World) -> Result:
    """Nearly everything is rejected: the worker stops instead of draining the topic; with the limit lifted, all is answered."""
    total = 800 if world.short else 3000
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, rejected_window=100) as on:
        on.stage.produce([(f"k{number}".encode(), b"no json") for number in range(total)])
        worker = on.start(wait=False)
        on.running.remove(worker)
        status = worker.process.wait(60)
        done = sum(on.stage.committed().values())
        on.faults += 1
        troubles = [] if status == 1 else [f"status {status}"]
        troubles += [] if "were rejected" in worker.said() else ["it did not say why"]
        troubles += [] if done < total // 2 else [f"{done} of {total} were drained"]
        on.start(max_rejected_ratio=1)
        return _with_trouble(_finish(on), troubles)


def started_first(world: World) -> Result:
    """The worker is started before Kafka, and before its topics: it waits, says so, then works."""
    own = apache.ApacheKafka(libs=apache.libraries())
    try:
        with scene.scene(own.bootstrap, world.chance, world.say, create=False) as on:
            worker = on.start(wait=False)
            on.wait_for(lambda: "does not answer" in worker.said(), "it says that Kafka does not answer")
            probes = worker.get("/livez")[0], worker.get("/readyz")[0]
            own.start()
            on.wait_for(lambda: "topics are missing" in worker.said(), "it says that topics are missing")
            on.stage.create_topics()
            on.clock.start()
            on.faults += 2
            with scene.feeding(on, pace=_PACE) as feeder:
                on.wait_for(lambda: feeder.sent >= 500, "articles were sent")
            troubles = [] if probes == (200, 503) else [f"/livez and /readyz said {probes}"]
            return _with_trouble(_without_duplicates(_finish(on)), troubles)
    finally:
        own.close()


def backlog(world: World) -> Result:
    """A backlog of 200,000 messages: memory stays bounded."""
    total = 20_000 if world.short else 200_000
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, log_level="warning") as on:
        name = on.stage.name(topics.ARTICLES)
        filler = " ".join(["parola"] * 150)
        records = [
            (f"a{number}".encode(), json.dumps({"id": f"a{number}", "text": f"{number} {filler}"}).encode())
            for number in range(total)
        ]
        asyncio.run(client.produce(on.stage.bootstrap, name, records, within=300, linger_ms=20, compression_type="lz4"))
        on.faults += 1
        worker = on.start()
        sizes: list[tuple[float, int]] = []

        def measured() -> bool:
            with suppress(psutil.NoSuchProcess):
                main = psutil.Process(worker.process.pid)
                family = [main, *main.children()]
                sizes.append((on.clock.total / total, sum(process.memory_info().rss for process in family) >> 20))
            return on.clock.total >= total

        on.wait_for(measured, "the backlog is worked off", within=900)
        early = max((size for share, size in sizes if share <= 0.25), default=0)
        late = max(size for _, size in sizes)
        troubles = [] if late <= early * 1.15 + 16 else [f"memory grew from {early} to {late} MiB"]
        began = next(moment for moment, count in on.clock.timeline if count)
        ended = next(moment for moment, count in on.clock.timeline if count >= total)
        note = f"{late} MiB at most, {early} MiB in the first quarter; {total / (ended - began):,.0f} articles/s"
        return replace(_with_trouble(_without_duplicates(_finish(on)), troubles), note=note)


def soak(world: World) -> Result:
    """Ten minutes of mixed traffic through the real pipeline, with faults now and then: memory, files and processes stay flat."""
    seconds = 60 if world.short else 600
    with scene.scene(world.kafka.bootstrap, world.chance, world.say, factory=_REAL, deadline=5, max_restarts=1000) as on:
        worker = on.start()
        mixed = traffic.Traffic(on.chance, junk=0.1, poison=0.004)
        samples: list[_Sample] = []
        with scene.feeding(on, pace=_REAL_PACE, special=mixed):
            began = time.monotonic()
            while time.monotonic() - began < seconds:
                on.moment(seconds / 12)
                fault = on.chance.choice((_kill_one, _join_and_leave, _pause))
                on.say(fault.__name__.strip("_").replace("_", " "))
                fault(on, worker)
                on.wait_for(lambda: worker.metric("news_pool_processes") == _PROCESSES, "the pool is whole again")
                on.wait_for_outputs(20)
                samples.append(_sample(worker))
        result = _finish(on)
        wrong = [] if result.verdict.rejected == mixed.expected else [f"expected {mixed.expected}, got {result.verdict.rejected}"]
        return replace(_with_trouble(result, wrong + _growth(samples)), note=_flat(samples))


def _kill_one(on: Scene, worker: Worker) -> None:
    """SIGKILL of a pool process."""
    with suppress(psutil.NoSuchProcess, IndexError):  # it has just died, or all have
        on.chance.choice(worker.pool()).kill()
        on.faults += 1


def _join_and_leave(on: Scene, _worker: Worker) -> None:
    """Another worker joins, takes its share, and leaves."""
    other = on.start()
    on.moment(5)
    on.terminate(other)


def _pause(on: Scene, worker: Worker) -> None:
    """The worker is frozen for a moment, shorter or longer than its session."""
    worker.process.send_signal(signal.SIGSTOP)
    on.moment(5)
    worker.process.send_signal(signal.SIGCONT)
    on.faults += 1


@dataclass(frozen=True)
class _Sample:
    """What the worker holds: MiB of the worker and of its largest process, open files, processes."""

    worker: int
    process: int
    files: int
    processes: int


def _sample(worker: Worker) -> _Sample:
    main = psutil.Process(worker.process.pid)
    pool = worker.pool()
    sizes = [0]
    for process in pool:
        with suppress(psutil.NoSuchProcess):
            sizes.append(process.memory_info().rss >> 20)
    return _Sample(main.memory_info().rss >> 20, max(sizes), main.num_fds(), len(pool))


def _growth(samples: Sequence[_Sample]) -> list[str]:
    """What grew between the second quarter and the last."""
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter] or samples[:1], samples[-quarter:]
    found = []
    for name, share, more in (("worker", 1.1, 16), ("process", 1.1, 32), ("files", 1.0, 8), ("processes", 1.0, 0)):
        before, after = (median(getattr(one, name) for one in part) for part in (early, late))
        if after > before * share + more:
            found.append(f"{name} grew from {before:g} to {after:g}")
    return found


def _flat(samples: Sequence[_Sample]) -> str:
    first, last = samples[0], samples[-1]
    return (
        f"worker {first.worker} MiB at first, {last.worker} MiB at last; its largest process {first.process} and {last.process}; "
        f"files {first.files} and {last.files}; processes {first.processes} and {last.processes}"
    )


Case = Callable[[World], Result]

CASES: dict[int, tuple[str, tuple[Case, ...]]] = {
    1: ("SIGKILL of the worker", (killed_worker, killed_worker_with_the_real_pipeline)),
    2: ("SIGTERM of the worker", (terminated_worker,)),
    3: ("SIGKILL of pool processes", (killed_pool_processes, killed_pool_processes_of_the_real_pipeline)),
    4: ("Workers join, leave, are killed, freeze", (rebalances,)),
    5: ("The broker stops, or is killed, and returns", (broken_broker,)),
    6: ("Poison, one article in fifty", (poison,)),
    7: ("Outputs too large; an output topic missing", (refused_output, shrunken_topic, missing_topic)),
    8: ("Nearly everything is rejected", (nearly_everything_rejected,)),
    9: ("Started before Kafka and before its topics", (started_first,)),
    10: ("A backlog of 200,000", (backlog,)),
    11: ("A soak of ten minutes", (soak,)),
    12: ("100,000 mutated inputs", (mutants.mutated_inputs,)),
}


def _finish(on: Scene) -> Result:
    on.quiet()
    silence = on.clock.stop()
    judged = on.judge()
    result = Result(verdict=judged, faults=on.faults, silence=silence)
    if on.exits:
        result = replace(result, note=f"{len(on.exits)} restarts by the supervisor")
    return _with_trouble(result, on.leftovers())


def _with_trouble(result: Result, troubles: list[str]) -> Result:
    return replace(result, verdict=replace(result.verdict, troubles=(*result.verdict.troubles, *troubles)))


def _nobody_blamed(result: Result) -> Result:
    return _with_trouble(result, [f"{count} were rejected as {reason}" for reason, count in result.verdict.rejected.items()])


def _without_duplicates(result: Result) -> Result:
    count = result.verdict.duplicated
    return _with_trouble(result, [f"{count} came twice"] if count else [])


async def _limit(on: Scene, size: int) -> None:
    """Lower the largest record that the topic for enriched articles takes."""
    async with client.admin(on.stage.bootstrap) as admin:
        name = on.stage.name(topics.ENRICHED)
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": str(size)})])


async def _delete(on: Scene) -> None:
    """Delete the topic for rejections; nothing was on it."""
    async with client.admin(on.stage.bootstrap) as admin:
        await admin.delete_topics([on.stage.name(topics.REJECTED)])


def environment_for(folder: str) -> None:
    """Temporary files of everything that is started go to `folder`."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def files_of(folder: str) -> set[str]:
    """What lies there, but for the id that onnxruntime keeps for its next start."""
    return {path.name for path in Path(folder).iterdir()} - {".ses"}
