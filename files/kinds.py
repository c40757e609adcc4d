"""What a file is, by its content. A name only tells which kind of text a text is.

Bounded: the first kilobytes are looked at, and an archive's bytes are searched where they lie; nothing is unpacked.
"""

import mmap
import re
from collections.abc import Callable
from pathlib import Path, PurePath

from files.errors import FileError
from files.extract.text import looks_like_text

HEAD = 8192
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ENCRYPTED_OFFICE = "application/encrypted"
UNKNOWN = "application/octet-stream"

# The part by which an Office document is known among archives: it stands in the list at an archive's end.
OFFICE = {b"word/document.xml": DOCX, b"xl/workbook.xml": XLSX, b"ppt/presentation.xml": PPTX}
# An Office document with a password is no archive but one stream of this name in the older container.
SEALED = "EncryptedPackage".encode("utf-16-le")
TEXTS = {
    ".csv": "text/csv", ".tsv": "text/csv", ".md": "text/markdown", ".markdown": "text/markdown",
    ".html": "text/html", ".htm": "text/html",
}  # fmt: skip
# Before a page may stand a mark of the encoding, a declaration, comments. Nothing is tried twice (``+``, ``?>``): a
# file may hold a thousand comments.
HTML = re.compile(
    rb"(\xef\xbb\xbf)?\s*+(<\?xml[^>]*+>\s*+)?+((?><!--.*?-->)\s*+)*+<(!doctype html|html)", re.IGNORECASE | re.DOTALL
)
# MPEG sound that begins without a title: layer III of the versions 1, 2 and 2.5, with a checksum or without.
MP3 = tuple(bytes((0xFF, second)) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2))
# The kind of each track of a film or a recording (ISO/IEC 14496-12, 8.4.3).
TRACK = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)
# What the table of signatures calls otherwise than the providers do.
USUAL = {
    "application/ogg": "audio/ogg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/mpga": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "image/heif": "image/heic",
    "image/jpg": "image/jpeg",
}


def mime_of(path: Path, name: str) -> str:
    """The MIME type of the file at ``path``, which somebody called ``name``. Raises FileError of kind empty."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        if not head:
            raise FileError("empty")
        if look := _container(head):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return look(content)
    is_text = looks_like_text(head)
    # Some junk may stand before a PDF; a text may speak of one.
    if head.lstrip().startswith(b"%PDF-") or (b"%PDF-" in head[:1024] and not is_text):
        return PDF
    if head.startswith(b"{\\rtf"):
        return "application/rtf"
    return _text(head, name) if is_text else _by_signature(head)


def _container(head: bytes) -> Callable[[mmap.mmap], str] | None:
    """Who can tell what is in a file of which the head tells only the wrapping."""
    if head.startswith(b"PK\x03\x04"):
        return _archive
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return lambda content: ENCRYPTED_OFFICE if content.find(SEALED) >= 0 else UNKNOWN
    return _film if head[4:8] == b"ftyp" and not _by_signature(head).startswith(("image/", "audio/")) else None


def _archive(content: mmap.mmap) -> str:
    """Only the list of its own parts counts: a document inside an archive has one, too."""
    end = content.rfind(b"PK\x05\x06")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    start = max(0, end - size)  # of a torn archive, all of it
    return next((mime for mark, mime in OFFICE.items() if content.find(mark, start) >= 0), "application/zip")


def _film(content: mmap.mmap) -> str:
    """A recording lies in the same wrapping as a film; its tracks say which it is."""
    tracks = {found[1] for found in TRACK.finditer(content)}
    if tracks == {b"soun"}:
        return "audio/mp4"
    return "video/mp4" if tracks else _by_signature(content[:HEAD])


def _text(head: bytes, name: str) -> str:
    if HTML.match(head):
        return "text/html"
    return TEXTS.get(PurePath(name).suffix.lower(), "text/plain")


def _by_signature(head: bytes) -> str:
    import puremagic  # its tables take more than a megabyte, and many bots see no file all day

    if head.startswith(MP3):
        return "audio/mpeg"
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    mime = next((match.mime_type for match in matches if match.mime_type), UNKNOWN)
    return USUAL.get(mime, mime)
