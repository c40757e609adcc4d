"""Sending texts, previews and actions, and answering presses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .. import views
from ..chats import Chat, Draft, Message
from ..errors import bad
from ..rich import rich_message
from ..text import MAX_TEXT, units
from .common import (
    Params,
    bot_message,
    find_chat,
    formatted,
    require_present,
    text_fields,
    thread_fields,
    writable,
)

if TYPE_CHECKING:
    from ..world import World

MAX_TOAST = 200
ACTION_SECONDS = 5.0
ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def send_message(world: World, params: Params) -> Message:
    """A text message."""
    chat = writable(world, params)
    return bot_message(world, chat, params, text_fields(params))


def send_message_draft(world: World, params: Params) -> bool:
    """A preview for 30 seconds in a private chat; an empty text shows that the bot is thinking."""
    chat, draft_id = draft_place(world, params)
    text, entities = formatted(params.get("text") or "", params.get("parse_mode"), params.get("entities"))
    if units(text) > MAX_TEXT:
        raise bad("message is too long")
    show_draft(world, chat, params, Draft(draft_id, None, text, entities, 0.0))
    return True


def send_rich_message(world: World, params: Params) -> Message:
    """A rich message; Markdown and HTML become simple blocks."""
    chat = writable(world, params)
    return bot_message(world, chat, params, {"rich_message": rich_message(params["rich_message"])})


def send_rich_message_draft(world: World, params: Params) -> bool:
    """A rich preview."""
    chat, draft_id = draft_place(world, params)
    draft = Draft(draft_id, None, "", [], 0.0, rich_message=rich_message(params["rich_message"]))
    show_draft(world, chat, params, draft)
    return True


def draft_place(world: World, params: Params) -> tuple[Chat, int]:
    """The private chat and the id of a preview; ApiError for other chats and the id 0."""
    chat = find_chat(world, params.get("chat_id"))
    require_present(world, chat)
    if chat.type != "private":
        raise bad("TEXTDRAFT_PEER_INVALID")
    if params["draft_id"] == 0:
        raise bad("draft identifier must be non-zero")
    return chat, int(params["draft_id"])


def show_draft(world: World, chat: Chat, params: Params, draft: Draft) -> None:
    """Put a preview into its thread in place of an older one, unless the person stopped it."""
    thread_id = thread_fields(world, chat, params).get("message_thread_id")
    if draft.draft_id in chat.stopped_drafts:
        return
    old = chat.drafts.get(thread_id)
    if old is not None and old.draft_id != draft.draft_id:
        world.end_draft(chat, thread_id)
    draft.thread_id, draft.until = thread_id, world.clock() + world.draft_seconds
    draft.can_stop, draft.keep_on_stop = bool(params.get("can_stop")), bool(params.get("keep_on_stop"))
    chat.drafts[thread_id] = draft
    world.feed.emit("draft", chat.id, {"chat_id": chat.id, **views.draft_view(draft)})
    asyncio.get_running_loop().call_later(world.draft_seconds, expire_draft, world, chat, draft)


def expire_draft(world: World, chat: Chat, draft: Draft) -> None:
    """Half a minute is over; a renewed preview is another object and stays."""
    if chat.drafts.get(draft.thread_id) is draft:
        world.end_draft(chat, draft.thread_id)


def send_chat_action(world: World, params: Params) -> bool:
    """`typing` and the like, shown for five seconds or until a message comes."""
    chat = writable(world, params)
    if params["action"] not in ACTIONS:
        raise bad("wrong parameter action in request")
    thread_id = thread_fields(world, chat, params).get("message_thread_id")
    chat.actions[thread_id] = (params["action"], world.clock() + ACTION_SECONDS)
    shown = {"chat_id": chat.id, "action": params["action"], "message_thread_id": thread_id}
    world.feed.emit("action", chat.id, shown)
    return True


def answer_callback_query(world: World, params: Params) -> bool:
    """Answer a press, once and within 150 seconds."""
    pressed = world.callbacks.get(params["callback_query_id"])
    if pressed is None or pressed.answered or world.clock() > pressed.at + world.callback_seconds:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    text = params.get("text", "")
    if units(text) > MAX_TOAST:
        raise bad("MESSAGE_TOO_LONG")
    pressed.answered = True
    shown: dict[str, Any] = {
        "callback_query_id": pressed.id,
        "user_id": pressed.user_id,
        "chat_id": pressed.chat_id,
        "text": text,
        "show_alert": bool(params.get("show_alert")),
        "url": params.get("url"),
    }
    world.feed.emit("callback_answer", pressed.chat_id, shown)
    return True


SENDING = {
    "sendMessage": send_message,
    "sendMessageDraft": send_message_draft,
    "sendRichMessage": send_rich_message,
    "sendRichMessageDraft": send_rich_message_draft,
    "sendChatAction": send_chat_action,
    "answerCallbackQuery": answer_callback_query,
}
