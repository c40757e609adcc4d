"""What was spent on, in roubles (items.json says roubles in its schema, 2026)."""

from __future__ import annotations

from ..ask import Ask, Json, Method
from ..checks import Reader
from ..figures import SPENDINGS, Parts
from ..stock import Item
from .account import roubles
from .periods import grouped, past, sums

TYPES = ("all", *SPENDINGS)
# The services a sum is for: the first takes what the others, in per cent, leave of it.
SERVICES = {
    "presence": (("cpa_click_package", 0), ("cpa_target_call", 30)),
    "promotion": (("bbip", 0), ("vas_xl", 25), ("vas_highlight", 10)),
    "commission": (("orders_commission", 0),),
    "rest": (("tariff_ext", 0),),
}


def spendings(ask: Ask) -> Json:
    """By day, week or month; `all` means the four types, there is no row of their sum."""
    body = ask.fields("dateFrom", "dateTo", "grouping", "spendingTypes", "filter")
    first, last = body.days(ask.now)
    grouping = body.one_of("grouping", ("day", "week", "month"))
    asked = body.words("spendingTypes", TYPES)
    types = tuple(SPENDINGS) if "all" in asked else tuple(dict.fromkeys(asked))
    items = _filtered(ask, body)
    rows = []
    for start, days in grouped(past(first, last, ask.now), grouping).items():
        parts = sums(ask, days, items)
        if ask.manners.gaps and not any(parts[SPENDINGS[kind]] for kind in types):
            continue
        rows.append({"date": start.isoformat(), "type": grouping, "spendings": _spent(ask, parts, types)})
    stamp = int(ask.now.timestamp()) // 3600 * 3600
    return {"result": {"timestamp": stamp, "groupings": rows}}


def _spent(ask: Ask, parts: Parts, types: tuple[str, ...]) -> list[Json]:
    rows = []
    for kind in types:
        kopecks = parts[SPENDINGS[kind]]
        rows.append({"slug": kind, "value": roubles(kopecks), "services": _services(kind, kopecks)})
    if ask.manners.extras:
        rows.append({"slug": "moon_rocket", "value": 0, "services": [{"slug": "fuel", "value": 0, "unit": "l"}]})
    return rows


def _services(kind: str, kopecks: int) -> list[Json]:
    """Add up to the sum they are under."""
    (first, _), *others = SERVICES[kind]
    shares = {slug: kopecks * percent // 100 for slug, percent in others}
    shares = {first: kopecks - sum(shares.values()), **shares}
    return [{"slug": slug, "value": roubles(value)} for slug, value in shares.items() if value]


def _filtered(ask: Ask, body: Reader) -> list[Item] | None:
    """The items named, of the categories and places asked for; None: all."""
    filters = body.inner("filter", ("categoryIDs", "itemIDs", "locationIDs"))
    categories, ids, places = filters.ids("categoryIDs"), filters.ids("itemIDs"), filters.ids("locationIDs")
    if not categories and not ids and not places:
        return None
    return [
        item
        for item in ask.account.stock.items
        if (not categories or item.category[0] in categories)
        and (not ids or item.id in ids)
        and (not places or item.city[0] in places)
    ]


METHODS = (Method("spendings", "POST", "/stats/v2/accounts/{uid}/spendings", spendings, foreign=403),)
