"""Reminders go for good, with all that came of them: because their person wants it so, or because their time is over.

In short transactions that may be begun again at any point: a series of years has many occurrences.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.privacy import delete_in_batches, in_batches
from delivery import planning
from delivery import services as delivery
from delivery.models import Delivery, Schedule
from reminders.models import FINAL, Occurrence, Reminder, Status
from reminders.services.changing import withdraw_open

SMALL = 100


def forget(reminders: QuerySet[Reminder], now: datetime) -> int:
    """Remove ``reminders``; what waits to be said is withdrawn, and nothing fires any more. How many went."""
    working = Occurrence.objects.filter(reminder=OuterRef("pk"), state__in=Occurrence.OPEN)
    open_ones = reminders.filter(Exists(working) | ~Q(status__in=FINAL))
    in_batches(open_ones, lambda part: _end(part, now), SMALL)
    delete_in_batches(Occurrence.objects.filter(reminder__in=reminders.values("pk")))
    return in_batches(reminders, lambda part: _remove(part, now), SMALL)


def _end(part: QuerySet[Reminder], now: datetime) -> int:
    """Stop them first, or they would fire while they are being removed; consumers get no more of them."""
    rows = list(part.select_related("schedule").defer("payload"))
    for row in sorted(rows, key=lambda row: row.schedule_id):
        planning.end(row.schedule, Schedule.State.CANCELLED, now=now)
        withdraw_open(row, now)
    open_ones = Reminder.objects.filter(pk__in=[row.pk for row in rows]).exclude(status__in=FINAL)
    return int(open_ones.update(status=Status.CANCELLED, updated_at=now))


def _remove(part: QuerySet[Reminder], now: datetime) -> int:
    schedules = list(part.values_list("schedule", flat=True))
    # In this order the tick locks them too. A reminder goes with its schedule.
    for row in Schedule.objects.select_for_update().filter(pk__in=schedules).order_by("pk"):
        delivery.erase(planning.deliveries_of(row).exclude(state__in=Delivery.OPEN))
        planning.remove(row, now=now)
    return len(schedules)
