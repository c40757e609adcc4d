"""When a profile's figures are fetched by themselves: once a day early in Moscow's morning, and once at the start.

Questions in plain words, alerts and charts read what is stored, so the day must be there even where no report is due.
The minute follows from the account: profiles of one account come together and share Avito's answers, those of others
are spread over two hours.
"""

import zlib
from datetime import datetime, time
from typing import Any

from django.db import transaction

from delivery import planning
from delivery import services as delivery
from delivery.models import Delivery, Schedule
from delivery.schedule import Daily
from reports.models import AvitoProfile
from reports.services import knowing

# Of schedules and deliveries alike: settings.DELIVERY_SOURCES and DELIVERY_BACKENDS.
SOURCE = "avito_day"
# Avito counts days by Moscow's calendar.
ZONE = "Europe/Moscow"
# From six o'clock on, in minutes.
FROM, SPREAD = 6 * 60, 120
# After an outage the last missed one is made up for; a collection fetches all that misses anyway.
LIMITS: dict[str, Any] = {"grace_seconds": 3600, "catch_up": Schedule.CatchUp.LAST}


def time_of(profile: AvitoProfile) -> time:
    """When in Moscow the profile's figures are fetched: the same for all profiles of one account."""
    account = str(profile.account_id or profile.client)
    minute = FROM + zlib.crc32(account.encode()) % SPREAD
    return time(minute // 60, minute % 60)


@transaction.atomic
def start_collecting(profile: AvitoProfile, now: datetime) -> None:
    """Fetch the profile's figures each day from now on, and all that Avito still has at once. Again is no harm."""
    rule, row = Daily(time_of(profile)), _row(profile)
    if row is not None and row.state in Schedule.FINAL:
        planning.remove(row, now=now)
        row = None
    if row is None:
        planning.plan(SOURCE, str(profile.pk), rule, ZONE, now=now, **LIMITS)
    else:
        planning.reschedule(row, rule, ZONE, now=now)
        planning.resume(row, now=now)
    delivery.enqueue([delivery_of(profile.pk, now)])
    knowing.somebody_came()
    transaction.on_commit(knowing.somebody_came)  # somebody may have looked meanwhile


@transaction.atomic
def stop_collecting(profile: AvitoProfile, now: datetime) -> None:
    """Fetch nothing more; what waits is withdrawn."""
    if (row := _row(profile)) is not None:
        planning.remove(row, now=now)


def _row(profile: AvitoProfile) -> Schedule | None:
    return Schedule.objects.filter(source=SOURCE, object_id=str(profile.pk)).first()


def delivery_of(key: int | str, planned_at: datetime) -> Delivery:
    """The collection of a profile, planned for that moment: in a lane of its own, so that one that waits for Avito's
    limits holds up no other. The lane ends in 0, for it is no chat's."""
    return Delivery(
        key=f"{SOURCE}:{key}:{planned_at.isoformat()}",
        backend=SOURCE,
        lane=f"task:avito:{key}:0",
        source="report",
        content={"profile": int(key)},
        created_at=planned_at,
    )
