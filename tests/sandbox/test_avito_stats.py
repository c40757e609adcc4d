"""How statistics and spendings of the Avito fake are asked and answered: shapes, pages, refusals."""

import calendar
from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.avito import POLKA, REMONT, SEVER

from .avito_client import WEEK, Avito, Seller, metrics_of, spent, v2

V1 = "/stats/v1/accounts/{uid}/items"
V2 = "/stats/v2/accounts/{uid}/items"
SPENDINGS = "/stats/v2/accounts/{uid}/spendings"
DEEPEST, TOO_DEEP = "2025-06-12", "2025-06-11"  # 270 and 271 days before the ninth of March


def v1(avito: Avito, uid: int = SEVER, **more: Any) -> dict[str, Any]:
    ids = [item.id for item in avito.world.accounts[uid].stock.items[:3]]
    return {**WEEK, "itemIds": ids} | more


def contacts(items: list[dict[str, Any]]) -> int:
    return sum(day["uniqContacts"] for item in items for day in item["stats"])


# --- v2 -----------------------------------------------------------------------------------------------------


async def test_totals_are_one_group_of_metrics(sever: Seller) -> None:
    result = await sever.stats(v2("views", "contacts"))
    assert (result["dataTotalCount"], result["timestamp"]) == (1, "2026-03-09 12:00:00")
    (group,) = result["groupings"]
    assert (group["id"], group["type"]) == (0, "totals")
    assert [metric["slug"] for metric in group["metrics"]] == ["views", "contacts"]


async def test_a_metric_of_no_use_to_the_account_is_absent(avito: Avito) -> None:
    polka = await avito.seller(POLKA)
    assert set(await polka.totals("views", "allSpending", "orderedItems")) == {"views"}


async def test_zero_is_there_and_not_absent(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    assert (await remont.totals("presenceSpending"))["presenceSpending"] == 0


async def test_a_metric_can_be_taken_from_an_account(avito: Avito, sever: Seller) -> None:
    avito.world.accounts[SEVER].absent.add("views")
    assert set(await sever.totals("views", "contacts")) == {"contacts"}


@pytest.mark.parametrize(
    ("grouping", "first"), [("week", date(2026, 2, 23)), ("month", date(2026, 2, 1)), ("day", date(2026, 2, 26))]
)
async def test_the_first_group_may_begin_before_the_period(sever: Seller, grouping: str, first: date) -> None:
    groups = (await sever.stats(v2("views", grouping=grouping, dateFrom="2026-02-26")))["groupings"]
    assert groups[0]["id"] == calendar.timegm(first.timetuple())
    assert groups[0]["type"] == grouping


async def test_dates_may_be_called_so(avito: Avito, sever: Seller) -> None:
    avito.world.behave(v2_type="dates")
    assert {group["type"] for group in (await sever.stats(v2("views", grouping="day")))["groupings"]} == {"dates"}


@pytest.mark.parametrize(("items", "pages"), [(999, [999, 0]), (1000, [1000, 0]), (1001, [1000, 1])])
async def test_a_thousand_rows_come_at_once(avito: Avito, items: int, pages: list[int]) -> None:
    avito.world.fill(95_000_001, items=items)
    seller = await avito.seller(95_000_001)
    results = [await seller.stats(v2("views", grouping="item", offset=offset)) for offset in (0, 1000)]
    assert [len(result["groupings"]) for result in results] == pages
    assert {result["dataTotalCount"] for result in results} == {items}


async def test_rows_come_sorted_as_asked(sever: Seller) -> None:
    sort = {"key": "views", "order": "desc"}
    groups = (await sever.stats(v2("views", grouping="item", sort=sort)))["groupings"]
    views = [metrics_of(group)["views"] for group in groups]
    assert views == sorted(views, reverse=True)
    assert views[0] > views[-1]


async def test_no_limit_is_a_count_alone(sever: Seller) -> None:
    result = await sever.stats(v2("views", grouping="day", limit=0))
    assert (result["dataTotalCount"], result["groupings"]) == (7, [])


@pytest.mark.parametrize(
    ("manner", "result"),
    [
        ("empty", {"dataTotalCount": 0, "timestamp": "2026-03-09 12:00:00", "groupings": []}),
        ("timestamp", {"timestamp": "2026-03-09 12:00:00"}),
    ],
)
async def test_there_may_be_no_groups(avito: Avito, sever: Seller, manner: str, result: Any) -> None:
    avito.world.behave(v2=manner, uid=SEVER)
    assert await sever.stats(v2("views")) == result


async def test_there_may_be_more_than_anybody_knows(avito: Avito, sever: Seller) -> None:
    avito.world.behave(extras=True)
    answer = await sever.post(V2, v2("views"))
    assert answer.body["x_new_field"]
    assert set(metrics_of(answer.body["result"]["groupings"][0])) == {"views", "holographicViews"}


async def test_v1_may_have_errors_beside_its_result(avito: Avito, sever: Seller) -> None:
    avito.world.behave(extras=True)
    answer = (await sever.post(V1, v1(avito))).body
    assert answer["errors"]
    assert answer["result"]["items"]


async def test_270_days_are_the_deepest(sever: Seller) -> None:
    result = await sever.stats(v2("views", grouping="day", dateFrom=DEEPEST, dateTo="2026-03-09"))
    assert len(result["groupings"]) == 271


WRONG_V2: dict[str, tuple[dict[str, Any], str]] = {
    "271 days ago": ({"dateFrom": TOO_DEEP}, "dateFrom"),
    "end first": ({"dateTo": "2026-03-01"}, "dateTo"),
    "no such day": ({"dateFrom": "2026-02-29"}, "dateFrom"),
    "another format": ({"dateFrom": "02.03.2026"}, "dateFrom"),
    "no date": ({"dateTo": None}, "dateTo"),
    "no metrics": ({"metrics": []}, "metrics"),
    "unknown metric": ({"metrics": ["veiws"]}, "metrics"),
    "unknown grouping": ({"grouping": "year"}, "grouping"),
    "over a thousand": ({"limit": 1001}, "limit"),
    "no limit": ({"limit": None}, "limit"),
    "no offset": ({"offset": None}, "offset"),
    "offset below zero": ({"offset": -1}, "offset"),
    "limit in words": ({"limit": "1000"}, "limit"),
    "limit of truth": ({"limit": True}, "limit"),
    "filter no object": ({"filter": [1]}, "filter"),
    "filter unknown": ({"filter": {"itemIDs": [1]}}, "itemIDs"),
    "ids no numbers": ({"filter": {"categoryIDs": ["20"]}}, "categoryIDs"),
    "sort in part": ({"sort": {"key": "views"}}, "order"),
    "unknown field": ({"itemIds": [1]}, "itemIds"),
}


@pytest.mark.parametrize("case", WRONG_V2)
async def test_a_question_to_v2_that_is_not_right_is_refused(sever: Seller, case: str) -> None:
    more, field = WRONG_V2[case]
    answer = await sever.post(V2, v2("views") | more)
    assert (answer.status, answer.body["error"]["message"]) == (400, "Validation error")
    assert list(answer.body["error"]["fields"]) == [field]


async def test_a_refused_question_counts_against_the_limit(sever: Seller) -> None:
    assert (await sever.post(V2, {})).status == 400
    assert (await sever.post(V2, v2("views"))).status == 429


@pytest.mark.parametrize("data", ["", "[]", "{"], ids=["nothing", "a list", "half"])
async def test_a_body_that_is_no_object_is_refused(sever: Seller, data: str) -> None:
    assert (await sever.ask("POST", V2, data=data)).status == 400


# --- spendings ----------------------------------------------------------------------------------------------


async def test_all_means_the_four_types_and_no_row_of_their_sum(sever: Seller) -> None:
    groups = await sever.spendings(spent("day", "all", "presence"))
    assert {tuple(row["slug"] for row in group["spendings"]) for group in groups} == {
        ("presence", "promotion", "commission", "rest")
    }


async def test_days_have_their_dates(sever: Seller) -> None:
    groups = await sever.spendings(spent("day", "presence"))
    assert [group["date"] for group in groups] == [f"2026-03-0{n}" for n in range(2, 9)]
    assert {group["type"] for group in groups} == {"day"}


async def test_days_without_spending_may_be_missing(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    month = {"dateFrom": "2026-02-01", "dateTo": "2026-02-28"}
    whole = await remont.spendings(spent("day", **month))
    avito.world.behave(gaps=True)
    some = await remont.spendings(spent("day", **month))
    assert some == [group for group in whole if any(row["value"] for row in group["spendings"])]
    assert 0 < len(some) < len(whole) == 28


async def test_unknown_spendings_may_be_among_them(avito: Avito, sever: Seller) -> None:
    avito.world.behave(extras=True)
    assert "moon_rocket" in {row["slug"] for row in (await sever.spendings(spent()))[0]["spendings"]}


async def test_an_employee_sees_no_spendings(avito: Avito) -> None:
    assert (await (await avito.seller(POLKA)).post(SPENDINGS, spent())).status == 403


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"grouping": "totals"}, "grouping"),
        ({"spendingTypes": ["everything"]}, "spendingTypes"),
        ({"spendingTypes": None}, "spendingTypes"),
        ({"dateFrom": TOO_DEEP}, "dateFrom"),
        ({"filter": {"employeeIDs": [1]}}, "employeeIDs"),
        ({"limit": 10}, "limit"),
    ],
    ids=["totals", "unknown type", "no types", "271 days ago", "filter unknown", "unknown field"],
)
async def test_a_question_of_spendings_that_is_not_right_is_refused(
    sever: Seller, more: dict[str, Any], field: str
) -> None:
    answer = await sever.post(SPENDINGS, spent() | more)
    assert answer.status == 400
    assert list(answer.body["error"]["fields"]) == [field]


# --- v1 -----------------------------------------------------------------------------------------------------


async def test_v1_tells_the_fields_asked_for(avito: Avito, sever: Seller) -> None:
    answer = await sever.post(V1, v1(avito, fields=["uniqViews", "views"]))
    assert {tuple(day) for item in answer.body["result"]["items"] for day in item["stats"]} == {("date", "uniqViews")}


@pytest.mark.parametrize(("grouping", "dates"), [("week", ["2026-03-02"]), ("month", ["2026-03-01"])])
async def test_v1_names_a_period_by_its_first_day(avito: Avito, sever: Seller, grouping: str, dates: list[str]) -> None:
    answer = await sever.post(V1, v1(avito, periodGrouping=grouping))
    assert [day["date"] for day in answer.body["result"]["items"][0]["stats"]] == dates


async def test_anothers_items_are_left_out(avito: Avito, sever: Seller) -> None:
    asked = v1(avito)
    answer = await sever.post(V1, {**asked, "itemIds": [*asked["itemIds"], 7_002_000_001, 1]})
    assert [item["itemId"] for item in answer.body["result"]["items"]] == asked["itemIds"]


async def test_items_and_days_without_events_may_be_missing(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    ids = [item.id for item in avito.world.accounts[REMONT].stock.items[:200]]
    asked = {**WEEK, "itemIds": ids, "fields": ["uniqContacts"]}
    whole = (await remont.post(V1, asked)).body["result"]["items"]
    avito.world.behave(gaps=True)
    some = (await remont.post(V1, asked)).body["result"]["items"]
    assert len(whole) == 200 > len(some) > 0
    assert any(len(item["stats"]) < 7 for item in some)
    assert contacts(whole) == contacts(some)


async def test_an_item_that_was_never_up_has_empty_stats(avito: Avito, sever: Seller) -> None:
    days = [date(2026, 3, 2) + timedelta(days=n) for n in range(7)]
    stock = avito.world.accounts[SEVER].stock
    resting = next(item for item in stock.items if not any(item.is_up(day) for day in days))
    answer = await sever.post(V1, v1(avito, itemIds=[resting.id]))
    assert answer.body["result"]["items"] == [{"itemId": resting.id, "stats": []}]


async def test_the_result_of_v1_may_be_a_bare_list(avito: Avito, sever: Seller) -> None:
    wrapped = (await sever.post(V1, v1(avito))).body["result"]["items"]
    avito.world.behave(v1="bare")
    assert (await sever.post(V1, v1(avito))).body["result"] == wrapped


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"itemIds": list(range(201))}, "itemIds"),
        ({"itemIds": None}, "itemIds"),
        ({"itemIds": ["7001000001"]}, "itemIds"),
        ({"fields": ["uniqLikes"]}, "fields"),
        ({"periodGrouping": "totals"}, "periodGrouping"),
        ({"dateFrom": TOO_DEEP}, "dateFrom"),
        ({"metrics": ["views"]}, "metrics"),
    ],
    ids=["201 items", "no items", "ids in words", "unknown field", "totals", "271 days ago", "of v2"],
)
async def test_a_question_to_v1_that_is_not_right_is_refused(
    avito: Avito, sever: Seller, more: dict[str, Any], field: str
) -> None:
    answer = await sever.post(V1, v1(avito) | more)
    assert answer.status == 400
    assert list(answer.body["error"]["fields"]) == [field]


async def test_200_items_may_be_asked_at_once(sever: Seller) -> None:
    assert (await sever.post(V1, {**WEEK, "itemIds": list(range(200))})).body == {"result": {"items": []}}
