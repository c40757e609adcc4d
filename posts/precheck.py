"""The check shortly before a post's time, while a person can still act: what is known is asked of Telegram anew.

plan(post), unplan(post)   a schedule of its own, POST_CHECK_MINUTES before the post's
fire(due)                  settings.DELIVERY_SOURCES["post_check"]
send(delivery)             settings.DELIVERY_BACKENDS["post_check"]: asks, checks, and tells the author what is wrong.
                           When nothing is, nobody hears of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from accounts.models import Chat
from core.db import in_db
from delivery import planning as schedules
from delivery.models import Delivery, Schedule
from delivery.schedule import Once
from delivery.services import Sent
from delivery.tick import Due
from posts.models import Post, State
from posts.services import checking, notices
from posts.services.rows import CHECK, lock, store
from telegram_bot import rights
from telegram_bot.incoming import language_of

# Of many posts for one chat in the same minutes, one asks.
FRESH = timedelta(minutes=1)


def plan(post: Post, now: datetime) -> None:
    """Look at it again before its time. What is due so soon was looked at a moment ago."""
    unplan(post, now)
    ahead = timedelta(minutes=settings.POST_CHECK_MINUTES)
    if not ahead or post.planned_at is None or post.planned_at - ahead <= now:
        return
    limits: dict[str, Any] = {"grace_seconds": int(ahead.total_seconds()), "catch_up": Schedule.CatchUp.NONE}
    schedules.plan(CHECK, str(post.pk), Once(post.planned_at - ahead), "UTC", now=now, **limits)


def unplan(post: Post, now: datetime) -> None:
    """It is not to be looked at any more, or at another time."""
    for row in Schedule.objects.filter(source=CHECK, object_id=str(post.pk)):
        schedules.remove(row, now=now)


def fire(due: Sequence[Due]) -> list[Delivery]:
    """Each in a line of its own: one that Telegram keeps waiting holds up no other."""
    fired = []
    for one in due:
        key, planned = one.schedule.object_id, one.planned_at
        if planned is not None:
            row = Delivery(
                key=f"{CHECK}:{key}:{planned.isoformat()}", backend=CHECK, lane=f"task:check:{key}:0", source=CHECK,
                content={"post": key}, created_at=one.now,
            )  # fmt: skip
            fired.append(row)
    return fired


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError: Telegram did not answer."""
    key = UUID(delivery.content["post"])
    for chat in await in_db(_chats, key):
        if chat.rights_at is None or chat.rights_at <= timezone.now() - FRESH:
            await rights.refresh(chat)
    await in_db(check, key, timezone.now())
    return Sent()


def _chats(key: UUID) -> list[Chat]:
    """Where it is to appear; nowhere, if it is not planned any more."""
    chats = Chat.objects.filter(pk__in=Post.objects.filter(pk=key, state=State.SCHEDULED).values("targets__chat"))
    return list(chats.order_by("id"))


@transaction.atomic
def check(key: UUID, now: datetime) -> bool:
    """Note at the post what is wrong with it, and tell who must know; whether something is."""
    post = Post.objects.filter(pk=key).first()
    if post is None:
        return False
    held = lock(post)
    if held.state != State.SCHEDULED:
        return False
    with translation.override(language_of(held.author)):
        problems = checking.check_post(held, now)
        texts = list(dict.fromkeys(problem.text for problem in problems))
    held.warning, held.checked_at = " ".join(texts)[:500], now
    store(held, held, now, changed=False)
    if texts:
        notices.warned(held, texts, now)
    return bool(texts)
