"""What people do with what stands in a channel or a group: forward it, pin it; and the copy in its discussion group.

Each function is also a method of World.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import hearing, talking
from .chats import Chat, Message
from .errors import ControlError

if TYPE_CHECKING:
    from .world import World

# Telegram's own account, whose name automatic forwards bear.
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
CONTENT = (
    "text", "entities", "caption", "caption_entities", "photo", "video", "animation", "document", "audio", "poll",
    "media_group_id", "link_preview_options", "has_media_spoiler", "show_caption_above_media",
)  # fmt: skip


def content_of(message: Message) -> dict[str, Any]:
    """What a copy of a message says."""
    return {name: message[name] for name in CONTENT if name in message}


def origin_of(message: Message) -> dict[str, Any]:
    """The MessageOrigin of a post of a channel."""
    where = {"chat": message["sender_chat"], "message_id": message["message_id"]}
    return {"type": "channel", "date": message["date"], **where}


def link(world: World, channel_id: int, group_id: int | None) -> Chat:
    """A channel gets a discussion group: what is posted there is copied into it from now on. None: no longer."""
    channel = world.chat(channel_id)
    if channel.type != "channel":
        raise ControlError(f"chat {channel_id} is no channel")
    if group_id is not None and world.chat(group_id).type != "supergroup":
        raise ControlError(f"chat {group_id} is no supergroup")
    channel.linked = group_id
    return channel


def discuss(world: World, channel: Chat, message: Message) -> None:
    """The copy that Telegram leaves in the discussion group by itself."""
    group = world.chats.get(channel.linked or 0)
    if group is None or "sender_chat" not in message or not content_of(message):
        return
    copy: Message = {"message_id": world.next_message_id(group), "from": TELEGRAM, "sender_chat": channel.short()}
    copy |= {"chat": group.short(), "date": world.now(), "is_automatic_forward": True}
    copy |= {"forward_origin": origin_of(message), **content_of(message)}
    world.publish(group, copy)
    hearing.tell_message(world, group, "message", copy)


def forward(
    world: World, user_id: int, from_chat_id: int, message_id: int, chat_id: int | None = None
) -> tuple[Message, int | None]:
    """A person forwards a post of a channel, to the bot unless ``chat_id`` says where; the message and its update."""
    source, chat = world.chat(from_chat_id), world.chat(user_id if chat_id is None else chat_id)
    found = source.messages.get(message_id)
    if found is None or source.type != "channel":
        raise ControlError(f"there is no post {message_id} in a channel {from_chat_id}")
    if found.get("has_protected_content"):
        raise ControlError("the post is protected from forwarding")
    message = talking.compose(world, chat, user_id, None, None)
    message |= {"forward_origin": origin_of(found), **content_of(found)}
    world.publish(chat, message)
    return message, hearing.tell_message(world, chat, "message", message)


def pin(world: World, user_id: int, message_id: int, chat_id: int) -> int | None:
    """A person pins a message, which everybody sees a note of; the id of the update."""
    chat = world.chat(chat_id)
    if message_id not in chat.messages:
        raise ControlError(f"there is no message {message_id} in chat {chat_id}")
    note = talking.compose(world, chat, user_id, None, None)
    note["pinned_message"] = talking.flat(chat.messages[message_id])
    chat.pinned = [*(number for number in chat.pinned if number != message_id), message_id]
    world.publish(chat, note)
    pinned = {"chat_id": chat.id, "message_id": message_id, "is_pinned": True, "pinned": list(chat.pinned)}
    world.feed.emit("pin", chat.id, pinned)
    if chat.type == "channel":
        return hearing.tell_message(world, chat, "channel_post", note)
    return hearing.tell_service(world, chat, note)
