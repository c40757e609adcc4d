"""Text as Telegram counts it: UTF-16 code units, trimmed, with entities that must fit.

Source of the limits and of the trimming: the Bot API manual and the behaviour of the public server.
"""

from __future__ import annotations

import re
from typing import Any

from .errors import bad

Entity = dict[str, Any]
MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_ENTITIES = 100
BLANK = " \t\n\r\v\f\u00a0\u2028\u2029\u200b\u2060\ufeff"
FIND = re.compile(
    r"(?P<url>(?:https?://|tg://)[^\s<>\"]+|(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:com|org|net|ru|io|me|dev)\b(?:/[^\s<>\"]*)?)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<mention>(?<![\w@/])@[A-Za-z0-9_]{3,32}\b)"
    r"|(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?\b(?![/]))"
    r"|(?P<hashtag>(?<![\w#])#\w*[^\W\d]\w*)"
    r"|(?P<cashtag>(?<![\w$])\$[A-Z]{1,8}\b)",
    re.IGNORECASE,
)
MARKS = frozenset("@/.#$")


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, start: int, length: int) -> str:
    """The part of `text` between two UTF-16 positions."""
    return text.encode("utf-16-le", "surrogatepass")[start * 2 : (start + length) * 2].decode("utf-16-le", "replace")


def boundaries(text: str) -> set[int] | None:
    """UTF-16 positions inside a surrogate pair; None when the text has none."""
    if text.isascii() or max(text) <= "\uffff":
        return None
    inside, position = set(), 0
    for character in text:
        if character > "\uffff":
            inside.add(position + 1)
            position += 1
        position += 1
    return inside


def check_range(entity: Entity, length: int, inside: set[int] | None) -> None:
    """An entity must lie in the text and not cut a character; ApiError otherwise."""
    offset, size = entity.get("offset"), entity.get("length")
    if not isinstance(offset, int) or not 0 <= offset <= 1_000_000:
        raise bad(f"receive an entity with incorrect offset {offset}")
    if not isinstance(size, int) or not 0 <= size <= 1_000_000:
        raise bad(f"receive an entity with incorrect length {size}")
    if inside and offset in inside:
        raise bad(f"entity begins in a middle of a UTF-16 symbol at UTF-16 offset {offset}")
    if inside and offset + size in inside:
        where = f"in a middle of a UTF-16 symbol at UTF-16 offset {offset + size}"
        raise bad(f"entity beginning at UTF-16 offset {offset} ends {where}")
    if offset + size > length:
        end = f"after the end of the text at UTF-16 offset {offset + size}"
        raise bad(f"entity beginning at UTF-16 offset {offset} ends {end}")


def check_entities(text: str, entities: list[Any]) -> list[Entity]:
    """Entities in order, each checked against the text; ApiError 400 for one that does not fit."""
    length, inside = units(text), boundaries(text)
    for entity in entities:
        if not isinstance(entity, dict) or not isinstance(entity.get("type"), str):
            raise bad("can't parse entities: an entity must be an object with a type")
        if entity["type"] not in TYPES:
            raise bad(f'can\'t parse entities: unsupported entity type "{entity["type"]}"')
        check_range(entity, length, inside)
    kept = [entity for entity in entities if entity["length"] > 0 and entity["type"] not in AUTOMATIC]
    return sorted(kept, key=lambda entity: (entity["offset"], -entity["length"]))


# These the server finds itself and never takes from a client.
AUTOMATIC = frozenset({"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"})
TYPES = AUTOMATIC | {
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
    "date_time",
}


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Text without blanks around it, entities moved and shortened to match."""
    right = text.rstrip(BLANK)
    clean = right.lstrip(BLANK)
    if clean == text or not entities:
        return clean, entities
    lead, length = units(right[: len(right) - len(clean)]), units(clean)
    moved = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, length)
        if end > start:
            moved.append({**entity, "offset": start, "length": end - start})
    return clean, moved


def detect(text: str) -> list[Entity]:
    """Links, mentions, commands and tags that any client shows without being told."""
    if MARKS.isdisjoint(text):
        return []
    plain = text.isascii()
    found = []
    for match in FIND.finditer(text):
        kind = str(match.lastgroup)
        start = match.start() if plain else units(text[: match.start()])
        found.append({"type": kind, "offset": start, "length": units(tidy(kind, match.group()))})
    return found


def tidy(kind: str, value: str) -> str:
    """A link does not swallow the full stop behind it."""
    return value.rstrip(".,;:!?)'") if kind == "url" else value


def merged(text: str, entities: list[Entity]) -> list[Entity]:
    """Given entities plus detected ones outside of code and links; 100 at most, as the server keeps."""
    found = detect(text)
    if found and entities:
        taken = [e for e in entities if e["type"] in {"code", "pre", "text_link", "text_mention"}]
        found = [e for e in found if not any(overlap(e, other) for other in taken)]
    if not found:
        return entities[:MAX_ENTITIES]
    both = sorted([*entities, *found], key=lambda entity: (entity["offset"], -entity["length"]))
    return both[:MAX_ENTITIES]


def overlap(one: Entity, other: Entity) -> bool:
    """Two entities share at least one unit."""
    return bool(one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"])


def pieces(text: str, size: int = MAX_TEXT) -> list[str]:
    """A long text as a client cuts a paste: parts of at most `size` units, no character torn."""
    parts: list[str] = []
    current: list[str] = []
    length = 0
    for character in text:
        width = 2 if character > "\uffff" else 1
        if length + width > size:
            parts.append("".join(current))
            current, length = [], 0
        current.append(character)
        length += width
    return [*parts, "".join(current)] if current else parts
