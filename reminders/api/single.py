"""One reminder: made, read, changed, cancelled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query

from core.problem import Flaw, HttpProblem, bad
from core.sealed import Unreadable
from delivery.schedule import zone_of
from reminders import services
from reminders.api.bodies import Change, Wish
from reminders.api.routing import ONCE, find, person_and_chat, route
from reminders.api.shapes import SHOWN_RUNS, DryRunOut, FullReminderOut, full_reminder, key_is_gone, run
from reminders.api.wishes import changes_of, draft_of
from reminders.models import FINAL, Occurrence, Reminder, Status
from reminders.services import Draft
from rest.answers import answer
from rest.conditions import IF_MATCH, idempotency_key, stale, version_wanted
from rest.routing import Flag, Id, Request
from rest.times import written

VIA = "api"


@route(
    "POST",
    "/",
    "reminders:write",
    {201: FullReminderOut, 200: FullReminderOut | DryRunOut},  # type: ignore[dict-item]
    *(400, 404, 413, 415),
    headers=[ONCE],
)
def create_reminder(
    request: Request,
    wish: Wish,
    dry_run: Annotated[Flag, Query(False, description="save nothing; answer with the next five runs")],
) -> HttpResponse:
    """Create a reminder.

    200 instead of 201: nothing was made, because of `dry_run` or because the Idempotency-Key had made it before (the
    header Idempotent-Replayed then says true).
    """
    now = timezone.now()
    draft = draft_of(wish, *person_and_chat(wish.user_id), request.auth, idempotency_key(request))
    if dry_run:
        return _tried_out(draft, now)
    try:
        row = services.create(draft, via=VIA, now=now)
    except services.Refused as error:
        raise _refused(error) from error
    if row.replayed:
        return _whole(row, now, 200, {"Idempotent-Replayed": "true"})
    return _whole(row, now, 201)


def _tried_out(draft: Draft, now: datetime) -> HttpResponse:
    if problems := services.check(draft, now):
        raise _refused(services.Refused(problems))
    runs = services.coming(draft, now, SHOWN_RUNS)
    return answer({"next_runs": [run(one, zone_of(draft.zone)) for one in runs]})


def _refused(error: services.Refused) -> HttpProblem:
    return HttpProblem(400, flaws=[Flaw(one.field, one.code, one.text) for one in error.problems])


def _whole(row: Reminder, now: datetime, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    last = None if status == 201 else Occurrence.objects.filter(reminder=row).first()
    place = {"Location": f"/api/reminders/{row.pk}"} if status == 201 else {}
    return answer(full_reminder(row, now, last), status, {"ETag": f'"{row.version}"', **place, **(headers or {})})


@route("GET", "/{reminder_id}", "reminders:read", {200: FullReminderOut}, 404)
def get_reminder(request: Request, reminder_id: Id) -> HttpResponse:
    """A reminder, with its next five runs and its last occurrence."""
    return _whole(find(reminder_id), timezone.now())


@route(
    "PATCH",
    "/{reminder_id}",
    "reminders:write",
    {200: FullReminderOut},
    *(400, 404, 412, 413, 415),
    headers=[IF_MATCH],
)
def change_reminder(request: Request, reminder_id: Id, change: Change) -> HttpResponse:
    """Change a reminder, pause it, let it go on, cancel it.

    What is named is changed first, then its status is. Of one that is over only the title may change.
    """
    now = timezone.now()
    with _explained(), transaction.atomic():
        row = find(reminder_id)
        changes = changes_of(change, row)
        services.change(row, by=None, via=VIA, now=now, key=request.auth, version=version_wanted(request), **changes)
        if "status" in change.model_fields_set:
            _turn(row, Status(change.status), request, now)
    return _whole(find(reminder_id), now)


def _turn(row: Reminder, status: Status, request: Request, now: datetime) -> None:
    """Bring it to ``status``; that it is so already is fine."""
    if row.status in FINAL and row.status != status:
        raise bad("status", "invalid-transition", _("It is over. Make a new one."))
    towards: dict[Status, Callable[..., bool]] = {Status.PAUSED: services.pause, Status.CANCELLED: services.cancel}
    into_force = services.confirm if row.status == Status.PENDING else services.resume
    try:
        towards.get(status, into_force)(row, by=None, via=VIA, now=now, key=request.auth)
    except services.NotNow as error:
        raise bad("status", error.code, _what_was_missed(row, error)) from error


def _what_was_missed(row: Reminder, error: services.NotNow) -> str:
    if error.code != "missed" or row.trigger_at is None:
        return error.text
    return f"{error.text} " + _("It was planned for %(time)s.") % {"time": written(row.trigger_at)}


@route("DELETE", "/{reminder_id}", "reminders:write", {204: None}, 404, 412, headers=[IF_MATCH])
def cancel_reminder(request: Request, reminder_id: Id) -> HttpResponse:
    """Cancel a reminder. Its history stays; one that is over stays as it is."""
    now = timezone.now()
    with _explained(), transaction.atomic():
        row = find(reminder_id)
        services.change(row, by=None, via=VIA, now=now, key=request.auth, version=version_wanted(request))
        services.cancel(row, by=None, via=VIA, now=now, key=request.auth)
    return HttpResponse(status=204)


@contextmanager
def _explained() -> Iterator[None]:
    """Says as problems what the services refuse."""
    try:
        yield
    except services.Refused as error:
        raise _refused(error) from error
    except services.NotNow as error:
        raise bad("status", error.code, error.text) from error
    except Unreadable as error:
        raise bad("payload", "unreadable", key_is_gone()) from error
    except services.Stale as error:
        raise stale() from error
