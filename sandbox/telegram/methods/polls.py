"""Polls: sending and stopping; voting is in `voting`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .. import voting
from ..chats import Chat, Message
from ..errors import ControlError, bad
from ..keyboards import inline_keyboard
from ..text import units
from .common import Params, bot_message, find_chat, formatted, require_present, writable

if TYPE_CHECKING:
    from ..world import World

MAX_QUESTION, MAX_OPTION, MAX_OPTIONS, MAX_EXPLANATION = 300, 100, 12, 200
SHORTEST, LONGEST = 5, 2_628_000


def texts(text: Any, limit: int, what: str, mode: Any = None, entities: Any = None) -> tuple[str, list[Any]]:
    """A text of a poll with its entities; ApiError when empty or over `limit` units."""
    if not isinstance(text, str):
        raise bad(f"can't parse {what}")
    clean, found = formatted(text, mode, entities)
    if not clean:
        raise bad(f"{what} must be non-empty")
    if units(clean) > limit:
        raise bad(f"{what} length must not exceed {limit}")
    return clean, [entity for entity in found if entity["type"] == "custom_emoji"]


def option(number: int, row: Any) -> dict[str, Any]:
    """One answer, given as a string or as an InputPollOption."""
    given = {"text": row} if isinstance(row, str) else row
    if not isinstance(given, dict):
        raise bad("can't parse poll option: expected an Object or a String")
    where = (
        given.get("text"),
        MAX_OPTION,
        "poll option",
        given.get("text_parse_mode"),
        given.get("text_entities"),
    )
    text, entities = texts(*where)
    answer: dict[str, Any] = {"persistent_id": str(number), "text": text, "voter_count": 0}
    return answer | ({"text_entities": entities} if entities else {})


def options_of(params: Params) -> list[dict[str, Any]]:
    """All answers of a new poll."""
    rows = params["options"]
    if not rows:
        raise bad("poll must have at least 1 option")
    if len(rows) > MAX_OPTIONS:
        raise bad(f"poll can't have more than {MAX_OPTIONS} options")
    return [option(number, row) for number, row in enumerate(rows)]


def quiz_fields(params: Params, count: int) -> dict[str, Any]:
    """What only a quiz has: the right answers and their explanation."""
    right = params.get("correct_option_ids") or []
    if not right or any(not isinstance(number, int) or not 0 <= number < count for number in right):
        raise bad("wrong correct option ID specified")
    fields: dict[str, Any] = {"correct_option_ids": right}
    if params.get("explanation"):
        mode, entities = params.get("explanation_parse_mode"), params.get("explanation_entities")
        fields["explanation"], _ = texts(params["explanation"], MAX_EXPLANATION, "poll explanation", mode, entities)
    return fields


def period(world: World, params: Params) -> float | None:
    """Seconds until the poll closes by itself; ApiError for a time that is not allowed."""
    if params.get("open_period") and params.get("close_date"):
        raise bad("can't use open_period and close_date together")
    seconds = params.get("open_period")
    if params.get("close_date"):
        seconds = params["close_date"] - world.clock()
    if seconds is None:
        return None
    if not SHORTEST - 1 <= seconds <= LONGEST:
        raise bad("wrong poll open period specified")
    return float(seconds)


def poll_of(world: World, params: Params) -> dict[str, Any]:
    """The Poll object of a new poll."""
    quiz = params.get("type") == "quiz"
    question, entities = texts(
        params["question"],
        MAX_QUESTION,
        "poll question",
        params.get("question_parse_mode"),
        params.get("question_entities"),
    )
    options = options_of(params)
    poll: dict[str, Any] = {
        "id": world.number(),
        "question": question,
        "options": options,
        "total_voter_count": 0,
        "is_closed": bool(params.get("is_closed")),
        "is_anonymous": params.get("is_anonymous", True),
        "type": "quiz" if quiz else "regular",
        "allows_multiple_answers": bool(params.get("allows_multiple_answers")),
        "allows_revoting": params.get("allows_revoting", not quiz),
        "members_only": bool(params.get("members_only")),
    }
    if entities:
        poll["question_entities"] = entities
    if quiz:
        poll |= quiz_fields(params, len(options))
    if params.get("description"):
        poll["description"], _ = formatted(params["description"], params.get("description_parse_mode"), None)
    return poll | {name: params[name] for name in ("open_period", "close_date") if params.get(name)}


def send_poll(world: World, params: Params) -> Message:
    """A new poll; it closes by itself when a period is given."""
    chat = writable(world, params, "can_send_polls", "polls")
    if chat.type == "channel" and params.get("is_anonymous") is False:
        raise bad("non-anonymous polls can't be sent to channel chats")
    poll, seconds = poll_of(world, params), period(world, params)
    message = bot_message(world, chat, params, {"poll": poll})
    world.polls[poll["id"]] = voting.PollState(chat.id, message["message_id"])
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds, expire, world, chat, message["message_id"])
    return message


def expire(world: World, chat: Chat, message_id: int) -> None:
    """The period is over, unless the poll is gone or closed."""
    message = chat.messages.get(message_id)
    if message is not None and not message["poll"]["is_closed"]:
        voting.close_poll(world, chat.id, message_id)


def stop_poll(world: World, params: Params) -> dict[str, Any]:
    """Close an own poll; the final Poll."""
    chat = find_chat(world, params["chat_id"])
    require_present(world, chat)
    try:
        _, message = voting.poll_message(world, chat.id, params["message_id"])
    except ControlError as error:
        raise bad("message with poll to stop not found") from error
    if chat.type != "channel" and message["from"]["id"] != world.bot["id"]:
        raise bad("poll can't be stopped")
    if message["poll"]["is_closed"]:
        raise bad("poll has already been closed")
    keyboard = inline_keyboard(params["reply_markup"]) if params.get("reply_markup") else None
    bare = {name: value for name, value in message.items() if name != "reply_markup"}
    chat.messages[message["message_id"]] = bare | ({"reply_markup": keyboard} if keyboard else {})
    return voting.close_poll(world, chat.id, params["message_id"])


POLLS = {"sendPoll": send_poll, "stopPoll": stop_poll}
