"""Chats and messages (messenger.json)."""

from __future__ import annotations

import itertools
from typing import Any

from ..ask import Ask, Json, Method
from ..checks import Reader
from ..errors import refused

PAGE, DEEPEST = 100, 1000
KINDS = ("u2i", "u2u", "a2u")


def _page(query: Reader) -> tuple[int, int]:
    """Offset and limit; nothing is to be had beyond the thousandth and a page."""
    return query.whole("offset", 0, DEEPEST, 0), query.whole("limit", 1, PAGE, PAGE)


def chats(ask: Ask) -> Json:
    """The chats, the newest first; without `chat_types` only those about items."""
    query = ask.params(("limit", "offset", "chat_types", "unread_only", "item_ids"))
    offset, limit = _page(query)
    kinds = str(query.said.get("chat_types", "u2i")).split(",")
    for kind in kinds:
        if kind not in KINDS:
            raise query.wrong("chat_types", f"has the unknown {kind!r}")
    unread = query.one_of("unread_only", ("true", "false"), "false") == "true"
    ids = [_number(query, text) for text in str(query.said.get("item_ids", "")).split(",") if text]
    found = iter(()) if ask.account.employee else ask.account.inbox.listed(kinds, ids, unread=unread)
    numbers = list(itertools.islice(found, offset, offset + limit + 1))
    rows = [ask.account.inbox.chat(n) for n in numbers[:limit]]
    return {"chats": rows, "meta": {"has_more": len(numbers) > limit}}


def _number(query: Reader, text: str) -> int:
    if not text.isdecimal():
        raise query.wrong("item_ids", f"has {text!r}, which is no number")
    return int(text)


def _place(ask: Ask) -> int:
    """The chat of the path. RefusedError: it does not exist, or the key is an employee's."""
    if ask.account.employee:
        raise refused(ask.style, 403)
    n = ask.account.inbox.place(ask.match["chat_id"])
    if n is None:
        raise refused(ask.style, 404)
    return n


def chat(ask: Ask) -> Json:
    """One chat."""
    return ask.account.inbox.chat(_place(ask))


def messages(ask: Ask) -> Any:
    """A page of a chat's messages. Leaves them unread."""
    offset, limit = _page(ask.params(("limit", "offset")))
    n, inbox = _place(ask), ask.account.inbox
    rows = inbox.thread(n, offset, limit, newest_first=ask.manners.messages_order == "newest")
    if ask.manners.messages == "bare":
        return rows
    return {"messages": rows, "meta": {"has_more": offset + limit < inbox.total(n)}}


def read(ask: Ask) -> Json:
    """Marks a chat as read; a report never has a reason to."""
    _place(ask)
    return {"ok": True}


def voices(ask: Ask) -> Json:
    """Links to voice messages, good for an hour."""
    query = ask.params(("voice_ids",))
    ids = query.text("voice_ids").split(",")
    until = int(ask.now.timestamp()) + 3600
    return {"voices_urls": {one: f"https://voice.example.org/{one}.mp4?until={until}" for one in ids if one}}


V1, V2, V3 = (f"/messenger/v{n}/accounts/{{uid}}" for n in (1, 2, 3))
METHODS = (
    Method("chats", "GET", f"{V2}/chats", chats, foreign=403),
    Method("chat", "GET", f"{V2}/chats/{{chat_id}}", chat, foreign=403),
    Method("messages", "GET", f"{V3}/chats/{{chat_id}}/messages/", messages, foreign=403),
    Method("read", "POST", f"{V1}/chats/{{chat_id}}/read", read, foreign=403),
    Method("voices", "GET", f"{V1}/getVoiceFiles", voices, foreign=403),
)
