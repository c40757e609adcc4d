"""One server for all fakes: the Bot API, its control API, the chat page, the model providers and Avito."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from sandbox.avito import AvitoWorld
from sandbox.avito.routes import add_routes as add_avito
from sandbox.page.routes import add_routes as add_page
from sandbox.providers.routes import add_routes as add_providers
from sandbox.providers.state import Models
from sandbox.telegram import control, http
from sandbox.telegram.world import World

HOST = "127.0.0.1"
PORT = 8081
TOKEN = "1000:sandbox-token"  # noqa: S105 (opens nothing but this sandbox)
SHUTDOWN_SECONDS = 1.0
NUMBERED_SINCE = 1_760_000_000  # seconds since the epoch; numbers of messages and updates fit into 32 bits


@dataclass
class Sandbox:
    """A running sandbox: its URL without a slash at the end, and its state for tests in the same process."""

    url: str
    world: World
    models: Models
    avito: AvitoWorld


def build_app(world: World, models: Models, avito: AvitoWorld) -> web.Application:
    """All routes around one world, one set of models and one Avito."""
    app = web.Application(client_max_size=http.MAX_BODY)
    app[http.WORLD] = world
    http.add_routes(app)
    control.add_routes(app)
    add_providers(app, models)
    add_avito(app, avito)
    add_page(app)
    app.on_shutdown.append(close_world)
    return app


async def close_world(app: web.Application) -> None:
    """Release everybody who waits."""
    await app[http.WORLD].close()


@asynccontextmanager
async def serve(
    port: int = 0,
    *,
    token: str = TOKEN,
    strict: bool = False,
    limits: bool = True,
    seed: bool = True,
    admin_chat: int | None = None,
    first: int = 1,
) -> AsyncIterator[Sandbox]:
    """Serve on loopback (port 0: any free one) until the block ends. OSError when the port is taken.

    `strict` refuses unknown parameters and malformed nested objects; `limits` switches the flood limits on;
    `seed` fills the world with four people, two groups and a channel; `admin_chat` is the id of the
    administrators' group (or of the administrator, when positive) in place of the usual one; `first` is the
    number of the first message and, above 100 million, of the first update.
    """
    world = World(token, strict=strict, limits=limits, seed=seed, admin_chat=admin_chat, first=first)
    models, avito = Models(), AvitoWorld()
    runner = web.AppRunner(build_app(world, models, avito), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        host, real_port = runner.addresses[0][:2]
        yield Sandbox(f"http://{host}:{real_port}", world, models, avito)
    finally:
        await runner.cleanup()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command line, shared by `python -m sandbox` and the management command."""
    parser.add_argument("--port", type=int, default=PORT, help="port on 127.0.0.1 (default %(default)s)")
    parser.add_argument("--bot-token", default=TOKEN, help="the token the bot must use (default %(default)s)")
    parser.add_argument("--admin-chat", type=int, help="id of the administrators' group, or of the administrator")
    parser.add_argument("--strict", action="store_true", help="refuse unknown parameters and fields")
    parser.add_argument("--no-limits", action="store_true", help="no flood limits")


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; one JSON line with the URL says that the server is ready."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    served = serve(
        options.port,
        token=options.bot_token,
        strict=options.strict,
        limits=not options.no_limits,
        admin_chat=options.admin_chat,
        # A bot that knew an earlier sandbox takes a number it has seen for something it has done.
        first=int(time.time()) - NUMBERED_SINCE,
    )
    async with served as sandbox:
        sys.stdout.write(json.dumps({"url": sandbox.url}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def start(options: argparse.Namespace) -> int:
    """Run with parsed options; the exit code."""
    logging.basicConfig(level=logging.WARNING)
    try:
        asyncio.run(run(options))
    except (OSError, ValueError) as error:
        sys.stderr.write(trouble(options, error) + "\n")
        return 1
    return 0


def trouble(options: argparse.Namespace, error: Exception) -> str:
    """One sentence on why the sandbox does not start."""
    if isinstance(error, OSError):
        reason = error.strerror or error
        return f"The sandbox cannot listen on {HOST}:{options.port}: {reason}. Choose another --port."
    return f"The sandbox cannot start: {error}. A token looks like 1000:sandbox-token."


def main(arguments: list[str] | None = None) -> int:
    """`python -m sandbox`."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    add_arguments(parser)
    return start(parser.parse_args(arguments))
