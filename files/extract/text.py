"""Plain text in whatever encoding, and the words of HTML pages."""

import codecs
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Eight-bit encodings of Russian texts, told apart by the letters that are frequent in any of them.
EIGHT_BITS = ("cp1251", "koi8-r", "cp866")
FREQUENT = frozenset("оеаинтсрвлкмдпу")
# Control characters that stand in texts: tab, line feed, form feed, carriage return, escape.
USUAL = bytes({9, 10, 12, 13, 27})
CONTROL = bytes(set(range(32)) - set(USUAL))
# Between UTF-8 and an eight-bit encoding: how much of a text must be letters and signs a person reads.
READABLE = 0.85
PIECE = 64 * 1024
# Bytes by which the encoding is told: a page of Russian may stand far down in a program.
SAMPLE = 8 * 1024 * 1024
ASCII = bytes(range(128))


def encoding_of(content: bytes) -> str:
    """The encoding of ``content``, which may end in the middle of a character; an empty string if it is no text."""
    for mark, name in BOMS:
        if content.startswith(mark):
            return name
    if len(content.translate(None, CONTROL)) != len(content):
        return ""
    return "utf-8" if _is_utf8(content) else _eight_bits(content)


def _is_utf8(content: bytes) -> bool:
    """A broken letter among many whole ones does not make another encoding."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        broken = content.decode("utf-8", "replace").count("\ufffd")
        return broken * 20 < len(content.translate(None, ASCII))
    return True


def _eight_bits(content: bytes) -> str:
    foreign = content.translate(None, ASCII)[:PIECE]

    def frequent(name: str) -> int:
        return sum(letter in FREQUENT for letter in foreign.decode(name, "replace"))

    best = max(EIGHT_BITS, key=frequent)
    letters = sum(letter.isalnum() or letter.isspace() for letter in foreign.decode(best, "replace"))
    plain = len(content) - len(content.translate(None, ASCII))
    return best if letters + plain >= READABLE * (len(foreign) + plain) else ""


def looks_like_text(head: bytes) -> bool:
    return bool(encoding_of(head))


def read(path: Path) -> Iterator[str]:
    """The file's text in pieces."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    encoding = encoding_of(sample) or encoding_of(sample[:PIECE]) or "utf-8"
    with path.open(encoding=encoding, errors="replace") as words:
        while piece := words.read(PIECE):
            yield piece.replace("\x00", "")


def read_html(path: Path) -> Iterator[str]:
    """The words of a page, without its scripts and styles."""
    parser = Words()
    for piece in read(path):
        parser.feed(piece)
        yield parser.taken()
    parser.close()
    yield parser.taken()


class Words(HTMLParser):
    """Collects what a reader of the page would see, a line for each block."""

    SILENT = frozenset({"script", "style", "template", "noscript"})
    BLOCKS = frozenset(
        ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "section", "article",
         "header", "footer", "pre", "blockquote", "title")
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._words: list[str] = []
        self._silent = 0

    def taken(self) -> str:
        words, self._words = "".join(self._words), []
        return words

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        if tag in self.BLOCKS:
            self._words.append("\n")
        elif tag in ("td", "th"):
            self._words.append("\t")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self.SILENT))
        if tag in self.BLOCKS:
            self._words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words.append(" ".join(data.split()) + " " if data.strip() else "")
