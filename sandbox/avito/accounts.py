"""A seller's account as the fake keeps it, and the keys to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from . import figures
from .figures import Metrics, Parts, Trade, moscow_day, number
from .inbox import Inbox
from .stock import Stock


@dataclass
class Keys:
    """A pair of keys. They open `uid` until they are revoked."""

    client_id: str
    client_secret: str = field(repr=False)
    uid: int
    revoked: bool = False


@dataclass
class Account:
    """One seller.

    `real` and `bonus`: roubles in the wallet, None leaves the field out; `cpa`: kopecks, None where there is no
    CPA; `absent`: metrics this account does not get; `closed`: method or section → the trouble it always has
    (see `troubles`); `manners`: what differs for it from the world's manners; `employee`: its keys are an
    employee's, so lists of items and chats are empty.
    """

    uid: int
    name: str
    trade: Trade
    stock: Stock
    inbox: Inbox
    real: float | None = 0.0
    bonus: float | None = 0.0
    cpa: int | None = None
    cpa_advance: int = 0
    cpa_debt: int = 0
    absent: set[str] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    manners: dict[str, Any] = field(default_factory=dict)
    employee: bool = False
    score: float | None = None
    reviews: int = 0
    tariff: dict[str, Any] | None = None
    about: dict[str, str] = field(default_factory=dict)  # a sentence for the page, by language

    @property
    def phone(self) -> str:
        """Digits."""
        return f"7999{self.uid % 10_000_000:07d}"

    def parts(self, day: date, now: datetime | None = None, lag: int = 0) -> Parts:
        """What is known at `now` (None: everything) of a Moscow date; all zero when nothing was up."""
        if not self.stock.up(day):
            return dict.fromkeys(figures.PARTS, 0)
        return figures.grown(figures.parts_of(self.trade, self.uid, day), figures.progress(day, now, lag))

    def figures(self, day: date, now: datetime | None = None, lag: int = 0) -> Metrics:
        """The same as slugs, those included that this account would not get."""
        days = [] if now is not None and day > moscow_day(now) else [day]
        return figures.metrics(self.parts(day, now, lag), self.stock.active(days), self.stock.new(days))

    def calls(self, day: date, now: datetime | None = None) -> list[Ring]:
        """The calls of a Moscow date that have been made by `now`, in their order."""
        if not self.trade.calls:
            return []
        count = number(self.uid, day, "rings") % (2 * self.trade.calls + 1)
        rings = sorted((_ring(self, day, n) for n in range(count)), key=lambda ring: ring.at)
        return [ring for ring in rings if now is None or ring.at <= now]


@dataclass(frozen=True, slots=True)
class Ring:
    """A call; `item_id` and `employee_id` are 0 where nobody knows, `talk` (seconds) is 0 when it was missed."""

    id: int
    at: datetime
    talk: int
    wait: float
    buyer: str
    item_id: int
    employee_id: int
    new: bool


def _ring(account: Account, day: date, n: int) -> Ring:
    luck = number(account.uid, day, n, "ring")
    at = datetime(day.year, day.month, day.day, 9, tzinfo=figures.MOSCOW) + timedelta(seconds=luck % 39_600)
    up = account.stock.up(day)
    item = up[luck // 7 % len(up)] if up and luck % 8 else None
    talk = 0 if luck % 5 == 0 else 15 + luck // 11 % 400
    who = f"7901{luck // 13 % 10_000_000:07d}"
    known = (item.id, item.employee) if item else (0, 0)
    return Ring(luck % 10**12, at, talk, round(3 + luck % 170 / 10, 1), who, *known, new=luck % 3 > 0)
