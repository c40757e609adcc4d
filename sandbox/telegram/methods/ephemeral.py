"""Changing and taking away what only one person of a group sees. Media and captions of such messages are not played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..chats import Chat, Message
from ..errors import bad
from ..keyboards import inline_keyboard
from .common import Params, find_chat, require_present, text_fields

if TYPE_CHECKING:
    from ..world import World


def found(world: World, params: Params) -> tuple[Chat, Message]:
    """The message that this person sees, or ApiError."""
    chat = find_chat(world, params["chat_id"])
    require_present(world, chat)
    message = chat.ephemeral.get(params["ephemeral_message_id"])
    if message is None or message["receiver_user"]["id"] != params["receiver_user_id"]:
        raise bad("message to edit not found")
    return chat, message


def edit_text(world: World, params: Params) -> bool:
    """New words in place of the old ones; without `reply_markup` the keyboard goes away."""
    chat, message = found(world, params)
    kept = {name: value for name, value in message.items() if name not in ("text", "entities", "reply_markup")}
    return changed(world, chat, params, {**kept, **text_fields(params)})


def edit_markup(world: World, params: Params) -> bool:
    """Another keyboard, or none."""
    chat, message = found(world, params)
    return changed(world, chat, params, {name: value for name, value in message.items() if name != "reply_markup"})


def changed(world: World, chat: Chat, params: Params, message: Message) -> bool:
    """Show the person the new version."""
    if params.get("reply_markup"):
        message["reply_markup"] = inline_keyboard(params["reply_markup"])
    chat.ephemeral[message["ephemeral_message_id"]] = message
    world.feed.emit("ephemeral", chat.id, {"chat_id": chat.id, "message": message})
    return True


def delete(world: World, params: Params) -> bool:
    """Take it away."""
    chat, message = found(world, params)
    del chat.ephemeral[message["ephemeral_message_id"]]
    shown = {"chat_id": chat.id, "ephemeral_message_id": message["ephemeral_message_id"]}
    world.feed.emit("ephemeral_end", chat.id, shown)
    return True


EPHEMERAL = {
    "editEphemeralMessageText": edit_text,
    "editEphemeralMessageReplyMarkup": edit_markup,
    "deleteEphemeralMessage": delete,
}
