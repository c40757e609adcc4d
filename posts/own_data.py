"""What is a person's own here, for /mydata and /forget (settings.OWN_DATA)."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext

from accounts.models import User
from core.privacy import OwnData, columns
from posts.models import Post
from posts.services.forgetting import forget, leave, own_posts, unseen
from posts.services.holding import let_go_of


def record(user: User) -> dict[str, Any]:
    """Whole rows, with their files and targets."""
    rows = own_posts(user).prefetch_related("media", "targets__chat").order_by("created_at", "id")
    return {"posts": [_one(row) for row in rows]}


def _one(row: Post) -> dict[str, Any]:
    return {
        **columns(row),
        "media": [columns(medium) for medium in row.media.all()],
        "targets": [{**columns(target), "chat": str(target.chat)} for target in row.targets.all()],
    }


def rows(user: User) -> list[QuerySet[Any]]:
    return [own_posts(user)]


def count(user: User) -> int:
    return own_posts(user).count()


def words(number: int) -> str:
    return ngettext("%(count)d post", "%(count)d posts", number) % {"count": number}


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    """Drafts and plans go; of what appeared, or may have, the author."""
    yield lambda: let_go_of(user, now)
    yield lambda: forget(unseen(user), now)
    yield lambda: leave(user, now)


OWN = OwnData(record=record, rows=rows, count=count, words=words, steps=steps)
