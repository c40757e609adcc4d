"""How the bot presents itself: names, descriptions, command lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import bad
from ..views import scope_view
from .common import Params, find_chat

if TYPE_CHECKING:
    from ..world import World

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
LANGUAGE = re.compile(r"[a-z]{2}")
MAX_COMMANDS, MAX_DESCRIPTION = 100, 256
CHAT_SCOPES = {"chat", "chat_administrators", "chat_member"}
SCOPES = CHAT_SCOPES | {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
Key = tuple[str, int | None, int | None, str]


def language_of(params: Params) -> str:
    """A two-letter code, or "" for everybody."""
    code = str(params.get("language_code") or "")
    if code and not LANGUAGE.fullmatch(code):
        raise bad("invalid language code specified")
    return code


def key_of(world: World, params: Params) -> Key:
    """Scope and language under which a list is kept."""
    scope = params.get("scope") or {"type": "default"}
    kind = str(scope.get("type"))
    if kind not in SCOPES:
        raise bad("can't parse BotCommandScope: unsupported type specified")
    chat_id = user_id = None
    if kind in CHAT_SCOPES:
        chat_id = find_chat(world, scope.get("chat_id")).id
    if kind == "chat_member":
        user_id = scope.get("user_id")
        if user_id not in world.users:
            raise bad("invalid user_id specified")
    return kind, chat_id, user_id, language_of(params)


def command(row: Any) -> dict[str, Any]:
    """One command with a description; a slash in front and capitals are tolerated."""
    if not isinstance(row, dict) or "command" not in row or "description" not in row:
        raise bad('can\'t parse BotCommand: fields "command" and "description" are required')
    name, description = str(row["command"]).removeprefix("/").lower(), str(row["description"]).strip()
    if not COMMAND.fullmatch(name):
        raise bad("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= MAX_DESCRIPTION:
        raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    ephemeral = {"is_ephemeral": True} if row.get("is_ephemeral") is True else {}
    return {"command": name, "description": description, **ephemeral}


def set_my_commands(world: World, params: Params) -> bool:
    """Replace a command list; an empty one deletes it."""
    key, rows = key_of(world, params), params["commands"]
    if len(rows) > MAX_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    world.commands[key] = [command(row) for row in rows]
    if not rows:
        del world.commands[key]
    return told(world, key)


def told(world: World, key: Key) -> bool:
    """Tell who watches about a list."""
    kind, chat_id, user_id, language = key
    shown = {"scope": scope_view(kind, chat_id, user_id), "language_code": language}
    world.feed.emit("commands", None, {**shown, "commands": world.commands.get(key, [])})
    return True


def get_my_commands(world: World, params: Params) -> list[dict[str, Any]]:
    """The list of exactly this scope and language."""
    return world.commands.get(key_of(world, params), [])


def delete_my_commands(world: World, params: Params) -> bool:
    """Delete the list of this scope and language."""
    key = key_of(world, params)
    world.commands.pop(key, None)
    return told(world, key)


def setter(field: str, limit: int, trouble: str) -> Callable[[World, Params], bool]:
    """The method that sets a text of the profile, per language."""

    def set_text(world: World, params: Params) -> bool:
        text, language = str(params.get(field) or "").strip(), language_of(params)
        if len(text) > limit:
            raise bad(trouble)
        world.profile[(field, language)] = text
        if field == "name" and not language and text:
            world.bot["first_name"] = text
            world.sender = {**world.sender, "first_name": text}
            world.users[world.bot["id"]] = world.sender
        return True

    return set_text


def getter(field: str) -> Callable[[World, Params], dict[str, str]]:
    """The method that tells a text of the profile: in this language, else the one for everybody."""

    def get_text(world: World, params: Params) -> dict[str, str]:
        default = str(world.bot["first_name"]) if field == "name" else ""
        general = world.profile.get((field, "")) or default
        return {field: world.profile.get((field, language_of(params))) or general}

    return get_text


PROFILE = {
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": setter("name", 64, "BOT_TITLE_INVALID"),
    "getMyName": getter("name"),
    "setMyDescription": setter("description", 512, "BOT_DESCRIPTION_INVALID"),
    "getMyDescription": getter("description"),
    "setMyShortDescription": setter("short_description", 120, "BOT_ABOUT_INVALID"),
    "getMyShortDescription": getter("short_description"),
}
