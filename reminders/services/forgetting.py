"""Reminders go for good, with all that came of them: because their person wants it so, or because their time is over.

In short transactions that may be begun again at any point: a series of years has many occurrences.
"""

from datetime import datetime

from django.db.models import QuerySet

from core.privacy import delete_in_batches, in_batches
from delivery import planning
from delivery import services as delivery
from delivery.models import Delivery, Schedule
from reminders.models import FINAL, Occurrence, Reminder, Status
from reminders.services import nagging

SMALL = 100


def forget(reminders: QuerySet[Reminder], now: datetime) -> int:
    """Remove ``reminders``; what waits to be said is withdrawn, and nothing fires any more. How many went."""
    in_batches(reminders.exclude(status__in=FINAL), lambda part: _end(part, now), SMALL)
    delete_in_batches(Occurrence.objects.filter(reminder__in=reminders.values("pk")))
    return in_batches(reminders, lambda part: _remove(part, now), SMALL)


def _end(part: QuerySet[Reminder], now: datetime) -> int:
    """Stop them first, or they would fire while they are being removed."""
    rows = list(part.select_related("schedule").defer("payload"))
    for row in sorted(rows, key=lambda row: row.schedule_id):
        planning.end(row.schedule, Schedule.State.CANCELLED, now=now)
        for occurrence in Occurrence.objects.filter(reminder=row, state__in=Occurrence.OPEN):
            nagging.end(occurrence, now)
    keys = [row.pk for row in rows]
    return int(Reminder.objects.filter(pk__in=keys).update(status=Status.CANCELLED, updated_at=now))


def _remove(part: QuerySet[Reminder], now: datetime) -> int:
    schedules = list(part.values_list("schedule", flat=True))
    # In this order the tick locks them too. A reminder goes with its schedule.
    for row in Schedule.objects.select_for_update().filter(pk__in=schedules).order_by("pk"):
        delivery.erase(planning.deliveries_of(row).exclude(state__in=Delivery.OPEN))
        planning.remove(row, now=now)
    return len(schedules)
