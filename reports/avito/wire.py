"""HTTP with Avito: one request, one answer. The keys and the token are in the request and nowhere else."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import httpx
from django.conf import settings

from core.http import client as http_client
from reports.avito.errors import AvitoError, Kind
from reports.avito.failures import Reply
from reports.avito.keys import Keys
from reports.avito.methods import Method

# At once, of one job.
CONNECTIONS = 8
# Seconds for the connection, and for each piece of an answer.
CONNECT, READ = 5.0, 20.0
BROKEN = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError)


class Wire:
    """A client of its own, made at the first call: it belongs to the event loop of that call."""

    def __init__(self, within: float) -> None:
        """``within``: so many seconds a whole answer may take."""
        self._within = within
        self._base = settings.AVITO_BASE_URL.rstrip("/")
        self._http: httpx.AsyncClient | None = None

    async def close(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def ask_token(self, keys: Keys) -> Reply:
        """``POST /token`` (authorization.json, 2026). Raises ``AvitoError`` (avito_down) when no answer comes."""
        form = {
            "grant_type": "client_credentials",
            "client_id": keys.client_id,
            "client_secret": keys.client_secret,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._send("POST", "/token", headers, urlencode(form).encode())

    async def ask(self, method: Method, path: str, body: Any, token: str) -> Reply:
        """One call. Raises as ``ask_token``."""
        headers = {"Authorization": f"Bearer {token}", **method.headers}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return await self._send(method.verb, path, headers, content)

    async def _send(self, verb: str, path: str, headers: Mapping[str, str], content: bytes | None) -> Reply:
        http = self._client()
        try:
            async with asyncio.timeout(self._within):
                # Headers of httpx's own kind keep off the short way of core.http, which remembers them.
                own = httpx.Headers(headers)
                answer = await http.send(http.build_request(verb, self._base + path, headers=own, content=content))
        except TimeoutError:
            raise AvitoError(Kind.AVITO_DOWN, "No answer in time.") from None
        except BROKEN as error:
            raise AvitoError(Kind.AVITO_DOWN, f"No answer: {type(error.__cause__ or error).__name__}.") from None
        return Reply(
            answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content
        )

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            timeout = httpx.Timeout(connect=CONNECT, read=READ, write=READ, pool=None)
            self._http = http_client(connections=CONNECTIONS, timeout=timeout)
            self._http.headers.update({"Accept": "application/json"})
        return self._http


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """``path?query``; lists go with commas (messenger.json: ``chat_types=u2i,u2u``), what is empty is left out."""
    told = {name: _told(value) for name, value in query.items() if value not in (None, (), [], "")}
    return f"{path}?{urlencode(told, safe=',')}" if told else path


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
