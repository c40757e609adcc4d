"""Routes of posts, and how what the services refuse is answered."""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from ninja import Router

from core.problem import Flaw, HttpProblem
from posts.api.shapes import NAMES
from posts.content import NotNow, Place, Problem, Refused, Stale
from posts.models import Post, PostMedia, PostTarget, State
from posts.services.rows import CALLER, lock
from rest import routing
from rest.access import lacks_scope
from rest.conditions import idempotency, stale
from rest.routing import Request, uuid_in

router = Router(tags=["posts"])
route = functools.partial(routing.route, router)

VIA = "api"
READ, WRITE, PUBLISH = "posts:read", "posts:write", "posts:publish"
# Nothing of it is to be seen, or will be by itself.
QUIET = (State.DRAFT, State.ERROR, State.EXPIRED, State.CANCELLED)
ONCE = idempotency("one post")


def whole(rows: "QuerySet[Post]") -> "QuerySet[Post]":
    """With all that an answer shows, in three statements however many they are."""
    targets = PostTarget.objects.select_related("chat").order_by("position", "id")
    media = PostMedia.objects.select_related("file").order_by("position")
    rows = rows.select_related("author", "created_by_key")
    return rows.prefetch_related(Prefetch("targets", targets), Prefetch("media", media))


def find(post_id: str) -> Post:
    row = whole(Post.objects.filter(pk=uuid_in(post_id))).first()
    if row is None:
        raise _gone()
    return row


def _gone() -> HttpProblem:
    return HttpProblem(404, _("There is no such post."))


def target_in(post: Post, target_id: int) -> PostTarget:
    found = next((target for target in post.targets.all() if target.pk == target_id), None)
    if found is None:
        raise HttpProblem(404, _("This post has no such target."))
    return found


@contextmanager
def calling(request: Request, places: Sequence[Place] = ()) -> Iterator[None]:
    """Around the verbs: the record names the key that calls, and what they refuse is said as problems.

    ``places``: the targets, as they were sent or as the post has them.
    """
    caller = CALLER.set(request.auth.prefix)
    try:
        yield
    except Refused as error:
        raise HttpProblem(400, flaws=[flaw(one, places) for one in error.problems]) from error
    except NotNow as error:
        raise HttpProblem(409, flaws=[Flaw("state", error.code, error.text)]) from error
    except Stale as error:
        raise stale() from error
    except (Post.DoesNotExist, PostTarget.DoesNotExist) as error:  # removed since it was found
        raise _gone() from error
    finally:
        CALLER.reset(caller)


def check_may_change(request: Request, row: Post) -> None:
    """What people are about to see, or see already, or perhaps, is changed with the right to publish. Inside a
    transaction.

    Raises HttpProblem.
    """
    if PUBLISH in request.auth.scopes:
        return
    doubtful = PostTarget.objects.filter(post=row.pk, state=PostTarget.State.UNKNOWN)
    if lock(row).state not in QUIET or doubtful.exists():
        raise lacks_scope(PUBLISH)


def flaw(problem: Problem, places: Sequence[Place]) -> Flaw:
    """``targets.1`` for what concerns the second target only."""
    field = NAMES.get(problem.field, problem.field)
    if problem.target is not None and field in ("", "targets"):
        numbers = [number for number, place in enumerate(places) if _is_same(place, problem.target)]
        field = f"targets.{numbers[0]}" if numbers else "targets"
    return Flaw(field, problem.code, problem.text)


def _is_same(one: Place, other: Place) -> bool:
    return (one.chat.pk, one.thread) == (other.chat.pk, other.thread)


def places_of(post: Post) -> list[Place]:
    return [Place(target.chat, target.thread_id) for target in post.targets.all()]
