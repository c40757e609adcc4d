"""The accounts the sandbox starts with, and a maker of others."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from . import figures, stock
from .accounts import Account
from .figures import Metrics, Trade
from .inbox import Inbox
from .stock import Stock

if TYPE_CHECKING:
    from .world import AvitoWorld

SEVER, REMONT, POLKA = 90_000_001, 90_000_002, 90_000_003
# They open nothing but this sandbox.
SEVER_KEYS = ("hT4pWq9_zLr2cXv7bN1k", "sM8vQ2xL-dK6yRw0_bTnE4uZjC9hGf3aPq7tVoXi")
SEVER_SECOND_KEYS = ("Yb6nJ0fKs3mDq8xPw5Ga", "k4Rz9wTc_Ue1mHb7-NvXp3sLq0yJd6oFa8gIi2Wt")
REMONT_KEYS = ("c9VxZ2rTj7LmQ4wHd0Ps", "aB+3 xY&7=zQ%41w pL+v0R&kS=8mN%2Bd tG/c~")
POLKA_KEYS = ("Pk1sEw8uXo5nGy3BfQ6R", "w7LqD0zXc4VbN9mKj2Hg-F5dSaP8oI_uY3tRe6Wx")


def sever(now: datetime) -> Account:
    """A shop of furniture: everything there is, with an advance for target actions."""
    items = Stock(SEVER, 58, 24)
    return Account(
        SEVER,
        "Магазин «Север»",
        Trade(
            views=640,
            contacts=38,
            orders=9,
            presence=310_000,
            promo=145_050,
            tariff=599_000,
            bonus=40,
            calls=4,
            quiet=0,
        ),
        items,
        Inbox(SEVER, "Магазин «Север»", 40, 14, newest=newest(now), odd=True, items=items.items),
        real=250_000.5,
        bonus=120.0,
        cpa=1_845_000,
        cpa_advance=3_000_000,
        absent=set(figures.BOOKING_SLUGS | {"jobContacts"}),
        score=4.8,
        reviews=128,
        about={
            "ru": "Всё работает: аванс, звонки, чаты всех видов. Две пары ключей к одному кабинету",
            "en": "Everything works: advance, calls, chats of every kind. Two pairs of keys to one account",
        },
    )


def remont(now: datetime) -> Account:
    """A firm of renovators: 1,200 items and more, little money, no subscription for chats and no CPA."""
    items = Stock(REMONT, 1203, 60, stock.RENOVATION)
    return Account(
        REMONT,
        "Ремонт под ключ",
        Trade(
            views=2300, contacts=21, week=(112, 110, 106, 104, 100, 88, 80), presence=0, promo=98_700, tariff=1_290_000
        ),
        items,
        Inbox(REMONT, "Ремонт под ключ", 25, 8, newest=newest(now), items=items.items),
        real=842.37,
        bonus=0.0,
        absent=set(figures.BOOKING_SLUGS | figures.ORDER_SLUGS | {"jobContacts", "clickPackages"}),
        closed={"messenger": "402"},
        score=4.1,
        reviews=37,
        about={
            "ru": "Больше 1200 объявлений, мало денег в кошельке, чаты без подписки",
            "en": "Over 1,200 items, a low wallet, no subscription for chats",
        },
    )


def polka(now: datetime) -> Account:
    """A café whose keys are an employee's: no lists of items and chats, no spendings."""
    items = Stock(POLKA, 9, 4, stock.COFFEE)
    return Account(
        POLKA,
        "Кофейня «Полка»",
        Trade(views=46, contacts=55, week=(120, 116, 110, 108, 96, 70, 0), presence=0, promo=0, quiet=9),
        items,
        Inbox(POLKA, "Кофейня «Полка»", 12, 6, newest=newest(now), items=items.items),
        real=0.0,
        bonus=None,
        absent=set(figures.BOOKING_SLUGS | figures.ORDER_SLUGS | figures.SPENDING_SLUGS | {"clickPackages"}),
        closed={"spendings": "403", "calls": "403", "cpa": "403"},
        employee=True,
        about={
            "ru": "Ключ сотрудника: без расходов, объявлений и чатов",
            "en": "An employee's key: no spendings, items or chats",
        },
    )


def fill(world: AvitoWorld) -> None:
    """Put the three accounts in; the first has two pairs of keys."""
    now = world.now()
    world.add(sever(now), SEVER_KEYS, SEVER_SECOND_KEYS)
    world.add(remont(now), REMONT_KEYS)
    world.add(polka(now), POLKA_KEYS)


def newest(now: datetime) -> int:
    """When the newest chat was written in: this hour's beginning, so that the chats do not move all the time."""
    return int(now.timestamp()) // 3600 * 3600


def generated(
    uid: int,
    now: datetime,
    *,
    name: str = "",
    items: int = 20,
    passing: int = 0,
    chats: int = 0,
    messages: int = 12,
    long: dict[int, int] | None = None,
    trade: Trade | None = None,
    **fields: Any,
) -> Account:
    """An account with so many items and chats, `long` being numbers of messages for some of the chats.

    Nothing of it is held in memory but the items. Other fields are those of `Account`. TypeError for unknown ones.
    """
    title = name or f"Магазин {uid}"
    stocked = Stock(uid, items, passing)
    inbox = Inbox(uid, title, chats, messages, dict(long or {}), newest(now), items=stocked.items)
    usual = trade or Trade(views=120 + uid % 7 * 40)
    return Account(uid, title, usual, stocked, inbox, **({"real": 5000.0, "bonus": 0.0} | fields))


def made_up_keys(uid: int) -> tuple[str, str]:
    """A pair of keys for a generated account."""
    return _letters("id", uid)[:20], secret(uid)


def secret(seed: object) -> str:
    """Forty characters."""
    return _letters("secret", seed)[:40]


def _letters(*what: object) -> str:
    return base64.urlsafe_b64encode(blake2b(repr(what).encode(), digest_size=33).digest()).decode()


@cache
def _seeded(uid: int) -> Account:
    return {SEVER: sever, REMONT: remont, POLKA: polka}[uid](datetime.fromtimestamp(0, UTC))


def figures_of(uid: int, day: date, now: datetime | None = None) -> Metrics:
    """What the fake says at `now` (None: when the day is long over) of a Moscow date of one of the three accounts.

    Slug → count, kopecks or per cent, as in statistics v2. KeyError for other accounts.
    """
    return _seeded(uid).figures(day, now)
