"""Rich messages, simply: Markdown, HTML or blocks to headings, paragraphs, lists and code."""

from __future__ import annotations

import html
import re
from typing import Any

from .errors import bad

Block = dict[str, Any]
MAX_CHARACTERS, MAX_BLOCKS, MAX_DEPTH = 32_768, 500, 16
HEADING = re.compile(r"(#{1,6})\s+(.*)")
ITEM = re.compile(r"\s*(?:[-*+]|(\d+)[.)])\s+(.*)")
BREAK = re.compile(r"</?(?:p|div|h[1-6]|ul|ol|li|br|hr|pre|blockquote|table|tr)\b[^>]*>", re.IGNORECASE)
TAG = re.compile(r"<[^>]*>")


def rich_message(given: dict[str, Any]) -> dict[str, Any]:
    """The RichMessage for an InputRichMessage; ApiError when there is nothing in it or too much."""
    sources = [name for name in ("blocks", "html", "markdown") if given.get(name)]
    if len(sources) != 1:
        raise bad("rich message must have exactly one of blocks, html and markdown" if sources else EMPTY)
    value = given[sources[0]]
    blocks = READERS[sources[0]](value)
    if not blocks:
        raise bad(EMPTY)
    if len(blocks) > MAX_BLOCKS or depth(blocks) > MAX_DEPTH or characters(blocks) > MAX_CHARACTERS:
        raise bad("rich message is too long")
    return {"blocks": blocks, **({"is_rtl": True} if given.get("is_rtl") else {})}


EMPTY = "rich message must be non-empty"


def from_blocks(blocks: Any) -> list[Block]:
    """Blocks as they were given; each must say its type."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) and block.get("type") for block in blocks):
        raise bad("can't parse rich message: each block must be an object with a type")
    return blocks


def from_html(text: str) -> list[Block]:
    """Paragraphs of the text between block tags."""
    parts = (html.unescape(TAG.sub("", part)).strip() for part in BREAK.split(str(text)))
    return [{"type": "paragraph", "text": part} for part in parts if part]


def from_markdown(text: str) -> list[Block]:
    """Blocks of Markdown, line by line."""
    blocks: list[Block] = []
    lines = str(text).split("\n")
    while lines:
        line = lines.pop(0)
        if line.startswith("```"):
            blocks.append(code(line, lines))
        elif line.strip():
            add_line(blocks, line, fresh=not blocks or blocks[-1].pop("open", None) is None)
        elif blocks:
            blocks[-1].pop("open", None)
    for block in blocks:
        block.pop("open", None)
    return blocks


def code(first: str, lines: list[str]) -> Block:
    """A fenced block up to its end or the end of the text."""
    body: list[str] = []
    while lines:
        line = lines.pop(0)
        if line.startswith("```"):
            break
        body.append(line)
    language = first.strip("` \t")
    return {"type": "pre", "text": "\n".join(body), **({"language": language} if language else {})}


def add_line(blocks: list[Block], line: str, *, fresh: bool) -> None:
    """A heading, an item, or a line of a paragraph; `fresh` when no paragraph is open."""
    heading, item = HEADING.fullmatch(line.strip()), ITEM.fullmatch(line)
    if heading:
        blocks.append({"type": "heading", "text": heading[2], "size": len(heading[1])})
    elif item:
        add_item(blocks, item)
    elif fresh or blocks[-1]["type"] != "paragraph":
        blocks.append({"type": "paragraph", "text": line.strip(), "open": True})
    else:
        blocks[-1] |= {"text": f"{blocks[-1]['text']}\n{line.strip()}", "open": True}


def add_item(blocks: list[Block], item: re.Match[str]) -> None:
    """An item joins the list before it."""
    row = {"label": f"{item[1]}." if item[1] else "•", "blocks": [{"type": "paragraph", "text": item[2]}]}
    if blocks and blocks[-1]["type"] == "list":
        blocks[-1]["items"].append(row)
    else:
        blocks.append({"type": "list", "items": [row]})


def depth(value: Any) -> int:
    """How deep blocks nest."""
    if isinstance(value, dict):
        return ("type" in value) + max((depth(inner) for inner in value.values()), default=0)
    return max((depth(inner) for inner in value), default=0) if isinstance(value, list) else 0


def characters(value: Any, name: str = "text") -> int:
    """Characters shown."""
    if isinstance(value, str):
        return len(value) if name in {"text", "credit", "caption", "summary", "label"} else 0
    if isinstance(value, dict):
        return sum(characters(inner, key) for key, inner in value.items())
    return sum(characters(inner, name) for inner in value) if isinstance(value, list) else 0


READERS = {"blocks": from_blocks, "html": from_html, "markdown": from_markdown}
