"""A textbook Faust agent: ``async for`` over a stream, ``topic.send`` for each record, acknowledged by Faust."""

from __future__ import annotations

import os
from typing import Any

import faust

from bench.contenders import work


def main() -> None:
    """Work until SIGTERM."""
    place = work.place()
    pipeline = work.Work()
    app = faust.App(
        place.group,
        broker=f"kafka://{place.bootstrap}",
        store="memory://",
        datadir=os.environ["BENCH_FOLDER"],
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=place.session,
        broker_heartbeat_interval=1,
    )
    raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "key_type": bytes, "value_type": bytes}
    source = app.topic(place.articles, **raw)
    targets = {name: app.topic(name, **raw) for name in place.outputs}

    @app.agent(source)
    async def enrich(stream: Any) -> None:
        async for event in stream.events():
            for record in pipeline(event.message.value, key=event.message.key):
                await targets[place.output(record)].send(key=record.key, value=record.value, headers=dict(record.headers))

    faust.Worker(app, loglevel="warn").execute_from_commandline()


if __name__ == "__main__":
    main()
