"""Who the seller is, the wallet and its operations, and the advance for target actions, in the Avito fake."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.avito import POLKA, REMONT, SEVER, figures_of

from .avito_client import Avito, Seller

BALANCE = "/core/v1/accounts/{uid}/balance/"
OPERATIONS = "/core/v1/accounts/operations_history/"
CPA, CPA_V2 = "/cpa/v3/balanceInfo", "/cpa/v2/balanceInfo"
SOURCE = {"X-Source": "tests"}


def window(first: str = "2026-03-02T00:00:00+03:00", last: str = "2026-03-09T00:00:00+03:00") -> dict[str, str]:
    return {"dateTimeFrom": first, "dateTimeTo": last}


async def test_the_token_says_who_it_is(sever: Seller) -> None:
    shown = (await sever.get("/core/v1/accounts/self")).body
    assert (shown["id"], shown["name"]) == (SEVER, "Магазин «Север»")
    assert shown["phones"] == [shown["phone"]]


async def test_the_wallet_is_in_roubles_with_kopecks(sever: Seller) -> None:
    assert (await sever.get(BALANCE)).body == {"real": 250_000.5, "bonus": 120.0}


async def test_what_a_wallet_does_not_have_is_left_out(avito: Avito) -> None:
    assert (await (await avito.seller(POLKA)).get(BALANCE)).body == {"real": 0.0}


@pytest.mark.parametrize(
    ("path", "status"),
    [(BALANCE, 404), ("/messenger/v2/accounts/{uid}/chats", 403)],
    ids=["wallet", "messenger"],
)
async def test_another_sellers_number_in_the_path_is_refused(sever: Seller, path: str, status: int) -> None:
    assert (await sever.get(path, uid=str(REMONT))).status == status


# --- slashes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/core/v1/accounts/90000001/balance", "/core/v1/accounts/90000001/balance/"),
        ("/core/v1/accounts/self/", "/core/v1/accounts/self"),
        ("/core/v1/items/?page=2", "/core/v1/items?page=2"),
    ],
)
async def test_a_wrong_slash_is_redirected(sever: Seller, path: str, right: str) -> None:
    answer = await sever.get(path)
    assert answer.status == 301
    assert answer.headers["Location"] == f"/avito{right}"


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [("GET", "/core/v9/accounts/self", 404), ("POST", "/core/v1/accounts/self", 405), ("GET", "/token", 404)],
)
async def test_what_is_no_method_is_refused_and_recorded(
    avito: Avito, sever: Seller, verb: str, path: str, status: int
) -> None:
    assert (await sever.ask(verb, path)).status == status
    assert (avito.world.calls[-1].method, avito.world.calls[-1].status) == ("unknown", status)


# --- operations ---------------------------------------------------------------------------------------------


async def test_a_week_of_operations_has_what_was_spent(sever: Seller) -> None:
    rows = (await sever.post(OPERATIONS, window())).body["result"]["operations"]
    promoted = [
        row["amountRub"] for row in rows if row.get("serviceType") == "vas" and row["operationType"] != "сторно"
    ]
    days = [date(2026, 3, 2) + timedelta(days=n) for n in range(7)]
    expected = [figures_of(SEVER, day)["promoSpending"] / 100 for day in days]
    assert promoted == [amount for amount in expected if amount]
    assert all(row["amountTotal"] == pytest.approx(row["amountRub"] + row["amountBonus"]) for row in rows)


async def test_the_advance_is_topped_up_on_mondays(sever: Seller) -> None:
    rows = (await sever.post(OPERATIONS, window())).body["result"]["operations"]
    topped = [row for row in rows if row["operationType"] == "внесение CPA аванса"]
    assert [(row["updatedAt"], row["amountRub"]) for row in topped] == [("2026-03-02T09:00:01.000+03:00", 20_000)]


async def test_operations_of_the_future_are_not_there(sever: Seller) -> None:
    answer = await sever.post(OPERATIONS, window("2026-03-09T00:00:00+03:00", "2026-03-10T00:00:00+03:00"))
    assert {row["updatedAt"][:13] for row in answer.body["result"]["operations"]} <= {"2026-03-09T09", "2026-03-09T10"}


async def test_a_time_without_a_zone_is_moscows(sever: Seller) -> None:
    named = await sever.post(OPERATIONS, window())
    assert (await sever.post(OPERATIONS, window("2026-03-02T00:00:00", "2026-03-09T00:00:00"))).body == named.body


async def test_operations_may_come_without_their_wrapping(avito: Avito, sever: Seller) -> None:
    wrapped = (await sever.post(OPERATIONS, window())).body
    avito.world.behave(operations="flat")
    assert (await sever.post(OPERATIONS, window())).body == wrapped["result"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (window("2026-03-02", "2026-03-08"), "dateTimeFrom"),
        (window("2026-03-01T00:00:00+03:00"), "dateTimeTo"),
        (window("2026-03-09T00:00:00+03:00", "2026-03-08T00:00:00+03:00"), "dateTimeTo"),
        (window("2025-03-01T00:00:00+03:00", "2025-03-05T00:00:00+03:00"), "dateTimeFrom"),
        ({"dateTimeFrom": "2026-03-02T00:00:00"}, "dateTimeTo"),
        ({**window(), "limit": 5}, "limit"),
        ([], "body"),
    ],
    ids=["dates only", "eight days", "end first", "over a year ago", "no end", "unknown field", "a list"],
)
async def test_a_window_that_is_not_right_is_refused(sever: Seller, body: Any, field: str) -> None:
    answer = await sever.post(OPERATIONS, body)
    assert answer.status == 400
    assert list(answer.body["error"]["fields"]) == [field]


# --- the advance --------------------------------------------------------------------------------------------


async def test_the_advance_is_in_kopecks_and_may_be_a_debt(avito: Avito, sever: Seller) -> None:
    avito.world.accounts[SEVER].cpa = -500_000
    assert (await sever.ask("POST", CPA, SOURCE, json={})).body == {"balance": -500_000}


@pytest.mark.parametrize("form", ["result", "data"])
async def test_the_advance_may_be_wrapped(avito: Avito, sever: Seller, form: str) -> None:
    avito.world.behave(cpa=form)
    assert (await sever.ask("POST", CPA, SOURCE, json={})).body == {form: {"balance": 1_845_000}}


async def test_the_old_method_wraps_balance_advance_and_debt(sever: Seller) -> None:
    answer = await sever.ask("POST", CPA_V2, SOURCE, json={})
    assert answer.body == {"result": {"balance": 1_845_000, "advance": 3_000_000, "debt": 0}}


async def test_a_seller_without_target_actions_has_no_advance(avito: Avito) -> None:
    answer = await (await avito.seller(REMONT)).ask("POST", CPA, SOURCE, json={})
    assert answer.status == 404


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [({}, {}, 1001), (SOURCE, None, 1000)],
    ids=["no source", "no body"],
)
async def test_an_advance_is_asked_for_properly(sever: Seller, headers: dict[str, str], body: Any, code: int) -> None:
    answer = await sever.ask("POST", CPA, headers, json=body)
    assert (answer.status, answer.body["error"]["code"]) == (400, code)


async def test_a_dead_token_is_told_as_cpa_does(sever: Seller) -> None:
    answer = await replace(sever, token="dead").ask("POST", CPA, SOURCE, json={})
    assert (answer.status, answer.body) == (403, {"result": {"status": False, "message": "invalid access token"}})


async def test_an_account_may_have_manners_of_its_own(avito: Avito, sever: Seller) -> None:
    avito.world.behave(cpa="data", uid=REMONT)
    assert (await sever.ask("POST", CPA, SOURCE, json={})).body == {"balance": 1_845_000}
    avito.world.behave(cpa="data", uid=SEVER)
    avito.world.open_gates()
    assert (await sever.ask("POST", CPA, SOURCE, json={})).body == {"data": {"balance": 1_845_000}}
