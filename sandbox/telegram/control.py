"""The control API under `/_sandbox/`: play the people, break the network, look at everything.

JSON in, JSON out. What cannot be done is HTTP 400 {"error": "..."}.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from . import burst, settings, views
from .errors import ApiError, ControlError
from .files import KINDS, Upload
from .http import WORLD
from .stream import events
from .talking import Said
from .world import World

Body = dict[str, Any]


def add_routes(app: web.Application) -> None:
    """Add the control API to an application that holds a World under WORLD."""
    for path, function in POSTS.items():
        app.router.add_post(f"/_sandbox/{path}", wrapped(function))
    for path, reader in GETS.items():
        app.router.add_get(f"/_sandbox/{path}", reader)
    app.router.add_delete("/_sandbox/faults", clear_faults)
    app.router.add_delete("/_sandbox/calls", clear_calls)


def wrapped(function: Callable[[World, Body], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An HTTP handler around a function of world and JSON body; its result is the answer."""

    async def handle(request: web.Request) -> web.Response:
        try:
            body = read_json(await request.read())
            return web.json_response(function(request.app[WORLD], body))
        except KeyError as error:
            return refused(f"the field {error.args[0]} is missing")
        except (ControlError, ApiError, ValueError, TypeError) as error:
            return refused(str(error))

    return handle


def read_json(content: bytes) -> Body:
    """A JSON object; nothing counts as an empty one."""
    body = json.loads(content or b"{}")
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


def refused(text: str) -> web.Response:
    """HTTP 400."""
    return web.json_response({"error": text}, status=400)


def number(body: Body, name: str) -> int:
    """A required whole number."""
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise ControlError(f"{name} must be a whole number")
    return value


def upload_of(world: World, body: Body) -> tuple[str, Upload, int | None] | None:
    """The file of a message: kind, upload and a declared size in bytes; None without one."""
    kind = next((kind for kind in KINDS if body.get(kind)), None)
    if kind is None:
        return None
    row = body[kind]
    try:
        content = base64.b64decode(row.get("base64") or "", validate=True)
    except binascii.Error as error:
        raise ControlError(f"{kind}.base64 is not base64") from error
    upload = Upload(row.get("name") or kind, row.get("mime") or "", content)
    return kind, upload, row.get("size")


def message(world: World, body: Body) -> Body:
    """A person writes, perhaps with a file."""
    given = upload_of(world, body)
    said = world.say(
        number(body, "user_id"),
        (body.get("caption") or body.get("text") or "") if given else (body.get("text") or ""),
        number(body, "chat_id"),
        entities=body.get("caption_entities" if given else "entities"),
        file=given[:2] if given else None,
        file_size=given[2] if given else None,
        media_group_id=body.get("media_group_id"),
        **how(body),
    )
    return said_view(said)


def how(body: Body) -> Body:
    """What a message of any kind may be besides its content."""
    names = {"reply_to": "reply_to_message_id", "thread_id": "message_thread_id", "forward_from": "forward_from"}
    return {ours: body.get(name) for ours, name in names.items()}


def said_view(said: Said) -> Body:
    """What the caller learns about a message."""
    return {"message": views.seen(said.message), "update_id": said.update_id}


def paste(world: World, body: Body) -> Body:
    """A long text in several messages."""
    parts = world.paste(number(body, "user_id"), str(body["text"]), number(body, "chat_id"))
    return {"messages": [said_view(said) for said in parts]}


def album(world: World, body: Body) -> Body:
    """Several files with one caption: {"files": [{"photo": {...}}, ...], "caption"}."""
    files = []
    for row in body["files"]:
        given = upload_of(world, row)
        if given is None:
            raise ControlError(f"each of files needs one of {', '.join(KINDS)}")
        files.append(given[:2])
    where = number(body, "user_id"), files, body.get("caption") or "", number(body, "chat_id")
    said = world.album(*where, **how(body))
    return {"messages": [said_view(one) for one in said]}


def edit(world: World, body: Body) -> Body:
    """A person edits the words of an own message: its "text", or the caption of its file."""
    where = number(body, "user_id"), number(body, "message_id"), str(body["text"])
    return said_view(world.edit(*where, number(body, "chat_id")))


def press(world: World, body: Body) -> Body:
    """A person presses an inline button; with "ephemeral_message_id" under what only they see."""
    where = number(body, "user_id"), number(body, "message_id"), str(body["data"])
    ephemeral = number(body, "ephemeral_message_id") if "ephemeral_message_id" in body else None
    pressed = world.press(*where, number(body, "chat_id"), ephemeral)
    return {"callback_query_id": pressed.id}


def stop_draft(world: World, body: Body) -> Body:
    """A person presses Stop on a preview."""
    where = number(body, "user_id"), number(body, "draft_id")
    return {"update_id": world.stop_draft(*where, number(body, "chat_id"))}


def member(world: World, body: Body) -> Body:
    """Somebody's status changes."""
    where = number(body, "chat_id"), number(body, "user_id"), str(body["status"])
    return {"update_ids": world.member(*where, body.get("by"))}


def block(world: World, body: Body) -> Body:
    """A person blocks the bot or takes it back."""
    return {"update_id": world.block(number(body, "user_id"), bool(body.get("blocked", True)))}


def migrate(world: World, body: Body) -> Body:
    """A group becomes a supergroup."""
    return {"chat_id": world.migrate(number(body, "chat_id")).id}


def update(world: World, body: Body) -> Body:
    """Queue a raw update, whatever is in it."""
    return {"update_id": world.updates.push_raw(body)}


def vote(world: World, body: Body) -> Body:
    """A person votes in a poll."""
    where = number(body, "user_id"), number(body, "message_id")
    world.vote(*where, list(body["option_ids"]), number(body, "chat_id"))
    chat = world.chat(number(body, "chat_id"))
    return {"poll": chat.messages[body["message_id"]]["poll"]}


def close_poll(world: World, body: Body) -> Body:
    """A poll's time is up."""
    return {"poll": world.close_poll(number(body, "chat_id"), number(body, "message_id"))}


def react(world: World, body: Body) -> Body:
    """A person reacts with an emoji, or takes it back with null."""
    where = number(body, "user_id"), number(body, "message_id"), body.get("emoji")
    return {"update_id": world.react(*where, number(body, "chat_id"))}


def forward(world: World, body: Body) -> Body:
    """A person forwards a post of a channel: "from_chat_id", "message_id"; to the bot unless "chat_id" says where."""
    where = number(body, "user_id"), number(body, "from_chat_id"), number(body, "message_id")
    sent, update_id = world.forward(*where, body.get("chat_id"))
    return {"message": views.seen(sent), "update_id": update_id}


def pin(world: World, body: Body) -> Body:
    """A person pins a message."""
    where = number(body, "user_id"), number(body, "message_id"), number(body, "chat_id")
    return {"update_id": world.pin(*where)}


def link(world: World, body: Body) -> Body:
    """A channel gets a discussion group, or loses it with null."""
    group = number(body, "group_id") if body.get("group_id") is not None else None
    return {"chat_id": world.link(number(body, "chat_id"), group).id}


def bot_in(world: World, body: Body) -> Body:
    """The bot is thrown out of a chat, or comes back: {"chat_id", "present"}; by the owner, or by "user_id"."""
    chat = world.chat(number(body, "chat_id"))
    if chat.type == "private":
        raise ControlError(f"{chat.id} is a private chat; use block")
    there = "administrator" if chat.type == "channel" else "member"
    owner = next((person for person, status in chat.members.items() if status == "creator"), None)
    by = body.get("user_id", owner)
    status = (str(body.get("status") or there)) if body.get("present", True) else "kicked"
    return {"update_ids": world.member(chat.id, world.bot["id"], status, by)}


def faults(world: World, body: Body) -> Body:
    """Add fault rules."""
    world.faults.add(list(body["rules"]))
    return {"rules": len(world.faults.rules)}


async def get_state(request: web.Request) -> web.Response:
    """The world; `?chat_id=` one chat of it."""
    try:
        return web.json_response(request.app[WORLD].state(query_number(request, "chat_id")))
    except ControlError as error:
        return refused(str(error))


async def get_calls(request: web.Request) -> web.Response:
    """Calls of the bot; `?method=`, `?chat_id=`, `?since=` (seconds since the epoch)."""
    try:
        since = request.query.get("since")
        found = request.app[WORLD].calls(
            request.query.get("method"), query_number(request, "chat_id"), float(since) if since else None
        )
    except (ControlError, ValueError) as error:
        return refused(str(error))
    return web.json_response([record.as_dict() for record in found])


async def get_counts(request: web.Request) -> web.Response:
    """How many calls succeeded, by method; `?method=&at_least=&timeout=` waits (seconds) until there are so many."""
    try:
        least, timeout = query_number(request, "at_least") or 0, float(request.query.get("timeout", "0"))
    except (ControlError, ValueError) as error:
        return refused(str(error))
    found = await burst.counted(request.app[WORLD], request.query.get("method", ""), least, timeout)
    return web.json_response(found)


async def get_commands(request: web.Request) -> web.Response:
    """The commands a person sees in a chat: `?chat_id=&user_id=`."""
    try:
        chat_id, user_id = query_number(request, "chat_id"), query_number(request, "user_id")
        found = settings.commands_for(request.app[WORLD], chat_id or 0, user_id or 0)
    except ControlError as error:
        return refused(str(error))
    return web.json_response(found)


async def get_file(request: web.Request) -> web.Response:
    """The content of a file in a chat, for the page."""
    stored = request.app[WORLD].files.by_unique.get(request.match_info["unique_id"])
    if stored is None:
        return web.json_response({"error": "there is no such file"}, status=404)
    headers = {"Content-Type": stored.mime, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return web.Response(body=stored.content, headers=headers)


async def get_faults(request: web.Request) -> web.Response:
    """The rules, and how many calls each has got; a call that hangs or is held is counted when it comes in."""
    return web.json_response([asdict(rule) for rule in request.app[WORLD].faults.rules])


async def clear_faults(request: web.Request) -> web.Response:
    """No more faults."""
    request.app[WORLD].faults.clear()
    return web.json_response({})


async def clear_calls(request: web.Request) -> web.Response:
    """Forget the calls."""
    request.app[WORLD].call_log.clear()
    return web.json_response({})


def query_number(request: web.Request, name: str) -> int | None:
    """A whole number from the query string."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ControlError(f"{name} must be a whole number") from None


POSTS: dict[str, Callable[[World, Body], Any]] = {
    "message": message,
    "paste": paste,
    "album": album,
    "burst": burst.burst,
    "edit": edit,
    "press": press,
    "stop_draft": stop_draft,
    "member": member,
    "block": block,
    "migrate": migrate,
    "update": update,
    "vote": vote,
    "close_poll": close_poll,
    "react": react,
    "forward": forward,
    "pin": pin,
    "link": link,
    "bot_in": bot_in,
    "faults": faults,
    "user": settings.user,
    "chat": settings.chat,
    "bot": settings.bot,
    "limits": settings.limits,
}
GETS = {
    "state": get_state,
    "events": events,
    "calls": get_calls,
    "counts": get_counts,
    "faults": get_faults,
    "commands": get_commands,
    "file/{unique_id}": get_file,
}
