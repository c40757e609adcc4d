"""A model's Markdown as Telegram shows it: plain text and entities, cut into parts that fit.

Never a parse mode: entities cannot be "unparsable" by a stray asterisk. Any prefix of an answer converts, so a preview
may be cut anywhere. Lengths are UTF-16 units, as Telegram counts.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from telegramify_markdown import convert
from telegramify_markdown.config import RenderConfig
from telegramify_markdown.entity import MessageEntity

MESSAGE_UNITS = 4096
# More than this in one message, and Telegram silently ignores the rest.
MOST_ENTITIES = 100

Entity = dict[str, Any]


def _config() -> RenderConfig:
    config = RenderConfig.isolated()
    symbol = config.markdown_symbol
    symbol.heading_level_1 = symbol.heading_level_2 = symbol.heading_level_3 = symbol.heading_level_4 = ""
    symbol.unordered_list_item = "•"
    return config


CONFIG = _config()
# Code must stay as it is; what stands between is guarded.
CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)", re.DOTALL)
# One that is escaped loses its backslash, which would be the ampersand's.
ANGLE = re.compile(r"(?<!\\)((?:\\\\)*)\\<|<(?!https?://|mailto:)")
# The beginning of a mark whose rest has not come: of a fence, of two asterisks.
HALF_MARK = re.compile(r"(?:\n`{1,2}|(?<!\*)\*)\Z")


@dataclass(frozen=True)
class Part:
    """One message's text with its entities (as Telegram's API takes them)."""

    text: str
    entities: list[Entity] = field(default_factory=list)


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str) -> str:
    """``text`` without what Telegram or UTF-8 would refuse: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def parts(markdown: str, limit: int = MESSAGE_UNITS) -> list[Part]:
    """``markdown`` as messages of at most ``limit`` units and 100 entities; none is empty.

    Cut at a paragraph, else a line, a sentence, a word. A code block that fits into one message is kept whole.
    """
    text, found = _converted(markdown)
    return pieces_of(text, found, limit)


def whole(markdown: str) -> Part:
    """``markdown`` as one message, however long, with all its entities; blank edges are left out."""
    text, found = _converted(markdown)
    start = units(text) - units(text.lstrip())
    return _moved(text.strip(), found, start)


def _converted(markdown: str) -> tuple[str, list[Entity]]:
    text, found = convert(_guard(plain(markdown)), config=CONFIG)
    return text, [entity.to_dict() for entity in _without_nested_quotes(found)]


def pieces_of(text: str, entities: list[Entity], limit: int = MESSAGE_UNITS) -> list[Part]:
    """As `parts`, of ``text`` as it stands, with ``entities`` that are known."""
    entities = sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))
    raw = text.encode("utf-16-le")
    total, start, pieces = len(raw) // 2, 0, []
    while start < total:
        end = _cut(raw, entities, start, min(total, start + limit))
        pieces.append(_piece(raw, entities, start, end))
        start = end
    return [piece for piece in pieces if piece.text]


def _guard(markdown: str) -> str:
    """Keep ``<`` outside code from being read as HTML, so that ``Vec<T>`` and ``<div>`` survive."""
    pieces = CODE.split(markdown)
    return "".join(piece if i % 2 else ANGLE.sub(r"\1&lt;", piece) for i, piece in enumerate(pieces))


def _without_nested_quotes(entities: list[MessageEntity]) -> list[MessageEntity]:
    quotes = [e for e in entities if "blockquote" in e.type]
    nested = {
        id(e)
        for e in quotes
        for outer in quotes
        if outer is not e and outer.offset <= e.offset and e.offset + e.length <= outer.offset + outer.length
        and (outer.length > e.length or quotes.index(outer) < quotes.index(e))
    }  # fmt: skip
    return [e for e in entities if id(e) not in nested]


def _cut(raw: bytes, entities: list[Entity], start: int, end: int) -> int:
    """Where the message that begins at ``start`` ends, at most at ``end`` (all in units)."""
    opening = [e["offset"] for e in entities if start <= e["offset"] < end]
    if len(opening) > MOST_ENTITIES and opening[MOST_ENTITIES] > start:
        end = opening[MOST_ENTITIES]
    elif end * 2 == len(raw):
        return end
    window = raw[start * 2 : end * 2].decode("utf-16-le", "ignore")
    cut = start + units(window[: _good_place(window)])
    block = next((e for e in entities if e["type"] == "pre" and e["offset"] < cut < e["offset"] + e["length"]), None)
    if block is None:
        return cut
    if block["offset"] > start and block["length"] <= end - start:
        return int(block["offset"])
    line = window.rfind("\n") + 1
    return start + units(window[:line]) if line else cut


def _good_place(window: str) -> int:
    """Index of the best cut in the second half of ``window``, else in all of it, else its end."""
    for least in (len(window) // 2, 1):
        for mark in ("\n\n", "\n", ". ", "! ", "? ", "… ", " "):
            found = window.rfind(mark, least)
            if found >= 0:
                return found + len(mark)
    return _before_joined(window)


def _before_joined(window: str) -> int:
    """The end of ``window``, or a little before: never inside an emoji sequence, where it can be helped."""
    at = len(window)
    while at > max(1, len(window) - 20) and (window[at - 1] in JOINERS or _is_emoji(window[at - 1])):
        at -= 1
    return at if at > max(1, len(window) - 20) else len(window)


JOINERS = "\u200d\ufe0f\u20e3"


def _is_emoji(letter: str) -> bool:
    return ord(letter) >= 0x1F000


def _piece(raw: bytes, entities: list[Entity], start: int, end: int) -> Part:
    """The units from ``start`` to ``end`` with the entities that fall into them; blank edges are left out."""
    whole = raw[start * 2 : end * 2].decode("utf-16-le", "ignore")
    text = whole.strip("\n").rstrip()
    start += len(whole) - len(whole.lstrip("\n"))
    part = _moved(text, entities, start)
    return Part(text, part.entities[:MOST_ENTITIES])


def _moved(text: str, entities: list[Entity], start: int) -> Part:
    """``text``, which began at ``start``, with the entities that fall into it."""
    end = start + units(text)
    inside = []
    for entity in entities:
        first, last = max(entity["offset"], start), min(entity["offset"] + entity["length"], end)
        if first < last:
            inside.append({**entity, "offset": first - start, "length": last - first})
    return Part(text, inside)


def tail(markdown: str, limit: int = MESSAGE_UNITS) -> Part | None:
    """The last message's worth of a growing answer, for previews."""
    found = parts(HALF_MARK.sub("", markdown), limit)
    return found[-1] if found else None
