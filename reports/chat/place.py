"""Where an owner is spoken to, and what is taken away there again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from delivery.models import Delivery
from telegram_bot import expecting, fleeting, outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.lanes import body_of
from telegram_bot.markdown import Part, plain, units
from telegram_bot.models import Update
from telegram_bot.outgoing import Keyboard, Place

SOURCE = "report"
Menu = tuple[list[Part], Keyboard]
# Bots may delete within 48 hours; of what is older nothing is tried.
DELETABLE = timedelta(hours=47)


def titled(title: str, *lines: str) -> list[Part]:
    """``title`` in bold, then lines; empty ones are left out. Names may hold any sign of Markdown, so none is read."""
    title = plain(title)
    text = "\n".join([title, *(plain(line) for line in lines if line)])
    return [Part(text, [{"type": "bold", "offset": 0, "length": units(title)}])]


def said(text: str) -> list[Part]:
    """A sentence as it stands."""
    return [Part(plain(text))]


def say(incoming: Incoming, menu: Menu, *, edit: int | None = None, edit_of: str = "") -> str:
    """Enqueue ``menu`` in the chat of ``incoming`` for its person to press; the key of its delivery.

    ``edit``: in place of that message; ``edit_of``: in place of that delivery's. In a group what nobody can press goes
    after a while, or only the person sees it. Inside the transaction that saves why it is said.
    """
    key = f"avito:{incoming.key}:{incoming.said}"
    incoming.said += 1
    if not incoming.chat.is_private and not menu[1] and edit is None:
        fleeting.say(key, incoming, menu[0], menu[1], edit=edit, source=SOURCE)
        return f"{key}:0"
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread, edit=edit)
    outgoing.say(key, place, menu[0], menu[1], owner=incoming.user, source=SOURCE, edit_of=edit_of)
    return f"{key}:0"


def finish(incoming: Incoming, now: datetime) -> None:
    """The update is done with what this transaction saves; it must not make the same again."""
    inbox.finish(incoming.ids, now)
    incoming.finished = True


def expect(incoming: Incoming, action: str, data: dict[str, Any], asked: str, now: datetime) -> None:
    """The next words here are for ``action``. Inside the transaction that asks."""
    expecting.expect(incoming, action, data, asked, now)


def message_ids(incoming: Incoming) -> list[int]:
    """The messages that the update brings."""
    found = [message.get("message_id") for message in incoming.messages]
    return [number for number in found if isinstance(number, int)]


def said_at(incoming: Incoming, now: datetime) -> datetime:
    """When the person wrote it; the bot may have been away since."""
    date = body_of(incoming.update.raw).get("date")
    return min(datetime.fromtimestamp(date, UTC), now) if isinstance(date, int) else now


def delete(incoming: Incoming, numbers: Sequence[int]) -> None:
    """Delete messages of the person, each by a delivery that names it (`was_deleted`)."""
    place = Place(incoming.bot_id, incoming.chat_id)
    for number in numbers:
        params = {"chat_id": incoming.chat_id, "message_id": number}
        outgoing.call(gone_key(incoming, number), place, "deleteMessage", params)


GONE = "avitogone"


def gone_key(incoming: Incoming, number: int) -> str:
    return f"{GONE}:{incoming.bot_id}:{incoming.chat_id}:{number}"


def was_deleted(incoming: Incoming, number: int) -> bool:
    """Whether that message held keys, and is being deleted."""
    return Delivery.objects.filter(key=gone_key(incoming, number)).exists()


def take_away(incoming: Incoming, key: str) -> None:
    """Delete the bot's message of the delivery ``key``: what it asked is answered."""
    row = Delivery.objects.filter(key=key, message_id__isnull=False).first()
    if row is None or row.finished_at is None or row.finished_at < datetime.now(UTC) - DELETABLE:
        return
    params = {"chat_id": incoming.chat_id, "message_id": row.message_id}
    outgoing.call(f"avitoasked:{row.pk}", Place(incoming.bot_id, incoming.chat_id), "deleteMessage", params)


def empty(incoming: Incoming) -> None:
    """Leave nothing of what the person wrote in the inbox."""
    inbox.erase(Update.objects.filter(pk__in=incoming.ids))
