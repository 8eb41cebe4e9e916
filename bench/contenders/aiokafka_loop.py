"""A plain aiokafka consumer and producer: offsets are committed automatically, the records of an article are awaited together."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.contenders import signals, work


async def enrich(place: work.Place, pipeline: work.Work) -> None:
    """Article by article."""
    consumer = AIOKafkaConsumer(
        place.articles,
        bootstrap_servers=place.bootstrap,
        group_id=place.group,
        auto_offset_reset="earliest",
        session_timeout_ms=place.session * 1000,
        heartbeat_interval_ms=1000,
    )
    producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap, acks="all")
    await producer.start()
    await consumer.start()
    try:
        async for message in consumer:
            records = pipeline(message.value, key=message.key, headers=message.headers)
            sent = [
                await producer.send(place.output(record), record.value, key=record.key, headers=list(record.headers))
                for record in records
            ]
            await asyncio.gather(*sent)
    finally:
        await consumer.stop()
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(signals.until_terminated(enrich(work.place(), work.Work())))
