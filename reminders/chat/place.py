"""Where a chat is spoken to, and which reminder one of its messages is about."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from delivery.models import Delivery
from reminders.chat.cards import Menu
from reminders.chat.sending import seal_up
from reminders.models import Reminder
from reminders.services.making import SOURCE
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.lanes import body_of
from telegram_bot.outgoing import Place

# The keys of cards, and of reminders that have come (services.firing.key_of).
ABOUT = re.compile(rf"(card|{SOURCE}):([0-9a-f-]{{36}}):")


def say(
    incoming: Incoming, menu: Menu, *, about: Reminder | None = None, edit: int | None = None, reply: bool = False
) -> str:
    """Enqueue ``menu`` in the chat of ``incoming``, for its person to press; the key of its delivery.

    ``about``: whose card it is, so that a reply to it is understood. ``edit``: in place of that message. ``reply``: in
    a group, to the message that is answered. Inside the transaction that saves why it is said.
    """
    key = f"card:{about.pk}:{incoming.key}:{incoming.said}" if about else f"remind:{incoming.key}:{incoming.said}"
    incoming.said += 1
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread, edit=edit)
    if reply and not incoming.chat.is_private:
        place = replace(place, reply_to=body_of(incoming.update.raw).get("message_id"))
    outgoing.say(key, place, menu[0], menu[1], owner=incoming.user, source=SOURCE)
    seal_up(f"{key}:0")
    return f"{key}:0"


def finish(incoming: Incoming, now: datetime) -> None:
    """The update is done with what this transaction saves; it must not make the same again."""
    inbox.finish(incoming.ids, now)
    incoming.finished = True


def said_at(incoming: Incoming, now: datetime) -> datetime:
    """When the person wrote it, or wrote it anew; the bot may have been away since."""
    body = body_of(incoming.update.raw)
    date = body.get("edit_date") or body.get("date")
    return min(datetime.fromtimestamp(date, UTC), now) if isinstance(date, int) else now


def reminders_here(incoming: Incoming) -> Any:
    """Those that may be seen here: in private one's own, wherever they come; in a group those of the group."""
    rows = Reminder.objects.select_related("schedule", "chat", "user")
    if incoming.chat.is_private:
        return rows.filter(user=incoming.user)
    return rows.filter(chat=incoming.chat)


def one_here(incoming: Incoming, key: str) -> Reminder | None:
    row: Reminder | None = reminders_here(incoming).filter(pk=UUID(key)).first()
    return row


def replied_about(incoming: Incoming) -> tuple[str, Reminder] | None:
    """What the message replies to, if it is about a reminder: "card" or "reminder" (it has come), and the row. What
    became of one that has come is written into its message, which stays one that has come."""
    if incoming.replied_to is None:
        return None
    sent = Delivery.objects.filter(
        bot_id=incoming.bot_id, chat_id=incoming.chat_id, message_id=incoming.replied_to, source=SOURCE
    )
    found = [named for key in sent.order_by("-id").values_list("key", flat=True) if (named := ABOUT.match(key))]
    row = one_here(incoming, found[0][2]) if found else None
    if row is None:
        return None
    has_come = any(named[1] == SOURCE and named[2] == found[0][2] for named in found)
    return (SOURCE if has_come else "card"), row
