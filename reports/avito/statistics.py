"""Figures by day, by listing and in total; spending; calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from reports.avito import methods
from reports.avito.account import uid_of
from reports.avito.assumed import PARTS, TOGETHER
from reports.avito.client import Avito
from reports.avito.reading import Json, day, mapping, moment, number, objects, roubles, text, whole
from reports.metrics import ASKED, BY_NAME, Unit

Days = dict[date, dict[str, Decimal]]

# Rows of statistics v2 in one answer, and listings in one question of v1 (items.json, 2026).
PAGE = 1000
ITEMS_AT_ONCE = 200
# Money of statistics v2 comes in kopecks (items.json, 2026).
IN_KOPECKS = frozenset(name for name in ASKED if BY_NAME[name].unit is Unit.MONEY)
# Names of v1 and of calls, and ours.
UNIQUE = {"uniqViews": "views", "uniqContacts": "contacts", "uniqFavorites": "favorites"}
CALLS = {"calls": "calls", "answered": "callsAnswered", "new": "callsNew"}


@dataclass(frozen=True)
class Daily:
    """``as_of``: when Avito last counted. ``empty``: it said nothing of the period, not even zeros."""

    days: Days
    as_of: datetime | None
    empty: bool


@dataclass(frozen=True)
class ItemDays:
    """``missing``: how many of the listings asked for nothing was told of."""

    days: Days
    missing: int


async def daily(avito: Avito, first: date, last: date) -> Daily:
    """All figures there are (`reports.metrics.ASKED`) of each day, both ends too; money in roubles. One call, for a day
    is a row and there are 270 at most. A figure that the account does not have is absent."""
    told, as_of = await _groupings(avito, methods.STATISTICS, "day", first, last)
    days = {}
    for row in told:
        when = day(row.get("id")) or day(row.get("date"))
        if when is not None and first <= when <= last and (figures := _figures(row)):
            days[when] = figures
    return Daily(days, as_of, empty=not told)


async def daily_is_at_hand(avito: Avito, first: date, last: date) -> bool:
    """Whether `daily` of these days costs no call."""
    body = _asked("day", first, last, 0)
    return await avito.has_at_hand(methods.STATISTICS, body=body, uid=await uid_of(avito))


async def totals(avito: Avito, first: date, last: date) -> dict[str, Decimal]:
    """Figures of the whole period, as Avito sums them. Nothing when it says nothing."""
    told, _as_of = await _groupings(avito, methods.STATISTICS, "totals", first, last)
    return _figures(told[0]) if told else {}


async def by_item(avito: Avito, first: date, last: date) -> dict[int, dict[str, Decimal]]:
    """Figures of the whole period by listing. A thousand a call and a call a minute: each page is kept for an hour, so
    that who is told rate_limited and comes again gets on."""
    told, _as_of = await _groupings(avito, methods.STATISTICS_BY_ITEM, "item", first, last)
    return {item: _figures(row) for row in told if (item := whole(row.get("id")))}


async def of_items(avito: Avito, ids: Sequence[int], first: date, last: date) -> ItemDays:
    """Views, contacts and favourites of each day, summed over the listings ``ids`` (statistics v1, 200 a call)."""
    wanted = list(dict.fromkeys(ids))
    days: Days = {}
    seen: set[int] = set()
    for start in range(0, len(wanted), ITEMS_AT_ONCE):
        batch = wanted[start : start + ITEMS_AT_ONCE]
        body = {**_between(first, last), "itemIds": batch, "fields": list(UNIQUE), "periodGrouping": "day"}
        for item in objects(_v1_items(await avito.ask(methods.STATISTICS_V1, body=body, uid=await uid_of(avito)))):
            if _add_item(days, item, first, last):
                seen.add(whole(item.get("itemId")) or 0)
    return ItemDays(days, len(set(wanted) - seen))


def _add_item(days: Days, item: Json, first: date, last: date) -> bool:
    """Whether anything was told of the listing."""
    told = False
    for row in objects(item.get("stats")):
        when = day(row.get("date"))
        named = ((ours, number(row.get(theirs))) for theirs, ours in UNIQUE.items())
        figures = {ours: figure for ours, figure in named if figure is not None}
        if when is not None and first <= when <= last and figures:
            _add(days.setdefault(when, {}), figures)
            told = True
    return told


def _v1_items(told: Any) -> Any:
    """The listings of an answer; some servers give them without the object around."""
    result = mapping(told).get("result")
    return result if isinstance(result, list) else mapping(result).get("items")


async def spendings(avito: Avito, first: date, last: date) -> Days:
    """Spending of each day by parts, named as in statistics v2, and `assumed.TOGETHER`, their sum. Roubles.

    Asked for ``all``, Avito gives the parts; ``services`` say what a part is made of, and are not money besides it
    (items.json, 2026). Parts that are new keep their names.
    """
    body = {**_between(first, last), "grouping": "day", "spendingTypes": ["all"]}
    told = await avito.ask(methods.SPENDINGS, body=body, uid=await uid_of(avito))
    days: Days = {}
    for row in objects(mapping(mapping(told).get("result")).get("groupings")):
        when = day(row.get("date"))
        if when is not None and first <= when <= last and (parts := _parts(row)):
            _add(days.setdefault(when, {}), parts)
    return days


def _parts(row: Json) -> dict[str, Decimal]:
    named = ((text(part.get("slug")), number(part.get("value"))) for part in objects(row.get("spendings")))
    parts: dict[str, Decimal] = {}
    for slug, value in named:
        if slug and value is not None:
            _add(parts, {PARTS.get(slug, slug): value})
    together = parts.pop("all", None)
    if parts:
        together = sum(parts.values(), Decimal(0))
    return parts if together is None else {**parts, TOGETHER: together}


async def calls(avito: Avito, first: date, last: date) -> Days:
    """``calls``, ``callsAnswered`` and ``callsNew`` of each day that Avito tells of, over all listings and employees;
    calls that belong to no listing (itemId 0) count too."""
    told = await avito.ask(methods.CALLS, body=_between(first, last), uid=await uid_of(avito))
    days: Days = {}
    for item in objects(mapping(mapping(told).get("result")).get("items")):
        for row in objects(item.get("days")):
            when = day(row.get("date"))
            named = ((ours, number(row.get(theirs))) for theirs, ours in CALLS.items())
            figures = {ours: figure for ours, figure in named if figure is not None}
            if when is not None and first <= when <= last and figures:
                _add(days.setdefault(when, {}), figures)
    return days


# --- statistics v2 ----------------------------------------------------------------------------------------------------


async def _groupings(
    avito: Avito, method: methods.Method, grouping: str, first: date, last: date
) -> tuple[list[Json], datetime | None]:
    """All rows, and when Avito counted. Pages, until all that it speaks of are there."""
    found: dict[tuple[str, str], Json] = {}
    as_of, offset = None, 0
    while True:
        page, total, counted = _page(
            await avito.ask(method, body=_asked(grouping, first, last, offset), uid=await uid_of(avito))
        )
        as_of = as_of or counted
        known = len(found)
        found.update({(str(row.get("id")), str(row.get("date"))): row for row in page})
        offset += len(page)
        # A server that gives the first page again has nothing more to say.
        if len(found) == known or (offset >= total if total is not None else len(page) < PAGE):
            return list(found.values()), as_of


def _asked(grouping: str, first: date, last: date, offset: int) -> Json:
    return {**_between(first, last), "grouping": grouping, "limit": PAGE, "offset": offset, "metrics": list(ASKED)}


def _page(told: Any) -> tuple[list[Json], int | None, datetime | None]:
    """Rows, how many there are in all, when they were counted."""
    result = mapping(mapping(told).get("result"))
    return list(objects(result.get("groupings"))), whole(result.get("dataTotalCount")), moment(result.get("timestamp"))


def _figures(row: Json) -> dict[str, Decimal]:
    """What we asked for of a row's ``metrics``; the rest is not ours to understand."""
    figures = {}
    for metric in objects(row.get("metrics")):
        slug = text(metric.get("slug"))
        value = roubles(metric.get("value")) if slug in IN_KOPECKS else number(metric.get("value"))
        if slug in ASKED and value is not None:
            figures[slug] = value
    return figures


def _between(first: date, last: date) -> Json:
    return {"dateFrom": first.isoformat(), "dateTo": last.isoformat()}


def _add(sums: dict[str, Decimal], figures: dict[str, Decimal]) -> None:
    for name, figure in figures.items():
        sums[name] = sums.get(name, Decimal(0)) + figure
