"""A profile of the sandbox's Avito, and gathering its figures on a clock that stands still."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from accounts.models import User
from core.db import in_db
from reports.gathering import Gathered, gather
from reports.metrics import ASKED, BY_NAME, Section, Unit
from reports.models import AvitoProfile
from sandbox.avito import SEVER, AvitoWorld
from tests.reports import making

USUAL_SECTIONS = frozenset({Section.STATISTICS, Section.CALLS, Section.MONEY, Section.ADVANCE})
YESTERDAY = date(2026, 11, 21)


@dataclass
class Moment:
    """What the time is, for the fake and for us."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)


def opened(owner: User, world: AvitoWorld, uid: int = SEVER, name: str = "Север", client: str = "") -> AvitoProfile:
    """A profile with keys that open that account of the fake's."""
    keys = world.keys[client] if client else world.keys_of(uid)
    return making.make_profile(owner, name, uid, client_id=keys.client_id, client_secret=keys.client_secret)


async def gathering(
    profile: AvitoProfile,
    moment: Moment,
    first: date = YESTERDAY,
    last: date = YESTERDAY,
    sections: frozenset[Section] = USUAL_SECTIONS,
    *,
    wait: bool = True,
    patience: float = 0.0,
) -> Gathered:
    """As a worker does it, which reads the profile anew and does not sit and wait."""
    found = await in_db(making.fresh, profile)
    return await gather(found, first, last, sections, moment.now, patience=patience, wait=wait)


def said_by(world: AvitoWorld, day: date, uid: int = SEVER) -> dict[str, Decimal]:
    """What the fake says of a day, in our units: its kopecks are roubles here."""
    told = world.figures_of(uid, day)
    absent = world.accounts[uid].absent
    return {name: _ours(name, told[name]) for name in ASKED if name in told and name not in absent}


def _ours(name: str, value: float) -> Decimal:
    return Decimal(str(value)) / (100 if BY_NAME[name].unit is Unit.MONEY else 1)
