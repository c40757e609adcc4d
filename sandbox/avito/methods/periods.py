"""Days in groups, and their sums: what statistics and spendings have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from ..ask import Ask
from ..figures import Parts, added, moscow_day
from ..stock import Item

STARTS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def past(first: date, last: date, now: datetime) -> list[date]:
    """The dates of a period up to today."""
    count = (min(last, moscow_day(now)) - first).days + 1
    return [first + timedelta(days=n) for n in range(count)]


def grouped(days: Iterable[date], grouping: str) -> dict[date, list[date]]:
    """First date of a day, week or month → its dates within the period. A week may begin before the period does."""
    groups: dict[date, list[date]] = {}
    for day in days:
        groups.setdefault(STARTS[grouping](day), []).append(day)
    return groups


def unix(day: date) -> int:
    """Midnight in UTC, seconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def known(ask: Ask, day: date) -> Parts:
    """What has come in of that date."""
    return ask.account.parts(day, ask.now, ask.manners.lag)


def by_item(ask: Ask, days: Iterable[date], ids: Iterable[int], names: Iterable[str] | None = None) -> dict[int, Parts]:
    """Item id → its parts over the days, for items that were up; `names`: only these parts."""
    totals: dict[int, dict[str, int]] = {}
    wanted = list(ids)
    for day in days:
        whole = known(ask, day)
        chosen = whole if names is None else {name: whole[name] for name in names}
        shares = ask.account.stock.shares(day, chosen)
        for item_id in wanted:
            if item_id not in shares.places:
                continue
            total = totals.setdefault(item_id, {})
            for name, value in shares.of(item_id).items():
                total[name] = total.get(name, 0) + value
    return {item_id: added([total]) for item_id, total in totals.items()}


def sums(ask: Ask, days: list[date], items: list[Item] | None) -> Parts:
    """The parts of the whole account over the days, or of these items only."""
    if items is None:
        return added(known(ask, day) for day in days)
    return added(by_item(ask, days, [item.id for item in items]).values())
