"""Statistics v1, spendings, calls: by day, each in its own units."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.statistics import calls, daily, of_items, spendings
from reports.metrics import Section
from sandbox.avito import POLKA, REMONT, SEVER, AvitoWorld, figures_of
from sandbox.avito.figures import Trade
from tests.reports.avito.conftest import Make, keys_in
from tests.reports.avito.said import Said

V1 = "/stats/v1/accounts/7/items"
SPENDINGS = "/stats/v2/accounts/7/spendings"
CALLS = "/core/v1/accounts/7/calls/stats/"
MONDAY, SUNDAY = date(2026, 3, 2), date(2026, 3, 8)
TUESDAY = date(2026, 3, 3)


def one(*numbers: int) -> dict[str, Decimal]:
    return dict(zip(("views", "contacts", "favorites"), map(Decimal, numbers), strict=False))


def stats(day: str, *numbers: int) -> dict[str, Any]:
    return {"date": day} | dict(zip(("uniqViews", "uniqContacts", "uniqFavorites"), numbers, strict=False))


# --- statistics v1


async def test_listings_are_summed_by_day(said: Said, client: Make) -> None:
    items = [
        {"itemId": 1, "stats": [stats("2026-03-02", 10, 1, 0), stats("2026-03-03", 4, 0, 2)]},
        {"itemId": 2, "stats": [stats("2026-03-02", 5, 2, 1)]},
    ]
    said.says(V1, {"result": {"items": items}})
    told = await of_items(client(), [1, 2], MONDAY, SUNDAY)
    assert told.days == {MONDAY: one(15, 3, 1), TUESDAY: one(4, 0, 2)}
    assert told.missing == 0


async def test_listings_of_which_nothing_is_told_are_counted(said: Said, client: Make) -> None:
    items = [{"itemId": 1, "stats": [stats("2026-03-02", 0, 0, 0)]}, {"itemId": 2, "stats": []}, None]
    said.says(V1, {"result": {"items": items}, "errors": {"3": "unknown"}})
    told = await of_items(client(), [1, 2, 3], MONDAY, SUNDAY)
    assert (told.days, told.missing) == ({MONDAY: one(0, 0, 0)}, 2)


async def test_counter_that_is_not_told_is_absent(said: Said, client: Make) -> None:
    said.says(V1, {"result": {"items": [{"itemId": 1, "stats": [stats("2026-03-02", 10), stats("x", 1)]}]}})
    assert (await of_items(client(), [1], MONDAY, SUNDAY)).days == {MONDAY: one(10)}


@pytest.mark.parametrize("shape", ["wrapped", "bare"])
async def test_result_may_be_a_bare_list(world: AvitoWorld, sever: Avito, shape: str) -> None:
    world.behave(v1=shape, gaps=True)
    ids = [item.id for item in world.accounts[SEVER].stock.items]
    told = await of_items(sever, ids, MONDAY, SUNDAY)
    assert told.days[MONDAY]["views"] == Decimal(figures_of(SEVER, MONDAY)["views"])


@pytest.mark.parametrize(("listings", "asked"), [(0, 0), (1, 1), (200, 1), (201, 2), (1263, 7)])
async def test_listings_are_asked_for_two_hundred_at_once(
    world: AvitoWorld, client: Make, listings: int, asked: int
) -> None:
    ids = [item.id for item in world.accounts[REMONT].stock.items][:listings]
    await of_items(client(keys_in(world, REMONT)), [*ids, *ids], MONDAY, MONDAY)
    assert world.count("stats_v1", status=200) == world.count("stats_v1") == asked
    assert [item for call in world.found("stats_v1") for item in call.body["itemIds"]] == ids


async def test_v1_and_v2_agree(world: AvitoWorld, sever: Avito) -> None:
    ids = [item.id for item in world.accounts[SEVER].stock.items]
    by_v1 = await of_items(sever, ids, MONDAY, SUNDAY)
    by_v2 = await daily(sever, MONDAY, SUNDAY)
    names = ("views", "contacts", "favorites")
    assert by_v1.days == {day: {name: figures[name] for name in names} for day, figures in by_v2.days.items()}


# --- spendings


def spent(day: str, **parts: float) -> dict[str, Any]:
    told = [
        {"slug": slug, "value": value, "services": [{"slug": "x", "value": value}]} for slug, value in parts.items()
    ]
    return {"date": day, "type": "day", "spendings": told}


async def test_parts_are_roubles_and_their_services_are_not_added(said: Said, client: Make) -> None:
    said.says(SPENDINGS, {"result": {"timestamp": 1, "groupings": [spent("2026-03-02", presence=1600.4, rest=200.0)]}})
    assert await spendings(client(), MONDAY, SUNDAY) == {
        MONDAY: {
            "presenceSpending": Decimal("1600.4"),
            "restSpending": Decimal("200.0"),
            "spending": Decimal("1800.4"),
        }
    }


async def test_row_of_all_does_not_double_its_parts(said: Said, client: Make) -> None:
    rows = [spent("2026-03-02", all=30, presence=10, promotion=20), spent("2026-03-03", all=7)]
    said.says(SPENDINGS, {"result": {"groupings": rows}})
    told = await spendings(client(), MONDAY, SUNDAY)
    assert [told[day]["spending"] for day in (MONDAY, TUESDAY)] == [Decimal(30), Decimal(7)]


async def test_only_all_is_asked_for(said: Said, client: Make) -> None:
    said.says(SPENDINGS, {"result": {"groupings": []}})
    assert await spendings(client(), MONDAY, SUNDAY) == {}
    between = {"dateFrom": "2026-03-02", "dateTo": "2026-03-08"}
    assert said.asked()[0].body == {**between, "grouping": "day", "spendingTypes": ["all"]}


async def test_spendings_agree_with_statistics(sever: Avito) -> None:
    told, days = await spendings(sever, MONDAY, SUNDAY), (await daily(sever, MONDAY, SUNDAY)).days
    names = ("spending", "presenceSpending", "promoSpending", "restSpending", "commission")
    assert told == {day: {name: figures[name] for name in names} for day, figures in days.items()}


async def test_days_without_spending_are_absent_when_avito_leaves_them_out(world: AvitoWorld, client: Make) -> None:
    world.behave(gaps=True)
    world.fill(95_000_002, trade=Trade(presence=0, promo=0, tariff=900_000))
    told = await spendings(client(keys_in(world, 95_000_002)), MONDAY, MONDAY + timedelta(days=59))
    assert [figures["spending"] for figures in told.values()] == [Decimal(9000), Decimal(9000)]


async def test_part_that_is_new_keeps_its_name_and_counts(said: Said, client: Make) -> None:
    said.says(SPENDINGS, {"result": {"groupings": [spent("2026-03-02", presence=1.5, moonlight=2.25)]}})
    assert (await spendings(client(), MONDAY, SUNDAY))[MONDAY] == {
        "presenceSpending": Decimal("1.5"),
        "moonlight": Decimal("2.25"),
        "spending": Decimal("3.75"),
    }


# --- calls


async def test_calls_of_no_listing_count_too(said: Said, client: Make) -> None:
    def told(item: int, *days: dict[str, Any]) -> dict[str, Any]:
        return {"itemId": item, "employeeId": 0, "days": list(days)}

    first = {"date": "2026-03-02", "calls": 4, "answered": 3, "new": 2, "newAnswered": 2}
    second = {"date": "2026-03-02", "calls": 1, "answered": 0, "new": 1, "newAnswered": 0}
    third = {"date": "2026-03-03", "calls": 2, "answered": 2}
    said.says(CALLS, {"result": {"items": [told(0, first), told(9, second, third)]}})
    assert await calls(client(), MONDAY, SUNDAY) == {
        MONDAY: {"calls": Decimal(5), "callsAnswered": Decimal(3), "callsNew": Decimal(3)},
        TUESDAY: {"calls": Decimal(2), "callsAnswered": Decimal(2)},
    }


async def test_calls_are_those_one_by_one(world: AvitoWorld, sever: Avito) -> None:
    told = await calls(sever, MONDAY, SUNDAY)
    account, now = world.accounts[SEVER], world.now()
    rung = {MONDAY + timedelta(days=n): account.calls(MONDAY + timedelta(days=n), now) for n in range(7)}
    assert {day: figures["calls"] for day, figures in told.items()} == {
        day: Decimal(len(rings)) for day, rings in rung.items() if rings
    }
    assert sum(figures["callsAnswered"] for figures in told.values()) == sum(
        ring.talk > 0 for rings in rung.values() for ring in rings
    )


async def test_calls_may_be_closed(world: AvitoWorld, client: Make) -> None:
    with pytest.raises(AvitoError) as caught:
        await calls(client(keys_in(world, POLKA)), MONDAY, SUNDAY)
    assert (caught.value.kind, caught.value.section) == (Kind.NO_ACCESS, Section.CALLS)


@pytest.mark.parametrize("read", [of_items, spendings, calls])
async def test_no_content_is_no_day(said: Said, client: Make, read: Any) -> None:
    for path in (V1, SPENDINGS, CALLS):
        said.says(path, "", 204)
    more = ([1],) if read is of_items else ()
    told = await read(client(), *more, MONDAY, SUNDAY)
    assert (told.days if read is of_items else told) == {}
