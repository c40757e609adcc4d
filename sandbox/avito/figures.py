"""What happens at a seller's, day by day: arithmetic on hashes, with nothing stored and nothing random.

A day's figure is decided for the whole account and then shared out among its items, so that statistics by day, by
item and in total, and spendings, agree whichever way they are asked. Money is in kopecks; dates are Moscow dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from hashlib import blake2b

MOSCOW = timezone(timedelta(hours=3))
Parts = dict[str, int]
Metrics = dict[str, float]

# Disjoint, so that every slug is a sum of some of them: see `metrics`.
PARTS = (
    *("impressions", "views", "phone", "chat", "both", "discount", "favorites", "clicks", "job"),
    *("ordered", "ordered_price", "delivered", "delivered_price"),
    *("placed", "placed_price", "approved", "approved_price", "accepted", "accepted_price"),
    *("presence", "promo", "rest", "commission", "bonus"),
)
# Thousandths of a day's figures that have come in by the hour 0, 1, … 24.
BY_HOUR = (
    *(0, 10, 16, 20, 24, 30, 40, 62, 95, 140, 195, 255, 318, 380, 440, 500, 560, 620, 684, 750, 816, 876, 926),
    *(968, 1000),
)
SPENDINGS = {"presence": "presence", "promotion": "promo", "commission": "commission", "rest": "rest"}


@dataclass(frozen=True, slots=True)
class Trade:
    """How brisk a seller's trade is.

    `views` a day on average; `impressions` for each view; `contacts` and `orders` for a thousand views; `week`:
    per cent of the average from Monday to Sunday; `presence` and `promo`: kopecks a day; `tariff`: kopecks each
    thirtieth day; `bonus`: thousandths of presence paid in bonuses besides; `calls` a day; one day in `quiet`
    has nothing at all but the tariff (0: none).
    """

    views: int = 200
    impressions: int = 24
    contacts: int = 30
    orders: int = 0
    week: tuple[int, int, int, int, int, int, int] = (100, 96, 98, 102, 108, 104, 92)
    presence: int = 40_000
    promo: int = 25_000
    tariff: int = 0
    bonus: int = 0
    calls: int = 0
    quiet: int = 41


def number(*what: object) -> int:
    """A number that looks random, the same for the same words."""
    return int.from_bytes(blake2b("|".join(map(str, what)).encode(), digest_size=8).digest(), "big")


def moscow_day(now: datetime) -> date:
    """The Moscow date of an aware moment."""
    return now.astimezone(MOSCOW).date()


def parts_of(trade: Trade, uid: int, day: date) -> Parts:
    """A whole day of an account, as disjoint counts and kopecks."""
    due = trade.tariff if day.toordinal() % 30 == number(uid, "tariff") % 30 else 0
    if trade.quiet and number(uid, day, "quiet") % trade.quiet == 0:
        return dict.fromkeys(PARTS, 0) | {"rest": due}
    volume = _volume(trade, uid, day)
    views = trade.views * volume // 1000
    presence = trade.presence * volume // 1000
    promoted = day.toordinal() // 7 % 4 != 3
    parts = dict.fromkeys(PARTS, 0) | _contacts(trade, uid, day, views) | _orders(trade, uid, day, views)
    return parts | {
        "impressions": views * trade.impressions + number(uid, day, "impressions") % (trade.impressions + 1),
        "views": views,
        "favorites": (views * 42 + number(uid, day, "favorites") % 1000) // 1000,
        "clicks": views * 3 // 5,
        "presence": presence,
        "promo": trade.promo * (900 + number(uid, day, "promo") % 201) // 1000 if promoted else 0,
        "rest": due,
        "bonus": presence * trade.bonus // 1000,
    }


def _volume(trade: Trade, uid: int, day: date) -> int:
    """Thousandths of the average: the wave of the week, a slow swell of a year, and the day's own luck."""
    place = day.toordinal() % 360
    swell = 850 + min(place, 360 - place) * 300 // 180
    luck = 850 + number(uid, day, "luck") % 301
    return trade.week[day.weekday()] * swell * luck // 100_000


def _contacts(trade: Trade, uid: int, day: date, views: int) -> Parts:
    contacts = (views * trade.contacts + number(uid, day, "contacts") % 1000) // 1000
    both, discount = contacts // 9, contacts // 25
    chat = (contacts - both - discount) * 2 // 5
    return {"both": both, "discount": discount, "chat": chat, "phone": contacts - both - discount - chat}


def _orders(trade: Trade, uid: int, day: date, views: int) -> Parts:
    ordered = (views * trade.orders + number(uid, day, "orders") % 1000) // 1000 if trade.orders else 0
    price = ordered * (129_000 + number(uid, day, "price") % 90_000)
    delivered = ordered * 4 // 5
    delivered_price = price * delivered // ordered if ordered else 0
    return {
        "ordered": ordered,
        "ordered_price": price,
        "delivered": delivered,
        "delivered_price": delivered_price,
        "commission": delivered_price * 5 // 100,
    }


def progress(day: date, now: datetime | None, lag: int = 0) -> int:
    """Thousandths of a day's figures that are known at `now` (None: all of them).

    Today grows hour by hour. Until `lag` hours after midnight the day before lacks its last thirty thousandths.
    """
    if now is None:
        return 1000
    local = now.astimezone(MOSCOW)
    if day == local.date():
        return BY_HOUR[local.hour]
    if day > local.date():
        return 0
    late = day == local.date() - timedelta(days=1) and local.hour < lag
    return 970 if late else 1000


def grown(parts: Mapping[str, int], thousandths: int) -> Parts:
    """As much of a day's parts as has come in."""
    if thousandths == 1000:
        return dict(parts)
    return {name: value * thousandths // 1000 for name, value in parts.items()}


def added(rows: Iterable[Mapping[str, int]]) -> Parts:
    """The sum of parts."""
    total = dict.fromkeys(PARTS, 0)
    for row in rows:
        for name, value in row.items():
            total[name] += value
    return total


def contacts_in(parts: Mapping[str, int]) -> int:
    """Everybody who made contact, each once."""
    return parts["phone"] + parts["chat"] + parts["both"] + parts["discount"]


def metrics(parts: Mapping[str, int], active: int = 0, new: int = 0) -> Metrics:
    """Every slug of the statistics (Avito's API description, items.json, 2026), from parts and counts of items.

    Sums of money are kopecks, conversions per cent; a ratio to nothing is 0, as the API knows no gap there.
    """
    items = {"activeItems": active, "newActiveItems": new, "oldActiveItems": active - new}
    return _counted(parts) | _spent(parts) | _ratios(parts) | items


def _counted(parts: Mapping[str, int]) -> Metrics:
    counted: Metrics = {
        "impressions": parts["impressions"],
        "views": parts["views"],
        "contacts": contacts_in(parts),
        "contactsShowPhone": parts["phone"] + parts["both"],
        "contactsMessenger": parts["chat"] + parts["both"],
        "contactsShowPhoneAndMessenger": parts["both"],
        "contactsSbcDiscount": parts["discount"],
        "favorites": parts["favorites"],
        "clickPackages": parts["clicks"],
        "jobContacts": parts["job"],
        "orderedItems": parts["ordered"],
        "orderedItemsPrice": parts["ordered_price"],
        "deliveredItems": parts["delivered"],
        "deliveredItemsPrice": parts["delivered_price"],
    }
    for stage in ("placed", "approved", "accepted"):
        counted[f"booking{stage.title()}Count"] = parts[stage]
        counted[f"booking{stage.title()}Price"] = parts[f"{stage}_price"]
    return counted


def _spent(parts: Mapping[str, int]) -> Metrics:
    spending = parts["presence"] + parts["promo"] + parts["rest"] + parts["commission"]
    return {
        "allSpending": spending + parts["bonus"],
        "spending": spending,
        "spendingBonus": parts["bonus"],
        "presenceSpending": parts["presence"],
        "promoSpending": parts["promo"],
        "restSpending": parts["rest"],
        "commission": parts["commission"],
    }


def _ratios(parts: Mapping[str, int]) -> Metrics:
    contacts, paid = contacts_in(parts), parts["presence"] + parts["promo"]
    return {
        "impressionsToViewsConversion": ratio(100 * parts["views"], parts["impressions"]),
        "viewsToContactsConversion": ratio(100 * contacts, parts["views"]),
        "viewsToOrderedItemsConversion": ratio(100 * parts["ordered"], parts["views"]),
        "averageViewCost": ratio(paid, parts["views"]),
        "averageContactCost": ratio(paid, contacts),
    }


def ratio(share: int, whole: int) -> float:
    """To two places."""
    return round(share / whole, 2) if whole else 0.0


SLUGS = frozenset(metrics(dict.fromkeys(PARTS, 0)))
SPENDING_SLUGS = frozenset(slug for slug in SLUGS if "pending" in slug or "Cost" in slug) | {"commission"}
ORDER_SLUGS = frozenset(slug for slug in SLUGS if "ered" in slug)
BOOKING_SLUGS = frozenset(slug for slug in SLUGS if slug.startswith("booking"))
