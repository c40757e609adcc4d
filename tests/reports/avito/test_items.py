"""Listings: all pages, no page twice, whatever the server knows of pages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.items import STATUSES, Item, details, items
from reports.metrics import Section
from sandbox.avito import POLKA, REMONT, SEVER, AvitoWorld
from tests.reports.avito.conftest import Clock, Make, keys_in
from tests.reports.avito.said import Said

ITEMS = "/core/v1/items"


async def all_of(avito: Avito, *statuses: str) -> list[Item]:
    return [item async for item in items(avito, statuses or ("active",))]


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": number, "title": f"Кровать {number}", "status": "active"} for number in range(first, last + 1)]


def page(number: int, listed: list[dict[str, Any]], size: int = 99) -> dict[str, Any]:
    return {"meta": {"page": number, "per_page": size}, "resources": listed}


async def test_thirteen_pages_make_twelve_hundred_listings(world: AvitoWorld, client: Make) -> None:
    found = await all_of(client(keys_in(world, REMONT)))
    today = datetime(2026, 11, 22, tzinfo=UTC).date()
    active = {item.id for item in world.accounts[REMONT].stock.items if item.status(today) == "active"}
    assert {item.id for item in found} == active
    assert len(found) == len(active) > 1188
    assert world.count("item_list") == 13
    assert world.count("item_list", status=429) == 0


async def test_listing_is_read_whole(said: Said, client: Make) -> None:
    row = {
        "id": 7931154562,
        "title": "Кровать 160×200",
        "price": 12500,
        "status": "active",
        "url": "https://avito.ru/x",
        "address": "Москва",
        "category": {"id": 20, "name": "Мебель"},
    }
    said.says(ITEMS, page(1, [row]))
    assert await all_of(client()) == [
        Item(7931154562, "Кровать 160×200", Decimal(12500), "active", "https://avito.ru/x", "Москва", 20, "Мебель")
    ]


async def test_price_and_address_may_be_missing(said: Said, client: Make) -> None:
    said.says(ITEMS, page(1, [{"id": 1, "price": None, "url": None}, {"title": "no id"}]))
    assert await all_of(client()) == [Item(1, "", None, "", "", "", None, "")]


async def test_statuses_go_as_a_list(said: Said, client: Make) -> None:
    said.says(ITEMS, page(1, []))
    await all_of(client(), *STATUSES)
    assert parse_qs(urlsplit(said.asked()[0].path).query) == {
        "status": ["active,removed,old,blocked,rejected"],
        "per_page": ["99"],
        "page": ["1"],
    }


@pytest.mark.parametrize(("listings", "asked"), [(0, 1), (98, 1), (99, 2), (100, 2), (198, 3)])
async def test_no_page_is_asked_for_in_vain_but_after_a_full_one(
    said: Said, client: Make, listings: int, asked: int
) -> None:
    everything = rows(1, listings)
    for number in range(1, asked + 1):
        said.says(ITEMS, page(number, everything[(number - 1) * 99 : number * 99]))
    assert (len(await all_of(client())), len(said.asked())) == (listings, asked)


async def test_server_that_ignores_pages_is_not_gone_through_for_ever(world: AvitoWorld, client: Make) -> None:
    world.behave(ignore_page=True)
    found = await all_of(client(keys_in(world, REMONT)))
    assert (len({item.id for item in found}), len(found), world.count("item_list")) == (99, 99, 2)


async def test_first_page_for_ever_without_its_number(said: Said, client: Make) -> None:
    said.says(ITEMS, {"resources": rows(1, 99)})
    assert (len(await all_of(client())), len(said.asked())) == (99, 2)


async def test_server_that_gives_smaller_pages_is_gone_through(said: Said, client: Make) -> None:
    said.says(ITEMS, page(1, rows(1, 25), 25)).says(ITEMS, page(2, rows(26, 50), 25)).says(ITEMS, page(3, [], 25))
    assert [item.id for item in await all_of(client())] == list(range(1, 51))


async def test_listing_that_moved_to_the_next_page_comes_once(said: Said, client: Make) -> None:
    said.says(ITEMS, page(1, rows(1, 99))).says(ITEMS, page(2, rows(99, 120)))
    assert [item.id for item in await all_of(client())] == list(range(1, 121))


async def test_more_pages_than_a_minute_has_are_gone_on_with(world: AvitoWorld, client: Make, clock: Clock) -> None:
    world.fill(95_000_005, items=3000)
    keys = keys_in(world, 95_000_005)
    with pytest.raises(AvitoError) as caught:
        await all_of(client(keys))
    assert (caught.value.kind, caught.value.section, world.count("item_list")) == (
        Kind.RATE_LIMITED,
        Section.ITEMS,
        25,
    )
    clock.passes(seconds=caught.value.retry_after or 0)
    later = client(keys)
    assert (len(await all_of(later)), later.calls) == (3000, 6)


async def test_employees_keys_see_no_listings(world: AvitoWorld, client: Make) -> None:
    assert await all_of(client(keys_in(world, POLKA)), *STATUSES) == []


async def test_details_of_a_listing(said: Said, client: Make) -> None:
    body = {
        "status": "active",
        "url": "https://avito.ru/x",
        "start_time": "2026-03-01T10:00:00+03:00",
        "finish_time": None,
        "vas": [{"vas_id": "xl", "finish_time": None}, {"vas_id": "highlight"}, {}],
    }
    said.says("/core/v1/accounts/7/items/5/", body)
    told = await details(client(), 5)
    assert (told.id, told.status, told.services) == (5, "active", ("xl", "highlight"))
    assert (told.starts, told.ends) == (datetime(2026, 3, 1, 7, 0, tzinfo=UTC), None)


async def test_details_are_those_of_the_list(world: AvitoWorld, sever: Avito) -> None:
    first = (await all_of(sever))[0]
    told = await details(sever, first.id)
    assert (told.status, told.url) == (first.status, first.url)
    assert world.found("item")[0].path == f"/avito/core/v1/accounts/{SEVER}/items/{first.id}/"
    assert told.starts is None or told.starts.date() < date(2026, 11, 22) + timedelta(days=1)
