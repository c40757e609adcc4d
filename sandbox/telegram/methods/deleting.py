"""Taking messages away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..chats import Chat, Message
from ..errors import bad
from .common import Params, find_chat, message_numbers, require_present

if TYPE_CHECKING:
    from ..world import World

DELETABLE_SECONDS = 48 * 3600
AT_ONCE = 100


def may_delete(world: World, chat: Chat, message: Message) -> bool:
    """Within 48 hours own messages and all of a private chat; with the right to delete anything."""
    bot = world.bot["id"]
    if chat.type != "private" and chat.right(bot, "can_delete_messages"):
        return True
    if message["date"] < world.now() - DELETABLE_SECONDS:
        return False
    own = message.get("from", {}).get("id") == bot or message["message_id"] in chat.posts
    return own or chat.type == "private"


def delete_message(world: World, params: Params) -> bool:
    """One message; ApiError when it is gone or not ours to delete."""
    chat = find_chat(world, params["chat_id"])
    require_present(world, chat)
    message = chat.messages.get(params["message_id"])
    if message is None:
        raise bad("message to delete not found")
    if not may_delete(world, chat, message):
        raise bad("message can't be deleted for everyone")
    world.remove(chat, [params["message_id"]])
    return True


def delete_messages(world: World, params: Params) -> bool:
    """Up to 100 messages; those that are gone already are skipped."""
    chat = find_chat(world, params["chat_id"])
    require_present(world, chat)
    numbers = message_numbers(params, AT_ONCE)
    found = [chat.messages[number] for number in numbers if number in chat.messages]
    if not all(may_delete(world, chat, message) for message in found):
        raise bad("message can't be deleted for everyone")
    world.remove(chat, [message["message_id"] for message in found])
    return True


DELETING = {"deleteMessage": delete_message, "deleteMessages": delete_messages}
