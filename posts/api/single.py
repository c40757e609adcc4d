"""One post: written, read, changed, removed, written once more."""

from typing import Annotated

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query

from posts import services
from posts.api import shapes
from posts.api.bodies import PostChange, PostIn
from posts.api.routing import ONCE, READ, VIA, WRITE, calling, check_may_change, find, places_of, route
from posts.api.shapes import PostOut, TriedOut
from posts.api.trying import tried
from posts.api.wishes import Values, changes_of, wish_of
from posts.content import Stale
from posts.models import Post
from posts.services.rows import lock
from rest.answers import answer
from rest.conditions import IF_MATCH, digest, idempotency_key, version_wanted
from rest.routing import Flag, Id, Request

WRONG = (400, 404, 409, 412, 413, 415)
TRY = "save nothing; answer with problems, warnings and what would leave"


@route(
    "POST",
    "/",
    WRITE,
    {201: PostOut, 200: PostOut | TriedOut},  # type: ignore[dict-item]
    *(400, 404, 413, 415),
    headers=[ONCE],
)
def create_post(
    request: Request, wish: PostIn, dry_run: Annotated[Flag, Query(False, description=TRY)]
) -> HttpResponse:
    """Create a post, as a draft. Only what is scheduled or published appears anywhere.

    200 instead of 201: nothing was made, because of `dry_run` or because the Idempotency-Key had made it before (the
    header Idempotent-Replayed then says true).
    """
    now, values = timezone.now(), {**wish_of(wish), "key": request.auth, "via": VIA}
    key = idempotency_key(request)
    with calling(request, values["places"]):
        if dry_run:
            return tried(lambda: services.create_draft(**values, now=now), now)
        once: Values = {"idempotency_key": key, "idempotency_digest": digest(wish) if key else ""}
        row = services.create_draft(**values, **once, now=now)
    if row.replayed:
        return shown(row, 200, {"Idempotent-Replayed": "true"})
    return shown(row, 201)


def shown(row: Post, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """The post as it is now."""
    row = find(str(row.pk))
    place = {"Location": f"/api/posts/{row.pk}"} if status == 201 else {}
    return answer(shapes.post(row), status, {"ETag": f'"{row.version}"', **place, **(headers or {})})


@route("GET", "/{post_id}", READ, {200: PostOut}, 404)
def get_post(request: Request, post_id: Id) -> HttpResponse:
    """A post, with its files and its targets."""
    return shown(find(post_id))


@route("PATCH", "/{post_id}", WRITE, {200: PostOut}, *WRONG, headers=[IF_MATCH])
def change_post(request: Request, post_id: Id, change: PostChange) -> HttpResponse:
    """Change a post. What of it has appeared is edited in all its chats; whether it arrived there, the targets say.

    What is planned or has appeared needs the scope `posts:publish` as well.

    409: it is going out at this moment, or what has appeared cannot become that.
    """
    row, changes = find(post_id), changes_of(change)
    with calling(request, changes.get("places", places_of(row))), transaction.atomic():
        check_may_change(request, row)
        services.change_post(
            row, by=None, via=VIA, now=timezone.now(), version=version_wanted(request), **changes
        )  # fmt: skip
    return shown(row)


@route("DELETE", "/{post_id}", WRITE, {204: None}, 404, 409, 412, headers=[IF_MATCH])
def remove_post(request: Request, post_id: Id) -> HttpResponse:
    """Remove a post of which nothing has appeared, with all that was planned for it.

    What is planned needs the scope `posts:publish` as well.

    409: it has appeared, or may have. `/delete-everywhere` takes it out of the chats; its record stays.
    """
    now = timezone.now()
    with calling(request), transaction.atomic():
        row = find(post_id)
        check_may_change(request, row)
        check_version(row, version_wanted(request))
        services.delete_draft(row, by=None, via=VIA, now=now)
    return HttpResponse(status=204)


def check_version(row: Post, wanted: int | None) -> None:
    """Inside a transaction, for verbs that ask for no version themselves. Raises Stale."""
    if wanted is not None and lock(row).version != wanted:
        raise Stale


@route("POST", "/{post_id}/repeat", WRITE, {201: PostOut}, 400, 404)
def repeat_post(request: Request, post_id: Id) -> HttpResponse:
    """The same once more, as a new draft: same words, files, targets and options."""
    row, now = find(post_id), timezone.now()
    with calling(request, places_of(row)):
        return shown(services.repeat_post(row, by=None, via=VIA, now=now, key=request.auth), 201)
