"""Who there is and who is where: people, chats, membership, blocking. Mostly methods of World, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import hearing
from .chats import PERMISSIONS, PRESENT, Chat, Message, User, member_record
from .errors import ControlError

if TYPE_CHECKING:
    from .world import World


STATUSES = {"creator", "administrator", "member", "restricted", "left", "kicked"}


def add_user(
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


def permit(world: World, chat_id: int, **permissions: bool) -> None:
    """What ordinary members may do in a group."""
    unknown = sorted(set(permissions) - set(PERMISSIONS))
    if unknown:
        raise ControlError(f"there is no permission {unknown[0]}")
    world.chat(chat_id).permissions |= permissions
