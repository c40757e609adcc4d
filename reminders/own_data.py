"""What is a person's own here, for /mydata and /forget (settings.OWN_DATA)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import ngettext

from accounts.models import ChatKind, User
from core.privacy import OwnData, columns, opened, unopened
from delivery.models import Webhook
from reminders.models import Occurrence, Reminder
from reminders.services.forgetting import forget


def mine(user: User) -> "QuerySet[Reminder]":
    """Reminders for the person, whoever made them, and those that the person made for a group."""
    in_groups = Q(created_by=user) & ~Q(chat__kind=ChatKind.PRIVATE)
    found: QuerySet[Reminder] = Reminder.objects.filter(Q(user=user) | in_groups)
    return found


def record(user: User) -> dict[str, Any]:
    """Whole rows, with what they say."""
    rows = unopened(mine(user).select_related("schedule"), "payload").order_by("created_at", "id")
    occurrences = unopened(Occurrence.objects.filter(reminder__in=mine(user).values("pk")), "note")
    of: dict[UUID, list[dict[str, Any]]] = {}
    for occurrence in occurrences.order_by("planned_at"):
        of.setdefault(occurrence.reminder_id, []).append(opened(occurrence, "note"))
    hooks = Webhook.objects.filter(key__created_by=user).defer("secret").order_by("id")
    return {
        "reminders": [
            {**opened(row, "payload"), "schedule": columns(row.schedule), "occurrences": of.get(row.pk, [])}
            for row in rows
        ],
        "webhooks": [columns(row, "secret") for row in hooks],
    }


def rows(user: User) -> list[QuerySet[Any]]:
    return [mine(user), Occurrence.objects.filter(reminder__in=mine(user).values("pk"))]


def count(user: User) -> int:
    return mine(user).count()


def words(number: int) -> str:
    return ngettext("%(count)d reminder", "%(count)d reminders", number) % {"count": number}


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    yield lambda: forget(mine(user), now)


OWN = OwnData(record=record, rows=rows, count=count, words=words, steps=steps)
