"""What a person does with a reminder that has come: it is done, or comes once more. Once; a second press is told."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from delivery.clocks import instant_of, wall_at
from delivery.schedule import zone_of
from reminders.models import Occurrence, Status
from reminders.services.changing import lock, snooze
from reminders.services.firing import acknowledge

State = Occurrence.State
# With the message it counts as acknowledged; what the person does with it is still open.
SAID = "sent"


def is_open(occurrence: Occurrence) -> bool:
    """Whether nobody has said yet what becomes of it."""
    said = occurrence.state == State.ACKED and occurrence.result == SAID
    return said or occurrence.state in (*Occurrence.OPEN, State.DEAD)


@transaction.atomic
def done(occurrence: Occurrence, *, by: User, now: datetime) -> bool:
    """Somebody did it. False when that, or something else, was known before; ``occurrence`` then shows it."""
    lock(occurrence.reminder)
    occurrence.refresh_from_db()
    if not is_open(occurrence):
        return False
    who = f"person:{by.pk}"
    if occurrence.state != State.ACKED:
        return acknowledge(occurrence, who=who, result="done", now=now)
    changed = {"result": "done", "claimed_by": who, "acked_at": now}
    Occurrence.objects.filter(pk=occurrence.pk).update(**changed)
    occurrence.refresh_from_db()
    return True


@transaction.atomic
def put_off(occurrence: Occurrence, until: datetime, *, by: User, via: str, now: datetime) -> bool:
    """Once more at ``until``. False when something else was known before, or the reminder is not in force."""
    row = lock(occurrence.reminder)
    occurrence.refresh_from_db()
    if not is_open(occurrence) or row.status not in (Status.ACTIVE, Status.COMPLETED):
        return False
    if not snooze(row, until, by=by, via=via, now=now, occurrence=occurrence):
        return False
    occurrence.refresh_from_db()
    return True


def tomorrow(occurrence: Occurrence, now: datetime) -> datetime:
    """The day after today, when the clock shows what it showed at the planned time."""
    zone = zone_of(occurrence.reminder.schedule.zone)
    day = wall_at(now, zone).date() + timedelta(days=1)
    return instant_of(datetime.combine(day, wall_at(occurrence.planned_at, zone).time()), zone)
