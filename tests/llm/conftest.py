"""A server that says exactly the bytes a test gives it, and adapters that talk to it."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pytest
from aiohttp import web

from llm.errors import ProviderError
from llm.providers.base import PROGRESS, HTTPProvider
from llm.providers.deepseek import DeepSeek
from llm.providers.gemini import Gemini
from llm.providers.mistral import Mistral
from llm.providers.openai import OpenAI
from llm.providers.provider import Provider
from llm.types import ChatRequest, Event, user_says

KEY = "sk-invented-0123456789abcdef"
Ending = Literal["end", "late", "cut", "hang"]
P = TypeVar("P", bound=HTTPProvider)


@dataclass
class Reply:
    chunks: tuple[bytes, ...]
    status: int
    headers: Mapping[str, str]
    ending: Ending


@dataclass
class Seen:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    peer: Any  # the caller's end of the connection


@dataclass
class Wire:
    """What the server will say, one reply a request, and what it was asked."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    _replies: deque[Reply] = field(default_factory=deque)

    def says(self, *chunks: str | bytes, status: int = 200, ending: Ending = "end", **headers: str) -> "Wire":
        """The next answer, sent piece by piece; then the body ends, at once or late, is cut, or nothing comes."""
        pieces = tuple(chunk.encode() if isinstance(chunk, str) else chunk for chunk in chunks)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._replies.append(Reply(pieces, status, {"content-type": "text/event-stream"} | named, ending))
        return self

    def says_json(self, body: Any, *, status: int = 200, **headers: str) -> "Wire":
        more: dict[str, Any] = {"content_type": "application/json"} | headers
        return self.says(json.dumps(body), status=status, **more)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        told = content.decode("utf-8", "replace")
        body = json.loads(told) if "json" in request.content_type and told else told or None
        peer = request.get_extra_info("peername")
        self.seen.append(Seen(request.method, request.path_qs, request.headers, body, peer))
        self.arrived.set()
        if not self._replies:
            return web.json_response({"error": {"message": "the test gave no reply"}}, status=418)
        reply = self._replies.popleft()
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        try:
            await response.prepare(request)
            for chunk in reply.chunks:
                await response.write(chunk)
                await asyncio.sleep(0)
            await self._ends(reply, request)
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise
        return response

    async def _ends(self, reply: Reply, request: web.Request) -> None:
        if reply.ending == "late":
            await asyncio.sleep(0.05)  # the last word and the end of the body come apart
        if reply.ending == "hang":
            await asyncio.get_running_loop().create_future()
        if reply.ending == "cut" and request.transport is not None:
            request.transport.abort()


@asynccontextmanager
async def served(wire: Wire) -> AsyncIterator[Wire]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", wire.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        wire.url = "http://{}:{}".format(*runner.addresses[0][:2])
        yield wire
    finally:
        await runner.cleanup()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with served(Wire()) as running:
        yield running


@pytest.fixture
async def adapter(wire: Wire) -> AsyncIterator[Callable[[type[P]], P]]:
    """``adapter(Gemini)``: that provider, talking to the wire, closed after the test."""
    made: list[HTTPProvider] = []

    def make(kind: type[P]) -> P:
        provider = kind(kind.__name__.lower(), wire.url, KEY)
        made.append(provider)
        return provider

    yield make
    for provider in made:
        await provider.close()


@pytest.fixture
def gemini(adapter: Callable[[type[Gemini]], Gemini]) -> Gemini:
    return adapter(Gemini)


@pytest.fixture
def mistral(adapter: Callable[[type[Mistral]], Mistral]) -> Mistral:
    return adapter(Mistral)


@pytest.fixture
def deepseek(adapter: Callable[[type[DeepSeek]], DeepSeek]) -> DeepSeek:
    return adapter(DeepSeek)


@pytest.fixture
def openai(adapter: Callable[[type[OpenAI]], OpenAI]) -> OpenAI:
    return adapter(OpenAI)


def asks(text: str = "6*7?", **fields: Any) -> ChatRequest:
    """A request for model ``m``."""
    return ChatRequest(**({"model": "m", "turns": [user_says(text)]} | fields))


async def heard(provider: Provider, request: ChatRequest | None = None) -> list[Event]:
    """Everything that the provider streams and people may see."""
    return [event async for event in provider.stream(request or asks()) if event is not PROGRESS]


async def refused(provider: Provider, request: ChatRequest | None = None) -> ProviderError:
    """The error that the provider's stream ends with."""
    with pytest.raises(ProviderError) as caught:
        await heard(provider, request)
    return caught.value
