"""A plain aiokafka loop in batches, each handed to a pool of processes as ``nlp.pipe(n_process=…)`` does, then committed."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.contenders import signals, work
from stream.codec import Encoded

_BATCH = 32
_opened: list[work.Work] = []


def _open() -> None:
    """In each process of the pool."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _opened.append(work.Work())


def _enrich(article: tuple[bytes, bytes, list[tuple[str, bytes]]]) -> tuple[Encoded, ...]:
    value, key, headers = article
    return _opened[0](value, key=key, headers=headers)


async def enrich(place: work.Place, pool: Any) -> None:
    """Batch by batch."""
    consumer = AIOKafkaConsumer(
        place.articles,
        bootstrap_servers=place.bootstrap,
        group_id=place.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=place.session * 1000,
        heartbeat_interval_ms=1000,
    )
    producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap, acks="all", linger_ms=10)
    await producer.start()
    await consumer.start()
    loop = asyncio.get_running_loop()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=_BATCH)
            batch = [(one.value, one.key, list(one.headers)) for messages in fetched.values() for one in messages]
            if not batch:
                continue
            done = await loop.run_in_executor(None, lambda: pool.map(_enrich, batch, chunksize=1))  # noqa: B023 - awaited here
            sent = [
                await producer.send(place.output(record), record.value, key=record.key, headers=list(record.headers))
                for records in done
                for record in records
            ]
            await asyncio.gather(*sent)
            await consumer.commit()
    finally:
        await consumer.stop()
        await producer.stop()


def main() -> None:
    """Work until SIGTERM."""
    place = work.place()
    with multiprocessing.get_context("spawn").Pool(place.processes, initializer=_open) as pool:
        asyncio.run(signals.until_terminated(enrich(place, pool)))


if __name__ == "__main__":
    main()
