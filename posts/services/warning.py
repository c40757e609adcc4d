"""What is worth knowing before a post goes out, and stands in nobody's way."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from posts.content import Place
from posts.models import Post, PostTarget, State
from posts.services import rights
from posts.services.times import zone_name

# The same words in the same chat within this time are worth a question.
SOON = timedelta(hours=1)
# A refusal of this long ago says nothing about today.
RECENT = timedelta(hours=24)
# Kinds of errors by which a chat refuses; of others it knows nothing.
BY_CHAT = ("forbidden", "topic")
# So many twins are looked at, and so many of the latest refusals.
MOST, LATELY = 20, 500
# Of these nothing appears.
SILENT = (State.DRAFT, State.CANCELLED, State.EXPIRED, State.ERROR)

Target = PostTarget.State


def warnings_of(post: Post, now: datetime) -> list[str]:
    """Sentences: the same was posted there within the hour, a chat refused another post, something is not known."""
    targets = list(post.targets.select_related("chat"))
    places = [Place(target.chat, target.thread_id) for target in targets if target.state not in PostTarget.APPEARED]
    chats = {place.chat.pk: place.chat for place in places}
    return [*_twins(post, chats, now), *_refusals(post, chats, now), *rights.unsure_of(places)]


def _twins(post: Post, chats: dict[int, Any], now: datetime) -> Iterator[str]:
    when = post.planned_at if post.planned_at is not None and post.planned_at > now else now
    # By its time alone: joined with the chats' targets, SQLite reads all that was ever posted there.
    near = Post.objects.filter(planned_at__gte=when - SOON, planned_at__lte=when + SOON, text=post.text)
    twins = list(near.exclude(pk=post.pk).exclude(state__in=SILENT).order_by("planned_at")[:MOST])
    said = _print_of(post) if twins else ()
    for twin in twins:
        there = PostTarget.objects.filter(post=twin, chat__in=chats).order_by("position").first()
        if there is not None and _print_of(twin) == said:
            text = _("The same is posted in “%(chat)s” within the hour, at %(time)s. Is it meant twice?")
            at = date_format(_local(twin.planned_at, post), "H:i")
            yield text % {"chat": chats[there.chat_id], "time": at}


def _local(moment: datetime | None, post: Post) -> datetime:
    assert moment is not None
    return moment.astimezone(ZoneInfo(post.zone or zone_name(post.author)))


def _print_of(post: Post) -> tuple[Any, ...]:
    """What makes two posts the same to a reader."""
    files = post.media.select_related("file").order_by("position")
    seen = tuple(medium.file.sha256 if medium.file else medium.telegram_file_id for medium in files)
    return post.text, seen, (post.poll or {}).get("question", "")


def _refusals(post: Post, chats: dict[int, Any], now: datetime) -> Iterator[str]:
    """Chats that refused another post lately, and of which nothing better was heard since."""
    refused = PostTarget.objects.filter(state=Target.FAILED, updated_at__gt=now - RECENT, error_kind__in=BY_CHAT)
    lately = list(refused.order_by("-updated_at").only("post_id", "chat_id", "updated_at")[:LATELY])
    told = set()
    for target in lately:
        if target.chat_id not in chats or target.post_id == post.pk:
            continue
        chat = chats[target.chat_id]
        better = chat.rights_at is not None and chat.rights_at > target.updated_at
        if target.chat_id in told or better or _took_one_since(target):
            continue
        told.add(target.chat_id)
        yield _("“%(chat)s” refused another post lately. Look at its rights before this one goes out.") % {"chat": chat}


def _took_one_since(target: PostTarget) -> bool:
    sent = PostTarget.objects.filter(state=Target.SENT, updated_at__gt=target.updated_at, chat=target.chat_id)
    return sent.exists()
