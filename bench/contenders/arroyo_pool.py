"""Sentry's arroyo: batches over its own pool of processes, unfolded, produced, committed once delivered.

Its documentation asks for the size of batches that is fastest: the harness tries some, before the first round.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

from arroyo.backends.abstract import Producer
from arroyo.backends.kafka import KafkaConsumer, KafkaPayload, KafkaProducer
from arroyo.backends.kafka.configuration import build_kafka_configuration, build_kafka_consumer_configuration
from arroyo.commit import ONCE_PER_SECOND
from arroyo.processing.processor import StreamProcessor
from arroyo.processing.strategies import CommitOffsets, Produce, Unfold
from arroyo.processing.strategies.abstract import ProcessingStrategy, ProcessingStrategyFactory
from arroyo.processing.strategies.run_task_with_multiprocessing import MultiprocessingPool, RunTaskWithMultiprocessing
from arroyo.types import Commit, Message, Partition, Topic, Value

from bench.contenders import work

_BATCH, _BATCH_SECONDS = int(os.environ.get("BENCH_ARROYO_BATCH", "2")), 0.05
_TOPIC = "bench-topic"
_opened: list[work.Work] = []


def _open() -> None:
    """In each process of the pool."""
    _opened.append(work.Work())


def _enrich(message: Message[KafkaPayload]) -> list[KafkaPayload]:
    payload = message.payload
    records = _opened[0](payload.value, key=payload.key, headers=payload.headers)
    return [KafkaPayload(one.key, one.value, [(_TOPIC, one.topic.encode()), *one.headers]) for one in records]


class _Routed(Producer[KafkaPayload]):
    """Arroyo's `Produce` knows one topic; records go to the one that their first header names, which does not travel."""

    def __init__(self, producer: KafkaProducer, prefix: str) -> None:
        self._producer, self._prefix = producer, prefix

    def produce(self, _destination: Any, payload: KafkaPayload) -> Any:
        (_, topic), *headers = payload.headers
        return self._producer.produce(Topic(self._prefix + topic.decode()), KafkaPayload(payload.key, payload.value, headers))

    def close(self) -> Any:
        return self._producer.close()


class _Factory(ProcessingStrategyFactory[KafkaPayload]):
    def __init__(self, place: work.Place) -> None:
        self._pool = MultiprocessingPool(place.processes, _open)
        producer = KafkaProducer(build_kafka_configuration(default_config={}, bootstrap_servers=[place.bootstrap]))
        self._producer = _Routed(producer, place.prefix)

    def create_with_partitions(self, commit: Commit, _partitions: Mapping[Partition, int]) -> ProcessingStrategy[KafkaPayload]:
        produce = Produce(self._producer, Topic("named by the record"), CommitOffsets(commit))
        return RunTaskWithMultiprocessing(
            _enrich,
            Unfold(lambda payloads: [Value(payload, {}, None) for payload in payloads], produce),
            max_batch_size=_BATCH,
            max_batch_time=_BATCH_SECONDS,
            pool=self._pool,
            input_block_size=1 << 20,
            output_block_size=4 << 20,
            prefetch_batches=True,
        )

    def shutdown(self) -> None:
        self._pool.close()


def main() -> None:
    """Work until SIGTERM."""
    place = work.place()
    settings = build_kafka_consumer_configuration(
        default_config={},
        bootstrap_servers=[place.bootstrap],
        group_id=place.group,
        auto_offset_reset="earliest",
        override_params={"session.timeout.ms": place.session * 1000, "heartbeat.interval.ms": 1000},
    )
    factory = _Factory(place)
    processor = StreamProcessor(
        consumer=KafkaConsumer(settings),
        topic=Topic(place.articles),
        processor_factory=factory,
        commit_policy=ONCE_PER_SECOND,
    )
    signal.signal(signal.SIGTERM, lambda *_: processor.signal_shutdown())
    processor.run()


if __name__ == "__main__":
    main()
