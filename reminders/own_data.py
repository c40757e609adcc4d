"""What is a person's own here, for /mydata and /forget (settings.OWN_DATA)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

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
    rows = _sealed(mine(user).select_related("schedule"), "payload").order_by("created_at", "id")
    occurrences = _sealed(Occurrence.objects.filter(reminder__in=mine(user).values("pk")), "note")
    of: dict[UUID, list[dict[str, Any]]] = {}
    for occurrence in occurrences.order_by("planned_at"):
        of.setdefault(occurrence.reminder_id, []).append(_opened(occurrence, "note"))
    hooks = Webhook.objects.filter(key__created_by=user).defer("secret").order_by("id")
    return {
        "reminders": [
            {**_opened(row, "payload"), "schedule": columns(row.schedule), "occurrences": of.get(row.pk, [])}
            for row in rows
        ],
        "webhooks": [columns(row, "secret") for row in hooks],
    }


def _sealed(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    """With the column ``name`` as it lies in the database, not opened yet."""
    sealed: QuerySet[Any] = rows.defer(name).annotate(token=Cast(name, TextField()))
    return sealed


def _opened(row: Any, name: str) -> dict[str, Any]:
    """The whole row. What no key opens must not keep the rest from the person."""
    try:
        value = None if row.token is None else unseal(row.token)
    except Unreadable as error:
        value = str(error)
    return {**columns(row, name), name: value}


def rows(user: User) -> list[QuerySet[Any]]:
    return [mine(user), Occurrence.objects.filter(reminder__in=mine(user).values("pk"))]


def count(user: User) -> int:
    return mine(user).count()


def words(number: int) -> str:
    return ngettext("%(count)d reminder", "%(count)d reminders", number) % {"count": number}


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    yield lambda: forget(mine(user), now)


OWN = OwnData(record=record, rows=rows, count=count, words=words, steps=steps)
