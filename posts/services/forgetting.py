"""Posts go for good, with all that was planned of them; what stands in the chats stays there."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from core.privacy import in_batches
from delivery import planning as schedules
from delivery import services as delivery
from delivery.models import Schedule
from posts.models import Post, PostTarget, State
from posts.services.rows import BACKEND, SOURCE, SOURCES

SMALL = 100
# Of these something may be seen in a chat, or is on its way there.
KEPT = (State.PUBLISHED, State.PARTIAL, State.PUBLISHING)


def forget(posts: QuerySet[Post], now: datetime) -> int:
    """Remove ``posts``; what waits to be sent is withdrawn. How many went."""
    return in_batches(posts, lambda part: _remove(part, now), SMALL)


def _remove(part: QuerySet[Post], now: datetime) -> int:
    keys = list(part.values_list("pk", flat=True))
    ours = Schedule.objects.filter(source__in=SOURCES, object_id__in=[str(key) for key in keys])
    # In this order the tick locks them too: the post after its schedules.
    planned = list(ours.select_for_update(no_key=True).order_by("pk"))
    # What has begun to go out meanwhile is not among them any more.
    locked = [row.pk for row in part.select_for_update(of=("self",)).order_by("pk")]
    Post.objects.filter(pk__in=locked).update(schedule=None)
    wanted = {str(key) for key in locked}
    for row in planned:
        if row.object_id in wanted:
            schedules.remove(row, now=now)
    for key in locked:
        delivery.withdraw(delivery.named(f"{SOURCE}:{key}").filter(backend=BACKEND), now)
    return Post.objects.filter(pk__in=locked).delete()[1].get(Post._meta.label, 0)


def own_posts(user: User) -> QuerySet[Post]:
    return Post.objects.filter(author=user)


def unseen(user: User) -> QuerySet[Post]:
    """A person's posts of which nothing appeared, nor may have."""
    shown = PostTarget.objects.filter(state__in=(*PostTarget.APPEARED, PostTarget.State.UNKNOWN))
    return own_posts(user).exclude(state__in=KEPT).exclude(targets__in=shown)


def leave(user: User, now: datetime) -> int:
    """What appeared was written for all to see: it stays, without its author."""
    changed: dict[str, Any] = {"author": None, "updated_at": now}
    return in_batches(own_posts(user), lambda part: part.update(**changed))
