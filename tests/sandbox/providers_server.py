"""The fake model servers alone, on a random loopback port, for the tests of the providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from sandbox.providers.routes import add_routes
from sandbox.providers.state import Models


@dataclass
class Server:
    """Where it listens, and what it remembers."""

    url: str
    models: Models


@asynccontextmanager
async def serve_models(**options: float) -> AsyncIterator[Server]:
    """Run the model servers; the options are those of `Models`, answers come at once unless a pace is given."""
    models = Models(**({"pace": 0} | options))  # type: ignore[arg-type]
    app = web.Application()
    add_routes(app, models)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield Server(f"http://{host}:{port}", models)
    finally:
        await runner.cleanup()
