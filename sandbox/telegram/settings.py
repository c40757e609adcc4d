"""Changing the world by the control API: people, chats, the bot, limits; and who sees which commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import people, views
from .chats import Chat, Topic, member_record
from .errors import ControlError

if TYPE_CHECKING:
    from .world import World

Body = dict[str, Any]
BOT_SWITCHES = ("can_read_all_group_messages", "has_topics_enabled", "allows_users_to_create_topics")


def user(world: World, body: Body) -> Body:
    """Create or change a person: {"id", "first_name", ..., "started", "deactivated"}."""
    user_id = body.get("id") or 1_000_000 + int(next(world.numbers))
    old = world.users.get(user_id, {})
    names = ("first_name", "last_name", "username", "language_code", "is_bot")
    fields: dict[str, Any] = {name: body.get(name, old.get(name)) for name in names}
    fields["is_bot"] = bool(fields["is_bot"])
    if not fields["first_name"]:
        raise ControlError("the field first_name is missing")
    created = world.add_user(user_id, **fields, started=bool(body.get("started", True)))
    if "deactivated" in body:
        world.chat(user_id).deactivated = bool(body["deactivated"])
    return {"user": created}


def chat(world: World, body: Body) -> Body:
    """Create a chat {"type", "title", "members": {id: status}, ...} or change the one with this "id"."""
    chat_id = body.get("id") or body.get("chat_id")
    found = world.chats.get(chat_id) if chat_id else None
    if found is None:
        found = world.add_chat(str(body["type"]), str(body["title"]), chat_id=chat_id, members=members_of(world, body))
    change_chat(world, found, body)
    world.chat_changed(found)
    return {"chat": views.chat_summary(world, found)}


def members_of(world: World, body: Body) -> dict[int, str]:
    """Members as {"id": "status"} or as a list of ids; the bot comes as a member unless it is named."""
    given = body.get("members") or []
    pairs = given.items() if isinstance(given, dict) else [(user_id, "member") for user_id in given]
    members = {int(user_id): str(status) for user_id, status in pairs}
    status = "administrator" if body.get("type") == "channel" else "member"
    members.setdefault(world.bot["id"], str(body.get("bot_status") or status))
    return members


def change_chat(world: World, found: Chat, body: Body) -> None:
    """Title, name, permissions, rights of the bot, topics."""
    for name in ("title", "username", "is_forum", "description"):
        if name in body:
            setattr(found, name, body[name])
    if "permissions" in body:
        people.permit(world, found.id, **body["permissions"])
    if "bot_rights" in body:
        give_rights(world, found, body["bot_rights"])
    for row in body.get("topics") or []:
        thread_id = row.get("message_thread_id") or world.next_message_id(found)
        found.topics[thread_id] = Topic(thread_id, str(row["name"]), closed=bool(row.get("closed")))


def give_rights(world: World, found: Chat, rights: Body) -> None:
    """Another set of rights for the bot, of which it hears."""
    before = member_record(found, world.sender)
    found.rights[world.bot["id"]] = {name: bool(value) for name, value in rights.items()}
    after = member_record(found, world.sender)
    owner = next((person for person, status in found.members.items() if status == "creator"), None)
    if after != before and owner is not None:
        changed = {"chat": found.short(), "from": world.user(owner), "date": world.now()}
        world.updates.push("my_chat_member", {**changed, "old_chat_member": before, "new_chat_member": after})


def bot(world: World, body: Body) -> Body:
    """Switches of the bot, and whether its token is good."""
    unknown = sorted(set(body) - {*BOT_SWITCHES, "token_valid"})
    if unknown:
        raise ControlError(f"unknown field {unknown[0]}")
    for name in BOT_SWITCHES:
        if name in body:
            world.bot[name] = bool(body[name])
    world.token_valid = bool(body.get("token_valid", world.token_valid))
    return {"bot": world.bot, "token_valid": world.token_valid}


def limits(world: World, body: Body) -> Body:
    """Switch flood limits on or off, or change their rates."""
    world.limits.configure(**body)
    return {name: getattr(world.limits, name) for name in world.limits.RULES}


def commands_for(world: World, chat_id: int, user_id: int) -> list[dict[str, Any]]:
    """The commands a person's client shows in a chat: the first list found, most narrow scope first."""
    found = world.chat(chat_id)
    language = world.user(user_id).get("language_code", "")
    for scope in scopes_for(found, user_id):
        for code in (language, ""):
            if (*scope, code) in world.commands:
                return world.commands[(*scope, code)]
    return []


def scopes_for(found: Chat, user_id: int) -> list[tuple[str, int | None, int | None]]:
    """Scopes in the order in which clients look at them."""
    if found.type == "private":
        return [("chat", found.id, None), ("all_private_chats", None, None), ("default", None, None)]
    leads = found.leads(user_id)
    return [
        ("chat_member", found.id, user_id),
        *([("chat_administrators", found.id, None)] if leads else []),
        ("chat", found.id, None),
        *([("all_chat_administrators", None, None)] if leads else []),
        ("all_group_chats", None, None),
        ("default", None, None),
    ]
