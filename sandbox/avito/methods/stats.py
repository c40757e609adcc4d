"""Statistics of items (v1) and of the profile (v2) (items.json)."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..ask import Ask, Json, Method
from ..checks import Reader
from ..figures import MOSCOW, SLUGS, Metrics, Parts, contacts_in, metrics
from ..stock import Item
from .periods import by_item, grouped, past, sums, unix

MOST_IDS = 200
MOST_ROWS = 1000
MANY = 10**9
V1_FIELDS = ("uniqViews", "uniqContacts", "uniqFavorites")
V1_DEPRECATED = ("views", "contacts", "favorites")
V1_PARTS = ("views", "phone", "chat", "both", "discount", "favorites")
GROUPINGS = ("day", "week", "month", "item", "totals")


def stats_v1(ask: Ask) -> Json:
    """Views, contacts and favourites of the items named."""
    body = ask.fields("dateFrom", "dateTo", "itemIds", "fields", "periodGrouping")
    first, last = body.days(ask.now)
    body.required("itemIds")
    ids = body.ids("itemIds", MOST_IDS) or []
    fields = body.words("fields", V1_FIELDS + V1_DEPRECATED) if "fields" in body.said else list(V1_FIELDS)
    grouping = body.one_of("periodGrouping", ("day", "week", "month"), "day")
    own = [item_id for item_id in dict.fromkeys(ids) if item_id in ask.account.stock.by_id]
    rows = {item_id: list[Json]() for item_id in own}
    for start, days in grouped(past(first, last, ask.now), grouping).items():
        for item_id, parts in by_item(ask, days, own, V1_PARTS).items():
            shown = _v1_row(parts, fields)
            if not ask.manners.gaps or any(shown.values()):
                rows[item_id].append({"date": start.isoformat(), **shown})
    items = [{"itemId": item_id, "stats": stats} for item_id, stats in rows.items() if stats or not ask.manners.gaps]
    result = items if ask.manners.v1 == "bare" else {"items": items}
    return {"result": result, "errors": {"1": "not found"}} if ask.manners.extras else {"result": result}


def _v1_row(parts: Parts, fields: list[str]) -> Json:
    """The old names are accepted and no longer answered."""
    values = {"uniqViews": parts["views"], "uniqContacts": contacts_in(parts), "uniqFavorites": parts["favorites"]}
    return {name: value for name, value in values.items() if name in fields}


def stats_v2(ask: Ask) -> Json:
    """Any of the metrics, in total, by item or by period; those not for this account are left out."""
    body = ask.fields("dateFrom", "dateTo", "metrics", "grouping", "limit", "offset", "filter", "sort")
    first, last = body.days(ask.now)
    wanted = body.words("metrics", SLUGS)
    grouping = body.one_of("grouping", GROUPINGS)
    limit, offset = body.whole("limit", 0, MOST_ROWS), body.whole("offset", 0, MANY)
    items = _filtered(ask, body)
    rows = rows_of(ask, past(first, last, ask.now), grouping, items)
    _sort(body, rows)
    stamp = ask.now.astimezone(MOSCOW).replace(minute=0, second=0).strftime("%Y-%m-%d %H:%M:%S")
    if ask.manners.v2 == "timestamp":
        return {"result": {"timestamp": stamp}}
    if ask.manners.v2 == "empty":
        return {"result": {"dataTotalCount": 0, "timestamp": stamp, "groupings": []}}
    page = [_grouping(ask, number, grouping, values, wanted) for number, values in rows[offset : offset + limit]]
    return {"result": {"dataTotalCount": len(rows), "timestamp": stamp, "groupings": page}}


def rows_of(ask: Ask, days: list[date], grouping: str, items: list[Item] | None) -> list[tuple[int, Metrics]]:
    """Every group: its id and all slugs."""
    stock = ask.account.stock
    chosen = stock.items if items is None else tuple(items)
    if grouping == "item":
        found = by_item(ask, days, [item.id for item in chosen])
        new = {item.id for item in chosen if any(item.is_new(day) for day in days)}
        return [(item_id, metrics(parts, 1, int(item_id in new))) for item_id, parts in found.items()]
    groups = {date.min: days} if grouping == "totals" else grouped(days, grouping)
    rows = []
    for start, within in groups.items():
        active = sum(any(item.is_up(day) for day in within) for item in chosen)
        new_items = sum(any(item.is_new(day) for day in within) for item in chosen)
        number = 0 if grouping == "totals" else unix(start)
        rows.append((number, metrics(sums(ask, within, items), active, new_items)))
    return rows


def _filtered(ask: Ask, body: Reader) -> list[Item] | None:
    """The items of the categories and employees asked for; None: of all."""
    filters = body.inner("filter", ("categoryIDs", "employeeIDs"))
    categories, employees = filters.ids("categoryIDs"), filters.ids("employeeIDs")
    if not categories and not employees:
        return None
    return [
        item
        for item in ask.account.stock.items
        if (not categories or item.category[0] in categories) and (not employees or item.employee in employees)
    ]


def _sort(body: Reader, rows: list[tuple[int, Metrics]]) -> None:
    if body.said.get("sort") is None:
        return
    sort = body.inner("sort", ("key", "order"))
    key, order = sort.one_of("key", SLUGS), sort.one_of("order", ("asc", "desc"))
    rows.sort(key=lambda row: row[1][key], reverse=order == "desc")


def _grouping(ask: Ask, number: int, grouping: str, values: Metrics, wanted: list[str]) -> Json:
    shown: list[Any] = [
        {"slug": slug, "value": values[slug]} for slug in dict.fromkeys(wanted) if slug not in ask.account.absent
    ]
    if ask.manners.extras:
        shown.append({"slug": "holographicViews", "value": 7.5})
    dated = grouping in ("day", "week", "month") and ask.manners.v2_type == "dates"
    return {"id": number, "type": "dates" if dated else grouping, "metrics": shown}


METHODS = (
    Method("stats_v1", "POST", "/stats/v1/accounts/{uid}/items", stats_v1),
    Method("stats_v2", "POST", "/stats/v2/accounts/{uid}/items", stats_v2, foreign=403),
)
