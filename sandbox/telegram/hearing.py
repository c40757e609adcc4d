"""What the bot gets to hear: privacy mode and membership.

In groups, a bot in privacy mode hears commands meant for it, replies to its messages and service messages.
A plain mention is not enough. Administrators, and bots that came in with the mode off, hear everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .chats import Chat, Message
from .text import cut

if TYPE_CHECKING:
    from .world import World


def tell_message(world: World, chat: Chat, kind: str, message: Message) -> int | None:
    """Queue a message for the bot if it may hear it; the update's id or None."""
    bot = world.bot["id"]
    if chat.type == "private":
        return None if chat.blocked else world.updates.push(kind, message)
    if chat.type == "channel":
        return world.updates.push(kind, message) if chat.leads(bot) else None
    if chat.has(bot) and hears(world, chat, message):
        return world.updates.push(kind, message)
    return None


def tell_service(world: World, chat: Chat, message: Message) -> int | None:
    """Queue a service message: the bot must be in the chat, or be the one who left."""
    left = message.get("left_chat_member", {}).get("id") == world.bot["id"]
    return world.updates.push("message", message) if chat.has(world.bot["id"]) or left else None


def tell_member(world: World, chat: Chat, changed: dict[str, Any], *, is_bot: bool) -> int | None:
    """Queue a change of membership: its own always, that of others only for an administrator."""
    if is_bot:
        return world.updates.push("my_chat_member", changed)
    return world.updates.push("chat_member", changed) if chat.leads(world.bot["id"]) else None


def hears(world: World, chat: Chat, message: Message) -> bool:
    """Privacy mode lets this group message through."""
    if chat.leads(world.bot["id"]) or chat.bot_reads_all:
        return True
    replied = message.get("reply_to_message", {})
    if replied.get("from", {}).get("id") == world.bot["id"]:
        return True
    return any(for_bot(world, chat, command) for command in commands(message))


def commands(message: Message) -> list[str]:
    """The commands in a text or caption."""
    text = message.get("text") or message.get("caption") or ""
    entities = message.get("entities") or message.get("caption_entities") or []
    return [cut(text, e["offset"], e["length"]) for e in entities if e["type"] == "bot_command"]


def for_bot(world: World, chat: Chat, command: str) -> bool:
    """`/x@us`, or `/x` when we were the last bot to speak here."""
    _, _, name = command.partition("@")
    if name:
        return bool(name.lower() == world.bot["username"].lower())
    return bool(chat.last_bot == world.bot["id"])
