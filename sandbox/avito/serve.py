"""The fake alone on a loopback port, for tests in the same process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from .routes import BASE, add_routes
from .world import AvitoWorld


@asynccontextmanager
async def serve_avito(world: AvitoWorld) -> AsyncIterator[str]:
    """Serve until the block ends; gives the base address of the API, without a slash at its end."""
    app = web.Application()
    add_routes(app, world)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}{BASE}"
    finally:
        await runner.cleanup()
