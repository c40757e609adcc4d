"""Which lane a raw update belongs to, and what kind it is.

All work of one (chat, topic) is serial and in ``update_id`` order. Control updates have a lane of their own, so a Stop
or a button is not held up by the answer that is running.
"""

import re
from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]

# Update fields that hold a message.
MESSAGES = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_message", "edited_business_message",
    "guest_message",
)  # fmt: skip

# Named in full at every getUpdates and setWebhook: the server remembers the list, and some kinds only come when named.
ALLOWED_UPDATES = [
    "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member",
    "chat_member", "message_reaction", "message_reaction_count", "poll", "poll_answer", "stopped_message_generation",
]  # fmt: skip

CONTROL_COMMAND = re.compile(r"/(stop|cancel)(@\w+)?(\s|$)", re.IGNORECASE)


def kind_of(raw: Raw) -> str:
    """The update's kind, the one field beside update_id; empty when there is none."""
    for key in raw:  # asked two dozen times a message
        if key != "update_id":
            return key
    return ""


def body_of(raw: Raw) -> Raw:
    body = raw.get(kind_of(raw))
    return body if isinstance(body, Mapping) else {}


def place_of(raw: Raw) -> Raw:
    """What names the chat and the topic: the update's body, or the message under the pressed button."""
    body = body_of(raw)
    place = body.get("message") if kind_of(raw) == "callback_query" else body
    return place if isinstance(place, Mapping) else {}


def chat_of(raw: Raw) -> Raw:
    """The chat object an update is about; empty where it is about none."""
    chat = place_of(raw).get("chat")
    return chat if isinstance(chat, Mapping) else {}


def chat_id_of(raw: Raw) -> int | None:
    chat_id = chat_of(raw).get("id")
    return chat_id if isinstance(chat_id, int) else None


def thread_of(raw: Raw) -> int:
    """The topic: only messages of forum groups and of private chats with topics name a real one (replies have a thread
    that is none); a stopped draft names the thread we gave it."""
    place = place_of(raw)
    thread = place.get("message_thread_id")
    real = place.get("is_topic_message") or kind_of(raw) == "stopped_message_generation"
    return thread if real and isinstance(thread, int) else 0


def is_control(raw: Raw) -> bool:
    kind = kind_of(raw)
    if kind == "message":
        return bool(CONTROL_COMMAND.match(str(body_of(raw).get("text") or "")))
    return kind not in MESSAGES


def lane_of(bot_id: int, raw: Raw) -> str:
    chat_id = chat_id_of(raw)
    place = "control" if is_control(raw) else thread_of(raw)
    return f"in:{bot_id}:{chat_id if chat_id is not None else 'none'}:{place}"


def migration_of(raw: Raw) -> tuple[int, int] | None:
    """(old, new) chat ids when the update says that a group became a supergroup; both chats report it."""
    body, chat_id = body_of(raw), chat_id_of(raw)
    old = body.get("migrate_from_chat_id", chat_id)
    new = body.get("migrate_to_chat_id", chat_id)
    return (old, new) if isinstance(old, int) and isinstance(new, int) and old != new else None
