"""Whether a message that Telegram shows us is a post of which nobody knows whether it has appeared.

A time-out or a crash leaves that open. Who edits, pins or forwards the message, or answers to it, and the copy that a
channel leaves in its discussion group, show it to the bot.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from delivery.models import Delivery
from posts.content import Problem
from posts.models import Kind, MediaKind, Post, PostMedia, PostTarget
from posts.services.leaving import key_of
from telegram_bot import lanes
from telegram_bot.models import Update

Body = Mapping[str, Any]
# Kinds of updates that may show one.
KINDS = ("message", "edited_message", "channel_post", "edited_channel_post")
# An album has so many messages at most.
ALBUM = 10
# Telegram's clock gives whole seconds, and need not be ours.
SKEW = timedelta(seconds=5)
# A message's number is smaller (JSON's safe whole numbers).
HIGHEST = 2**53
# Updates that are looked through for what came before we knew that we did not know.
MOST = 500


@dataclass(frozen=True)
class Proof:
    """The message that was found, and the poll in it."""

    message_id: int
    poll_id: str = ""


def message_of(target: PostTarget, body: Body) -> Proof | None:
    """The target's message, if ``body`` (of an update) shows it. ``target``: with post and chat."""
    for message in _shown_in(target.chat.bot_id, body):
        if _is_it(target, message):
            return Proof(int(message["message_id"]), str((message.get("poll") or {}).get("id") or ""))
    return None


def look_back(target: PostTarget) -> Proof | None:
    """As above, in what came since the attempt began: the proof may be quicker than the time-out."""
    rows = Update.objects.filter(bot_id=target.chat.bot_id, kind__in=KINDS, received_at__gte=_began(target) - SKEW)
    for raw in rows.order_by("-update_id").values_list("raw", flat=True)[:MOST]:
        if (found := message_of(target, lanes.body_of(raw))) is not None:
            return found
    return None


def _shown_in(bot_id: int, body: Body) -> Iterator[dict[str, Any]]:
    """The messages that an update shows: itself, what it pins or replies to, and what it was forwarded from."""
    origin = body.get("forward_origin") or {}
    if origin.get("type") == "channel":
        yield {**body, "chat": origin.get("chat") or {}, "message_id": origin.get("message_id"), "date": origin["date"]}
    elif (body.get("chat") or {}).get("type") == "channel":
        yield dict(body)
    for name in ("pinned_message", "reply_to_message"):
        message = body.get(name) or {}
        sender = message.get("from")
        if message.get("date") and (sender is None or sender.get("id") == bot_id):
            yield message


def _is_it(target: PostTarget, message: Body) -> bool:
    """The same chat, words and kind of content, sent after the attempt began, and not known as another post."""
    if (message.get("chat") or {}).get("id") != target.chat.telegram_id or not message.get("message_id"):
        return False
    sent = datetime.fromtimestamp(int(message.get("date") or 0), UTC)
    return sent >= _began(target) - SKEW and _says_the_same(target.post, message) and not _is_another(target, message)


def _began(target: PostTarget) -> datetime:
    row = Delivery.objects.filter(key=key_of(target)).values_list("created_at", flat=True).first()
    return row or target.updated_at


def _says_the_same(post: Post, message: Body) -> bool:
    if post.kind == Kind.POLL:
        return _is_the_poll(post.poll or {}, message.get("poll") or {})
    if post.kind == Kind.TEXT:
        return _same(post.text, message.get("text"))
    first = PostMedia.objects.filter(post=post).order_by("position").first()
    return first is not None and _same(post.text, message.get("caption")) and _is_the_file(first, message)


def _same(ours: str, theirs: object) -> bool:
    """Telegram takes the white space away at both ends."""
    return ours.strip() == str(theirs or "").strip()


def _is_the_poll(ours: Body, theirs: Body) -> bool:
    return _same(str(ours.get("question") or ""), theirs.get("question")) and _texts(ours) == _texts(theirs)


def _texts(poll: Body) -> list[str]:
    options: Iterable[Body] = poll.get("options") or []
    return [str(option.get("text") or "").strip() for option in options]


def _is_the_file(medium: PostMedia, message: Body) -> bool:
    """As far as Telegram tells: the kind, and the name of what is sent as a document or as music."""
    found = message.get(str(medium.kind))
    if not found:
        return False
    named = medium.kind in (MediaKind.DOCUMENT, MediaKind.AUDIO) and medium.name
    return not named or not isinstance(found, dict) or found.get("file_name") in (None, medium.name)


def wrong_with(target: PostTarget, numbers: Sequence[int]) -> Iterator[Problem]:
    """Why these cannot be the target's messages, as somebody says: by its numbers it is edited and deleted later."""
    most = target.post.media.count() if target.post.kind == Kind.ALBUM else 1
    text = ""
    if len(numbers) > most or len(set(numbers)) < len(numbers):
        text = _("Name its messages, each once: %(count)d at most.") % {"count": most}
    elif not all(0 < number < HIGHEST for number in numbers):
        text = _("This is no number of a message. Look at its link: it ends with the number.")
    elif any(_is_anothers(target, number) for number in numbers):
        text = _("This message is another post. Look at the link of the one that is meant: it ends with the number.")
    if text:
        yield Problem("message_ids", "bad-value", text)


def _is_another(target: PostTarget, message: Body) -> bool:
    """The same words may have been posted there twice, and of the other one it is known where it is."""
    return _is_anothers(target, int(message["message_id"]))


def _is_anothers(target: PostTarget, number: int) -> bool:
    others = PostTarget.objects.filter(chat=target.chat).exclude(pk=target.pk)
    return any(has(other, number) for other in around(others, number))


def around(targets: QuerySet[PostTarget], number: int) -> QuerySet[PostTarget]:
    """Those of ``targets`` whose album a message could belong to."""
    return targets.filter(message_id__gt=number - ALBUM, message_id__lte=number)


def has(target: PostTarget, number: int) -> bool:
    return number in (target.message_ids or [target.message_id])
