"""The figures of the Avito fake: pure, believable, growing through the day, and the same whichever way asked."""

from datetime import UTC, date, datetime, timedelta
from statistics import mean

import pytest

from sandbox.avito import POLKA, REMONT, SEVER, figures_of
from sandbox.avito.figures import PARTS, SLUGS, Trade, parts_of, progress
from sandbox.avito.stock import Stock

from .avito_client import NOON, WEEK, Avito, Seller, metrics_of, spent, v2

DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in range(7)]
TODAY = date(2026, 3, 9)
ADDED = ("views", "contacts", "favorites", "impressions", "allSpending", "spending", "presenceSpending", "commission")
V1 = "/stats/v1/accounts/{uid}/items"


def expected(uid: int, slug: str, days: list[date] = DAYS) -> float:
    return sum(figures_of(uid, day)[slug] for day in days)


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


# --- what happens at a seller's -----------------------------------------------------------------------------


def test_a_day_is_always_the_same() -> None:
    assert parts_of(Trade(), 7, TODAY) == parts_of(Trade(), 7, TODAY)
    assert parts_of(Trade(), 7, TODAY) != parts_of(Trade(), 8, TODAY)


def test_a_known_day_keeps_its_figures() -> None:
    """Others count on them: a change of the arithmetic is a change of every expectation."""
    figures = figures_of(SEVER, date(2026, 3, 2))
    known = ("views", "contacts", "allSpending", "activeItems", "viewsToContactsConversion")
    assert [figures[slug] for slug in known] == [606, 23, 492_882, 73, 3.8]


def test_the_week_has_its_wave() -> None:
    days = [date(2025, 6, 1) + timedelta(days=n) for n in range(270)]
    mondays = mean(figures_of(REMONT, day)["views"] for day in days if day.weekday() == 0)
    sundays = mean(figures_of(REMONT, day)["views"] for day in days if day.weekday() == 6)
    assert sundays < 0.85 * mondays


def test_the_year_has_its_swell() -> None:
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(360)]
    months = [mean(figures_of(SEVER, day)["views"] for day in days[n : n + 30]) for n in range(0, 360, 30)]
    assert max(months) > 1.2 * min(months)


def test_some_days_have_nothing_at_all() -> None:
    days = [date(2025, 6, 1) + timedelta(days=n) for n in range(270)]
    empty = [day for day in days if figures_of(POLKA, day)["views"] == 0]
    assert 20 < len(empty) < 100


def test_spendings_add_up_to_their_sums() -> None:
    for day in DAYS:
        told = figures_of(SEVER, day)
        parts = ("presenceSpending", "promoSpending", "restSpending", "commission")
        assert told["spending"] == sum(told[slug] for slug in parts)
        assert told["allSpending"] == told["spending"] + told["spendingBonus"]


def test_contacts_count_everybody_once() -> None:
    for day in DAYS:
        told = figures_of(SEVER, day)
        ways = told["contactsShowPhone"] + told["contactsMessenger"] + told["contactsSbcDiscount"]
        assert told["contacts"] == ways - told["contactsShowPhoneAndMessenger"]


def test_a_day_grows_hour_by_hour_and_never_shrinks() -> None:
    moments = [datetime(2026, 3, 8, 21, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(75)]
    grown = [figures_of(SEVER, TODAY, moment)["views"] for moment in moments]
    assert grown == sorted(grown)
    assert (grown[0], grown[-1]) == (0, figures_of(SEVER, TODAY)["views"])


@pytest.mark.parametrize(
    ("day", "thousandths"), [(date(2026, 3, 8), 1000), (TODAY, 318), (date(2026, 3, 10), 0)], ids=str
)
def test_at_noon_a_third_of_the_day_has_come_in(day: date, thousandths: int) -> None:
    assert progress(day, NOON) == thousandths


def test_yesterday_may_be_late() -> None:
    early = datetime(2026, 3, 8, 23, tzinfo=UTC)  # 02:00 in Moscow
    assert progress(date(2026, 3, 8), early, lag=6) == 970
    assert progress(date(2026, 3, 8), NOON, lag=6) == 1000


def test_the_day_begins_in_moscow() -> None:
    before, after = datetime(2026, 3, 8, 20, 59, tzinfo=UTC), datetime(2026, 3, 8, 21, 0, tzinfo=UTC)
    assert [progress(TODAY, moment) for moment in (before, after)] == [0, 0]
    assert [progress(date(2026, 3, 8), moment) for moment in (before, after)] == [968, 1000]


@pytest.mark.parametrize(("steady", "passing"), [(1, 0), (7, 5), (300, 40)])
def test_shares_of_all_items_are_the_whole_day(steady: int, passing: int) -> None:
    stock, total = Stock(5, steady, passing), parts_of(Trade(orders=20, tariff=99_999, bonus=30), 5, TODAY)
    shares = stock.shares(TODAY, total)
    summed = dict.fromkeys(PARTS, 0)
    for item in stock.items:
        for name, value in shares.of(item.id).items():
            assert value >= 0
            summed[name] += value
    assert summed == total


def test_an_item_that_is_not_up_has_no_share() -> None:
    stock = Stock(5, 3, 30)
    resting = next(item for item in stock.items if not item.is_up(TODAY))
    assert stock.shares(TODAY, parts_of(Trade(), 5, TODAY)).of(resting.id) == {}


# --- the same whichever way asked ---------------------------------------------------------------------------


@pytest.mark.parametrize("uid", [SEVER, REMONT])
@pytest.mark.parametrize("grouping", ["totals", "day", "week", "month", "item"])
async def test_sums_agree_however_they_are_grouped(avito: Avito, uid: int, grouping: str) -> None:
    seller = await avito.seller(uid)
    rows: list[dict[str, float]] = []
    for offset in (0, 1000):
        groups = (await seller.stats(v2(*ADDED, grouping=grouping, offset=offset)))["groupings"]
        rows += [metrics_of(group) for group in groups]
    for slug in ADDED:
        summed = sum(row.get(slug, 0) for row in rows)
        assert summed == (expected(uid, slug) if slug in rows[0] else 0)


async def test_every_day_of_v2_is_as_foretold(sever: Seller) -> None:
    groups = (await sever.stats(v2(*SLUGS, grouping="day")))["groupings"]
    assert [group["id"] for group in groups] == [midnight(day) for day in DAYS]
    for group, day in zip(groups, DAYS, strict=True):
        told, foretold = metrics_of(group), figures_of(SEVER, day)
        assert told == {slug: foretold[slug] for slug in told}


async def test_v1_over_all_items_is_v2(avito: Avito) -> None:
    seller = await avito.seller(REMONT)
    ids = [item.id for item in avito.world.accounts[REMONT].stock.items]
    views = contacts = favorites = 0
    for start in range(0, len(ids), 200):
        answer = await seller.post(V1, {**WEEK, "itemIds": ids[start : start + 200]})
        rows = [day for item in answer.body["result"]["items"] for day in item["stats"]]
        views += sum(row["uniqViews"] for row in rows)
        contacts += sum(row["uniqContacts"] for row in rows)
        favorites += sum(row["uniqFavorites"] for row in rows)
    assert [views, contacts, favorites] == [expected(REMONT, slug) for slug in ("views", "contacts", "favorites")]


async def test_one_item_is_the_same_in_v1_and_v2(avito: Avito, sever: Seller) -> None:
    item = avito.world.accounts[SEVER].stock.items[4]
    groups = (await sever.stats(v2("views", "favorites", grouping="item")))["groupings"]
    (told,) = (metrics_of(group) for group in groups if group["id"] == item.id)
    answer = await sever.post(V1, {**WEEK, "itemIds": [item.id]})
    days = answer.body["result"]["items"][0]["stats"]
    assert told == {"views": sum(d["uniqViews"] for d in days), "favorites": sum(d["uniqFavorites"] for d in days)}


@pytest.mark.parametrize("grouping", ["day", "week", "month"])
async def test_spendings_in_roubles_are_v2_in_kopecks(sever: Seller, grouping: str) -> None:
    rows = [row for group in await sever.spendings(spent(grouping)) for row in group["spendings"]]
    for slug, ours in (("presence", "presenceSpending"), ("promotion", "promoSpending"), ("rest", "restSpending")):
        roubles = sum(row["value"] for row in rows if row["slug"] == slug)
        assert round(roubles * 100) == expected(SEVER, ours)


async def test_services_are_inside_their_sum(sever: Seller) -> None:
    rows = [row for group in await sever.spendings(spent("day")) for row in group["spendings"]]
    assert any(len(row["services"]) > 1 for row in rows)
    assert all(round(sum(one["value"] for one in row["services"]) * 100) == round(row["value"] * 100) for row in rows)


async def test_categories_share_the_whole(sever: Seller) -> None:
    halves = [await sever.totals("views", filter={"categoryIDs": [category]}) for category in (20, 21)]
    assert sum(half["views"] for half in halves) == expected(SEVER, "views")
    assert all(half["views"] for half in halves)


async def test_employees_share_the_whole(sever: Seller) -> None:
    halves = [await sever.totals("views", filter={"employeeIDs": [one]}) for one in (0, SEVER + 500)]
    assert sum(half["views"] for half in halves) == expected(SEVER, "views")
    assert all(half["views"] for half in halves)


@pytest.mark.parametrize("name", ["itemIDs", "categoryIDs", "locationIDs"])
async def test_spendings_of_some_items_are_less_than_all(avito: Avito, sever: Seller, name: str) -> None:
    item = avito.world.accounts[SEVER].stock.items[0]
    wanted = {"itemIDs": item.id, "categoryIDs": item.category[0], "locationIDs": item.city[0]}[name]
    some = await sever.spendings(spent("month", "presence", filter={name: [wanted]}))
    assert 0 < sum(group["spendings"][0]["value"] for group in some) * 100 < expected(SEVER, "presenceSpending")


# --- what is not a sum --------------------------------------------------------------------------------------


async def test_active_items_of_a_week_are_fewer_than_the_sum_of_its_days(sever: Seller) -> None:
    week = (await sever.totals("activeItems"))["activeItems"]
    days = [figures_of(SEVER, day)["activeItems"] for day in DAYS]
    assert max(days) <= week < sum(days)


async def test_active_items_are_the_new_and_the_old(sever: Seller) -> None:
    told = await sever.totals("activeItems", "newActiveItems", "oldActiveItems")
    assert told["activeItems"] == told["newActiveItems"] + told["oldActiveItems"]
    assert told["newActiveItems"]


async def test_ratios_are_of_the_sums(sever: Seller) -> None:
    told = await sever.totals("views", "contacts", "viewsToContactsConversion")
    assert told["viewsToContactsConversion"] == round(100 * told["contacts"] / told["views"], 2)


# --- today --------------------------------------------------------------------------------------------------


async def test_today_is_told_as_far_as_it_has_come(sever: Seller) -> None:
    period = {"dateFrom": "2026-03-09", "dateTo": "2026-03-20"}
    groups = (await sever.stats(v2("views", grouping="day", **period)))["groupings"]
    assert [metrics_of(group)["views"] for group in groups] == [figures_of(SEVER, TODAY, NOON)["views"]]
    assert 0 < figures_of(SEVER, TODAY, NOON)["views"] < figures_of(SEVER, TODAY)["views"]


async def test_a_period_ahead_is_empty(sever: Seller) -> None:
    period = {"dateFrom": "2026-03-10", "dateTo": "2026-03-12"}
    assert (await sever.stats(v2("views", grouping="day", **period)))["groupings"] == []
    assert await sever.totals("views", **period) == {"views": 0}
    assert await sever.spendings(spent("day", **period)) == []


async def test_the_world_foretells_what_is_said_now(avito: Avito, sever: Seller) -> None:
    period = {"dateFrom": "2026-03-09", "dateTo": "2026-03-09"}
    assert await sever.totals("views", **period) == {"views": avito.world.figures_of(SEVER, TODAY)["views"]}
    avito.world.move_clock(timedelta(hours=5))
    assert await sever.totals("views", **period) == {"views": avito.world.figures_of(SEVER, TODAY)["views"]}


async def test_yesterday_is_late_where_that_is_the_manner(avito: Avito, sever: Seller) -> None:
    avito.world.behave(lag=24)
    assert (await sever.totals("views"))["views"] < expected(SEVER, "views")


async def test_a_seller_without_items_has_nothing(avito: Avito) -> None:
    avito.world.fill(95_000_001, items=0)
    seller = await avito.seller(95_000_001)
    assert await seller.totals("views", "allSpending", "activeItems") == {
        "views": 0,
        "allSpending": 0,
        "activeItems": 0,
    }
