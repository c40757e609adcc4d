"""The daily collection: each morning a profile's figures are fetched and kept, whether or not a report is due.

fire(due)         settings.DELIVERY_SOURCES["avito_day"]: a delivery for each profile whose morning has come
send(delivery)    settings.DELIVERY_BACKENDS["avito_day"]: asks Avito for the days that are not final yet, what stands
                  in the account, and looks whether its owner should hear of something. Nobody sees anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from core.db import in_db
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from delivery.tick import Due
from reports.avito.errors import LASTING, AvitoError, Kind
from reports.figures.periods import DAY, Period, oldest_day, today_at_avito
from reports.gathering import gather
from reports.metrics import Section
from reports.models import AvitoProfile
from reports.services import alerts, collecting, days

SECTIONS = frozenset({Section.STATISTICS, Section.MONEY, Section.ADVANCE, Section.CALLS, Section.RATINGS})
# Those that are told day by day.
BY_DAY = (Section.STATISTICS, Section.CALLS)
# What passes by itself: a limit of calls, a trouble of Avito's.
PASSING = frozenset({Kind.RATE_LIMITED, Kind.AVITO_DOWN})
# Seconds until Avito is asked again after it was down: as long as this morning's collection has taken, within these. A
# section that is down all day does not make the others be asked for all day.
LATER, LATEST = 15 * 60.0, 2 * 3600.0
# So long one morning's collection is tried; the next one fetches what this one did not.
LIFE = timedelta(hours=20)


def fire(due: Sequence[Due]) -> list[Delivery]:
    """Inside the tick's transaction."""
    return [
        collecting.delivery_of(one.schedule.object_id, one.planned_at) for one in due if one.planned_at is not None
    ]  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A profile, and the days to ask for."""

    profile: AvitoProfile
    first: date
    last: date


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError while something still has to wait."""
    now = timezone.now()
    loaded = await in_db(_load, int(delivery.content["profile"]), now)
    if loaded is None or now - delivery.created_at > LIFE:
        return Sent()
    try:
        gathered = await gather(loaded.profile, loaded.first, loaded.last, SECTIONS, now)
    except AvitoError as error:
        _wait_for(error, _later(delivery, now))
        return Sent(result={"error": str(error.kind)})  # its owner was told, and it is tried again tomorrow
    await in_db(alerts.check, loaded.profile, now)
    if missing := sorted(section for section, kind in gathered.gaps.items() if kind in PASSING):
        raise DeliveryError(Kind.AVITO_DOWN, f"Not there yet: {', '.join(missing)}.", retry_after=_later(delivery, now))
    return Sent(result={"days": len(gathered.days), "calls": gathered.calls})


def _later(delivery: Delivery, now: datetime) -> float:
    """Seconds."""
    return min(max(LATER, (now - delivery.created_at).total_seconds()), LATEST)


def _wait_for(error: AvitoError, later: float) -> None:
    """Raises DeliveryError when time alone will help."""
    if error.kind == Kind.RATE_LIMITED:
        raise DeliveryError(WAITING, str(error), retry_after=error.retry_after or LATER) from error
    if error.kind == Kind.AVITO_DOWN:
        raise DeliveryError(error.kind, str(error), retry_after=later) from error


def _load(key: int, now: datetime) -> Loaded | None:
    """None: the profile is gone, or its owner may not use the bot any more. Without its keys: that they cannot be
    opened is found where they are asked for, and told."""
    profile = AvitoProfile.objects.select_related("owner").defer("credentials").filter(pk=key).first()
    if profile is None or not profile.owner.may_use:
        return None
    return Loaded(profile, first_to_ask(profile, now), today_at_avito(now) - DAY)


def first_to_ask(profile: AvitoProfile, now: datetime) -> date:
    """The oldest day that Avito still tells of and that was not read after it had settled: a few days back, after an
    outage more, at the start of a profile all of them. Yesterday at the latest."""
    oldest, yesterday = oldest_day(now), today_at_avito(now) - DAY
    known = days.known(profile, oldest, yesterday)
    asked = [section for section in BY_DAY if not _is_closed(profile, section)]
    for day in Period(oldest, yesterday).dates():
        read = known[day].read if day in known else {}
        if not all(section in read and days.is_final(day, read[section]) for section in asked):
            return day
    return yesterday


def _is_closed(profile: AvitoProfile, section: Section) -> bool:
    """Days that a closed section does not tell are not asked for again and again; all of them once it is open."""
    return profile.sections.get(section, {}).get("kind", "") in LASTING
