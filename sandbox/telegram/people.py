"""What people do in the world: write, press, join, leave, block. Each function is also a method of World.

They return Bot API objects as the chat sees them. What the bot hears of it is decided in `hearing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import hearing
from .chats import PERMISSIONS, PRESENT, Chat, Message, Topic, User, member_record
from .errors import ControlError
from .files import StoredFile, Upload, media_object
from .text import check_entities, detect, pieces

if TYPE_CHECKING:
    from .world import World

STATUSES = {"creator", "administrator", "member", "restricted", "left", "kicked"}


@dataclass(slots=True)
class Press:
    """A press of a button; the bot may answer it once."""

    id: str
    user_id: int
    chat_id: int
    at: float
    answered: bool = False


@dataclass(slots=True)
class PollState:
    """A poll and who voted for what."""

    chat_id: int
    message_id: int
    votes: dict[int, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Said:
    """A message of a person and the update the bot got for it, if any."""

    message: Message
    update_id: int | None


def add_user(  # noqa: PLR0913 (the fields of a person)
    world: World,
    user_id: int,
    first_name: str,
    *,
    last_name: str | None = None,
    username: str | None = None,
    language_code: str | None = None,
    is_bot: bool = False,
    started: bool = True,
) -> User:
    """Create or change a person; with `started` they have a private chat with the bot."""
    named = {"last_name": last_name, "username": username, "language_code": language_code}
    user: User = {"id": user_id, "is_bot": is_bot, "first_name": first_name}
    user |= {name: value for name, value in named.items() if value}
    world.users[user_id] = user
    if started and not is_bot:
        chat = world.chats.get(user_id) or Chat(user_id, "private")
        chat.first_name, chat.last_name, chat.username = first_name, last_name, username
        chat.members = {user_id: "member", world.bot["id"]: "member"}
        world.chats[user_id] = chat
        world.chat_changed(chat)
    return user


def add_chat(
    world: World,
    type: str,  # noqa: A002 (the name of the field)
    title: str,
    *,
    chat_id: int | None = None,
    members: dict[int, str] | None = None,
    is_forum: bool = False,
    username: str | None = None,
) -> Chat:
    """Create a group, supergroup or channel; `members` maps ids (the bot's too) to statuses."""
    if type not in {"group", "supergroup", "channel"}:
        raise ControlError(f"there is no chat type {type}; use group, supergroup or channel")
    number = int(next(world.numbers))
    fresh = -5_000_000_000 - number if type == "group" else -1_002_000_000_000 - number
    chat = Chat(chat_id or fresh, type, title=title, is_forum=is_forum, username=username)
    if chat.id in world.chats:
        raise ControlError(f"there is a chat {chat.id} already")
    for user_id, status in (members or {}).items():
        world.user(user_id)
        chat.members[user_id] = valid_status(status)
    chat.bot_reads_all = bool(world.bot["can_read_all_group_messages"])
    world.chats[chat.id] = chat
    world.chat_changed(chat)
    return chat


def valid_status(status: str) -> str:
    """The status, or ControlError."""
    if status not in STATUSES:
        raise ControlError(f"there is no status {status}; there are {', '.join(sorted(STATUSES))}")
    return status


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
    """A person writes (private chat unless `chat_id`); `text` is the caption when a `file` (kind, upload) is sent."""
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


def member(world: World, chat_id: int, user_id: int, status: str, by: int | None = None) -> list[int | None]:
    """Somebody's status in a chat changes (by `by`, or themselves); the ids of the updates."""
    chat, user = world.chat(chat_id), world.user(user_id)
    valid_status(status)
    actor = world.user(user_id if by is None else by)
    before, was_there = member_record(chat, user), chat.has(user_id)
    if status == before["status"]:
        return []
    is_bot = user_id == world.bot["id"]
    chat.members[user_id] = status
    if is_bot and status in PRESENT and not was_there:
        chat.bot_reads_all = bool(world.bot["can_read_all_group_messages"])
    changed = {
        "chat": chat.short(),
        "from": actor,
        "date": world.now(),
        "old_chat_member": before,
        "new_chat_member": member_record(chat, user),
    }
    told = [hearing.tell_member(world, chat, changed, is_bot=is_bot)]
    if chat.is_group and chat.has(user_id) != was_there:
        told.append(announce_member(world, chat, actor, user, came=not was_there))
    world.chat_changed(chat)
    return told


def announce_member(world: World, chat: Chat, actor: User, user: User, *, came: bool) -> int | None:
    """The service message for somebody who came or went."""
    what = {"new_chat_members": [user]} if came else {"left_chat_member": user}
    return service(world, chat, actor, what)


def service(world: World, chat: Chat, actor: User, what: dict[str, Any]) -> int | None:
    """A service message; bots in the chat get those in any privacy mode. The id of the update."""
    message: Message = {"message_id": world.next_message_id(chat), "from": actor}
    message |= {"chat": chat.short(), "date": world.now(), **what}
    world.publish(chat, message)
    return hearing.tell_service(world, chat, message)


def block(world: World, user_id: int, blocked: bool = True) -> int | None:
    """A person blocks the bot or takes it back; the id of the my_chat_member update."""
    chat = world.chat(user_id)
    if chat.type != "private":
        raise ControlError(f"{user_id} is not a person")
    if chat.blocked == blocked:
        return None
    chat.blocked = blocked
    there: dict[str, Any] = {"user": world.sender, "status": "member"}
    gone: dict[str, Any] = {"user": world.sender, "status": "kicked", "until_date": 0}
    old, new = (there, gone) if blocked else (gone, there)
    changed = {"chat": chat.short(), "from": world.user(user_id), "date": world.now()}
    world.chat_changed(chat)
    return world.updates.push("my_chat_member", {**changed, "old_chat_member": old, "new_chat_member": new})


def migrate(world: World, chat_id: int) -> Chat:
    """A basic group becomes a supergroup with a new id; both sides get a service message."""
    old = world.chat(chat_id)
    if old.type != "group":
        raise ControlError(f"chat {chat_id} is a {old.type}; only a group can be upgraded")
    if old.migrated_to is not None:
        raise ControlError(f"chat {chat_id} was upgraded already")
    new = add_chat(world, "supergroup", old.title or "", members=old.members)
    new.permissions, new.bot_reads_all, new.last_bot = old.permissions, old.bot_reads_all, old.last_bot
    owner = next((user_id for user_id, status in old.members.items() if status == "creator"), None)
    actor = world.user(owner if owner is not None else next(iter(old.members)))
    service(world, old, actor, {"migrate_to_chat_id": new.id})
    service(world, new, actor, {"migrate_from_chat_id": old.id})
    old.migrated_to = new.id
    world.chat_changed(old)
    return new


def poll_message(world: World, chat_id: int, message_id: int) -> tuple[Chat, Message]:
    """The chat and the message of a poll."""
    chat = world.chat(chat_id)
    message = chat.messages.get(message_id)
    if message is None or "poll" not in message:
        raise ControlError(f"message {message_id} in chat {chat_id} is no poll")
    return chat, message


def vote(world: World, user_id: int, message_id: int, options: list[int], chat_id: int | None = None) -> None:
    """A person votes for options by number from 0 (an empty list takes the vote back)."""
    chat, message = poll_message(world, user_id if chat_id is None else chat_id, message_id)
    poll = message["poll"]
    if poll["is_closed"]:
        raise ControlError("the poll is closed")
    if len(options) > 1 and not poll["allows_multiple_answers"]:
        raise ControlError("the poll takes one answer")
    if any(not 0 <= number < len(poll["options"]) for number in options):
        raise ControlError("there is no such option")
    state = world.polls[poll["id"]]
    if user_id in state.votes and not poll["allows_revoting"]:
        raise ControlError("the vote cannot be changed")
    state.votes[user_id] = options
    counted = recount(world, chat, message)
    if not poll["is_anonymous"]:
        ids = [poll["options"][number]["persistent_id"] for number in options]
        answer = {"poll_id": poll["id"], "user": world.user(user_id), "option_ids": options}
        world.updates.push("poll_answer", {**answer, "option_persistent_ids": ids})
    world.updates.push("poll", counted)


def recount(world: World, chat: Chat, message: Message, *, closed: bool = False) -> dict[str, Any]:
    """The poll with its votes counted, put into its message."""
    poll = message["poll"]
    votes = [options for options in world.polls[poll["id"]].votes.values() if options]
    options = [
        {**option, "voter_count": sum(number in chosen for chosen in votes)}
        for number, option in enumerate(poll["options"])
    ]
    counted = {**poll, "options": options, "total_voter_count": len(votes)}
    counted["is_closed"] = poll["is_closed"] or closed
    world.replace(chat, {**message, "poll": counted})
    return dict(counted)


def close_poll(world: World, chat_id: int, message_id: int) -> dict[str, Any]:
    """A poll ends (its time is up); the closed poll, which the bot hears of."""
    chat, message = poll_message(world, chat_id, message_id)
    counted = recount(world, chat, message, closed=True)
    world.updates.push("poll", counted)
    return counted


def react(
    world: World, user_id: int, message_id: int, emoji: str | None, chat_id: int | None = None
) -> int | None:
    """A person reacts to a message with an emoji, or takes the reaction back with None; the id of the update."""
    chat = world.chat(user_id if chat_id is None else chat_id)
    if message_id not in chat.messages:
        raise ControlError(f"there is no message {message_id} in chat {chat.id}")
    by_user = chat.reactions.setdefault(message_id, {})
    old = by_user.pop(user_id, [])
    new = [{"type": "emoji", "emoji": emoji}] if emoji else []
    if new:
        by_user[user_id] = new
    world.feed.emit("reaction", chat.id, {"chat_id": chat.id, "message_id": message_id, "reactions": by_user})
    if chat.is_group and not chat.leads(world.bot["id"]):
        return None
    reaction = {
        "chat": chat.short(),
        "message_id": message_id,
        "user": world.user(user_id),
        "date": world.now(),
    }
    return world.updates.push("message_reaction", {**reaction, "old_reaction": old, "new_reaction": new})


def permit(world: World, chat_id: int, **permissions: bool) -> None:
    """What ordinary members may do in a group."""
    unknown = sorted(set(permissions) - set(PERMISSIONS))
    if unknown:
        raise ControlError(f"there is no permission {unknown[0]}")
    world.chat(chat_id).permissions |= permissions
