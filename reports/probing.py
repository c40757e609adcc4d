"""A look at what keys open: whose they are, and each section on its own. Nothing is stored.

probe(keys)     at most eight calls, each section's once; its limits and outages are told as what they are
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from reports.avito.account import Account, advance, money, own_account
from reports.avito.client import Avito, Keys
from reports.avito.errors import AvitoError, Kind
from reports.avito.items import items
from reports.avito.messenger import chats
from reports.avito.ratings import rating
from reports.avito.statistics import calls, daily
from reports.figures.periods import oldest_day, today_at_avito
from reports.metrics import Section

# Of calls a few days tell whether they may be seen.
DAYS_OF_CALLS = timedelta(days=7)
# Somebody waits for the answer.
PATIENCE = 8.0


@dataclass(frozen=True)
class Probe:
    """``sections``: nothing where it works, else the kind of the AvitoError. ``error``: why nothing at all is known;
    then there is no account. ``empty``: sections that answered and hold nothing, as with an employee's keys."""

    account: Account | None
    sections: dict[Section, str] = field(default_factory=dict)
    error: AvitoError | None = None
    empty: frozenset[Section] = frozenset()


async def probe(keys: Keys, *, clock: Callable[[], datetime] = timezone.now) -> Probe:
    """Look at everything that reports and exports ask of Avito. Raises nothing of Avito's."""
    try:
        async with Avito(keys, patience=PATIENCE, clock=clock) as avito:
            account = await own_account(avito)
    except AvitoError as error:
        return Probe(None, error=error)
    async with Avito(replace(keys, account_id=account.id), patience=PATIENCE, clock=clock) as avito:
        empty: set[Section] = set()
        looks = _looks(avito, clock(), empty)
        kinds = await asyncio.gather(*(_kind_of(look) for look in looks.values()))
    sections = {Section.ACCOUNT: "", **dict(zip(looks, kinds, strict=True))}
    if Kind.BAD_CREDENTIALS in kinds:
        return Probe(None, error=AvitoError(Kind.BAD_CREDENTIALS))
    return Probe(account, sections, empty=frozenset(empty))


def _looks(avito: Avito, now: datetime, empty: set[Section]) -> dict[Section, Awaitable[Any]]:
    """Statistics are asked as the first collection asks them (reports/gathering.py), so that it finds the answer and
    spends no call: Avito allows one a minute."""
    today = today_at_avito(now)
    return {
        Section.STATISTICS: daily(avito, oldest_day(now), today),
        Section.MONEY: money(avito),
        Section.ADVANCE: advance(avito),
        Section.CALLS: calls(avito, today - DAYS_OF_CALLS, today),
        Section.ITEMS: _any_item(avito, empty),
        Section.MESSENGER: chats(avito, 0, limit=1),
        Section.RATINGS: rating(avito),
    }


async def _any_item(avito: Avito, empty: set[Section]) -> None:
    async for _item in items(avito):
        return
    empty.add(Section.ITEMS)


async def _kind_of(look: Awaitable[Any]) -> str:
    try:
        await look
    except AvitoError as error:
        return str(error.kind)
    return ""
