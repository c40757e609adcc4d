"""Chats with buyers and what was said in them. Nothing here marks anything as read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from reports.avito import methods
from reports.avito.account import uid_of
from reports.avito.client import Avito
from reports.avito.pages import Page
from reports.avito.reading import Json, flag, mapping, moment, objects, rows, text, whole

T = TypeVar("T")

__all__ = ["CEILING", "Chat", "Message", "Page", "Person", "chats", "messages", "voice_links"]

# The greatest offset there is: with pages of 100 that makes 1,100 chats a filter, and 1,100 messages a chat.
CEILING = 1000
# As many ids as an address bears well.
VOICES_AT_ONCE = 50


@dataclass(frozen=True)
class Person:
    id: int | None
    name: str


@dataclass(frozen=True)
class Message:
    """``type`` and ``content`` as Avito gives them; ``text``: what the content says in words, empty when nothing."""

    id: str
    author_id: int | None
    created: datetime | None
    direction: str
    type: str
    text: str = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    is_read: bool | None = None


@dataclass(frozen=True)
class Chat:
    """``item_*``: of the listing it is about, None and empty when it is about none (u2u, a2u)."""

    id: str
    created: datetime | None
    updated: datetime | None
    users: tuple[Person, ...] = field(repr=False)
    item_id: int | None = None
    item_title: str = ""
    item_price: str = ""
    item_url: str = ""
    last_message: Message | None = None


async def chats(
    avito: Avito,
    offset: int,
    *,
    limit: int = 100,
    chat_types: Sequence[str] = ("u2i", "u2u"),
    item_ids: Sequence[int] = (),
    unread_only: bool = False,
) -> Page[Chat]:
    """A page of chats, the latest first. ``offset``: at most `CEILING`; ``limit``: 1 to 100 (messenger.json, 2026).

    New chats move the others on: go by ``received``, and take a chat that is known already for no other.
    """
    query = {
        "limit": limit,
        "offset": offset,
        "chat_types": list(chat_types),
        "unread_only": unread_only,
        "item_ids": list(item_ids),
    }
    told = await avito.ask(methods.CHATS, query=query, uid=await uid_of(avito))
    return _page(told, "chats", _chat, limit)


async def messages(avito: Avito, chat_id: str, offset: int, *, limit: int = 100) -> Page[Message]:
    """A page of a chat's messages, the latest first; as `chats`. Reading them marks nothing (messenger.json, 2026)."""
    query = {"limit": limit, "offset": offset}
    told = await avito.ask(methods.MESSAGES, query=query, uid=await uid_of(avito), chat=chat_id)
    return _page(told, "messages", _message, limit)


async def voice_links(avito: Avito, ids: Iterable[str]) -> dict[str, str]:
    """Addresses of voice messages by voice_id; they work for an hour."""
    wanted = list(dict.fromkeys(ids))
    links: dict[str, str] = {}
    for start in range(0, len(wanted), VOICES_AT_ONCE):
        query = {"voice_ids": wanted[start : start + VOICES_AT_ONCE]}
        told = mapping(await avito.ask(methods.VOICES, query=query, uid=await uid_of(avito)))
        named = mapping(told.get("voices_urls")).items()
        links |= {voice: text(link) for voice, link in named if text(link)}
    return links


def _page(told: Any, name: str, read: Callable[[Json], T | None], limit: int) -> Page[T]:
    """Described as a bare list, seen as an object with ``meta``: both are read."""
    listed = rows(told if isinstance(told, list) else mapping(told).get(name))
    more = flag(mapping(mapping(told).get("meta")).get("has_more"))
    found = (read(row) for row in objects(listed))
    has_more = bool(listed) and (len(listed) >= limit if more is None else more)
    return Page(tuple(row for row in found if row is not None), has_more, len(listed))


def _chat(row: Json) -> Chat | None:
    chat_id = text(row.get("id"))
    if not chat_id:
        return None
    item = mapping(mapping(row.get("context")).get("value"))
    users = (Person(whole(user.get("id")), text(user.get("name"))) for user in objects(row.get("users")))
    last = row.get("last_message")
    return Chat(
        chat_id,
        moment(row.get("created")),
        moment(row.get("updated")),
        tuple(users),
        whole(item.get("id")),
        text(item.get("title")),
        text(item.get("price_string")),
        text(item.get("url")),
        _message(last) if isinstance(last, dict) else None,
    )


def _message(row: Json) -> Message | None:
    message_id, content = text(row.get("id")), mapping(row.get("content"))
    if not message_id:
        return None
    return Message(
        message_id,
        whole(row.get("author_id")),
        moment(row.get("created")),
        text(row.get("direction")),
        text(row.get("type")),
        _words(content),
        content,
        flag(row.get("is_read")),
    )


def _words(content: Json) -> str:
    """What stands in a message to be read: its text, or that of its link, place or listing."""
    link, place, item = (mapping(content.get(name)) for name in ("link", "location", "item"))
    words = (content.get("text"), link.get("text") or link.get("url"), place.get("text"), item.get("title"))
    return next(filter(None, map(text, words)), "")
