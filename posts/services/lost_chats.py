"""A chat takes no posts any more: those whose posts are planned for it hear of it at once, and once."""

import copy
from datetime import datetime
from itertools import groupby
from typing import Any

from accounts.models import Chat
from posts.models import Post, PostTarget, State
from posts.services import notices, rights

# Of these a target may still have to appear.
OPEN = (State.SCHEDULED, State.HELD)


def on_change(chat: Chat, before: dict[str, Any], now: datetime, **_kwargs: Any) -> None:
    """The bot's place in ``chat`` is another. Inside the transaction in which that is recorded."""
    if is_closed(chat) and not is_closed(_as_it_was(chat, before)):
        warn(chat, now)


def is_closed(chat: Chat) -> bool:
    return any(problem.code in ("bot-not-there", "no-right-to-post") for problem in rights.trouble_of(chat))


def _as_it_was(chat: Chat, before: dict[str, Any]) -> Chat:
    old = copy.copy(chat)
    for name, value in before.items():
        setattr(old, name, value)
    return old


def warn(chat: Chat, now: datetime) -> int:
    """Tell the authors of what is planned for ``chat``; how many of them."""
    rows = Post.objects.filter(state__in=OPEN, targets__chat=chat, targets__state=PostTarget.State.WAITING).distinct()
    posts = rows.select_related("author").order_by("author", "planned_at", "id")
    told = 0
    for _author, group in groupby(posts, key=lambda post: post.author_id):
        notices.chat_closed(chat, list(group), now)
        told += 1
    return told
