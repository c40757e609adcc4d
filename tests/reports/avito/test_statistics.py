"""Statistics v2: what is asked, what is read, how many calls it takes. Expected figures are worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.statistics import by_item, daily, totals
from reports.metrics import ASKED, Section
from sandbox.avito import POLKA, REMONT, SEVER, AvitoWorld, figures_of
from tests.reports.avito.conftest import Make, keys_in
from tests.reports.avito.said import Said

V2 = "/stats/v2/accounts/7/items"
MONDAY, SUNDAY = date(2026, 3, 2), date(2026, 3, 8)


def row(number: object, **metrics: object) -> dict[str, Any]:
    told = [{"slug": slug, "value": value} for slug, value in metrics.items()]
    return {"id": number, "type": "dates", "metrics": told}


def grouped(*rows: dict[str, Any], total: int | None = None, **more: object) -> dict[str, Any]:
    return {"result": {"dataTotalCount": len(rows) if total is None else total, "groupings": list(rows)} | more}


def unix(day: date, hours: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + hours * 3600


async def test_all_days_and_figures_come_with_one_call(world: AvitoWorld, sever: Avito) -> None:
    told = await daily(sever, MONDAY, SUNDAY)
    assert list(told.days) == [MONDAY + timedelta(days=n) for n in range(7)]
    assert (sever.calls, world.count("stats_v2")) == (1, 1)
    assert not told.empty


@pytest.mark.parametrize("slug", ["views", "contacts", "favorites", "impressions", "activeItems"])
async def test_counts_are_as_avito_says_them(sever: Avito, slug: str) -> None:
    told = await daily(sever, MONDAY, MONDAY)
    assert told.days[MONDAY][slug] == Decimal(figures_of(SEVER, MONDAY)[slug])


@pytest.mark.parametrize("slug", ["allSpending", "spending", "presenceSpending", "spendingBonus", "orderedItemsPrice"])
async def test_money_is_kopecks_over_the_wire(sever: Avito, slug: str) -> None:
    told = await daily(sever, MONDAY, MONDAY)
    assert told.days[MONDAY][slug] == Decimal(figures_of(SEVER, MONDAY)[slug]) / 100


async def test_kopecks_become_roubles_exactly(said: Said, client: Make) -> None:
    said.says(V2, grouped(row(unix(MONDAY), allSpending=1542050, views=1204)))
    told = await daily(client(), MONDAY, SUNDAY)
    assert told.days == {MONDAY: {"allSpending": Decimal("15420.50"), "views": Decimal(1204)}}


async def test_numbers_never_pass_through_a_float(said: Said, client: Make) -> None:
    metric = '{"slug": "spending", "value": 110.1}'
    said.says(V2, f'{{"result": {{"groupings": [{{"id": {unix(MONDAY)}, "metrics": [{metric}]}}]}}}}')
    told = await daily(client(), MONDAY, SUNDAY)
    assert told.days[MONDAY]["spending"] == Decimal("1.101")


async def test_zeros_are_told_and_are_no_absence(said: Said, client: Make) -> None:
    said.says(V2, grouped(row(unix(MONDAY), views=0, contacts=0, allSpending=0)))
    told = await daily(client(), MONDAY, MONDAY)
    assert told.days == {MONDAY: {"views": Decimal(0), "contacts": Decimal(0), "allSpending": Decimal(0)}}
    assert not told.empty


@pytest.mark.parametrize("kind", ["empty", "timestamp"])
async def test_nothing_told_is_empty(world: AvitoWorld, sever: Avito, kind: str) -> None:
    world.behave(v2=kind)
    told = await daily(sever, MONDAY, SUNDAY)
    assert (told.days, told.empty) == ({}, True)


async def test_no_content_is_nothing_told(world: AvitoWorld, sever: Avito) -> None:
    world.trouble("stats_v2", "204")
    told = await daily(sever, MONDAY, SUNDAY)
    assert (told.days, told.empty, told.as_of) == ({}, True, None)


async def test_answer_without_a_result_is_no_answer(said: Said, client: Make) -> None:
    said.says(V2, {"results": []})
    with pytest.raises(AvitoError) as caught:
        await daily(client(), MONDAY, SUNDAY)
    assert (caught.value.kind, caught.value.section) == (Kind.AVITO_DOWN, Section.STATISTICS)


async def test_figures_the_account_does_not_have_are_absent(world: AvitoWorld, client: Make) -> None:
    told = await daily(client(keys_in(world, POLKA)), MONDAY, MONDAY)
    assert "views" in told.days[MONDAY]
    assert not {"allSpending", "spending", "orderedItems", "bookingPlacedCount"} & told.days[MONDAY].keys()


async def test_slugs_and_fields_nobody_asked_for_are_left_alone(world: AvitoWorld, sever: Avito) -> None:
    world.behave(extras=True)
    told = await daily(sever, MONDAY, SUNDAY)
    assert all(figures.keys() <= set(ASKED) for figures in told.days.values())


@pytest.mark.parametrize(
    "broken",
    [
        row(unix(MONDAY), views="many"),
        row(unix(MONDAY), views=None),
        row(unix(MONDAY), views=True),
        row(unix(MONDAY), views=[1]),
        row(unix(MONDAY), views=10**16),
        {"id": unix(MONDAY), "metrics": None},
        {"id": unix(MONDAY), "metrics": [None, 7, {"value": 1}, {"slug": "views"}]},
    ],
    ids=["word", "null", "true", "list", "huge", "no metrics", "odd metrics"],
)
async def test_figure_that_is_none_is_absent(said: Said, client: Make, broken: dict[str, Any]) -> None:
    said.says(V2, grouped(broken, row(unix(SUNDAY), views=5)))
    assert (await daily(client(), MONDAY, SUNDAY)).days == {SUNDAY: {"views": Decimal(5)}}


@pytest.mark.parametrize("hours", [0, -3], ids=["midnight in UTC", "midnight in Moscow"])
async def test_day_is_the_same_by_either_midnight(said: Said, client: Make, hours: int) -> None:
    said.says(V2, grouped(row(unix(MONDAY, hours), views=3)))
    assert list((await daily(client(), MONDAY, SUNDAY)).days) == [MONDAY]


@pytest.mark.parametrize("kind", ["day", "dates", "date", "", None])
async def test_type_of_a_row_is_not_looked_at(said: Said, client: Make, kind: object) -> None:
    said.says(V2, grouped(row(unix(MONDAY), views=3) | {"type": kind}))
    assert list((await daily(client(), MONDAY, SUNDAY)).days) == [MONDAY]


@pytest.mark.parametrize("number", [None, 0])
async def test_days_that_are_told_apart_by_their_date_alone_are_all_read(
    said: Said, client: Make, number: int | None
) -> None:
    days = (date(2026, 3, 2), date(2026, 3, 3))
    said.says(V2, grouped(*({**row(number, views=day.day), "date": day.isoformat()} for day in days)))
    found = await daily(client(), *days)
    assert {day: figures["views"] for day, figures in found.days.items()} == {days[0]: 2, days[1]: 3}


async def test_days_outside_the_period_are_left_out(said: Said, client: Make) -> None:
    outside = [row(unix(MONDAY - timedelta(days=1)), views=1), row(unix(SUNDAY + timedelta(days=1)), views=2)]
    said.says(V2, grouped(*outside, row(unix(MONDAY), views=3)))
    assert (await daily(client(), MONDAY, SUNDAY)).days == {MONDAY: {"views": Decimal(3)}}


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-03-09 06:00:00", datetime(2026, 3, 9, 3, 0, tzinfo=UTC)),
        (1772485200, datetime(2026, 3, 2, 21, 0, tzinfo=UTC)),
        ("soon", None),
        (None, None),
    ],
)
async def test_when_it_was_counted_is_moscow_time(
    said: Said, client: Make, stamp: object, expected: datetime | None
) -> None:
    said.says(V2, grouped(row(unix(MONDAY), views=3), timestamp=stamp))
    assert (await daily(client(), MONDAY, SUNDAY)).as_of == expected


async def test_question_holds_all_that_is_required(said: Said, client: Make) -> None:
    said.says(V2, grouped())
    await daily(client(), MONDAY, SUNDAY)
    [heard] = said.asked()
    assert heard.body == {
        "dateFrom": "2026-03-02",
        "dateTo": "2026-03-08",
        "grouping": "day",
        "limit": 1000,
        "offset": 0,
        "metrics": list(ASKED),
    }


async def test_totals_are_avitos_own_sums(sever: Avito) -> None:
    told = await totals(sever, MONDAY, SUNDAY)
    days = [figures_of(SEVER, MONDAY + timedelta(days=n)) for n in range(7)]
    assert told["views"] == sum(Decimal(day["views"]) for day in days)
    assert told["allSpending"] == sum(Decimal(day["allSpending"]) for day in days) / 100


async def test_active_listings_of_a_week_are_no_sum_of_days(sever: Avito) -> None:
    told = await totals(sever, MONDAY, SUNDAY)
    days = [Decimal(figures_of(SEVER, MONDAY + timedelta(days=n))["activeItems"]) for n in range(7)]
    assert max(days) <= told["activeItems"] < sum(days)


async def test_totals_of_nothing_are_nothing(world: AvitoWorld, sever: Avito) -> None:
    world.behave(v2="empty")
    assert await totals(sever, MONDAY, SUNDAY) == {}


# --- by listing, in pages


@pytest.mark.parametrize(("listings", "pages"), [(999, 1), (1000, 1), (1001, 2)])
async def test_all_listings_come_and_no_page_too_many(
    world: AvitoWorld, client: Make, listings: int, pages: int
) -> None:
    world.fill(95_000_001, items=listings)
    avito = client(keys_in(world, 95_000_001), patience=61)
    told = await by_item(avito, MONDAY, SUNDAY)
    assert (len(told), avito.calls) == (listings, pages)


@pytest.mark.parametrize(("listings", "pages"), [(999, 1), (1000, 2), (1001, 2)])
async def test_without_a_total_a_full_page_asks_for_another(
    said: Said, client: Make, listings: int, pages: int
) -> None:
    rows = [row(number, views=number) for number in range(1, listings + 1)]
    for page in (rows[:1000], rows[1000:]):
        said.says(V2, {"result": {"groupings": page}})
    told = await by_item(client(patience=61), MONDAY, SUNDAY)
    assert (len(told), len(said.asked())) == (listings, pages)


async def test_pages_are_asked_for_by_what_came(said: Said, client: Make) -> None:
    said.says(V2, grouped(row(1, views=1), row(2, views=2), total=3)).says(V2, grouped(row(3, views=3), total=3))
    told = await by_item(client(patience=61), MONDAY, SUNDAY)
    assert sorted(told) == [1, 2, 3]
    assert [one.body["offset"] for one in said.asked()] == [0, 2]


async def test_server_that_knows_no_pages_is_not_asked_for_ever(said: Said, client: Make) -> None:
    said.says(V2, grouped(row(1, views=1), total=5000))
    told = await by_item(client(patience=61), MONDAY, SUNDAY)
    assert (told, len(said.asked())) == ({1: {"views": Decimal(1)}}, 2)


async def test_pages_got_before_the_limit_are_not_asked_for_again(world: AvitoWorld, client: Make) -> None:
    keys = keys_in(world, REMONT)
    with pytest.raises(AvitoError) as caught:
        await by_item(client(keys), MONDAY, SUNDAY)
    assert (caught.value.kind, caught.value.retry_after, caught.value.status) == (Kind.RATE_LIMITED, 60.0, None)
    world.move_clock(timedelta(minutes=1))
    later = client(keys, patience=60)
    told = await by_item(later, MONDAY, SUNDAY)
    assert (len(told) > 1000, later.calls) == (True, 1)
    assert world.count("stats_v2", status=429) == 0


async def test_listings_add_up_to_the_total(sever: Avito, client: Make, world: AvitoWorld) -> None:
    items = await by_item(sever, MONDAY, SUNDAY)
    whole = await totals(client(keys_in(world), patience=61), MONDAY, SUNDAY)
    assert sum(figures["views"] for figures in items.values()) == whole["views"]
    assert sum(figures["allSpending"] for figures in items.values()) == whole["allSpending"]
