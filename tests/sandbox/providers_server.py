"""The fake model servers alone, on a random loopback port, and how to speak to them without any SDK."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.providers.routes import add_routes
from sandbox.providers.state import PROVIDERS, Call, Models

everywhere = pytest.mark.parametrize("provider", PROVIDERS)
KEY = "sk-sandbox-0123456789"
PATHS = {
    "openai": "/llm/openai/v1/chat/completions",
    "deepseek": "/llm/deepseek/chat/completions",
    "mistral": "/llm/mistral/v1/chat/completions",
    "gemini": "/llm/gemini/v1beta/models/{model}:{method}",
}
MODEL = {
    "openai": "gpt-4o-mini",
    "deepseek": "deepseek-flash",
    "mistral": "mistral-small-2603",
    "gemini": "gemini-3.8-flash",
}
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def user(text: str) -> list[Any]:
    """The messages of a conversation that has just begun, in the OpenAI form."""
    return [{"role": "user", "content": text}]


@dataclass
class Server:
    """Where it listens, what it remembers, and a client to it."""

    url: str
    models: Models
    http: aiohttp.ClientSession

    async def ask(
        self, provider: str, text: str, *, stream: bool = False, key: str = KEY, **fields: Any
    ) -> aiohttp.ClientResponse:
        """Ask one question in the provider's own form; `fields` are added to the body."""
        path = PATHS[provider].format(model=MODEL[provider], method=method(stream))
        body = question(provider, text, stream) | fields
        headers = {"Authorization": f"Bearer {key}", "x-goog-api-key": key}
        if provider == "gemini":
            del headers["Authorization"]
        return await self.http.post(self.url + path, json=body, headers=headers)

    async def finished(self) -> Call:
        """The last call, once the server is done with it."""
        await self.models.until(lambda: self.models.calls[-1].duration is not None)
        return self.models.calls[-1]


def method(stream: bool) -> str:
    """What Gemini's path ends in."""
    return "streamGenerateContent?alt=sse" if stream else "generateContent"


def question(provider: str, text: str, stream: bool) -> dict[str, Any]:
    """The smallest body that asks something."""
    if provider == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    return {"model": MODEL[provider], "stream": stream, "messages": user(text)}


@asynccontextmanager
async def serve_models(pace: float = 0, **options: Any) -> AsyncIterator[Server]:
    """Run the model servers (options: those of `Models`). Answers come at once unless a pace is given."""
    models = Models(pace=pace, **options)
    app = web.Application()
    add_routes(app, models)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http:
            yield Server(f"http://{host}:{port}", models, http)
    finally:
        await runner.cleanup()


def events(body: str) -> list[Any]:
    """The JSON of every event but the closing mark."""
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def text_of(provider: str, parsed: Iterable[Any]) -> str:
    """The text that events or whole answers of a provider say, thoughts left out."""
    said = ""
    for body in parsed:
        if provider == "gemini":
            parts = [part for one in body["candidates"] for part in one["content"].get("parts", [])]
            said += "".join(part.get("text", "") for part in parts if not part.get("thought"))
            continue
        for choice in body["choices"]:
            content = (choice.get("delta") or choice.get("message") or {}).get("content")
            said += content if isinstance(content, str) else ""
    return said
