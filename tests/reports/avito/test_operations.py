"""The wallet's operations, calls one by one, ratings, the tariff."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from reports.avito.calltracking import recorded_calls
from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.operations import operations
from reports.avito.ratings import Rating, Review, rating, reviews
from reports.avito.tariff import tariffs
from reports.metrics import Section
from sandbox.avito import POLKA, REMONT, SEVER, AvitoWorld
from sandbox.avito.methods.account import operations_of
from tests.reports.avito.conftest import Clock, Make, keys_in
from tests.reports.avito.said import Said

MOSCOW = timezone(timedelta(hours=3))
FIRST = datetime(2026, 10, 1, tzinfo=MOSCOW)
OPERATIONS, CALLS = "/core/v1/accounts/operations_history/", "/calltracking/v1/getCalls/"


def operation(at: str, name: str = "XL", **more: Any) -> dict[str, Any]:
    return {"updatedAt": at, "paidAt": at, "operationName": name, "amountTotal": 119} | more


@pytest.mark.parametrize(("days", "asked"), [(1, 1), (7, 1), (8, 2), (31, 5)])
async def test_operations_come_by_weeks(world: AvitoWorld, sever: Avito, days: int, asked: int) -> None:
    told = await operations(sever, FIRST, FIRST + timedelta(days=days))
    expected = [
        row
        for n in range(days)
        for _at, row in operations_of(world.accounts[SEVER], (FIRST + timedelta(days=n)).date())
    ]
    assert len(told) == len(expected)
    assert sum(row.total or 0 for row in told) == Decimal(
        str(sum(Decimal(str(row["amountTotal"])) for row in expected))
    )
    assert (world.count("operations", status=200), world.count("operations")) == (asked, asked)


async def test_moments_are_asked_with_their_offset(said: Said, client: Make) -> None:
    said.says(OPERATIONS, {"result": {"operations": []}})
    await operations(client(), datetime(2026, 3, 1, 21, tzinfo=UTC), datetime(2026, 3, 3, 21, tzinfo=UTC))
    assert said.asked()[0].body == {
        "dateTimeFrom": "2026-03-02T00:00:00+03:00",
        "dateTimeTo": "2026-03-04T00:00:00+03:00",
    }


@pytest.mark.parametrize("shape", ["wrapped", "flat"])
async def test_operations_come_wrapped_or_flat(world: AvitoWorld, sever: Avito, shape: str) -> None:
    world.behave(operations=shape)
    assert await operations(sever, FIRST, FIRST + timedelta(days=7))


async def test_operation_is_read_whole(said: Said, client: Make) -> None:
    row = {
        "updatedAt": "2026-03-04T10:51:50.012+03:00",
        "paidAt": "2026-03-04T10:51:50+03:00",
        "operationType": "резервирование средств под услугу",
        "operationName": "Резервирование… №7000000001",
        "serviceId": 16,
        "serviceType": "vas",
        "serviceName": "Сделать XL объявлением",
        "itemId": 7000000001,
        "amountRub": 119,
        "amountBonus": 0,
        "amountTotal": 119.5,
    }
    said.says(OPERATIONS, {"operations": [row]})
    [told] = await operations(client(), FIRST, FIRST + timedelta(days=1))
    assert told.paid_at == datetime(2026, 3, 4, 7, 51, 50, tzinfo=UTC)
    assert (told.roubles, told.bonus, told.total) == (Decimal(119), Decimal(0), Decimal("119.5"))
    assert (told.item_id, told.service_id, told.service_type) == (7000000001, 16, "vas")


async def test_operation_on_the_seam_of_two_weeks_comes_once(said: Said, client: Make) -> None:
    seam = operation("2026-10-08T00:00:00+03:00")
    first, second = operation("2026-10-02T00:00:00+03:00"), operation("2026-10-09T00:00:00+03:00")
    said.says(OPERATIONS, {"operations": [first, first, seam]}).says(OPERATIONS, {"operations": [seam, second]})
    told = await operations(client(), FIRST, FIRST + timedelta(days=14))
    assert [row.paid_at.astimezone(MOSCOW).day for row in told if row.paid_at] == [2, 2, 8, 9]


async def test_refused_window_is_told(world: AvitoWorld, sever: Avito) -> None:
    long_ago = FIRST - timedelta(days=700)
    with pytest.raises(AvitoError) as caught:
        await operations(sever, long_ago, long_ago + timedelta(days=1))
    assert (caught.value.kind, caught.value.section) == (Kind.BAD_REQUEST, Section.MONEY)


# --- calls one by one


async def test_calls_come_one_by_one(world: AvitoWorld, sever: Avito) -> None:
    told = [call async for call in recorded_calls(sever, FIRST, FIRST + timedelta(days=14))]
    days = [(FIRST + timedelta(days=n)).date() for n in range(14)]
    rung = [ring for day in days for ring in world.accounts[SEVER].calls(day, world.now())]
    assert [(call.id, call.talk, call.missed) for call in told] == [
        (ring.id, ring.talk, ring.talk == 0) for ring in rung
    ]


async def test_calls_come_a_hundred_a_page(said: Said, client: Make) -> None:
    listed = [{"callId": n, "callTime": "2026-10-01T09:00:00Z", "talkDuration": n % 2} for n in range(101)]
    for rows in (listed[:100], listed[100:]):
        said.says(CALLS, {"calls": rows, "error": {"code": 0, "message": ""}})
    told = [call async for call in recorded_calls(client(), FIRST, FIRST + timedelta(days=1))]
    assert [call.id for call in told] == list(range(101))
    assert [one.body["offset"] for one in said.asked()] == [0, 100]
    assert all(
        (one.body["limit"], one.body["dateTimeFrom"]) == (100, "2026-10-01T00:00:00+03:00") for one in said.asked()
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1000, Kind.BAD_REQUEST), (1001, Kind.BAD_REQUEST), (1003, Kind.AVITO_DOWN), (1004, Kind.NOT_FOR_ACCOUNT)],
)
async def test_error_inside_an_answer_is_an_error(said: Said, client: Make, code: int, kind: Kind) -> None:
    said.says(CALLS, {"calls": [], "error": {"code": code, "message": "так вышло"}})
    with pytest.raises(AvitoError) as caught:
        [call async for call in recorded_calls(client(), FIRST, FIRST + timedelta(days=1))]
    assert (caught.value.kind, caught.value.message) == (kind, "так вышло")


async def test_numbers_of_people_stay_out_of_repr(said: Said, client: Make) -> None:
    row = {"callId": 1, "buyerPhone": "79990000001", "sellerPhone": "79990000002", "virtualPhone": "74950000001"}
    said.says(CALLS, {"calls": [row], "error": {"code": 0, "message": ""}})
    [call] = [call async for call in recorded_calls(client(), FIRST, FIRST + timedelta(days=1))]
    assert (call.buyer, call.seller, call.virtual) == ("79990000001", "79990000002", "74950000001")
    assert "7999" not in repr(call)
    assert "7495" not in repr(call)


# --- ratings


async def test_rating_is_exact(sever: Avito) -> None:
    assert await rating(sever) == Rating(Decimal("4.8"), 128)


@pytest.mark.parametrize(
    "body",
    [
        {"isEnabled": False, "rating": {"score": 4.3, "reviewsCount": 2}},
        {"isEnabled": True, "rating": None},
        {"isEnabled": True},
        {},
    ],
    ids=["off", "null", "absent", "empty"],
)
async def test_rating_that_is_not_shown_is_none(said: Said, client: Make, body: Any) -> None:
    said.says("/ratings/v1/info", body)
    assert await rating(client()) == Rating(None, None)


async def test_reviews_come_in_pages(world: AvitoWorld, sever: Avito) -> None:
    seen: list[Review] = []
    offset, more = 0, True
    while more:
        page = await reviews(sever, offset)
        seen += page.rows
        offset, more = offset + page.received, page.has_more
    assert (len(seen), world.count("reviews")) == (128, 3)
    assert {review.score for review in seen} == {2, 5}
    assert all(review.created is not None and review.text for review in seen)


# --- the tariff


async def test_account_without_a_tariff_to_show(world: AvitoWorld, client: Make) -> None:
    for uid in (SEVER, REMONT, POLKA):
        with pytest.raises(AvitoError) as caught:
            await tariffs(client(keys_in(world, uid)))
        assert caught.value.kind is Kind.NOT_FOR_ACCOUNT


async def test_tariff_is_read(said: Said, client: Make, clock: Clock) -> None:
    current = {"level": "Максимальный", "isActive": True, "startTime": 1613997821, "price": {"price": 1990.5}}
    said.says("/tariff/info/1", {"current": current, "scheduled": None})
    told = await tariffs(client())
    assert told.planned is None
    assert told.current is not None
    assert (told.current.level, told.current.active, told.current.price) == ("Максимальный", True, Decimal("1990.5"))
    assert (told.current.starts, told.current.ends) == (datetime(2021, 2, 22, 12, 43, 41, tzinfo=UTC), None)
