"""An Avito that says exactly what a test puts into its mouth, for what the sandbox's never says."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

NO_REPLY = json.dumps({"error": {"code": 418, "message": "the test gave no reply"}})
TOKEN = "tK-0123456789abcdef-of-a-test"


@dataclass
class Reply:
    body: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Heard:
    verb: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Said:
    """What will be said, by path; the last reply of a path is repeated. /token gives `TOKEN` unless told otherwise."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    # Set, and no request is answered until `go` is.
    waits: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    # What is said where a test named no reply.
    otherwise: Reply = field(default_factory=lambda: Reply(NO_REPLY, 418))
    _replies: dict[str, deque[Reply]] = field(default_factory=lambda: defaultdict(deque))

    def says(self, path: str, body: Any, status: int = 200, **headers: str) -> "Said":
        """``body``: a text as it goes out, or what becomes JSON; ``retry_after=…``: a header."""
        told = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._replies[path].append(Reply(told, status, named))
        return self

    def asked(self, path: str = "") -> list[Heard]:
        """What came, of paths that begin so; without one, all but /token."""
        return [one for one in self.heard if one.path.startswith(path or "/") and (path or one.path != "/token")]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        content = (await request.read()).decode()
        body = json.loads(content) if "json" in request.content_type else content
        self.heard.append(Heard(request.method, request.raw_path, request.headers, body))
        self.arrived.set()
        if self.waits and request.path != "/token":
            await self.go.wait()
        reply = self._reply(request.path)
        headers = {"Content-Type": "application/json; charset=utf-8"} | dict(reply.headers)
        return web.Response(status=reply.status, body=reply.body.encode(), headers=headers)

    def _reply(self, path: str) -> Reply:
        replies = self._replies[path]
        if not replies and path == "/token":
            return Reply(json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 86400}))
        if not replies:
            return self.otherwise
        return replies.popleft() if len(replies) > 1 else replies[0]


@asynccontextmanager
async def served(said: Said) -> AsyncIterator[Said]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", said.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        said.url = "http://{}:{}".format(*runner.addresses[0][:2])
        yield said
    finally:
        await runner.cleanup()
