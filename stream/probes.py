"""``/livez``, ``/readyz`` and ``/metrics`` from a small server of our own, which answers while Kafka is still away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from stream.metrics import Metrics

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

Check = Callable[[], str | None]
"""None when all is well, else what is not."""


def application(*, metrics: Metrics, live: Check, ready: Check, before_metrics: Callable[[], object]) -> web.Application:
    """The three routes. `before_metrics` brings gauges up to date before they are read."""

    async def livez(_request: web.Request) -> web.Response:
        return _answer(live())

    async def readyz(_request: web.Request) -> web.Response:
        return _answer(ready())

    async def exposition(_request: web.Request) -> web.Response:
        before_metrics()
        return web.Response(body=metrics.exposition(), headers={"Content-Type": _EXPOSITION})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    return app


def _answer(trouble: str | None) -> web.Response:
    return web.Response(text="ok\n") if trouble is None else web.Response(text=f"{trouble}\n", status=503)


@asynccontextmanager
async def serving(app: web.Application, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app`; yields its address. Raises `OSError` where the port is taken."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
        bound = runner.addresses[0]
        yield f"http://{'[' + bound[0] + ']' if ':' in bound[0] else bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
