"""How a post's message, or a side step, gets into the outbox: a row that names the target, and what to do there.

What it says is put together when it leaves (posts/source.py), so an edit before that is in it, and no words stand in
the outbox.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet

from delivery import services as delivery
from delivery.models import Delivery, Doubt
from delivery.outbox import lane_of
from posts.models import Post, PostTarget, State
from posts.services.rows import BACKEND, SOURCE

Target = PostTarget.State
# Kind of error of what did not go out because its time was over.
EXPIRED = "expired"


def begin(targets: QuerySet[PostTarget], now: datetime) -> None:
    """They are on their way from now on, each in a new attempt."""
    targets.update(state=Target.QUEUED, attempt=F("attempt") + 1, error="", error_kind="", warning="", updated_at=now)


def queue(post: Post, targets: Iterable[PostTarget], now: datetime) -> int:
    """Let ``targets`` of a locked post go out now, each as a new attempt; how many. The post is left to be saved."""
    chosen = list(targets)
    begin(PostTarget.objects.filter(pk__in=[target.pk for target in chosen]), now)
    post.state, post.status_reason = State.PUBLISHING, ""
    for target in chosen:
        target.state = Target.QUEUED
    delivery.enqueue([message(target, now) for target in chosen])
    return len(chosen)


def key_of(target: PostTarget) -> str:
    """The key of the delivery of its latest attempt."""
    return f"{SOURCE}:{target.post_id}:{target.pk}:{target.attempt}"


def parse(key: str) -> tuple[UUID, int, int] | None:
    """Post, target and attempt of such a key; None for one of a side step."""
    parts = key.split(":")
    return (UUID(parts[1]), int(parts[2]), int(parts[3])) if len(parts) == 4 and parts[3].isdigit() else None


def message(target: PostTarget, now: datetime) -> Delivery:
    """Of a target as it was before this attempt."""
    target.attempt += 1
    return row_for(target, key_of(target), {"target": target.pk}, now, Doubt.ASK)


def row_for(target: PostTarget, key: str, content: dict[str, object], now: datetime, on_doubt: Doubt) -> Delivery:
    """An unsaved delivery about a target, in its chat's line. What it says is put together when it leaves."""
    chat = target.chat
    return Delivery(
        key=key,
        backend=BACKEND,
        bot_id=chat.bot_id,
        chat_id=chat.telegram_id,
        lane=lane_of(chat.bot_id, chat.telegram_id),
        source=SOURCE,
        content=content,
        on_doubt=on_doubt,
        created_at=now,
    )
