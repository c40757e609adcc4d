"""Several at once: a person's reminders, what comes in a window, a reminder's history, who did what."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query

from accounts.models import User
from core.problem import bad
from reminders.api import shapes
from reminders.api.routing import find, route, visible
from reminders.api.shapes import EntriesOut, OccurrencesOut, RemindersOut, WindowOut
from reminders.models import Occurrence, Reminder, Status, Type
from rest.answers import answer, paged
from rest.record import entries_of
from rest.routing import Id, IdText, Instant, Limit, Page, Request, TelegramId, nobody, person
from rest.times import instant, written

LONGEST_WINDOW = timedelta(days=31)
FARTHEST = timedelta(days=3653)
MOST_FIRES = 1000
MOST_LOOKED_AT = 10_000  # recurring reminders that run before the window, and perhaps in it

Statuses = Literal["pending", "active", "paused", "completed", "cancelled"]


@route("GET", "/user/{user_id}", "reminders:read", {200: RemindersOut}, 400, 404)
def list_reminders(
    request: Request,
    user_id: str,
    status: Annotated[list[Statuses], Query([], description="several: any of them")],
    type: Annotated[list[Literal["one_time", "recurring"]], Query([])],  # noqa: A002
    page: Page,
    limit: Limit,
) -> HttpResponse:
    """A person's reminders, the next one first; `user_id` is the person's Telegram id."""
    now = timezone.now()
    user = person(_telegram_id(user_id))
    rows = Reminder.objects.filter(user=user)
    if status:
        rows = rows.with_status(status, now)
    if type:
        rows = rows.filter(type__in=type)
    return paged(rows.in_order().values_list("pk", flat=True), page, limit, lambda keys: _shown(keys, user, now))


def _telegram_id(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 18:
        raise nobody()
    return int(text)


def _shown(keys: list[UUID], user: User, now: datetime) -> list[object]:
    """Sorting thousands is cheap as long as only the page's rows are read whole."""
    found = {row.pk: row for row in Reminder.objects.filter(pk__in=keys).select_related("schedule").readable()}
    for row in found.values():
        row.user = user
    return [shapes.reminder(found[key], now) for key in keys if key in found]


@route("GET", "/scheduled", "reminders:read", {200: WindowOut}, 400, 404)
def list_scheduled(
    request: Request,
    since: Annotated[Instant | None, Query(None, alias="from", description="now, if it is left out")],
    to: Annotated[Instant | None, Query(None, description="31 days after `from`, if it is left out")],
    user_id: Annotated[TelegramId | None, Query(None, description="only this person's")],
) -> HttpResponse:
    """What will fire in a window, each run of a recurring reminder on its own; 31 days and 1000 runs at most."""
    now = timezone.now()
    start = now if since is None else instant("from", since)
    if start > now + FARTHEST:
        raise bad("from", "out-of-range", _("Ask for no more than ten years ahead."))
    end = start + LONGEST_WINDOW if to is None else instant("to", to)
    if not start <= end <= start + LONGEST_WINDOW:
        raise bad("to", "out-of-range", _("The window must end after it begins, and 31 days later at most."))
    rows = visible() if user_id is None else visible().filter(user=person(user_id))
    found, is_all = _that_may_fire(rows, start, end)
    fires = list(islice(heapq.merge(*(_stream(row, start, end) for row in found)), MOST_FIRES + 1))
    by_id = {str(row.pk): row for row in found}
    shown = [_fire(by_id[key], at, now) for at, key in fires[:MOST_FIRES]]
    page = {"page": 1, "limit": MOST_FIRES, "total": len(shown), "pages": min(len(shown), 1)}
    window = {"from": written(start), "to": written(end), "truncated": len(fires) > MOST_FIRES or not is_all}
    return answer({"items": shown, **page, **window})


def _that_may_fire(rows: "QuerySet[Reminder]", start: datetime, end: datetime) -> tuple[list[Reminder], bool]:
    """The reminders that fire in the window, and whether these are all. The first 1001 fires come from the 1001 that
    are next, or from fewer; any that run before the window may run in it too."""
    active = rows.filter(status=Status.ACTIVE).defer("payload").order_by("schedule__next_at", "id")
    earlier = active.filter(schedule__next_at__lt=start, type=Type.RECURRING)[: MOST_LOOKED_AT + 1]
    inside = active.filter(schedule__next_at__gte=start, schedule__next_at__lte=end)[: MOST_FIRES + 1]
    before = list(earlier)
    return [*before[:MOST_LOOKED_AT], *inside], len(before) <= MOST_LOOKED_AT


def _stream(row: Reminder, start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    for at in shapes.fires(row, start, end):
        yield at, str(row.pk)


def _fire(row: Reminder, at: datetime, now: datetime) -> dict[str, object]:
    return {
        "reminder_id": str(row.pk),
        "user_id": row.user.telegram_id,
        "assistant_id": str(row.assistant_id) if row.assistant_id else None,
        "type": row.type,
        "title": row.title,
        "status": str(row.status_at(now)),
        "at": written(at),
    }


@route("GET", "/{reminder_id}/occurrences", "reminders:read", {200: OccurrencesOut}, 400, 404)
def list_occurrences(request: Request, reminder_id: Id, page: Page, limit: Limit) -> HttpResponse:
    """What became of each planned time, the latest first."""
    rows = Occurrence.objects.filter(reminder=find(reminder_id)).order_by("-planned_at", "id")
    return paged(rows, page, limit, lambda found: [shapes.occurrence(row) for row in found])


@route("GET", "/audit", "audit:read", {200: EntriesOut}, 400)
def list_audit(
    request: Request,
    reminder_id: Annotated[IdText | None, Query(None)],
    page: Page,
    limit: Limit,
) -> HttpResponse:
    """Who did what to reminders, the latest first; never what they are about."""
    rows = entries_of("reminder", reminder_id, _("Write the id of a reminder."))
    return paged(rows, page, limit, lambda found: [shapes.entry(row) for row in found])
