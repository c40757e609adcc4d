"""What it means that posts are due: their targets become deliveries, or the post is held, or has expired.

`fire` is called by the tick, inside its transaction, for a batch: a handful of statements however many there are.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from delivery.models import Delivery, Schedule
from delivery.tick import Due
from posts.models import Post, PostTarget, State
from posts.services import news, notices, settling
from posts.services.access import may_post
from posts.services.leaving import EXPIRED, begin, message
from posts.services.rows import note
from telegram_bot.incoming import language_of

Target = PostTarget.State


def fire(due: Sequence[Due]) -> list[Delivery]:
    """Settle what becomes of posts whose time has come; the deliveries to enqueue, in the order of their times."""
    rows = Post.objects.select_for_update(of=("self",)).select_related("author", "created_by_key")
    posts = {str(row.pk): row for row in rows.filter(pk__in=[UUID(one.schedule.object_id) for one in due])}
    going: list[Post] = []
    expired: list[Post] = []
    for one in due:
        post = posts.get(one.schedule.object_id)
        if post is None:  # it is gone
            one.schedule.state, one.schedule.next_at = Schedule.State.CANCELLED, None
        elif post.state != State.SCHEDULED:
            continue
        elif one.planned_at is None:
            expired.append(post)
        elif reason := _reason_to_hold(post, one):
            _hold(post, reason, one.now)
        else:
            post.late = one.is_late
            going.append(post)
    expire(expired, due[0].now)
    # Of one minute: as they were made, which is how lists show them.
    going.sort(key=lambda post: (post.planned_at or due[0].now, post.pk))
    return _go(going, due[0].now)


def _reason_to_hold(post: Post, one: Due) -> str:
    """Why a person must decide first; empty when it may go out."""
    if not may_post(post.author):
        with translation.override(settings.LANGUAGE_CODE):
            return _("Its author may not post any more.")
    minutes: int = settings.POST_HOLD_LATE_MINUTES
    if minutes and one.lateness > timedelta(minutes=minutes):
        with translation.override(language_of(post.author)):
            return _("Its time passed while the bot was away.")
    return ""


def _hold(post: Post, reason: str, now: datetime) -> None:
    post.state, post.status_reason, post.updated_at = State.HELD, reason, now
    post.save(update_fields=["state", "status_reason", "updated_at"])
    note(post, "held", by=None, via="bot", now=now, reason=reason)
    with notices.telling(post):
        notices.held(post, now)
        news.tell(post, "held", now)
    notices.settled(post)


def expire(posts: Sequence[Post], now: datetime) -> None:
    """Give up what came too late, and say so; nothing is sent. The posts are locked."""
    if not posts:
        return
    waiting = PostTarget.objects.filter(post__in=posts, state=Target.WAITING)
    waiting.update(state=Target.CANCELLED, error_kind=EXPIRED, error="", updated_at=now)
    for post in posts:
        post.state, post.updated_at = State.EXPIRED, now
        post.save(update_fields=["state", "updated_at"])
        note(post, "expired", by=None, via="bot", now=now)
        with notices.telling(post):
            notices.expired(post, now)
            news.tell(post, "expired", now)
        notices.settled(post)


# --- on the way -----------------------------------------------------------------------------------------------------


def _go(posts: Sequence[Post], now: datetime) -> list[Delivery]:
    """Their waiting targets are on their way from now on, post after post."""
    if not posts:
        return []
    waiting = PostTarget.objects.filter(post__in=posts, state=Target.WAITING)
    of: dict[UUID, list[PostTarget]] = {}
    for target in waiting.select_related("chat").order_by("position", "id"):
        of.setdefault(target.post_id, []).append(target)
    begin(waiting, now)
    for late in (True, False):
        keys = [post.pk for post in posts if post.late == late]
        Post.objects.filter(pk__in=keys).update(state=State.PUBLISHING, late=late, updated_at=now)
    for post in posts:
        post.state = State.PUBLISHING
        if post.pk not in of:  # its chats are gone
            settling.settle(post, now)
    return [message(target, now) for post in posts for target in of.get(post.pk, ())]
