"""What goes wrong in the Avito fake: limits, rules of trouble, connections that break, and what is recorded."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from sandbox.avito import REMONT, SEVER, AvitoWorld, serve_avito
from sandbox.avito.methods import METHODS as TABLE
from sandbox.avito.troubles import FAMILIES, METHODS, covers
from sandbox.avito.world import LIMITS, Manners

from .avito_client import MINUTE, NOON, Answer, Avito, Seller, spent, v2

BALANCE = "/core/v1/accounts/{uid}/balance/"
SELF = "/core/v1/accounts/self"
V2, SPENDINGS = "/stats/v2/accounts/{uid}/items", "/stats/v2/accounts/{uid}/spendings"
CPA = "/cpa/v3/balanceInfo"
SOURCE = {"X-Source": "tests"}
Ask = Callable[[Seller], Awaitable[Answer]]

ONCE_A_MINUTE: dict[str, Ask] = {
    "stats_v2": lambda seller: seller.post(V2, v2("views")),
    "spendings": lambda seller: seller.post(SPENDINGS, spent()),
    "cpa_v3": lambda seller: seller.ask("POST", CPA, SOURCE, json={}),
    "cpa_v2": lambda seller: seller.ask("POST", "/cpa/v2/balanceInfo", SOURCE, json={}),
}


# --- limits by the minute -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ONCE_A_MINUTE)
async def test_once_a_minute_is_once_a_minute(avito: Avito, sever: Seller, method: str) -> None:
    ask = ONCE_A_MINUTE[method]
    assert [(await ask(sever)).status for _ in range(2)] == [200, 429]
    avito.world.move_clock(MINUTE - timedelta(milliseconds=1))
    assert (await ask(sever)).status == 429
    avito.world.move_clock(timedelta(milliseconds=1))
    assert [(await ask(sever)).status for _ in range(2)] == [200, 429]


async def test_every_method_has_a_limit_of_its_own(sever: Seller) -> None:
    assert [(await ask(sever)).status for ask in ONCE_A_MINUTE.values()] == [200] * 4


async def test_sellers_do_not_share_a_limit(avito: Avito, sever: Seller) -> None:
    remont = await avito.seller(REMONT)
    assert [(await ONCE_A_MINUTE["stats_v2"](one)).status for one in (sever, remont)] == [200, 200]


async def test_two_pairs_of_keys_share_the_limit_of_their_account(avito: Avito) -> None:
    sellers = []
    for keys in (one for one in avito.world.keys.values() if one.uid == SEVER):
        sellers.append(Seller(avito, SEVER, (await avito.token(keys)).body["access_token"]))
    assert [(await ONCE_A_MINUTE["stats_v2"](one)).status for one in sellers] == [200, 429]


async def test_too_many_requests_are_told_with_the_limit(sever: Seller) -> None:
    await ONCE_A_MINUTE["stats_v2"](sever)
    answer = await ONCE_A_MINUTE["stats_v2"](sever)
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert "Retry-After" not in answer.headers
    assert answer.body["error"]["code"] == 429


async def test_too_many_requests_may_come_without_a_word(avito: Avito, sever: Seller) -> None:
    avito.world.behave(rate_headers="none")
    await ONCE_A_MINUTE["cpa_v3"](sever)
    answer = await ONCE_A_MINUTE["cpa_v3"](sever)
    assert (answer.status, answer.body) == (429, {"error": {"code": 429}})
    assert not {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"} & answer.headers.keys()


async def test_too_many_requests_may_say_when_to_come_again(avito: Avito, sever: Seller) -> None:
    avito.world.behave(rate_headers="retry")
    await ONCE_A_MINUTE["stats_v2"](sever)
    avito.world.move_clock(timedelta(seconds=18))
    assert (await ONCE_A_MINUTE["stats_v2"](sever)).headers["Retry-After"] == "42"


async def test_a_refused_request_does_not_lengthen_the_wait(avito: Avito, sever: Seller) -> None:
    await ONCE_A_MINUTE["stats_v2"](sever)
    avito.world.move_clock(timedelta(seconds=59))
    assert (await ONCE_A_MINUTE["stats_v2"](sever)).status == 429
    avito.world.move_clock(timedelta(seconds=1))
    assert (await ONCE_A_MINUTE["stats_v2"](sever)).status == 200


async def test_of_many_at_once_only_one_gets_through(avito: Avito, sever: Seller) -> None:
    answers = await asyncio.gather(*(ONCE_A_MINUTE["stats_v2"](sever) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [200] + [429] * 9


async def test_the_minute_is_a_window_that_slides(avito: Avito, sever: Seller) -> None:
    """Not a minute of the clock: what was asked at its end still counts at the beginning of the next."""
    asked: list[int] = []
    for second in (59, 61, 118, 119):
        avito.world.set_clock(NOON + timedelta(seconds=second), still=True)
        asked.append((await ONCE_A_MINUTE["stats_v2"](sever)).status)
    assert asked == [200, 429, 429, 200]


async def test_a_limit_of_many_frees_one_place_after_another(avito: Avito, sever: Seller) -> None:
    for _ in range(25):
        assert (await sever.get("/core/v1/items")).status == 200
        avito.world.move_clock(timedelta(seconds=2))
    statuses = [(await sever.get("/core/v1/items")).status]
    avito.world.move_clock(timedelta(seconds=10))
    statuses += [(await sever.get("/core/v1/items")).status for _ in range(2)]
    assert statuses == [429, 200, 429]


async def test_methods_without_a_limit_are_never_too_many(sever: Seller) -> None:
    assert {(await sever.get(SELF)).status for _ in range(40)} == {200}


async def test_limits_can_be_switched_off(avito: Avito, sever: Seller) -> None:
    avito.world.behave(gates=False)
    assert [(await ONCE_A_MINUTE["stats_v2"](sever)).status for _ in range(3)] == [200] * 3


async def test_what_was_counted_can_be_forgotten(avito: Avito, sever: Seller) -> None:
    await ONCE_A_MINUTE["stats_v2"](sever)
    avito.world.open_gates()
    assert (await ONCE_A_MINUTE["stats_v2"](sever)).status == 200


# --- rules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 503])
async def test_a_method_may_answer_with_a_status(avito: Avito, sever: Seller, status: int) -> None:
    avito.world.trouble("balance", status)
    answer = await sever.get(BALANCE)
    assert (answer.status, answer.body["error"]["code"]) == (status, status)


async def test_trouble_may_carry_words_and_a_time(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", 429, message="Slow down", retry_after=7)
    answer = await sever.get(BALANCE)
    assert (answer.body["error"]["message"], answer.headers["Retry-After"]) == ("Slow down", "7")


@pytest.mark.parametrize(
    "body",
    [
        {"code": "x", "message": "y"},
        {"error": {"code": 429}},
        {"result": {"error": {"code": 1001, "message": "…"}}},
        {"result": {"status": False, "message": "invalid access token"}},
        {"errors": ["…"]},
        {"result": {"status": "error", "messages": ["…"]}},
        {"error": "…"},
        "",
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["400", "inside"])
async def test_trouble_may_have_any_body(avito: Avito, sever: Seller, kind: str, body: Any) -> None:
    avito.world.trouble("balance", kind, body=body)
    answer = await sever.get(BALANCE)
    assert (answer.status, answer.body) == (400 if kind == "400" else 200, body)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/core/v1/items", 500, {"code": "500", "message": "Error while processing request. Please, contact support"}),
        ("/tariff/info/1", 404, {"errors": ["Not found"]}),
        ("/ratings/v1/info", 403, {"error": {"code": 403, "message": "Forbidden"}}),
    ],
    ids=["items", "tariff", "rating"],
)
async def test_every_family_words_its_refusals_itself(
    avito: Avito, sever: Seller, path: str, status: int, body: Any
) -> None:
    avito.world.trouble("*", status)
    assert (await sever.get(path)).body == body


async def test_a_rule_is_over_after_its_times(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", 500, times=2)
    assert [(await sever.get(BALANCE)).status for _ in range(3)] == [500, 500, 200]


async def test_a_rule_may_let_the_first_ones_pass(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", 500, after=1, times=1)
    assert [(await sever.get(BALANCE)).status for _ in range(3)] == [200, 500, 200]


async def test_a_rule_is_for_one_seller(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", 500, uid=REMONT)
    assert (await sever.get(BALANCE)).status == 200
    assert (await (await avito.seller(REMONT)).get(BALANCE)).status == 500


async def test_a_rule_for_a_family_covers_its_methods(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("stats", 503)
    assert [(await ONCE_A_MINUTE[one](sever)).status for one in ("stats_v2", "spendings", "cpa_v3")] == [503, 503, 200]


async def test_a_rule_for_everything_leaves_tokens_alone(avito: Avito) -> None:
    avito.world.trouble("*", 500)
    assert (await (await avito.seller(SEVER)).get(SELF)).status == 500


async def test_calm_ends_the_rules_but_not_what_an_account_always_has(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("*", 500)
    avito.world.calm()
    assert (await sever.get(BALANCE)).status == 200
    assert (await (await avito.seller(REMONT)).get("/messenger/v2/accounts/{uid}/chats")).status == 402


async def test_trouble_in_place_of_an_answer_does_not_count_against_the_limit(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("stats_v2", 500, times=1)
    assert [(await ONCE_A_MINUTE["stats_v2"](sever)).status for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(
    "rule",
    [("weather", 500), ("balance", 418), ("balance", "invalid_client"), ("", "html")],
    ids=["section", "kind", "kind of tokens", "no section"],
)
def test_a_rule_of_unknown_words_is_refused(rule: tuple[str, Any]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        AvitoWorld().trouble(*rule)


# --- answers that are none ------------------------------------------------------------------------------------


async def test_a_balancer_may_answer_in_html(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", "html")
    answer = await sever.get(BALANCE)
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "<html>" in answer.body


@pytest.mark.parametrize(("kind", "status"), [("empty", 200), ("204", 204)])
async def test_an_answer_may_be_empty(avito: Avito, sever: Seller, kind: str, status: int) -> None:
    avito.world.trouble("balance", kind)
    answer = await sever.get(BALANCE)
    assert (answer.status, answer.body) == (status, "")


async def test_an_answer_may_be_no_json(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", "bad_json")
    answer = await sever.get(BALANCE)
    assert (answer.status, type(answer.body)) == (200, str)
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_an_error_may_be_inside_a_good_answer(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("*", "inside", message="not now")
    advance = await ONCE_A_MINUTE["cpa_v3"](sever)
    assert (advance.status, advance.body) == (200, {"error": {"code": 1003, "message": "not now"}})
    calls = await sever.post("/calltracking/v1/getCalls/", {})
    assert (calls.status, calls.body) == (200, {"calls": [], "error": {"code": 1003, "message": "not now"}})


async def test_an_answer_may_break_off(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", "cut")
    with pytest.raises(aiohttp.ClientPayloadError):
        await sever.get(BALANCE)


async def test_an_answer_may_be_slow(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", "slow", seconds=0.2)
    begun = time.monotonic()
    assert (await sever.get(BALANCE)).status == 200
    assert time.monotonic() - begun >= 0.2


async def test_an_answer_may_be_held_until_it_is_let_go(avito: Avito, sever: Seller) -> None:
    avito.world.trouble("balance", "hold", times=1)
    asking = asyncio.create_task(sever.get(BALANCE))
    await avito.world.until(lambda: avito.world.count("balance") == 1)
    assert (await sever.get(SELF)).status == 200
    assert not asking.done()
    avito.world.release()
    assert (await asking).status == 200


async def test_waiting_for_what_does_not_come_ends(avito: Avito) -> None:
    with pytest.raises(TimeoutError):
        await avito.world.until(lambda: avito.world.count("balance") == 1, seconds=0.01)


async def test_whoever_is_held_goes_when_the_fake_ends() -> None:
    world = AvitoWorld()
    async with aiohttp.ClientSession() as http:
        async with serve_avito(world) as url:
            seller = await Avito(url, world, http).seller(SEVER)
            world.trouble("balance", "hold")
            asking = asyncio.create_task(seller.get(BALANCE))
            await world.until(lambda: world.count("balance") == 1)
        assert (await asking).status == 200


# --- what is remembered ---------------------------------------------------------------------------------------


async def test_every_call_is_recorded_with_what_it_said(avito: Avito, sever: Seller) -> None:
    await ONCE_A_MINUTE["stats_v2"](sever)
    call = avito.world.calls[-1]
    assert (call.method, call.http, call.uid, call.status, call.at) == ("stats_v2", "POST", SEVER, 200, NOON)
    assert call.path == f"/avito/stats/v2/accounts/{SEVER}/items"
    assert call.body == v2("views")


async def test_calls_are_counted_by_method_seller_and_status(avito: Avito, sever: Seller) -> None:
    for _ in range(3):
        await ONCE_A_MINUTE["stats_v2"](sever)
    assert avito.world.count("stats_v2") == avito.world.count("stats") == 3
    assert avito.world.count("stats_v2", uid=SEVER, status=200) == 1
    assert avito.world.count("stats_v2", uid=REMONT) == 0
    assert avito.world.count() == 4  # and the token


@pytest.mark.parametrize("end", ["expired", "revoked", "regenerated"])
async def test_a_call_with_a_dead_token_is_put_down_to_its_seller(avito: Avito, sever: Seller, end: str) -> None:
    client_id = avito.world.keys_of(SEVER).client_id
    if end == "expired":
        avito.world.expire_tokens()
    elif end == "revoked":
        avito.world.revoke(client_id)
    else:
        avito.world.regenerate(client_id)
    await sever.get(BALANCE)
    assert avito.world.count("balance", uid=SEVER, status=403) == 1


def test_every_method_has_a_name_that_rules_can_use() -> None:
    assert {method.name for method in TABLE} | {"token"} == set(METHODS)
    assert LIMITS.keys() <= set(METHODS)
    for family, members in FAMILIES.items():
        assert all(covers(family, member) for member in members)
        assert set(members) <= set(METHODS)


# --- manners and the clock --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [{"v3": "full"}, {"v2": "half"}, {"gates": 1}, {"expired": 404}, {"lag": "late"}],
    ids=["unknown", "no choice", "no truth", "another status", "no number"],
)
def test_unknown_manners_are_refused(said: dict[str, Any]) -> None:
    world = AvitoWorld()
    with pytest.raises(ValueError, match=next(iter(said))):
        world.behave(**said)
    assert world.manners == Manners()


def test_every_manner_is_explained() -> None:
    assert Manners.__doc__
    for one in fields(Manners):
        assert f"{one.name}:" in Manners.__doc__


def test_the_clock_can_be_set_stopped_and_let_go() -> None:
    moment = NOON
    world = AvitoWorld(clock=lambda: moment)
    world.set_clock(NOON + timedelta(days=2))
    moment += timedelta(hours=1)
    assert world.now() == NOON + timedelta(days=2, hours=1)
    world.set_clock(NOON, still=True)
    moment += timedelta(hours=1)
    assert world.now() == NOON
    world.move_clock(timedelta(minutes=5))
    assert world.now() == NOON + timedelta(minutes=5)
    world.set_clock(None)
    assert world.now() == moment


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        AvitoWorld().set_clock(NOON.replace(tzinfo=None))
