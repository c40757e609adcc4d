"""parse_mode=MarkdownV2, and the old Markdown without nesting."""

from __future__ import annotations

import re
from typing import Any

from .html_mode import link
from .marks import Output, ParseError, byte_offset
from .text import Entity

RESERVED = set("_*[]()~`>#+-=|{}.!")
MARKS = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler"}
WORDS = {"*": "Bold", "_": "Italic", "__": "Underline", "~": "Strikethrough", "||": "Spoiler", "[": "TextUrl"}
LANGUAGE = re.compile(r"([A-Za-z0-9+#_.-]+)\n")


class Reader:
    """One pass over a MarkdownV2 text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out = Output()
        self.quote_start: int | None = None
        self.line_start = True

    def read(self) -> tuple[str, list[Entity]]:
        """Text and entities, or ParseError."""
        while self.at < len(self.text):
            self.step()
        self.end_quote()
        if self.out.opened:
            mark = self.out.opened[-1]
            where = byte_offset(self.text, mark.at)
            raise ParseError(f"Can't find end of {WORDS[mark.mark]} entity at byte offset {where}")
        return self.out.result()

    def step(self) -> None:
        """Read one character, mark or block."""
        character = self.text[self.at]
        if self.line_start and self.quoted(character):
            return
        self.line_start = character == "\n"
        if character == "\\" and self.text[self.at + 1 : self.at + 2]:
            self.out.write(self.text[self.at + 1])
            self.at += 2
        elif character == "`":
            self.code()
        elif character not in RESERVED:
            self.out.write(character)
            self.at += 1
        else:
            self.mark(character)

    def quoted(self, character: str) -> bool:
        """At the start of a line: a `>` begins or goes on with a quotation; True when it was read."""
        begins = character == ">" or self.text.startswith("**>", self.at)
        if not begins:
            self.end_quote()
            return False
        if self.text.startswith("**>", self.at):
            self.end_quote()
        if self.quote_start is None:
            self.quote_start = self.out.length
        self.at += 1 if character == ">" else 3
        self.line_start = False
        return True

    def end_quote(self) -> None:
        """The lines of a quotation are over."""
        if self.quote_start is None:
            return
        start, self.quote_start = self.quote_start, None
        if self.out.length > start:
            kind = "expandable_blockquote" if self.expandable else "blockquote"
            self.out.entities.append({"type": kind, "offset": start, "length": self.out.length - start})
        self.expandable = False

    expandable = False

    def code(self) -> None:
        """A block or a word of code; only ` and \\ are escaped inside."""
        fence = "```" if self.text.startswith("```", self.at) else "`"
        began = self.at
        self.at += len(fence)
        entity: dict[str, Any] = {"type": "pre" if len(fence) == 3 else "code"}
        language = LANGUAGE.match(self.text, self.at) if len(fence) == 3 else None
        if language:
            entity["language"] = language[1]
        self.at = language.end() if language else self.at
        if len(fence) == 3 and not language and self.text.startswith("\n", self.at):
            self.at += 1
        self.out.open(fence, began, entity)
        while not self.text.startswith(fence, self.at):
            if self.at >= len(self.text):
                kind = "PreCode" if language else "Pre" if len(fence) == 3 else "Code"
                raise ParseError(f"Can't find end of {kind} entity at byte offset {byte_offset(self.text, began)}")
            self.at += 1 if self.text[self.at] == "\\" and self.at + 1 < len(self.text) else 0
            self.out.write(self.text[self.at])
            self.at += 1
        self.out.close()
        self.at += len(fence)

    def mark(self, character: str) -> None:
        """A reserved character: a mark in its place, or an error."""
        two = self.text[self.at : self.at + 2]
        if two == "||" and self.quote_start is not None and self.ends_expandable():
            self.expandable = True
            self.at += 2
        elif two in MARKS:
            self.toggle(two)
        elif character in MARKS:
            self.toggle(character)
        elif character == "[" or two == "![":
            self.out.open("[", self.at, None)
            self.at += len(two) if two == "![" else 1
        elif character == "]" and self.out.opened and self.out.opened[-1].mark == "[":
            self.address()
        else:
            where = "is reserved and must be escaped with the preceding '\\'"
            raise ParseError(f"Character '{character}' {where}")

    def ends_expandable(self) -> bool:
        """`||` at the end of the last line of a quotation, with no spoiler open."""
        spoiler = any(mark.mark == "||" for mark in self.out.opened)
        rest = self.text[self.at + 2 :]
        return not spoiler and (not rest or (rest[0] == "\n" and not rest.startswith("\n>")))

    def toggle(self, mark: str) -> None:
        """Open a mark, or close it when it is the innermost open one."""
        opened = [one.mark for one in self.out.opened]
        if opened and opened[-1] == "_" and mark == "__":
            mark = "_"
        if mark in opened and opened[-1] != mark:
            inner = self.out.opened[-1]
            where = byte_offset(self.text, inner.at)
            raise ParseError(f"Can't find end of {WORDS[inner.mark]} entity at byte offset {where}")
        if mark in opened:
            self.out.close()
        else:
            self.out.open(mark, self.at, {"type": MARKS[mark]})
        self.at += len(mark)

    def address(self) -> None:
        """`](address)` after a text."""
        end = self.at + 1
        address = ""
        if self.text.startswith("(", end):
            end += 1
            while end < len(self.text) and self.text[end] != ")":
                end += 1 if self.text[end] == "\\" and end + 1 < len(self.text) else 0
                address += self.text[end]
                end += 1
            if end >= len(self.text):
                raise ParseError(f"Can't find end of a URL at byte offset {byte_offset(self.text, self.at)}")
            end += 1
        self.out.opened[-1].entity = target(address)
        self.out.close()
        self.at = end


def target(address: str) -> dict[str, Any] | None:
    """What `[text](address)` makes of the text."""
    emoji = re.fullmatch(r"tg://emoji\?id=(\d+)", address)
    return {"type": "custom_emoji", "custom_emoji_id": emoji[1]} if emoji else link(address)


def parse(text: str) -> tuple[str, list[Entity]]:
    """Text and entities of MarkdownV2."""
    return Reader(text).read()


LEGACY = re.compile(
    r"\\(?P<escaped>[_*`\[])"
    r"|```(?:(?P<language>[A-Za-z0-9+#_.-]+)\n)?\n?(?P<pre>[\s\S]*?)```"
    r"|`(?P<code>[^`]*)`"
    r"|\*(?P<bold>[^*]*)\*"
    r"|_(?P<italic>[^_]*)_"
    r"|\[(?P<label>[^\]]*)\]\((?P<address>[^)]*)\)"
    r"|(?P<lone>[_*`\[])"
)
LEGACY_WORDS = {"*": "Bold", "_": "Italic", "`": "Code", "[": "TextUrl"}


def parse_legacy(text: str) -> tuple[str, list[Entity]]:
    """Text and entities of the old Markdown."""
    output, position = Output(), 0
    for match in LEGACY.finditer(text):
        output.write(text[position : match.start()])
        position = match.end()
        legacy_mark(output, text, match)
    output.write(text[position:])
    return output.result()


def legacy_mark(output: Output, text: str, match: re.Match[str]) -> None:
    """One mark of the old Markdown with its text."""
    kind = next(
        name for name in ("escaped", "pre", "code", "bold", "italic", "label", "lone") if match[name] is not None
    )
    if kind == "escaped":
        output.write(match["escaped"])
        return
    if kind == "lone":
        if match["lone"] == "[":
            output.write("[")
            return
        where = byte_offset(text, match.start())
        raise ParseError(f"Can't find end of {LEGACY_WORDS[match['lone']]} entity at byte offset {where}")
    entity: dict[str, Any] | None = link(match["address"]) if kind == "label" else {"type": kind}
    if match["language"] and entity is not None:
        entity["language"] = match["language"]
    output.open(kind, match.start(), entity)
    output.write(match[kind])
    output.close()
