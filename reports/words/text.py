"""How the texts of reports are marked: as Markdown for Telegram, or not at all for e-mail."""

import re
from collections.abc import Callable
from dataclasses import dataclass

SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")


def literal(text: str) -> str:
    """``text`` on one line, as it is, whatever Markdown or HTML a name holds: a numeric reference is never a mark."""
    return SPECIAL.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))


@dataclass(frozen=True)
class Style:
    """``name``: a text that people chose. ``bold``: what the eye should find."""

    name: Callable[[str], str]
    bold: Callable[[str], str]


MARKDOWN = Style(literal, "**{}**".format)
PLAIN = Style(lambda text: " ".join(text.split()), str)
