"""What the outbox could not deliver, and what the tick could not fire, as its post sees it; and authors who leave."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.signals import chat_rights_changed, decided, role_changed
from delivery.models import Delivery, Schedule
from delivery.signals import delivery_called_off, delivery_ended_badly, schedule_broke
from posts.chat import following
from posts.models import Post, PostMedia, State
from posts.services import after, leaving, lost_chats, media, notices, planning, settling, topics
from posts.services.access import may_post
from posts.services.rows import BACKEND, SOURCE


def connect() -> None:
    delivery_ended_badly.connect(on_delivery, dispatch_uid="posts.on_delivery")
    delivery_called_off.connect(on_called_off, dispatch_uid="posts.on_called_off")
    schedule_broke.connect(on_broken, dispatch_uid="posts.on_broken")
    decided.connect(on_person, dispatch_uid="posts.on_decided")
    role_changed.connect(on_role, dispatch_uid="posts.on_role_changed")
    chat_rights_changed.connect(lost_chats.on_change, dispatch_uid="posts.lost_chats")
    following.connect()


def on_delivery(delivery: Delivery, **_kwargs: Any) -> None:
    if delivery.backend != BACKEND:
        return
    now = timezone.now()
    # By the key: of what is withdrawn while it is being sent the content is gone.
    attempt = leaving.parse(delivery.key)
    if attempt is None:
        after.step_failed(delivery, now)
    elif delivery.state == Delivery.State.UNKNOWN:
        settling.unknown(attempt[1], attempt[2], delivery.error_kind, delivery.error, now)
    else:
        settling.failed(attempt[1], attempt[2], delivery.error_kind, _error_of(delivery, attempt[0]), now)
    if attempt is not None and delivery.error_kind == "topic":
        topics.refused_at(attempt[1], delivery.error)


def on_called_off(delivery: Delivery, **_kwargs: Any) -> None:
    """An operator took it out of the outbox; without this its post would be on its way for ever."""
    attempt = leaving.parse(delivery.key) if delivery.backend == BACKEND else None
    if attempt is not None:
        settling.called_off(attempt[1], attempt[2], timezone.now())


def _error_of(delivery: Delivery, post: UUID) -> str:
    """Of a file that Telegram did not take, with its number."""
    if delivery.error_kind != "file":
        return delivery.error
    files = PostMedia.objects.filter(post=post).select_related("file").order_by("position")
    return media.numbered(list(files), delivery.error)


def on_broken(schedule: Schedule, error: Exception, **_kwargs: Any) -> None:
    """The tick has put its schedule aside; the post waits for a person."""
    if schedule.source == SOURCE:
        with translation.override(settings.LANGUAGE_CODE):
            reason = _("It could not be fired: %(error)s") % {"error": type(error).__name__}
        planning.hold_post(Post(pk=UUID(schedule.object_id)), reason, now=timezone.now())


def on_person(user: User, now: datetime, **_kwargs: Any) -> None:
    """One who may not post any more has posts planned: they will be held at their time (services.firing), and the
    admins hear of it while there is time."""
    if may_post(user):
        return
    planned = Post.objects.filter(author=user, state=State.SCHEDULED).select_related("author").order_by("planned_at")
    if posts := list(planned):
        notices.author_left(user, posts, now)


def on_role(user: User, now: datetime, **_kwargs: Any) -> None:
    """Who becomes an editor learns what that brings; who is none any more: see above."""
    on_person(user, now)
    if may_post(user):
        notices.welcome(user)
