"""The Avito fake in a process of its own, led over HTTP alone, as the stories in the browser have it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from sandbox.avito import SEVER, SEVER_KEYS, figures_of

from .avito_client import NOON, spent, v2
from .telegram_clients import Control

ROOT = Path(__file__).parents[2]
V2, SPENDINGS = f"/stats/v2/accounts/{SEVER}/items", f"/stats/v2/accounts/{SEVER}/spendings"


@dataclass
class Far:
    """The fake far away: the API, and its control."""

    url: str
    control: Control
    http: aiohttp.ClientSession
    token: str = ""

    async def sign_in(self) -> int:
        """Get a token; the status."""
        form = {"grant_type": "client_credentials", "client_id": SEVER_KEYS[0], "client_secret": SEVER_KEYS[1]}
        async with self.http.post(f"{self.url}/token", data=form) as response:
            self.token = (await response.json()).get("access_token", "")
            return response.status

    async def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of a GET, or of a POST with a body."""
        verb = "GET" if body is None else "POST"
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(verb, self.url + path, json=body, headers=headers) as response:
            return response.status, await response.json()


@pytest_asyncio.fixture
async def far(session: aiohttp.ClientSession) -> AsyncIterator[Far]:
    """A sandbox of its own; its Avito stands at noon, and a token is had."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "sandbox", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=pipe)
    try:
        assert process.stdout is not None
        url = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["url"]
        found = Far(f"{url}/avito", Control(url, session), session)
        await found.control("avito/clock", now=NOON.isoformat(), still=True)
        assert await found.sign_in() == 200
        yield found
    finally:
        process.terminate()
        _, complaints = await asyncio.wait_for(process.communicate(), 60)
        assert complaints == b""


async def test_another_process_foretells_the_same(far: Far) -> None:
    status, body = await far.ask(V2, v2("views", dateFrom="2026-03-02", dateTo="2026-03-02"))
    (group,) = body["result"]["groupings"]
    assert status == 200
    assert group["metrics"] == [{"slug": "views", "value": figures_of(SEVER, date(2026, 3, 2))["views"]}]


async def test_a_minute_passes_when_it_is_told_to(far: Far) -> None:
    assert [(await far.ask(SPENDINGS, spent()))[0] for _ in range(2)] == [200, 429]
    await far.control("avito/clock", shift=60)
    assert (await far.ask(SPENDINGS, spent()))[0] == 200
    assert await far.control.get(f"avito/counts?uid={SEVER}&method=stats") == {"spendings": 3}


async def test_a_day_passes_and_the_token_with_it(far: Far) -> None:
    await far.control("avito/clock", shift=86_400)
    assert (await far.ask("/core/v1/accounts/self"))[0] == 403
    assert await far.sign_in() == 200
    assert (await far.ask("/core/v1/accounts/self"))[0] == 200


async def test_keys_are_revoked_and_section_after_section_fails(far: Far) -> None:
    await far.control("avito/troubles", section="messenger", kind="402", uid=SEVER)
    chats = f"/messenger/v2/accounts/{SEVER}/chats"
    assert (await far.ask(chats))[0] == 402
    await far.control("avito/keys", client_id=SEVER_KEYS[0], revoked=True)
    assert (await far.ask(chats))[0] == 403
    assert await far.sign_in() == 401


async def test_what_is_held_is_let_go_from_afar(far: Far) -> None:
    await far.control("avito/troubles", section="balance", kind="hold", times=1)
    asking = asyncio.create_task(far.ask(f"/core/v1/accounts/{SEVER}/balance/"))
    while not await far.control.get("avito/calls?method=balance"):
        await asyncio.sleep(0.02)
    assert not asking.done()
    await far.control("avito/release")
    assert (await asking)[0] == 200


async def test_a_big_seller_is_made_and_asked_from_afar(far: Far) -> None:
    await far.control("avito/manners", gates=False, messages="bare")
    made = await far.control("avito/accounts", uid=95_000_001, chats=1100, messages=100, long={"0": 1500}, items=2)
    keys = made["keys"][0]
    form = {"grant_type": "client_credentials"} | {name: keys[name] for name in ("client_id", "client_secret")}
    async with far.http.post(f"{far.url}/token", data=form) as response:
        far.token = (await response.json())["access_token"]
    _, body = await far.ask("/messenger/v2/accounts/95000001/chats?limit=100&offset=1000")
    assert (len(body["chats"]), body["meta"]) == (100, {"has_more": False})
    status, rows = await far.ask(f"/messenger/v3/accounts/95000001/chats/{body['chats'][0]['id']}/messages/")
    assert (status, len(rows)) == (200, 100)
