"""What a file is, by its content. A name only tells which kind of text a text is.

Bounded: the first kilobytes are looked at, and an archive's bytes are searched where they lie; nothing is unpacked.
"""

import mmap
from pathlib import Path, PurePath

import puremagic

from files.errors import FileError
from files.extract.text import looks_like_text

HEAD = 8192
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ENCRYPTED_OFFICE = "application/encrypted"
UNKNOWN = "application/octet-stream"

# The part by which an Office document is known among archives.
OFFICE = {b"word/document.xml": DOCX, b"xl/workbook.xml": XLSX, b"ppt/presentation.xml": PPTX}
# An Office document with a password is no archive but one stream of this name in the older container.
SEALED = "EncryptedPackage".encode("utf-16-le")
TEXTS = {".csv": "text/csv", ".tsv": "text/csv", ".md": "text/markdown", ".markdown": "text/markdown"}
HTML = (b"<!doctype html", b"<html")
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
        if head.startswith(b"PK\x03\x04"):
            return _found(file.fileno(), OFFICE) or "application/zip"
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            return _found(file.fileno(), {SEALED: ENCRYPTED_OFFICE}) or UNKNOWN
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"{\\rtf"):
        return "application/rtf"
    return _text(head, name) if looks_like_text(head) else _by_signature(head)


def _found(file: int, marks: dict[bytes, str]) -> str:
    with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as content:
        return next((mime for mark, mime in marks.items() if content.find(mark) >= 0), "")


def _text(head: bytes, name: str) -> str:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML):
        return "text/html"
    return TEXTS.get(PurePath(name).suffix.lower(), "text/plain")


def _by_signature(head: bytes) -> str:
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    mime = next((match.mime_type for match in matches if match.mime_type), UNKNOWN)
    return USUAL.get(mime, mime)
