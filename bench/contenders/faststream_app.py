"""FastStream: a subscriber that acknowledges after it has worked (its documentation's way to at least once)."""

from __future__ import annotations

import asyncio
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from bench.contenders import work


def main() -> None:
    """Work until SIGTERM."""
    place = work.place()
    pipeline = work.Work()
    broker = KafkaBroker(place.bootstrap, acks="all", logger=None)

    @broker.subscriber(
        place.articles,
        group_id=place.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
        session_timeout_ms=place.session * 1000,
        heartbeat_interval_ms=1000,
    )
    async def enrich(_body: Any, message: KafkaMessage) -> None:
        records = pipeline(message.body, key=message.raw_message.key, headers=message.raw_message.headers)
        await asyncio.gather(
            *(
                broker.publish(
                    record.value,
                    place.output(record),
                    key=record.key,
                    headers={name: value.decode() for name, value in record.headers},
                )
                for record in records
            )
        )

    asyncio.run(FastStream(broker, logger=None).run())


if __name__ == "__main__":
    main()
