"""What consumers say of the events they took, and what was given up."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query

from accounts.models import Access, ApiKey
from core.problem import HttpProblem, bad
from reminders import services
from reminders.api import shapes
from reminders.api.bodies import Done, More, NotDone
from reminders.api.routing import route
from reminders.api.shapes import OccurrenceOut, OccurrencesOut, States
from reminders.models import Occurrence
from rest.answers import answer, paged
from rest.routing import Id, Limit, Page, Request, uuid_in

SCOPE = "events:consume"
WRONG = (400, 404, 413, 415)


@route("GET", "/events", SCOPE, {200: OccurrencesOut}, 400)
def list_events(
    request: Request,
    state: Annotated[list[States], Query([], description="several: any of them; dead is what was given up")],
    page: Page,
    limit: Limit,
) -> HttpResponse:
    """Events of all reminders, those planned last first."""
    rows = Occurrence.objects.filter(reminder__user__is_active=True, reminder__user__status=Access.ACTIVE)
    if state:
        rows = rows.filter(state__in=state)
    return paged(rows.order_by("-planned_at", "id"), page, limit, lambda found: [shapes.occurrence(o) for o in found])


@route("POST", "/events/{event_id}/ack", SCOPE, {200: OccurrenceOut}, *WRONG)
def acknowledge_event(request: Request, event_id: Id, done: Done | None = None) -> HttpResponse:
    """It is done. Also after the lease, and once more: then nothing changes."""
    result = done.result if done else ""
    return _heard(request, event_id, lambda row, who, now: services.acknowledge(row, who=who, result=result, now=now))


@route("POST", "/events/{event_id}/nack", SCOPE, {200: OccurrenceOut}, *WRONG)
def refuse_event(request: Request, event_id: Id, not_done: NotDone | None = None) -> HttpResponse:
    """It could not be done: it comes again later, or is given up."""
    error = not_done.error if not_done else ""
    return _heard(request, event_id, lambda row, who, now: services.nack(row, who=who, error=error, now=now))


@route("POST", "/events/{event_id}/extend", SCOPE, {200: OccurrenceOut}, *WRONG)
def extend_event(request: Request, event_id: Id, more: More | None = None) -> HttpResponse:
    """More time is needed: the lease ends so many seconds from now."""
    seconds = more.seconds if more else 60
    return _heard(request, event_id, lambda row, who, now: services.extend(row, who=who, seconds=seconds, now=now))


def _heard(request: Request, event_id: str, tell: Callable[[Occurrence, str, datetime], object]) -> HttpResponse:
    row = _find(event_id)
    try:
        tell(row, _name_of(request.auth), timezone.now())
    except services.Taken as error:
        raise HttpProblem(403, _("Another key has taken this event.")) from error
    return answer(shapes.occurrence(row))


def _name_of(key: ApiKey) -> str:
    return f"key:{key.prefix}"


def _find(event_id: str) -> Occurrence:
    rows = Occurrence.objects.select_related("reminder__schedule").defer("reminder__payload")
    row = rows.filter(pk=uuid_in(event_id)).first()
    if row is None:
        raise HttpProblem(404, _("There is no such event."))
    return row


@route("POST", "/events/{event_id}/replay", SCOPE, {200: OccurrenceOut}, 400, 404)
def replay_event(request: Request, event_id: Id) -> HttpResponse:
    """Let an event that was given up go out again."""
    row = _find(event_id)
    try:
        sent = services.replay(row, by=None, via="api", now=timezone.now())
    except services.NotNow as error:
        raise bad("state", error.code, error.text) from error
    if not sent:
        row.refresh_from_db()
        if row.state not in Occurrence.OPEN:
            raise bad("state", "invalid-transition", _("Only what was given up can go out again."))
    return answer(shapes.occurrence(row))
