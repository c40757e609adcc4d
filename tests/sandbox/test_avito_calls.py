"""Calls, the rating and the tariff in the Avito fake."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from sandbox.avito import POLKA, REMONT, SEVER

from .avito_client import MINUTE, WEEK, Avito, Seller

STATS = "/core/v1/accounts/{uid}/calls/stats/"
CALLS = "/calltracking/v1/getCalls/"
INFO, REVIEWS, TARIFF = "/ratings/v1/info", "/ratings/v1/reviews", "/tariff/info/1"
SPAN = {"dateTimeFrom": "2026-03-02T00:00:00+03:00", "dateTimeTo": "2026-03-08T23:59:59+03:00"}


async def counted(seller: Seller, **more: Any) -> list[dict[str, Any]]:
    answer = await seller.post(STATS, WEEK | more)
    assert answer.status == 200, answer
    rows: list[dict[str, Any]] = answer.body["result"]["items"]
    return rows


async def listed(seller: Seller, **more: Any) -> list[dict[str, Any]]:
    answer = await seller.post(CALLS, {**SPAN, "limit": 100, "offset": 0} | more)
    assert answer.body["error"] == {"code": 0, "message": ""}
    rows: list[dict[str, Any]] = answer.body["calls"]
    return rows


def total(rows: list[dict[str, Any]], name: str) -> int:
    return sum(day[name] for row in rows for day in row["days"])


async def test_counted_calls_are_the_listed_ones(sever: Seller) -> None:
    rows, calls = await counted(sever), await listed(sever)
    assert total(rows, "calls") == len(calls) > 0
    assert total(rows, "answered") == sum(call["talkDuration"] > 0 for call in calls)


async def test_missed_calls_have_no_talk(sever: Seller) -> None:
    rows = await counted(sever)
    assert total(rows, "answered") < total(rows, "calls")
    assert 0 < total(rows, "newAnswered") <= total(rows, "new") < total(rows, "calls")


async def test_some_calls_belong_to_no_item(sever: Seller) -> None:
    assert any(row["itemId"] == 0 and row["employeeId"] == 0 for row in await counted(sever))
    assert any(call["itemId"] is None for call in await listed(sever))


async def test_calls_of_one_item_are_told_alone(sever: Seller) -> None:
    item_id = next(row["itemId"] for row in await counted(sever) if row["itemId"])
    assert {row["itemId"] for row in await counted(sever, itemIds=[item_id])} == {item_id}


async def test_calls_of_today_end_now(avito: Avito, sever: Seller) -> None:
    day = date(2026, 3, 5)
    avito.world.set_clock(datetime.fromisoformat("2026-03-05T12:00:00+03:00"), still=True)
    sofar = len(avito.world.accounts[SEVER].calls(day, avito.world.now()))
    assert total(await counted(sever, dateFrom="2026-03-05", dateTo="2026-03-05"), "calls") == sofar
    assert sofar < len(avito.world.accounts[SEVER].calls(day))


async def test_calls_come_in_pages(avito: Avito, sever: Seller) -> None:
    whole = await listed(sever)
    assert await listed(sever, limit=5, offset=5) == whole[5:10]
    assert whole == sorted(whole, key=lambda call: call["callTime"])


async def test_without_an_end_it_is_a_month(avito: Avito, sever: Seller) -> None:
    month = await listed(sever, dateTimeFrom="2026-01-01T00:00:00Z", dateTimeTo=None)
    assert "2026-01-31" < month[-1]["callTime"] < "2026-02-02" or len(month) == 100


async def test_a_seller_without_calls_has_none(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    assert (await counted(remont), await listed(remont)) == ([], [])


async def test_an_employee_may_not_see_calls(avito: Avito) -> None:
    polka = await avito.seller(POLKA)
    assert [(await polka.post(path, WEEK)).status for path in (STATS, CALLS)] == [403, 403]


@pytest.mark.parametrize(
    "more",
    [
        {"limit": 101},
        {"limit": None},
        {"offset": -1},
        {"dateTimeFrom": "2026-03-02"},
        {"dateTimeTo": "2026-06-20T00:00:00Z"},
        {"dateTimeTo": "2026-01-20T00:00:00Z"},
        {"phone": "1"},
    ],
    ids=str,
)
async def test_what_is_wrong_with_calls_is_told_inside_a_good_status(sever: Seller, more: dict[str, Any]) -> None:
    answer = await sever.post(CALLS, {**SPAN, "limit": 100, "offset": 0} | more)
    assert (answer.status, answer.body["calls"], answer.body["error"]["code"]) == (200, [], 1001)


@pytest.mark.parametrize("more", [{"dateTo": "2026-03-01"}, {"itemIds": "1"}, {"limit": 1}], ids=str)
async def test_a_question_of_counts_that_is_not_right_is_refused(sever: Seller, more: dict[str, Any]) -> None:
    assert (await sever.post(STATS, WEEK | more)).status == 400


async def test_five_lists_of_calls_a_minute_are_the_limit(avito: Avito, sever: Seller) -> None:
    asked = {**SPAN, "limit": 1, "offset": 0}
    assert [(await sever.post(CALLS, asked)).status for _ in range(6)] == [200] * 5 + [429]
    avito.world.move_clock(MINUTE - timedelta(seconds=1))
    assert (await sever.post(CALLS, asked)).status == 429
    avito.world.move_clock(timedelta(seconds=1))
    assert (await sever.post(CALLS, asked)).status == 200


# --- rating and tariff --------------------------------------------------------------------------------------


async def test_the_rating_has_a_score_and_its_reviews(sever: Seller) -> None:
    rating = {"score": 4.8, "reviewsCount": 128, "reviewsWithScoreCount": 102}
    assert (await sever.get(INFO)).body == {"isEnabled": True, "rating": rating}


async def test_there_may_be_no_rating(avito: Avito) -> None:
    assert (await (await avito.seller(POLKA)).get(INFO)).body == {"isEnabled": False, "rating": None}


async def test_reviews_come_in_pages_to_their_end(sever: Seller) -> None:
    pages = [(await sever.get(REVIEWS, {"offset": offset, "limit": 50})).body for offset in (0, 50, 100, 150)]
    assert [len(page["reviews"]) for page in pages] == [50, 50, 28, 0]
    assert {page["total"] for page in pages} == {128}
    times = [review["createdAt"] for page in pages for review in page["reviews"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("query", [{"limit": 51, "offset": 0}, {"limit": 5}, {"limit": 5, "offset": "x"}], ids=str)
async def test_a_question_of_reviews_that_is_not_right_is_refused(sever: Seller, query: dict[str, object]) -> None:
    answer = await sever.get(REVIEWS, query)
    assert (answer.status, answer.body["error"]["code"]) == (400, "validation")


async def test_only_sellers_of_cars_have_a_tariff_to_show(avito: Avito, sever: Seller) -> None:
    answer = await sever.get(TARIFF)
    assert (answer.status, answer.body) == (404, {"errors": ["Тариф не найден"]})
    avito.world.accounts[SEVER].tariff = {"current": {"level": "Тариф «Максимальный»"}, "scheduled": None}
    assert (await sever.get(TARIFF)).body["current"]["level"] == "Тариф «Максимальный»"
