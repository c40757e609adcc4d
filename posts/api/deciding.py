"""What a post is to do: appear at its time or now, not appear, once more where it failed, vanish."""

from collections.abc import Sequence
from typing import Annotated

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query

from core.problem import Flaw, HttpProblem
from posts import services
from posts.api import shapes
from posts.api.bodies import CancelIn, PlanIn, SomeTargets
from posts.api.routing import PUBLISH, VIA, calling, find, places_of, route, target_in
from posts.api.shapes import ChangedOut, PostOut, TriedOut
from posts.api.single import TRY, check_version, shown
from posts.api.trying import tried
from posts.api.wishes import plan_of
from posts.models import Post, PostTarget, State
from rest.answers import answer
from rest.conditions import IF_MATCH, version_wanted
from rest.routing import Flag, Id, Request

DryRun = Annotated[Flag, Query(False, description=TRY)]
WRONG = (400, 404, 409, 412)
WITH_BODY = (*WRONG, 413, 415)


@route(
    "POST",
    "/{post_id}/schedule",
    PUBLISH,
    {200: PostOut | TriedOut},  # type: ignore[dict-item]
    *WITH_BODY,
    headers=[IF_MATCH],
)
def schedule_post(request: Request, post_id: Id, plan: PlanIn, dry_run: DryRun) -> HttpResponse:
    """Let a post appear at a time, or at another one than planned.

    What went wrong, expired or was cancelled is tried anew. 400: something stands in the way, such as a right that
    the bot lacks in a target, or a time that the clock skips. 409: it has appeared, or is going out.
    """
    row, now, version = find(post_id), timezone.now(), version_wanted(request)
    when = plan_of(plan, row)
    with calling(request, places_of(row)):
        if dry_run:
            return tried(
                lambda: services.schedule_post(row, **when, by=None, via=VIA, now=now, version=version), now
            )  # fmt: skip
        services.schedule_post(row, **when, by=None, via=VIA, now=now, version=version)
    return shown(row)


@route(
    "POST",
    "/{post_id}/publish",
    PUBLISH,
    {200: PostOut | TriedOut},  # type: ignore[dict-item]
    *WRONG,
    headers=[IF_MATCH],
)
def publish_post(request: Request, post_id: Id, dry_run: DryRun) -> HttpResponse:
    """Let a post go out now. What is going out or has appeared does not go out twice, however often this is called.

    The answer comes before the post does: its targets say when it has arrived.
    """
    row, now, version = find(post_id), timezone.now(), version_wanted(request)

    def publish() -> Post:
        services.publish_post(row, by=None, via=VIA, now=now, version=version)
        return row

    with calling(request, places_of(row)):
        return tried(publish, now) if dry_run else shown(publish())


@route("POST", "/{post_id}/cancel", PUBLISH, {200: PostOut}, *WITH_BODY, headers=[IF_MATCH])
def cancel_post(request: Request, post_id: Id, why: CancelIn | None = None) -> HttpResponse:
    """Call a planned post off; while it is going out, withdraw what has not left yet.

    One that is cancelled stays so. 409: there is nothing to call off.
    """
    row, now = find(post_id), timezone.now()
    with calling(request), transaction.atomic():
        check_version(row, version_wanted(request))
        done = services.cancel_post(row, why.reason if why else "", by=None, via=VIA, now=now)
    if not done and row.state != State.CANCELLED:
        raise conflict("nothing-to-cancel", _("It is not planned, and not going out: there is nothing to call off."))
    return shown(row)


def conflict(code: str, text: str) -> HttpProblem:
    return HttpProblem(409, flaws=[Flaw("state", code, text)])


@route("POST", "/{post_id}/retry", PUBLISH, {200: ChangedOut}, *WITH_BODY)
def retry_post(request: Request, post_id: Id, some: SomeTargets | None = None) -> HttpResponse:
    """Send a post once more where it failed, and nowhere else. 409: it failed nowhere."""
    row, now = find(post_id), timezone.now()
    with calling(request, places_of(row)):
        number = services.retry_failed(row, by=None, via=VIA, now=now, targets=_chosen(row, some))
    if not number:
        raise conflict("nothing-failed", _("It failed in none of these chats: there is nothing to send again."))
    return _changed(row, number)


def _chosen(row: Post, some: SomeTargets | None) -> Sequence[PostTarget] | None:
    if some is None or some.targets is None:
        return None
    return [target_in(row, number) for number in some.targets]


def _changed(row: Post, number: int) -> HttpResponse:
    return answer({"targets": number, "post": shapes.post(find(str(row.pk)))})


@route("POST", "/{post_id}/delete-everywhere", PUBLISH, {200: ChangedOut}, *WITH_BODY)
def delete_everywhere(request: Request, post_id: Id, some: SomeTargets | None = None) -> HttpResponse:
    """Delete a post's messages from its chats, or from some of them; Telegram allows it for 48 hours."""
    row, now = find(post_id), timezone.now()
    with calling(request, places_of(row)):
        number = services.delete_everywhere(row, by=None, via=VIA, now=now, targets=_chosen(row, some))
    return _changed(row, number)


@route("POST", "/{post_id}/stop-poll", PUBLISH, {200: ChangedOut}, *WRONG)
def stop_poll(request: Request, post_id: Id) -> HttpResponse:
    """Close a poll in all its chats; nobody can vote any more."""
    row, now = find(post_id), timezone.now()
    with calling(request, places_of(row)):
        return _changed(row, services.stop_poll(row, by=None, via=VIA, now=now))
