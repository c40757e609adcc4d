"""What became of a post, told to other programs: the webhook of the key that made it, and those that hear of all.

`tell` belongs into the transaction in which the state changes: the event is on its way, or nothing happened.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db.models import Q

from delivery import hooks
from delivery.models import Webhook
from posts.models import Post, PostTarget

SOURCE = "post"
# "held": a person must decide; "unknown": somewhere it may have appeared, and a person must look.
EVENTS = ("published", "partial", "error", "expired", "held", "unknown")


def tell(post: Post, event: str, now: datetime) -> int:
    """Announce ``event`` (one of EVENTS) to those who listen; how many they are. Once a change of state."""
    if event not in EVENTS:
        raise ValueError(event)
    listeners = Webhook.objects.in_use(now)
    keys = list(listeners.filter(Q(all_posts=True) | Q(key=post.created_by_key_id)).values_list("key", flat=True))
    if keys:
        payload = {**_post(post), "happened_at": _written(now)}
        hooks.announce(keys, source=SOURCE, event=f"post.{event}", event_id=str(uuid4()), payload=payload)
    return len(keys)


def _post(post: Post) -> dict[str, Any]:
    """What it is and where it stands; not what it says."""
    targets = PostTarget.objects.filter(post=post).select_related("chat").order_by("position", "id")
    return {
        "post_id": str(post.pk),
        "state": str(post.state),
        "status_reason": post.status_reason,
        "planned_at": _written(post.planned_at),
        "published_at": _written(post.published_at),
        "late": post.late,
        "targets": [_target(target) for target in targets],
    }


def _target(target: PostTarget) -> dict[str, Any]:
    return {
        "chat_id": target.chat.telegram_id,
        "title": target.chat.title,
        "thread_id": target.thread_id,
        "state": str(target.state),
        "message_ids": target.message_ids,
        "sent_at": _written(target.sent_at),
        "error_kind": target.error_kind,
        "error": target.error,
    }


def _written(moment: datetime | None) -> str | None:
    """2026-04-06T12:00:00Z"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
