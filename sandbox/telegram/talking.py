"""What people say: texts, files, pastes, edits, presses. Each function is also a method of World.

They return what the chat sees. What the bot hears of it is decided in `hearing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import hearing
from .chats import Chat, Message, Topic
from .errors import ControlError
from .files import StoredFile, Upload, media_object
from .text import check_entities, detect, pieces

if TYPE_CHECKING:
    from .world import World


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
    """Where a forwarded message comes from: a known person, or a name that hides the account."""
    if isinstance(forward_from, int):
        return {"type": "user", "date": world.now(), "sender_user": world.user(forward_from)}
    return {"type": "hidden_user", "date": world.now(), "sender_user_name": forward_from}


def content_of(
    world: World,
    text: str,
    entities: list[dict[str, Any]] | None,
    file: tuple[str, Upload] | None,
    file_size: int | None,
) -> dict[str, Any]:
    """Text with entities, or a file with its caption."""
    found = detect(text) if entities is None else checked(text, entities)
    name = "text" if file is None else "caption"
    fields: dict[str, Any] = {}
    if file is not None:
        fields[file[0]] = media_object(stored_by_person(world, *file, file_size))
    elif not text:
        raise ControlError("a message needs a text or a file")
    if text:
        fields[name] = text
    if found:
        fields["entities" if file is None else "caption_entities"] = found
    return fields


def checked(text: str, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entities a client sends along: must fit the text, kinds that clients find themselves are kept."""
    check_entities(text, entities)
    return entities


def stored_by_person(world: World, kind: str, upload: Upload, size: int | None) -> StoredFile:
    """Keep a file that a person sends."""
    if kind not in {"photo", "document", "voice", "audio", "video", "animation"}:
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
) -> list[Said]:
    """Several files at once: messages with one media_group_id, the caption on the first."""
    group = world.number()
    texts = [caption, *[""] * (len(files) - 1)]
    return [
        say(world, user_id, text, chat_id, file=file, media_group_id=group)
        for text, file in zip(texts, files, strict=True)
    ]


def edit(world: World, user_id: int, message_id: int, text: str, chat_id: int | None = None) -> Said:
    """A person changes the text of an own message."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    old = chat.messages.get(message_id)
    if old is None or old.get("from", {}).get("id", user_id) != user_id or "text" not in old:
        raise ControlError(f"user {user_id} has no text message {message_id} in chat {chat.id}")
    new = {name: value for name, value in old.items() if name != "entities"}
    new |= {"text": text, "edit_date": world.now()}
    found = detect(text)
    if found:
        new["entities"] = found
    world.replace(chat, new)
    kind = "edited_channel_post" if chat.type == "channel" else "edited_message"
    return Said(new, hearing.tell_message(world, chat, kind, new))


def press(world: World, user_id: int, message_id: int, data: str, chat_id: int | None = None) -> Press:
    """A person presses the inline button with this callback_data."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    user = world.user(user_id)
    message = chat.messages.get(message_id)
    if message is None:
        raise ControlError(f"there is no message {message_id} in chat {chat.id}")
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
