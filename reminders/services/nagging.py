"""Until somebody presses Done: an occurrence that is said again every so many minutes has a schedule of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from delivery import planning
from delivery.models import Schedule
from delivery.schedule import Once
from reminders.models import Occurrence, Reminder

SOURCE = "nag"
# Then it is left at that: who has not answered for a day will not.
LONGEST = timedelta(days=1)


def begin(occurrence: Occurrence, minutes: int, now: datetime) -> None:
    """Say ``occurrence`` again in so many minutes; once begun, nothing more."""
    if not _of(occurrence).exists():
        again = Once(now + timedelta(minutes=minutes))
        # Also after the bot was away.
        made_up = Schedule.CatchUp.LAST
        planning.plan(SOURCE, str(occurrence.pk), again, "UTC", now=now, end_at=now + LONGEST, catch_up=made_up)


def end(occurrence: Occurrence, now: datetime) -> None:
    """Somebody answered. What of it waits to be said is taken back."""
    for row in _of(occurrence):
        planning.remove(row, now=now)


def end_many(occurrences: Sequence[Occurrence], now: datetime) -> None:
    keys = [str(row.pk) for row in occurrences]
    for row in Schedule.objects.filter(source=SOURCE, object_id__in=keys):
        planning.remove(row, now=now)


def end_all(reminder: Reminder, now: datetime) -> None:
    """Of a reminder's open occurrences: no more of it."""
    if reminder.nag_minutes is not None:
        for occurrence in Occurrence.objects.filter(reminder=reminder).order_by("-planned_at")[:2]:
            end(occurrence, now)


def _of(occurrence: Occurrence) -> QuerySet[Schedule]:
    return Schedule.objects.filter(source=SOURCE, object_id=str(occurrence.pk))
