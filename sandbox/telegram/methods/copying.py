"""Forwarding and copying messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..chats import Chat, Message
from ..errors import ApiError, bad
from ..files import KINDS
from .common import (
    Params,
    bot_message,
    caption_fields,
    find_chat,
    message_numbers,
    origin_of,
    require_present,
    writable,
)

if TYPE_CHECKING:
    from ..world import World

CONTENT = (
    "text",
    "entities",
    "link_preview_options",
    "rich_message",
    *KINDS,
    "caption",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
    "poll",
)
AT_ONCE = 100


def source(world: World, params: Params, message_id: int, verb: str) -> Message:
    """The message to forward or copy, if the bot can see it."""
    chat = find_chat(world, params["from_chat_id"])
    require_present(world, chat)
    message = chat.messages.get(message_id)
    if message is None:
        raise bad(f"message to {verb} not found")
    done = {"copy": "copied", "forward": "forwarded"}[verb]
    if message.get("has_protected_content") or not any(name in message for name in CONTENT):
        raise bad(f"message can't be {done}")
    return message


def content_of(message: Message) -> dict[str, Any]:
    """What a message says, without who said it where."""
    return {name: message[name] for name in CONTENT if name in message}


def forward(world: World, chat: Chat, params: Params, message_id: int) -> Message:
    """One message with a note of where it comes from."""
    original = source(world, params, message_id, "forward")
    return bot_message(world, chat, params, {"forward_origin": origin_of(original), **content_of(original)})


def copy(world: World, chat: Chat, params: Params, message_id: int) -> dict[str, int]:
    """One message as the bot's own; a caption may be replaced."""
    content = content_of(source(world, params, message_id, "copy"))
    if params.get("remove_caption") or "caption" in params:
        content = {name: value for name, value in content.items() if "caption" not in name}
        if "text" not in content:
            content |= caption_fields(params)
    return {"message_id": bot_message(world, chat, params, content)["message_id"]}


def forward_message(world: World, params: Params) -> Message:
    """Forward one message."""
    return forward(world, writable(world, params), params, params["message_id"])


def copy_message(world: World, params: Params) -> dict[str, int]:
    """Copy one message."""
    return copy(world, writable(world, params), params, params["message_id"])


def ordered(params: Params) -> list[int]:
    """1 to 100 message numbers in rising order."""
    numbers = message_numbers(params, AT_ONCE)
    if numbers != sorted(set(numbers)):
        raise bad("message identifiers must be in a strictly increasing order")
    return numbers


def several(verb: str, one: Callable[[World, Chat, Params, int], Message]) -> Callable[[World, Params], list[Message]]:
    """The method that does ``one`` to several messages; those that cannot come over are skipped."""

    def bring(world: World, params: Params) -> list[Message]:
        chat, done = writable(world, params), []
        for number in ordered(params):
            with suppress(ApiError):
                done.append({"message_id": one(world, chat, params, number)["message_id"]})
        if not done:
            raise bad(f"messages to {verb} not found")
        return done

    return bring


COPYING = {
    "forwardMessage": forward_message,
    "copyMessage": copy_message,
    "forwardMessages": several("forward", forward),
    "copyMessages": several("copy", copy),
}
