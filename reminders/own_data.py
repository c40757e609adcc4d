"""What is a person's own here, for /mydata and /forget (settings.OWN_DATA)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import ngettext

from accounts.models import ChatKind, User
from core.privacy import OwnData, columns
from core.sealed import Unreadable, unseal
from reminders.models import Occurrence, Reminder, Webhook
from reminders.services.forgetting import forget


def mine(user: User) -> "QuerySet[Reminder]":
    """Reminders for the person, whoever made them, and those that the person made for a group."""
    in_groups = Q(created_by=user) & ~Q(chat__kind=ChatKind.PRIVATE)
    found: QuerySet[Reminder] = Reminder.objects.filter(Q(user=user) | in_groups)
    return found


def record(user: User) -> dict[str, Any]:
    """Whole rows, with what they say."""
    rows = mine(user).select_related("schedule").defer("payload").order_by("created_at", "id")
    hooks = Webhook.objects.filter(key__created_by=user).defer("secret").order_by("id")
    return {
        "reminders": [_reminder(row) for row in rows],
        "webhooks": [columns(row, "secret") for row in hooks],
    }


def _reminder(row: Reminder) -> dict[str, Any]:
    occurrences = Occurrence.objects.filter(reminder=row).order_by("planned_at")
    sealed = occurrences.annotate(token=Cast("note", TextField()))
    return {
        **columns(row, "payload"),
        "payload": _opened(lambda: row.payload),
        "schedule": columns(row.schedule),
        "occurrences": [_occurrence(occurrence) for occurrence in sealed],
    }


def _occurrence(row: Any) -> dict[str, Any]:
    return {**columns(row, "note"), "note": _opened(lambda: unseal(row.token)) if row.token else None}


def _opened(read: Callable[[], Any]) -> Any:
    """What no key opens must not keep the rest from the person."""
    try:
        return read()
    except Unreadable as error:
        return str(error)


def rows(user: User) -> list[QuerySet[Any]]:
    return [mine(user), Occurrence.objects.filter(reminder__in=mine(user).values("pk"))]


def count(user: User) -> int:
    return mine(user).count()


def words(number: int) -> str:
    return ngettext("%(count)d reminder", "%(count)d reminders", number) % {"count": number}


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    yield lambda: forget(mine(user), now)


OWN = OwnData(record=record, rows=rows, count=count, words=words, steps=steps)
