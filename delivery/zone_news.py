"""Zones change their rules now and then, and what was planned for nine in the morning must stay at nine.

The next run of each schedule is an instant, worked out with the zone data of its day. A weekly job looks whether this
machine has other data by now, and works them out anew.
"""

import importlib.metadata
import zoneinfo
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from core.privacy import in_batches
from delivery import pulse
from delivery.models import Schedule
from delivery.planning import first_run
from delivery.schedule import Once, RuleError, from_json, next_after, zone_of

log = structlog.get_logger(__name__)

# The row of delivery.pulse that remembers with which data the runs were worked out.
ZONES = "zone data"
MARK = "# version "
SECOND = timedelta(seconds=1)
# Further no country moves its clock, but for those that went over the date line.
FURTHEST = timedelta(hours=3)


def version() -> str:
    """The release of the zone data that this process uses: the machine's ("2025b"), else the package's."""
    for folder in zoneinfo.TZPATH:
        file = Path(folder) / "tzdata.zi"
        if file.is_file():
            with file.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix(MARK).strip()
    return importlib.metadata.version("tzdata")


def follow() -> None:
    """The weekly job."""
    moved = follow_to(version(), timezone.now())
    if moved:
        log.info("other zone data: runs were planned anew", moved=moved, version=version())


def follow_to(release: str, now: datetime) -> int:
    """Plan anew what the data of ``release`` puts elsewhere; how many. Nothing when it is the same as last time."""
    known = pulse.last(ZONES)
    if known is not None and known.details.get("version") == release:
        return 0
    moved = 0
    if known is not None:  # at the first time all was worked out with what is here
        ahead = Schedule.objects.filter(state=Schedule.State.ACTIVE, next_at__gt=now)
        moved = in_batches(ahead, lambda part: sum(_replan(row, now) for row in part.select_for_update()))
        moved += sum(import_string(path)(now) for path in settings.ZONE_NEWS)
    pulse.beat(ZONES, {"version": release}, now)
    return moved


def _replan(row: Schedule, now: datetime) -> bool:
    """Whether its next run moved. A single time is an instant and stays, unless its source knows by which clock it was
    meant (settings.ZONE_NEWS). So does what is far from any run of the rule: somebody put it off, and it is right again
    from the run after it."""
    try:
        rule = from_json(row.rule)
    except RuleError:
        return False  # the tick puts it aside and says so
    if isinstance(rule, Once) or row.next_at is None:
        return False
    if row.next_at == next_after(rule, row.next_at - SECOND, zone_of(row.zone)):
        return False
    fresh = first_run(rule, row.zone, now, row.start_at)
    if fresh is None or abs(fresh - row.next_at) > FURTHEST or (row.end_at is not None and fresh > row.end_at):
        return False
    with transaction.atomic():
        return bool(Schedule.objects.filter(pk=row.pk, next_at=row.next_at).update(next_at=fresh))
