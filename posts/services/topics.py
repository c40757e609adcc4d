"""Topics of forum groups, as far as the bot has heard of them: Telegram lists them for nobody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.models import Access, Chat
from posts.content import Place
from posts.models import PostTarget, Topic

# (chat's key, thread) -> what is known of the topic.
Known = Mapping[tuple[int, int], Topic]
LONGEST_NAME = 128


def of_places(places: Sequence[Place]) -> Known:
    """What is known of the topics of ``places``. One query, none when there are no topics."""
    wanted = {(place.chat.pk, place.thread) for place in places if place.thread}
    if not wanted:
        return {}
    rows = Topic.objects.filter(chat__in={chat for chat, _thread in wanted})
    return {place: row for row in rows if (place := (row.chat_id, row.thread_id)) in wanted}


def heard(bot_id: int, body: Mapping[str, Any], _now: datetime) -> None:
    """Note what a raw message of an approved group tells of its topic: that it is there, its name, that it was closed
    or opened. Whoever wrote it (settings.UPDATE_NEWS). One query when that is no news."""
    chat_id, thread = (body.get("chat") or {}).get("id"), body.get("message_thread_id")
    if not isinstance(chat_id, int) or not isinstance(thread, int):
        return
    known = Topic.objects.filter(chat__bot_id=bot_id, chat__telegram_id=chat_id, thread_id=thread).first()
    facts = _told(body, known)
    if known is not None:
        # Whoever writes there is the proof that it was not deleted.
        changed = {name: value for name, value in {"deleted": False, **facts}.items() if getattr(known, name) != value}
        if changed:
            Topic.objects.filter(pk=known.pk).update(**changed)
        return
    chat = Chat.objects.filter(bot_id=bot_id, telegram_id=chat_id, status=Access.ACTIVE).first()
    if chat is not None:
        # Another worker may hear of it in the same moment.
        Topic.objects.get_or_create(chat=chat, thread_id=thread, defaults=facts)


def _told(message: Mapping[str, Any], known: Topic | None) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    named = message.get("forum_topic_edited") or message.get("forum_topic_created") or {}
    if not named and (known is None or not known.name):
        # A reply carries the topic's first message, with the name of that day.
        named = (message.get("reply_to_message") or {}).get("forum_topic_created") or {}
    if name := named.get("name"):
        facts["name"] = str(name)[:LONGEST_NAME]
    if "forum_topic_closed" in message or "forum_topic_reopened" in message:
        facts["closed"] = "forum_topic_closed" in message
    return facts


def refused(chat: Chat, thread: int, error: str) -> bool:
    """Note what a refusal of Telegram tells of a topic: closed, or not there any more. True when it is news."""
    if not thread:
        return False
    is_closed = "closed" in error.lower()
    facts = {"closed": True} if is_closed else {"deleted": True}
    row, made = Topic.objects.get_or_create(chat=chat, thread_id=thread, defaults=facts)
    if made or all(getattr(row, name) for name in facts):
        return made
    return bool(Topic.objects.filter(pk=row.pk).update(**facts))


def refused_at(target: int, error: str) -> bool:
    """As `refused`, of the topic of a post's target (its key)."""
    row = PostTarget.objects.select_related("chat").filter(pk=target).first()
    return row is not None and refused(row.chat, row.thread_id, error)
