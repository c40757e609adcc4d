"""The items of the Avito fake: pages of them, filters, and one by itself."""

from datetime import date, timedelta

import pytest

from sandbox.avito import POLKA, REMONT, SEVER

from .avito_client import MINUTE, Avito, Seller

LIST = "/core/v1/items"
ONE = "/core/v1/accounts/{uid}/items/{item_id}/"
TODAY = date(2026, 3, 9)


async def every(seller: Seller, **query: object) -> list[dict[str, object]]:
    """All pages, as long as there are any."""
    rows: list[dict[str, object]] = []
    for page in range(1, 30):
        answer = await seller.get(LIST, {"per_page": 99, "page": page, **query})
        assert answer.status == 200, answer
        if not answer.body["resources"]:
            break
        rows += answer.body["resources"]
    return rows


async def test_thirteen_pages_hold_all_items_of_one_seller(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    rows = await every(remont)
    assert avito.world.count("item_list", uid=REMONT) == 14
    assert len({row["id"] for row in rows}) == len(rows) > 1200
    assert {row["status"] for row in rows} == {"active"}


async def test_ids_do_not_fit_into_32_bits(sever: Seller) -> None:
    rows = await every(sever)
    assert min(int(str(row["id"])) for row in rows) > 2**32


async def test_a_page_is_25_items_unless_told_otherwise(sever: Seller) -> None:
    answer = await sever.get(LIST)
    assert answer.body["meta"] == {"page": 1, "per_page": 25}
    assert len(answer.body["resources"]) == 25


async def test_price_and_address_of_the_page_may_be_null(avito: Avito) -> None:
    rows = await every(await avito.seller(REMONT))
    assert {row["price"] is None for row in rows} == {True, False}
    assert {row["url"] is None for row in rows} == {True, False}


async def test_closed_items_are_told_when_asked_for(avito: Avito, sever: Seller) -> None:
    active = await every(sever)
    closed = await every(sever, status="old,removed,blocked,rejected")
    assert {row["status"] for row in closed} <= {"old", "removed", "blocked", "rejected"}
    assert len(active) + len(closed) == len(avito.world.accounts[SEVER].stock.items)
    assert closed


async def test_an_item_comes_and_goes_with_the_days(avito: Avito) -> None:
    passing = [item for item in avito.world.accounts[SEVER].stock.items if item.passing]
    for item in passing:
        states = [item.status(TODAY + timedelta(days=n)) == "active" for n in range(90)]
        assert states.count(True) == 60


async def test_items_updated_since_a_day_are_fewer(sever: Seller) -> None:
    recent = await every(sever, updatedAtFrom="2026-03-01")
    assert 0 < len(recent) < len(await every(sever))
    assert len(await every(sever, updatedAtFrom="2026-02-01")) == len(await every(sever))


async def test_items_of_one_category_are_told(sever: Seller) -> None:
    rows = await every(sever, category=21)
    assert rows
    assert all(row["category"] == {"id": 21, "name": "Бытовая техника"} for row in rows)


async def test_an_employee_sees_no_items(avito: Avito) -> None:
    answer = await (await avito.seller(POLKA)).get(LIST)
    assert answer.body == {"meta": {"page": 1, "per_page": 25}, "resources": []}


async def test_pages_may_all_be_the_first(avito: Avito, sever: Seller) -> None:
    first = (await sever.get(LIST, {"page": 1})).body
    avito.world.behave(ignore_page=True)
    assert (await sever.get(LIST, {"page": 7})).body == first


async def test_items_may_have_fields_nobody_knows(avito: Avito, sever: Seller) -> None:
    avito.world.behave(extras=True)
    assert "isPromoted" in (await sever.get(LIST)).body["resources"][0]


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": 0},
        {"per_page": 101},
        {"page": 0},
        {"page": "two"},
        {"page": "--2"},
        {"status": "active,sold"},
        {"updatedAtFrom": "01.03.2026"},
        {"limit": 10},
    ],
    ids=str,
)
async def test_a_query_that_is_not_right_is_refused(sever: Seller, query: dict[str, object]) -> None:
    answer = await sever.get(LIST, query)
    assert (answer.status, answer.body["code"]) == (400, "400")
    assert f"`{next(iter(query))}`" in answer.body["message"]


async def test_25_pages_a_minute_are_the_limit(avito: Avito, sever: Seller) -> None:
    statuses = [(await sever.get(LIST)).status for _ in range(26)]
    assert statuses == [200] * 25 + [429]
    avito.world.move_clock(MINUTE)
    assert (await sever.get(LIST)).status == 200


async def test_one_item_tells_its_life_and_services(avito: Avito, sever: Seller) -> None:
    item = avito.world.accounts[SEVER].stock.items[0]
    shown = (await sever.get(ONE, item_id=str(item.id))).body
    assert shown["status"] == "active"
    assert shown["start_time"] < shown["finish_time"]
    assert {one["vas_id"] for one in shown["vas"]} <= {"vip", "highlight", "pushup", "premium", "xl"}


@pytest.mark.parametrize(("item_id", "status"), [("7002000001", "another_user"), ("12", "not_found")])
async def test_an_item_that_is_not_ones_own_is_told_by_its_status(sever: Seller, item_id: str, status: str) -> None:
    answer = await sever.get(ONE, item_id=item_id)
    assert (answer.status, answer.body["status"], answer.body["url"]) == (200, status, None)


async def test_an_item_without_a_number_is_refused(sever: Seller) -> None:
    assert (await sever.get(ONE, item_id="first")).status == 400
