"""From a kind of file to its reader, and when a reader has read enough."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from files.errors import PARTLY, FileError

# Characters: about half a million tokens, more than most windows hold.
MOST_CHARACTERS = 2_000_000
# What is read until then is kept; the process itself has a little longer.
SECONDS = 20.0

Reader = Callable[[Path], Iterator[str]]
OFFICE = "application/vnd.openxmlformats-officedocument"
# A module of this package and its function; only the one that is needed is loaded: most of the time goes into that.
READERS = {
    "application/pdf": ("pdf", "read"),
    f"{OFFICE}.wordprocessingml.document": ("office", "read_docx"),
    f"{OFFICE}.spreadsheetml.sheet": ("office", "read_xlsx"),
    f"{OFFICE}.presentationml.presentation": ("office", "read_pptx"),
    "text/html": ("text", "read_html"),
    "text/csv": ("text", "read"),
    "text/markdown": ("text", "read"),
    "text/plain": ("text", "read"),
}


@dataclass(frozen=True)
class Found:
    """``error``: why there is no text, or why it is only the beginning; else empty."""

    text: str = ""
    error: str = ""
    pages: int | None = None


def read(path: Path, mime: str, seconds: float = SECONDS, most: int = MOST_CHARACTERS) -> Found:
    """The text of the file at ``path``; raises nothing."""
    pieces: list[str] = []
    try:
        error = _gather(_reader(mime)(path), pieces, seconds, most)
    except FileError as refused:
        error = refused.kind
    except MemoryError:
        error = "bomb"
    except Exception:  # parsers raise anything at a hostile file, and all of it means the same
        error = "broken"
    words = "".join(pieces).strip()[:most] if not error or error in PARTLY else ""
    return Found(words, error or ("" if words else "no_text"), _pages(path, mime, error))


def _pages(path: Path, mime: str, error: str) -> int | None:
    if mime != "application/pdf" or error in ("encrypted", "bomb"):
        return None
    pages: int | None = import_module("files.extract.pdf").count(path)
    return pages


def _reader(mime: str) -> Reader:
    if mime not in READERS:
        raise FileError("encrypted" if mime == "application/encrypted" else "unsupported")
    module, function = READERS[mime]
    found: Reader = getattr(import_module(f"files.extract.{module}"), function)
    return found


def _gather(pieces: Iterator[str], into: list[str], seconds: float, most: int) -> str:
    end, size = time.monotonic() + seconds, 0
    for piece in pieces:
        into.append(piece)
        size += len(piece)
        if size > most:
            return "too_long"
        if time.monotonic() > end:
            return "timeout"
    return ""
