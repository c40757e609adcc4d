"""What people say: texts, files, pastes, edits, presses. Each function is also a method of World.

They return what the chat sees. What the bot hears of it is decided in `hearing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import hearing
from .chats import Chat, Message, Topic
from .errors import ControlError
from .files import CAPTIONED, KINDS, StoredFile, Upload, media_object
from .text import check_entities, detect, pieces

if TYPE_CHECKING:
    from .world import World

WORDS = ("text", "entities", "caption", "caption_entities")


@dataclass(slots=True)
class Press:
    """A press of a button; the bot may answer it once."""

    id: str
    user_id: int
    chat_id: int
    at: float
    answered: bool = False


@dataclass(slots=True)
class Said:
    """A message of a person and the update the bot got for it, if any."""

    message: Message
    update_id: int | None


def say(
    world: World,
    user_id: int,
    text: str = "",
    chat_id: int | None = None,
    *,
    entities: list[dict[str, Any]] | None = None,
    reply_to: int | None = None,
    thread_id: int | None = None,
    file: tuple[str, Upload] | None = None,
    file_size: int | None = None,
    media_group_id: str | None = None,
    forward_from: int | str | None = None,
) -> Said:
    """A person writes, in private unless `chat_id`; `text` is the caption of a `file` (kind, upload)."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    message = compose(world, chat, user_id, reply_to, thread_id)
    message |= content_of(world, text, entities, file, file_size)
    if media_group_id:
        message["media_group_id"] = media_group_id
    if forward_from is not None:
        message["forward_origin"] = origin(world, forward_from)
    world.publish(chat, message)
    if world.user(user_id)["is_bot"]:
        chat.last_bot = user_id
    kind = "channel_post" if chat.type == "channel" else "message"
    return Said(message, hearing.tell_message(world, chat, kind, message))


def compose(world: World, chat: Chat, user_id: int, reply_to: int | None, thread_id: int | None) -> Message:
    """The envelope of a person's message; ControlError when they cannot write there."""
    user = world.user(user_id)
    if chat.migrated_to is not None:
        raise ControlError(f"chat {chat.id} was upgraded to {chat.migrated_to}")
    if not chat.has(user_id):
        raise ControlError(f"user {user_id} is not in chat {chat.id}")
    if chat.type == "channel" and not chat.leads(user_id):
        raise ControlError(f"user {user_id} does not administrate channel {chat.id}")
    if chat.blocked:
        raise ControlError(f"user {user_id} blocked the bot; unblock first")
    message: Message = {"message_id": world.next_message_id(chat)}
    if chat.type == "channel":
        message["sender_chat"] = chat.short()
    else:
        message["from"] = user
    message |= {"chat": chat.short(), "date": world.now()}
    if thread_id is not None:
        message |= in_thread(world, chat, thread_id)
    if reply_to is not None:
        if reply_to not in chat.messages:
            raise ControlError(f"there is no message {reply_to} in chat {chat.id}")
        message["reply_to_message"] = flat(chat.messages[reply_to])
    return message


def in_thread(world: World, chat: Chat, thread_id: int) -> dict[str, Any]:
    """Thread fields of a message; writing into a new thread of a private chat opens a topic."""
    if chat.type == "private" and world.bot["has_topics_enabled"] and thread_id not in chat.topics:
        chat.topics[thread_id] = Topic(thread_id, f"#{thread_id}")
    if thread_id in chat.topics:
        return {"message_thread_id": thread_id, "is_topic_message": True}
    if chat.type == "supergroup" and not chat.is_forum:
        return {"message_thread_id": thread_id}
    raise ControlError(f"there is no topic {thread_id} in chat {chat.id}")


def flat(message: Message) -> Message:
    """A message inside another one: without the message it replies to itself."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}


def origin(world: World, forward_from: int | str) -> dict[str, Any]:
    """Where a forwarded message comes from: a known person, a group, a channel, or a name that hides the account."""
    date = world.now()
    if isinstance(forward_from, str):
        return {"type": "hidden_user", "date": date, "sender_user_name": forward_from}
    if forward_from > 0:
        return {"type": "user", "date": date, "sender_user": world.user(forward_from)}
    chat = world.chat(forward_from)
    if chat.type == "channel":
        return {"type": "channel", "date": date, "chat": chat.short(), "message_id": 1}
    return {"type": "chat", "date": date, "sender_chat": chat.short()}


def content_of(
    world: World,
    text: str,
    entities: list[dict[str, Any]] | None,
    file: tuple[str, Upload] | None,
    file_size: int | None,
) -> dict[str, Any]:
    """Text with entities, or a file with its caption."""
    found = detect(text) if entities is None else checked(text, entities)
    if text and file is not None and file[0] not in CAPTIONED:
        raise ControlError(f"a {file[0]} has no caption")
    words = worded(text, found, is_file=file is not None)
    return words if file is None else {file[0]: media_object(stored_by_person(world, *file, file_size)), **words}


def worded(text: str, entities: list[dict[str, Any]], *, is_file: bool) -> dict[str, Any]:
    """The words of a message, or under a file, as its fields; ControlError for a message without a word."""
    if not text and not is_file:
        raise ControlError("a message needs a text or a file")
    named = zip(WORDS[2:] if is_file else WORDS[:2], (text, entities), strict=True)
    return {name: value for name, value in named if value}


def checked(text: str, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entities a client sends along: must fit the text, kinds that clients find themselves are kept."""
    check_entities(text, entities)
    return entities


def stored_by_person(world: World, kind: str, upload: Upload, size: int | None) -> StoredFile:
    """Keep a file that a person sends."""
    if kind not in KINDS:
        raise ControlError(f"there is no kind of file {kind}")
    return world.files.store(kind, upload, size)


def paste(world: World, user_id: int, text: str, chat_id: int | None = None) -> list[Said]:
    """A long text, cut as clients do into messages of up to 4096 UTF-16 units."""
    return [say(world, user_id, part, chat_id) for part in pieces(text)]


def album(
    world: World,
    user_id: int,
    files: list[tuple[str, Upload]],
    caption: str = "",
    chat_id: int | None = None,
    **how: Any,
) -> list[Said]:
    """Several files at once: messages with one media_group_id, the caption on the first; `how` as for `say`."""
    group = world.number()
    texts = [caption, *[""] * (len(files) - 1)]
    return [
        say(world, user_id, text, chat_id, file=file, media_group_id=group, **how)
        for text, file in zip(texts, files, strict=True)
    ]


def edit(world: World, user_id: int, message_id: int, text: str, chat_id: int | None = None) -> Said:
    """A person changes the text of an own message, or the caption of an own file ("" takes it away)."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    old = chat.messages.get(message_id, {})
    is_file = any(kind in old for kind in CAPTIONED)
    if old.get("from", {}).get("id", user_id) != user_id or not (is_file or "text" in old):
        raise ControlError(f"user {user_id} has no message {message_id} in chat {chat.id} that can be edited")
    new = {name: value for name, value in old.items() if name not in WORDS}
    new |= worded(text, detect(text), is_file=is_file) | {"edit_date": world.now()}
    world.replace(chat, new)
    kind = "edited_channel_post" if chat.type == "channel" else "edited_message"
    return Said(new, hearing.tell_message(world, chat, kind, new))


def press(
    world: World, user_id: int, message_id: int, data: str, chat_id: int | None = None, ephemeral_id: int | None = None
) -> Press:
    """A person presses the inline button with this callback_data. ``ephemeral_id``: under what only they see."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    user = world.user(user_id)
    message = chat.messages.get(message_id) if ephemeral_id is None else chat.ephemeral.get(ephemeral_id)
    if message is None or message.get("receiver_user", user)["id"] != user_id:
        raise ControlError(f"there is no message {ephemeral_id or message_id} in chat {chat.id}")
    if not chat.has(user_id):
        raise ControlError(f"user {user_id} is not in chat {chat.id}")
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    if not any(button.get("callback_data") == data for row in rows for button in row):
        raise ControlError(f"message {message_id} has no button with the data {data!r}")
    pressed = Press(world.number(), user_id, chat.id, world.clock())
    world.callbacks[pressed.id] = pressed
    query = {"id": pressed.id, "from": user, "message": message, "chat_instance": str(chat.id), "data": data}
    world.updates.push("callback_query", query)
    return pressed


def stop_draft(world: World, user_id: int, draft_id: int, chat_id: int | None = None) -> int | None:
    """A person presses Stop on a preview; the id of the update."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    draft = next((draft for draft in chat.drafts.values() if draft.draft_id == draft_id), None)
    if draft is None:
        raise ControlError(f"there is no draft {draft_id} in chat {chat.id}")
    if not draft.can_stop:
        raise ControlError(f"draft {draft_id} has no Stop button")
    chat.stopped_drafts.add(draft_id)
    if not draft.keep_on_stop:
        world.end_draft(chat, draft.thread_id)
    stopped: dict[str, Any] = {"chat": chat.short(), "draft_id": draft_id}
    if draft.thread_id is not None:
        stopped["message_thread_id"] = draft.thread_id
    return world.updates.push("stopped_message_generation", stopped)
