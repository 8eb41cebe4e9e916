"""Quix Streams: a streaming dataframe that expands an article to its records; at least once, as by default."""

from __future__ import annotations

import os
from typing import Any

from quixstreams import Application
from quixstreams.models import Serializer

from bench.contenders import work


class _Value(Serializer):
    """A record is encoded already."""

    def __call__(self, value: Any, *_: Any, **__: Any) -> bytes:
        return bytes(value.value)


def main() -> None:
    """Work until SIGTERM."""
    place = work.place()
    pipeline = work.Work()
    app = Application(
        broker_address=place.bootstrap,
        consumer_group=place.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=os.environ["BENCH_FOLDER"],
        consumer_extra_config={"session.timeout.ms": place.session * 1000, "heartbeat.interval.ms": 1000},
        loglevel="WARNING",
    )
    source = app.topic(place.articles, value_deserializer="bytes")
    targets = {name: app.topic(name, value_serializer=_Value()) for name in place.outputs}
    frame = app.dataframe(source)
    frame = frame.apply(
        lambda value, key, _stamp, headers: pipeline(value, key=key, headers=headers or ()), expand=True, metadata=True
    )
    frame = frame.set_headers(lambda record, *_: list(record.headers))
    frame.to_topic(lambda record, *_: targets[place.output(record)], key=lambda record: record.key)
    app.run()


if __name__ == "__main__":
    main()
