"""How anything is said: text becomes entities and parts, buttons become rows, and all of it a Delivery.

``say`` belongs into the transaction that saves why it is said. The key makes saying it twice impossible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from core.rows import new
from delivery import services as delivery
from delivery.models import Delivery
from delivery.outbox import lane_of
from telegram_bot.markdown import Part, parts
from telegram_bot.models import Button, button_key

BUTTON_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class Key:
    """One button: an action of ours with its data, a ready callback string, or an address."""

    label: str
    action: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    callback: str = ""
    url: str = ""


Keyboard = Sequence[Sequence[Key]]


@dataclass(frozen=True)
class Place:
    """Where to say something: bot, chat, topic; ``reply_to`` and ``edit`` are message ids there."""

    bot_id: int
    chat_id: int
    thread: int = 0
    reply_to: int | None = None
    edit: int | None = None
    # A person's id: nobody else in the group sees it, and it does not stay.
    only_for: int | None = None


def bot_id() -> int:
    """The bot's own id: the part of its token before the colon."""
    return int(settings.BOT_TOKEN.partition(":")[0] or 0)


def say(
    key: str,
    place: Place,
    text: str | Sequence[Part],
    keyboard: Keyboard = (),
    *,
    owner: User | None = None,
    source: str = "telegram_bot",
    edit_of: str = "",
) -> None:
    """Enqueue ``text`` (Markdown, or parts that are ready) for ``place``; the keyboard goes under the last part.

    ``owner``: the only person who may press. ``edit_of``: the key of an earlier delivery whose message this replaces.
    Keys of parts are ``<key>:0``, ``<key>:1`` …
    """
    pieces = parts(text) if isinstance(text, str) else list(text)
    buttons: list[Button] = []
    rows = []
    for number, piece in enumerate(pieces):
        params = _params(piece, place, first=number == 0)
        if keyboard and number == len(pieces) - 1:
            params["reply_markup"] = markup(keyboard, buttons, owner, place.chat_id)
        content = _content(params, place, edit_of, first=number == 0)
        rows.append(message(f"{key}:{number}", place, content, source))
    if buttons:
        Button.objects.bulk_create(buttons)
    delivery.enqueue(rows)


def message(key: str, place: Place, content: dict[str, Any], source: str) -> Delivery:
    """An unsaved Delivery to a Telegram chat."""
    return new(
        Delivery,
        key=key,
        bot_id=place.bot_id,
        chat_id=place.chat_id,
        lane=lane_of(place.bot_id, place.chat_id),
        source=source,
        content=content,
        created_at=timezone.now(),
    )


def photo(key: str, place: Place, file: int, source: str) -> None:
    """Enqueue a stored file (its key) as a picture."""
    params = {"chat_id": place.chat_id} | ({"message_thread_id": place.thread} if place.thread else {})
    content = {"method": "sendPhoto", "params": params, "upload": {"field": "photo", "file": file}}
    delivery.enqueue([message(key, place, content, source)])


def call(key: str, place: Place, method: str, params: dict[str, Any]) -> None:
    """Enqueue any Bot API call that must not be lost (a command menu, a pin)."""
    delivery.enqueue([message(key, place, {"method": method, "params": params}, "telegram_bot")])


def _content(params: dict[str, Any], place: Place, edit_of: str, *, first: bool) -> dict[str, Any]:
    if first and place.edit is not None:
        return {"method": "editMessageText", "params": {**params, "message_id": place.edit}}
    if first and edit_of:
        return {"method": "editMessageText", "params": params, "edit_of": edit_of}
    return {"method": "sendMessage", "params": params}


def _params(piece: Part, place: Place, *, first: bool) -> dict[str, Any]:
    params: dict[str, Any] = {
        "chat_id": place.chat_id,
        "text": piece.text,
        "link_preview_options": {"is_disabled": True},
    }
    if piece.entities:
        params["entities"] = piece.entities
    if place.only_for is not None:
        params["ephemeral_message_parameters"] = {"receiver_user_id": place.only_for}
    if place.thread:
        params["message_thread_id"] = place.thread
    if first and place.reply_to is not None:
        params["reply_parameters"] = {"message_id": place.reply_to, "allow_sending_without_reply": True}
    return params


def markup(keyboard: Keyboard, buttons: list[Button], owner: User | None, chat_id: int) -> dict[str, Any]:
    """``keyboard`` as Telegram takes it; rows of Button for its actions are added to ``buttons``."""
    expires = timezone.now() + BUTTON_LIFE
    return {
        "inline_keyboard": [[_button(key, buttons, owner, chat_id, expires) for key in row] for row in keyboard if row]
    }


def _button(key: Key, buttons: list[Button], owner: User | None, chat_id: int, expires: datetime) -> dict[str, str]:
    if key.url:
        return {"text": key.label, "url": key.url}
    if key.callback:
        return {"text": key.label, "callback_data": key.callback}
    button = Button(
        key=button_key(), action=key.action, data=dict(key.data), owner=owner, chat_id=chat_id, expires_at=expires
    )
    buttons.append(button)
    return {"text": key.label, "callback_data": f"b:{button.key}"}
