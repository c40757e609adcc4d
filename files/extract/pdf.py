"""Text of PDF files, page by page."""

import logging
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from files.errors import FileError

MOST_PAGES = 1000
# What apps that photograph pages print on each: a scan with nothing else on it has no text.
WATERMARK = re.compile(r"^ ?(scanned (with|by|using) .*|отсканировано .*|camscanner) ?$", re.IGNORECASE | re.MULTILINE)

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its complaints about odd files help nobody


@lru_cache(1)
def _open(path: Path) -> PdfReader:
    reader = PdfReader(path)
    try:
        sealed = reader.is_encrypted and not reader.decrypt("")
    except (DependencyError, NotImplementedError) as error:
        raise FileError("encrypted") from error
    if sealed:
        raise FileError("encrypted")
    return reader


def read(path: Path) -> Iterator[str]:
    """The text, each page under its number; raises FileError of kind too_many_pages after ``MOST_PAGES``."""
    try:
        reader = _open(path)
        total = len(reader.pages)
    except PyPdfError as error:
        raise FileError("broken") from error
    readable = 0
    for number in range(min(total, MOST_PAGES)):
        try:
            words = WATERMARK.sub("", reader.pages[number].extract_text()).strip()
        except MemoryError:
            raise
        except Exception:  # noqa: S112  (parsers raise anything at a hostile page; the others may be whole)
            continue
        readable += 1
        yield f"[page {number + 1}]\n{words}\n\n" if words else ""
    if not readable:
        raise FileError("broken")
    if total > MOST_PAGES:
        raise FileError("too_many_pages")


def count(path: Path) -> int | None:
    """How many pages the file at ``path`` has, if it says so."""
    try:
        return len(_open(path).pages)
    except Exception:  # as above
        return None
