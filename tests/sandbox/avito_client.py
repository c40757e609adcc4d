"""The Avito fake alone on a loopback port, and a plain HTTP client of it that knows how to get a token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from sandbox.avito import AvitoWorld, serve_avito
from sandbox.avito.accounts import Keys

NOON = datetime(2026, 3, 9, 9, tzinfo=UTC)  # a Monday, 12:00 in Moscow
MINUTE = timedelta(minutes=1)
WEEK = {"dateFrom": "2026-03-02", "dateTo": "2026-03-08"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is the parsed JSON, or the text where it is none."""

    status: int
    body: Any
    headers: dict[str, str]


def v2(*metrics: str, grouping: str = "totals", **more: Any) -> dict[str, Any]:
    """The body of a question to the statistics v2."""
    return {**WEEK, "metrics": list(metrics), "grouping": grouping, "limit": 1000, "offset": 0} | more


def spent(grouping: str = "day", *types: str, **more: Any) -> dict[str, Any]:
    """The body of a question to the spendings."""
    return {**WEEK, "grouping": grouping, "spendingTypes": list(types or ("all",))} | more


def metrics_of(grouping: dict[str, Any]) -> dict[str, float]:
    """Slug → value of one group of statistics v2."""
    return {row["slug"]: row["value"] for row in grouping["metrics"]}


@dataclass
class Seller:
    """Asks with the token of one account. `uid` in a path is put in; other words are quoted."""

    avito: Avito
    uid: int
    token: str

    async def get(self, path: str, query: dict[str, Any] | None = None, **words: str) -> Answer:
        return await self.ask("GET", path, words=words, params=query or {})

    async def post(self, path: str, body: Any = None, **words: str) -> Answer:
        return await self.ask("POST", path, words=words, json=body)

    async def ask(
        self,
        verb: str,
        path: str,
        headers: dict[str, str] | None = None,
        words: dict[str, str] | None = None,
        **how: Any,
    ) -> Answer:
        given = {"uid": str(self.uid)} | {name: quote(word, safe="") for name, word in (words or {}).items()}
        url = URL(self.avito.url + path.format(**given), encoded=True)
        bearer = {"Authorization": f"Bearer {self.token}"}
        return await self.avito.ask(verb, url, headers=bearer | (headers or {}), **how)

    async def stats(self, body: dict[str, Any]) -> Any:
        """The result of the statistics v2, which must be given; the limit is not in the way."""
        self.avito.world.open_gates()
        answer = await self.post("/stats/v2/accounts/{uid}/items", body)
        assert answer.status == 200, answer
        return answer.body["result"]

    async def totals(self, *metrics: str, **more: Any) -> dict[str, float]:
        """Slug → value over the period."""
        (group,) = (await self.stats(v2(*metrics, **more)))["groupings"]
        return metrics_of(group)

    async def spendings(self, body: dict[str, Any]) -> Any:
        """The groups of the spendings, likewise."""
        self.avito.world.open_gates()
        answer = await self.post("/stats/v2/accounts/{uid}/spendings", body)
        assert answer.status == 200, answer
        return answer.body["result"]["groupings"]


@dataclass
class Avito:
    """Where it listens, what it remembers, and a client to it."""

    url: str
    world: AvitoWorld
    http: aiohttp.ClientSession

    async def ask(self, verb: str, url: str | URL, **how: Any) -> Answer:
        async with self.http.request(verb, url, allow_redirects=False, **how) as response:
            text = await response.text()
            body = text
            if response.content_type == "application/json":
                try:
                    body = json.loads(text)
                except ValueError:
                    body = text
            return Answer(response.status, body, dict(response.headers))

    async def token(self, keys: Keys, path: str = "/token", **fields: str) -> Answer:
        """Ask for a token with these keys; `fields` are put over those of the form."""
        form = {"grant_type": "client_credentials", "client_id": keys.client_id, "client_secret": keys.client_secret}
        return await self.ask("POST", self.url + path, data=form | fields)

    async def seller(self, uid: int) -> Seller:
        """Somebody with a good token."""
        answer = await self.token(self.world.keys_of(uid))
        assert answer.status == 200, answer
        return Seller(self, uid, answer.body["access_token"])


@asynccontextmanager
async def serve_fake(**options: Any) -> AsyncIterator[Avito]:
    """Run the fake; its clock stands at `NOON` until it is moved."""
    world = AvitoWorld(clock=lambda: NOON, **options)
    async with serve_avito(world) as url, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as http:
        yield Avito(url, world, http)
