"""Forum topics, and topics in private chats of bots that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..chats import Chat, Message, Topic
from ..errors import bad
from .common import Params, find_chat, require_right

if TYPE_CHECKING:
    from ..world import World

MAX_NAME = 128
COLORS = {0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F}


def forum(world: World, params: Params) -> Chat:
    """The chat, if it has topics and the bot may manage them."""
    chat = find_chat(world, params["chat_id"])
    require_right(world, chat, "can_manage_topics", "manage topics")
    if not (chat.is_forum or (chat.type == "private" and world.bot["has_topics_enabled"])):
        raise bad("the chat is not a forum")
    return chat


def topic_of(chat: Chat, params: Params) -> Topic:
    """The topic, or ApiError."""
    topic = chat.topics.get(params["message_thread_id"])
    if topic is None:
        raise bad("TOPIC_ID_INVALID")
    return topic


def named(name: str) -> str:
    """A name of 1 to 128 characters."""
    if not 1 <= len(name.strip()) <= MAX_NAME:
        raise bad("topic name is too long" if name.strip() else "topic name must be non-empty")
    return name.strip()


def note(world: World, chat: Chat, thread_id: int, what: dict[str, Any], message_id: int | None = None) -> None:
    """A service message of the bot in a topic."""
    message: Message = {
        "message_id": message_id or world.next_message_id(chat),
        "message_thread_id": thread_id,
        "is_topic_message": True,
        "from": world.sender,
        "chat": chat.short(),
        "date": world.now(),
        **what,
    }
    world.publish(chat, message)
    world.chat_changed(chat)


def create_forum_topic(world: World, params: Params) -> dict[str, Any]:
    """A new topic; its number is that of the message which opens it."""
    chat, name = forum(world, params), named(params["name"])
    color = params.get("icon_color") or 0x6FB9F0
    if color not in COLORS:
        raise bad("TOPIC_ICON_COLOR_INVALID")
    thread_id = world.next_message_id(chat)
    topic = chat.topics[thread_id] = Topic(thread_id, name, color, params.get("icon_custom_emoji_id"))
    view: dict[str, Any] = {"name": name, "icon_color": topic.icon_color}
    if topic.icon_custom_emoji_id:
        view["icon_custom_emoji_id"] = topic.icon_custom_emoji_id
    note(world, chat, thread_id, {"forum_topic_created": view}, thread_id)
    return {"message_thread_id": thread_id, **view}


def edit_forum_topic(world: World, params: Params) -> bool:
    """Another name for a topic."""
    chat = forum(world, params)
    topic = topic_of(chat, params)
    if params.get("name") in (None, "", topic.name):
        raise bad("TOPIC_NOT_MODIFIED")
    topic.name = named(params["name"])
    note(world, chat, topic.thread_id, {"forum_topic_edited": {"name": topic.name}})
    return True


def set_closed(world: World, params: Params, closed: bool) -> bool:
    """Close or reopen a topic; ApiError when it is so already."""
    chat = forum(world, params)
    topic = topic_of(chat, params)
    if topic.closed == closed:
        raise bad("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    note(world, chat, topic.thread_id, {"forum_topic_closed" if closed else "forum_topic_reopened": {}})
    return True


def close_forum_topic(world: World, params: Params) -> bool:
    """Nobody may write in the topic any more."""
    return set_closed(world, params, True)


def reopen_forum_topic(world: World, params: Params) -> bool:
    """The topic is open again."""
    return set_closed(world, params, False)


def delete_forum_topic(world: World, params: Params) -> bool:
    """The topic goes away with its messages."""
    chat = forum(world, params)
    topic = topic_of(chat, params)
    del chat.topics[topic.thread_id]
    gone = [n for n, m in chat.messages.items() if m.get("message_thread_id") == topic.thread_id]
    world.remove(chat, gone)
    world.chat_changed(chat)
    return True


TOPICS = {
    "createForumTopic": create_forum_topic,
    "editForumTopic": edit_forum_topic,
    "closeForumTopic": close_forum_topic,
    "reopenForumTopic": reopen_forum_topic,
    "deleteForumTopic": delete_forum_topic,
}
