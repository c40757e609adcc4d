"""Where a post is to appear, and what became of it there."""

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from core.problem import Flaw, HttpProblem
from posts import services
from posts.api import shapes
from posts.api.bodies import FoundIn, TargetsIn
from posts.api.deciding import conflict
from posts.api.routing import PUBLISH, READ, VIA, WRITE, calling, check_may_change, find, route, target_in
from posts.api.shapes import TargetOut, TargetsOut
from posts.api.wishes import places_in
from posts.models import Post
from rest.answers import answer
from rest.conditions import IF_MATCH, version_wanted
from rest.routing import Id, Request, number_in

WRONG = (400, 404, 409, 413, 415)


@route("GET", "/{post_id}/targets", READ, {200: TargetsOut}, 404)
def list_targets(request: Request, post_id: Id) -> HttpResponse:
    """Where a post is to appear, and what became of it there."""
    return _shown(find(post_id))


def _shown(row: Post) -> HttpResponse:
    items = [shapes.target(target, row) for target in row.targets.all()]
    return answer({"items": items}, 200, {"ETag": f'"{row.version}"'})


@route("PUT", "/{post_id}/targets", WRITE, {200: TargetsOut}, *WRONG, 412, headers=[IF_MATCH])
def set_targets(request: Request, post_id: Id, wanted: TargetsIn) -> HttpResponse:
    """Let a post appear in these chats and in no others. 409: it has appeared; repeat it for other chats.

    What is planned needs the scope `posts:publish` as well.
    """
    flaws: list[Flaw] = []
    row, places = find(post_id), places_in(wanted.targets, flaws)
    if flaws:
        raise HttpProblem(400, flaws=flaws)
    with calling(request, places), transaction.atomic():
        check_may_change(request, row)
        now, version = timezone.now(), version_wanted(request)
        services.change_post(row, by=None, via=VIA, now=now, version=version, places=places)
    return _shown(find(post_id))


@route("POST", "/{post_id}/targets/{target_id}/resolve", PUBLISH, {200: TargetOut}, *WRONG)
def resolve_target(request: Request, post_id: Id, target_id: str, found: FoundIn) -> HttpResponse:
    """Say of a target whose state is `unknown` what a person saw there: it is there, or it is to be sent again.

    409: it is settled already.
    """
    row = find(post_id)
    target, there = target_in(row, number_in(target_id)), found.outcome == "there"
    with calling(request):
        done = services.resolve(
            target, there=there, by=None, via=VIA, now=timezone.now(), message_ids=found.message_ids
        )  # fmt: skip
    if not done:
        raise conflict("settled", _("What became of it there is known already."))
    row = find(post_id)
    return answer(shapes.target(target_in(row, target.pk), row))
