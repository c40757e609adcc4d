"""The list of items, and one of them (items.json)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from ..ask import Ask, Json, Method
from ..checks import Reader
from ..figures import MOSCOW, moscow_day, number
from ..stock import RENEWED, Item

STATUSES = ("active", "removed", "old", "blocked", "rejected")
MANY = 1_000_000_000
VAS = ("highlight", "xl", "pushup", "premium")


def item_list(ask: Ask) -> Json:
    """A page of items; an employee's key sees none."""
    query = ask.params(("per_page", "page", "status", "updatedAtFrom", "category"))
    size, page = query.whole("per_page", 1, 100, 25), query.whole("page", 1, MANY, 1)
    found = wanted(ask, query)
    start = 0 if ask.manners.ignore_page else (page - 1) * size
    rows = [row(item, moscow_day(ask.now), extras=ask.manners.extras) for item in found[start : start + size]]
    return {"meta": {"page": 1 if ask.manners.ignore_page else page, "per_page": size}, "resources": rows}


def wanted(ask: Ask, query: Reader) -> list[Item]:
    """The items the query asks for, in the order of their ids."""
    today = moscow_day(ask.now)
    statuses = str(query.said.get("status", "active")).split(",")
    for status in statuses:
        if status not in STATUSES:
            raise query.wrong("status", f"has the unknown {status!r}")
    since = query.day("updatedAtFrom") if "updatedAtFrom" in query.said else date.min
    category = query.whole("category", 1, MANY, 0)
    if ask.account.employee:
        return []
    return [
        item
        for item in ask.account.stock.items
        if item.status(today) in statuses
        and category in (0, item.category[0])
        and (since == date.min or updated(item, today) >= since)
    ]


def updated(item: Item, today: date) -> date:
    """When it was last published."""
    return today - timedelta(days=(today.toordinal() + item.id * 7) % RENEWED)


def row(item: Item, today: date, *, extras: bool = False) -> Json:
    """An item in the list."""
    shown: Json = {
        "id": item.id,
        "title": item.title,
        "price": item.price,
        "status": item.status(today),
        "url": None if item.n % 17 == 5 else f"https://www.avito.ru/items/{item.id}",
        "address": f"{item.city[1]}, Лесная улица, {1 + number(item.id, 'house') % 90}",
        "category": {"id": item.category[0], "name": item.category[1]},
    }
    return shown | ({"isPromoted": True, "labels": []} if extras else {})


def item_details(ask: Ask) -> Json:
    """One item; whose it is not, or which does not exist, is told by its status."""
    item_id = Reader({"item_id": _number(ask.match["item_id"])}, ask.style, ("item_id",)).whole("item_id", 1, 2**63)
    item = ask.account.stock.by_id.get(item_id)
    if item is None:
        others = (account.stock.by_id for account in ask.world.accounts.values())
        status = "another_user" if any(item_id in stock for stock in others) else "not_found"
        empty = dict.fromkeys(("autoload_item_id", "finish_time", "start_time", "url", "vas"))
        return {**empty, "status": status}
    today = moscow_day(ask.now)
    start = datetime.combine(updated(item, today), time(8), MOSCOW)
    finish = start + timedelta(days=RENEWED)
    service = VAS[item.n % len(VAS)]
    vas = [{"vas_id": service, "finish_time": finish.isoformat(), "schedule": None}] if item.n % 3 == 0 else []
    return {
        "autoload_item_id": None,
        "status": item.status(today),
        "url": f"https://www.avito.ru/items/{item.id}",
        "start_time": start.isoformat(),
        "finish_time": finish.isoformat(),
        "vas": vas,
    }


def _number(text: str) -> object:
    return int(text) if text.isdecimal() else text


METHODS = (
    Method("item_list", "GET", "/core/v1/items", item_list, "code"),
    Method("item", "GET", "/core/v1/accounts/{uid}/items/{item_id}/", item_details, "code"),
)
