"""How reminders go that are over, and what CONTENT_LOG does not keep of them; housekeeping calls all of it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from core.privacy import GRACE, contents_stay, delete_in_batches, in_batches, older_than
from delivery.models import Schedule
from reminders.models import FINAL, Occurrence, Reminder
from reminders.services import nagging
from reminders.services.forgetting import forget
from reminders.services.making import SOURCE

NOTHING: dict[str, Any] = {"title": "", "payload": {}, "erased": True}


def forget_old_reminders(now: datetime) -> int:
    """Remove reminders that are over since KEEP_REMINDERS_DAYS, with their history."""
    before = older_than(settings.KEEP_REMINDERS_DAYS, now)
    return forget(_over().filter(updated_at__lt=before), now) if before else 0


def forget_old_occurrences(now: datetime) -> int:
    """Of a series that goes on, remove what is as old as that."""
    before = older_than(settings.KEEP_REMINDERS_DAYS, now)
    return delete_in_batches(_ended().filter(planned_at__lt=before)) if before else 0


def _over() -> "QuerySet[Reminder]":
    """Done or cancelled, and nobody works on what was fired."""
    working = Occurrence.objects.filter(reminder=OuterRef("pk"), state__in=Occurrence.OPEN)
    found: QuerySet[Reminder] = Reminder.objects.filter(~Exists(working), status__in=FINAL)
    return found


def _ended() -> QuerySet[Occurrence]:
    return Occurrence.objects.exclude(state__in=Occurrence.OPEN)


def remove_lost_schedules(now: datetime) -> int:
    """Schedules whose reminder went with its person, and those of nagging that are over."""
    lost = Schedule.objects.filter(source=SOURCE).exclude(Exists(Reminder.objects.filter(schedule=OuterRef("pk"))))
    nags = Schedule.objects.filter(source=nagging.SOURCE)
    over = nags.filter(state__in=Schedule.FINAL, updated_at__lt=now - nagging.LONGEST - GRACE)
    return delete_in_batches(lost) + delete_in_batches(over)


def erase_contents(now: datetime) -> int:
    """Where contents do not stay: empty reminders that are over since a day, and what is told of their times."""
    if contents_stay():
        return 0
    over = _over().filter(updated_at__lt=now - GRACE, erased=False)
    emptied = in_batches(over, lambda part: part.update(**NOTHING))
    told = _ended().filter(planned_at__lt=now - GRACE).exclude(result="", error="", note=None)
    return emptied + in_batches(_not_needed(told), lambda part: part.update(result="", error="", note=None))


def _not_needed(told: QuerySet[Occurrence]) -> QuerySet[Occurrence]:
    """All but the newest note of a series that goes on: the next run is told it."""
    noted = Occurrence.objects.filter(reminder=OuterRef("reminder"), note__isnull=False)
    newest = Subquery(noted.order_by("-planned_at").values("pk")[:1])
    return told.filter(Q(reminder__status__in=FINAL) | Q(note=None) | ~Q(pk=newest))
