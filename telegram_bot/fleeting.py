"""Words of service in a group: seen by the one they are for, or gone after a while, so that they do not pile up.

In a private chat they are messages like any other.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from core.db import in_db
from delivery import services as delivery
from telegram_bot import outgoing
from telegram_bot.application import Context
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import Part
from telegram_bot.outgoing import Keyboard, Place


async def notice(context: Context, text: str, keyboard: Keyboard = ()) -> None:
    """As ``context.reply``, for what only the person who wrote needs to read, and only now."""
    incoming = context.incoming
    key = f"update:{incoming.key}:{incoming.said}"
    incoming.said += 1
    await in_db(say, key, incoming, text, keyboard)


def say(
    key: str,
    incoming: Incoming,
    text: str | Sequence[Part],
    keyboard: Keyboard = (),
    *,
    edit: int | None = None,
    source: str = "telegram_bot",
) -> None:
    """Enqueue a notice for the person of ``incoming``, in its chat, and in a group its end. ``edit``: in place of that
    message, which all see."""
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread, edit=edit)
    if incoming.chat.is_private:
        outgoing.say(key, place, text, keyboard, owner=incoming.user, source=source)
        return
    whispered = settings.EPHEMERAL_NOTICES and edit is None
    only_for = incoming.user.telegram_id if whispered else None
    outgoing.say(key, replace(place, only_for=only_for), text, keyboard, owner=incoming.user, source=source)
    if settings.NOTICE_SECONDS:
        _take_away_later(f"{key}:0", place)


def _take_away_later(key: str, place: Place) -> None:
    """In a lane of its own: what waits for its time would hold up all that is said after it."""
    content = {"method": "deleteMessage", "params": {"chat_id": place.chat_id}, "edit_of": key}
    row = outgoing.message(f"gone:{key}", place, content, "notice")
    row.lane = f"out:{place.bot_id}:gone:{place.chat_id}"
    row.not_before = timezone.now() + timedelta(seconds=settings.NOTICE_SECONDS)
    delivery.enqueue([row])
