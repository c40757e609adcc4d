"""Every URL of the fake: the API under `/avito`, its control under `/_sandbox/avito/`."""

from __future__ import annotations

import re

from aiohttp import web

from . import control
from .errors import Reply, body_of
from .methods import METHODS
from .serving import Handler, handler, respond, token_handler
from .world import AvitoWorld

BASE = "/avito"


def add_routes(app: web.Application, world: AvitoWorld) -> None:
    """Serve the API and its control API."""
    for path in ("/token", "/token/"):
        app.router.add_post(BASE + path, token_handler(world))
    for method in METHODS:
        app.router.add_route(method.http, BASE + method.path, handler(world, method), name=None)
    control.add_routes(app, world)
    app.router.add_route("*", f"{BASE}/{{tail:.*}}", stray(world))

    async def close(_: web.Application) -> None:
        world.release()

    app.on_shutdown.append(close)


def stray(world: AvitoWorld) -> Handler:
    """What is no method: moved when only a slash at the end is wrong, as the real servers do; else not there."""
    patterns = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", method.path) + r"\Z"), method.http) for method in METHODS]

    def verbs(path: str) -> list[str]:
        return [http for pattern, http in patterns if pattern.match(path)]

    async def handle(request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix(BASE)
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        if verbs(path):
            reply = Reply(405, body_of("error", 405, "Method Not Allowed"), {"Allow": ", ".join(verbs(path))})
        elif verbs(other):
            query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
            reply = Reply(301, "", {"Location": f"{BASE}{other}{query}"}, type="text/html")
        else:
            reply = Reply(404, body_of("error", 404))
        call = world.record("unknown", request.method, request.path_qs, None)
        call.status = reply.status
        return respond(reply)

    return handle
