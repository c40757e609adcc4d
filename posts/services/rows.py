"""What all verbs of posts share: locking, saving, the record of who did what."""

from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import services as accounts
from accounts.models import User
from delivery.models import Schedule
from posts.models import Post, PostTarget

# Of schedules: the publication, the check before it, the deletion after it.
SOURCE, CHECK, DELETE = "post", "post_check", "post_delete"
SOURCES = (SOURCE, CHECK, DELETE)
BACKEND = "post"
# Prefix of the API key that calls, whoever made the post: posts/api sets it, and the record names it.
CALLER: ContextVar[str] = ContextVar("caller", default="")


class _Moved(Exception):
    """It got other schedules between the look and the lock."""


def lock(post: Post) -> Post:
    """The post as it is now, locked, after all its schedules, as the tick locks them. Inside a transaction.

    When it has got others meanwhile, all is let go and locked anew in the right order: who holds the post waits for no
    schedule, or the tick, which waits for the post, would wait for ever.
    """
    while True:
        try:
            with transaction.atomic():
                return _locked(post)
        except _Moved:
            continue


def _locked(post: Post) -> Post:
    # Without the key: who saves the post twice has its schedule looked up at the commit, with the post still locked.
    schedules = {row.pk: row for row in schedules_of(post).select_for_update(no_key=True)}
    held = lock_alone(post)
    if set(schedules_of(post).values_list("pk", flat=True)) - set(schedules):
        raise _Moved
    if held.schedule_id is not None:
        held.schedule = schedules[held.schedule_id]
    return held


def schedules_of(post: Post) -> QuerySet[Schedule]:
    """When it goes out, is checked, and is deleted again."""
    return Schedule.objects.filter(source__in=SOURCES, object_id=str(post.pk)).order_by("pk")


def lock_alone(post: Post) -> Post:
    """The post without its schedules, for what happens to its targets. No schedule may be locked after it."""
    rows = Post.objects.select_for_update(of=("self",)).select_related("author", "created_by_key")
    held: Post = rows.get(pk=post.pk)
    return held


def store(post: Post, held: Post, now: datetime, *, changed: bool = True) -> None:
    """Save ``held``; ``post`` then shows it. ``changed``: a person's change, which the version counts."""
    held.version += changed
    held.updated_at = now
    held.save()
    show(post, held)


def show(post: Post, held: Post) -> None:
    if post is held:
        return
    for field in Post._meta.concrete_fields:
        setattr(post, field.attname, getattr(held, field.attname))
    post.schedule = held.schedule
    getattr(post, "_prefetched_objects_cache", {}).clear()


def note(post: Post, what: str, *, by: User | None, via: str, now: datetime, **details: Any) -> None:
    """Record who did what to a post; never what it says."""
    if via == "api" and (prefix := CALLER.get()):
        details["key"] = prefix
    target = accounts.target_of(post) | {"target_label": str(post.pk)}
    accounts.audit(f"post.{what}", by=by, via=via, **target, details=details, now=now)


def expire_hours(post: Post) -> int:
    """How late it may still go out."""
    return post.expire_hours if post.expire_hours is not None else settings.POST_EXPIRE_HOURS


def targets_of(post: Post) -> list[PostTarget]:
    """In order, each with its chat, as they are now."""
    return list(PostTarget.objects.filter(post=post.pk).select_related("chat"))
