"""Parse modes: HTML, MarkdownV2 and the old Markdown, to text and entities.

`parse(mode, text)` gives the text without marks and its entities in UTF-16 units, or raises ApiError 400 with
"can't parse entities: ..." in the server's words.
"""

from __future__ import annotations

from . import html_mode, markdown_mode
from .errors import bad
from .marks import ParseError
from .text import Entity

MODES = {
    "html": html_mode.parse,
    "markdownv2": markdown_mode.parse,
    "markdown": markdown_mode.parse_legacy,
}


def parse(mode: str, text: str) -> tuple[str, list[Entity]]:
    """Text and entities; ApiError for an unknown mode or wrong marks."""
    if mode.lower() == "none":
        return text, []
    reader = MODES.get(mode.lower())
    if reader is None:
        raise bad("unsupported parse_mode")
    try:
        return reader(text)
    except ParseError as error:
        raise bad(f"can't parse entities: {error}") from error
