"""The control of the Avito fake, and the fake as a part of the sandbox and of the playground."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.avito import POLKA, REMONT, SEVER, SEVER_KEYS, SEVER_SECOND_KEYS
from sandbox.server import Sandbox
from scripts.run import make_plan

from .avito_client import Avito, v2
from .telegram_clients import Control

V2 = "/stats/v2/accounts/{uid}/items"


@pytest.fixture
def fake(sandbox: Sandbox, session: aiohttp.ClientSession) -> Avito:
    """The Avito of a whole sandbox."""
    return Avito(f"{sandbox.url}/avito", sandbox.avito, session)


async def delete(control: Control, path: str) -> Any:
    async with control.session.delete(f"{control.url}/{path}") as response:
        assert response.status == 200
        return await response.json()


async def test_the_sandbox_has_three_sellers_with_their_keys(control: Control) -> None:
    accounts = await control.get("avito/accounts")
    assert {one["uid"]: one["name"] for one in accounts} == {
        SEVER: "Магазин «Север»",
        REMONT: "Ремонт под ключ",
        POLKA: "Кофейня «Полка»",
    }
    keys = [(one["client_id"], one["client_secret"], one["revoked"]) for one in accounts[0]["keys"]]
    assert keys == [(*SEVER_KEYS, False), (*SEVER_SECOND_KEYS, False)]
    assert all(one["about"].keys() == {"ru", "en"} for one in accounts)


async def test_keys_from_the_control_open_the_account(control: Control, fake: Avito) -> None:
    (_, remont, _) = await control.get("avito/accounts")
    keys = fake.world.keys[remont["keys"][0]["client_id"]]
    assert keys.client_secret == remont["keys"][0]["client_secret"]
    assert (await fake.token(keys)).status == 200


async def test_keys_are_revoked_and_restored(control: Control, fake: Avito) -> None:
    keys = fake.world.keys_of(SEVER)
    told = await control("avito/keys", client_id=keys.client_id, revoked=True)
    assert told == {"client_id": keys.client_id, "revoked": True}
    assert (await fake.token(keys)).status == 401
    await control("avito/keys", client_id=keys.client_id, revoked=False)
    assert (await fake.token(keys)).status == 200


async def test_a_secret_is_made_anew(control: Control, fake: Avito) -> None:
    keys = fake.world.keys_of(SEVER)
    told = await control("avito/keys/secret", client_id=keys.client_id)
    assert told["client_secret"] == keys.client_secret != SEVER_KEYS[1]


async def test_tokens_are_ended(control: Control, fake: Avito) -> None:
    seller = await fake.seller(SEVER)
    assert await control("avito/expire", uid=REMONT) == {"expired": 0}
    assert await control("avito/expire") == {"expired": 1}
    assert (await seller.get("/core/v1/accounts/self")).status == 403


async def test_an_account_is_made_with_all_it_has(control: Control, fake: Avito) -> None:
    said = {"uid": 95_000_001, "name": "Большой", "items": 3, "chats": 1100, "messages": 100, "long": {"0": 1500}}
    told = await control("avito/accounts", **said, real=12.5)
    assert (told["name"], told["items"], told["chats"], told["real"]) == ("Большой", 3, 1100, 12.5)
    assert fake.world.accounts[95_000_001].inbox.size(0) == 1500
    assert (await fake.seller(95_000_001)).uid == 95_000_001


async def test_an_account_is_changed(control: Control, fake: Avito) -> None:
    told = await control("avito/accounts", uid=SEVER, cpa=-500_000, real=None, absent=["views"], closed={"cpa": "403"})
    assert (told["cpa"], told["real"], told["absent"]) == (-500_000, None, ["views"])
    seller = await fake.seller(SEVER)
    assert set(await seller.totals("views", "contacts")) == {"contacts"}
    assert (await seller.ask("POST", "/cpa/v3/balanceInfo", json={})).status == 403


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("accounts", {"uid": SEVER, "chats": 5}, "cannot be changed in an account: chats"),
        ("accounts", {"uid": 95_000_001, "weather": 5}, "weather"),
        ("accounts", {"uid": SEVER, "closed": {"calls": "rain"}}, "unknown kind 'rain' for calls"),
        ("accounts", {}, "uid is missing"),
        ("keys", {"client_id": "nobody"}, "nobody is missing or unknown"),
        ("troubles", {"section": "weather", "kind": "500"}, "unknown section 'weather'"),
        ("troubles", {"section": "balance"}, "kind is missing"),
        ("troubles", {"section": "balance", "kind": "500", "often": 1}, "often"),
        ("manners", {"v2": "half"}, "v2 cannot be 'half'"),
        ("manners", {"uid": 5, "v2": "full"}, "5 is missing or unknown"),
        ("clock", {"now": "yesterday"}, "yesterday"),
        ("clock", {"now": "2026-03-09T12:00:00"}, "zone"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
async def test_what_cannot_be_done_is_told(control: Control, path: str, body: dict[str, Any], words: str) -> None:
    assert words in await control.refused(f"avito/{path}", **body)


async def test_troubles_are_set_told_and_ended(control: Control, fake: Avito) -> None:
    seller = await fake.seller(SEVER)
    await control("avito/troubles", section="balance", kind="500", uid=SEVER, times=1)
    path = "/core/v1/accounts/{uid}/balance/"
    assert [(await seller.get(path)).status for _ in range(2)] == [500, 200]
    (rule,) = await control.get("avito/troubles")
    assert (rule["section"], rule["kind"], rule["matched"]) == ("balance", "500", 2)
    assert await delete(control, "avito/troubles") == []
    assert await control.get("avito/troubles") == []


async def test_manners_are_set_for_all_and_for_one(control: Control) -> None:
    await control("avito/manners", gates=False, messages="bare")
    await control("avito/manners", uid=SEVER, messages="wrapped")
    everybody, one = await control.get("avito/manners"), await control.get(f"avito/manners?uid={SEVER}")
    assert (everybody["gates"], everybody["messages"]) == (False, "bare")
    assert (one["gates"], one["messages"]) == (False, "wrapped")


async def test_the_clock_is_set_moved_and_let_go(control: Control) -> None:
    assert await control("avito/clock", now="2026-03-09T12:00:00+03:00", still=True) == {
        "now": "2026-03-09T09:00:00+00:00"
    }
    assert (await control("avito/clock", shift=90))["now"] == "2026-03-09T09:01:30+00:00"
    await control("avito/clock", now=None)
    told = datetime.fromisoformat((await control.get("avito/clock"))["now"])
    assert abs((told - datetime.now(UTC)).total_seconds()) < 60


async def test_calls_are_told_counted_and_forgotten(control: Control, fake: Avito) -> None:
    seller = await fake.seller(SEVER)
    for _ in range(2):
        await seller.post(V2, v2("views", dateFrom="2099-01-01", dateTo="2099-01-02"))
    assert await control.get("avito/counts") == {"token": 1, "stats_v2": 2}
    rows = await control.get(f"avito/calls?method=stats&uid={SEVER}")
    assert [(row["method"], row["status"], row["uid"]) for row in rows] == [
        ("stats_v2", 200, SEVER),
        ("stats_v2", 429, SEVER),
    ]
    assert rows[0]["body"]["dateFrom"] == "2099-01-01"
    assert await control.get(f"avito/calls?since={rows[0]['n']}") == rows[1:]
    await delete(control, "avito/calls")
    assert await control.get("avito/counts") == {}


async def test_the_control_tells_no_secret_in_its_calls(control: Control, fake: Avito) -> None:
    await fake.seller(SEVER)
    assert SEVER_KEYS[1] not in str(await control.get("avito/calls"))


async def test_limits_are_forgotten_and_the_held_let_go(control: Control, fake: Avito) -> None:
    seller = await fake.seller(SEVER)
    body = v2("views", dateFrom="2099-01-01", dateTo="2099-01-02")
    assert (await seller.post(V2, body)).status == 200
    await control("avito/gates")
    assert (await seller.post(V2, body)).status == 200
    assert await control("avito/release") == {}


# --- the playground -------------------------------------------------------------------------------------------


def test_the_playgrounds_bot_is_pointed_at_the_fake(tmp_path: Path) -> None:
    plan = make_plan({"SANDBOX_PORT": "9011"}, {}, tmp_path)
    assert plan.env["AVITO_BASE_URL"] == "http://127.0.0.1:9011/avito"


def test_an_address_of_ones_own_stays(tmp_path: Path) -> None:
    plan = make_plan({"AVITO_BASE_URL": "http://127.0.0.1:7000"}, {}, tmp_path)
    assert "AVITO_BASE_URL" not in plan.env


def test_a_bot_of_the_real_telegram_asks_the_real_avito(tmp_path: Path) -> None:
    plan = make_plan({"BOT_TOKEN": "1:x"}, {}, tmp_path)
    assert "AVITO_BASE_URL" not in plan.env
