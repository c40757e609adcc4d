"""Stored files: identifiers, sizes, download links that end after an hour."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .errors import bad

MAX_DOWNLOAD = 20 * 1024 * 1024
MAX_UPLOAD = 50 * 1024 * 1024
MAX_PHOTO = 10 * 1024 * 1024
LINK_SECONDS = 3600
# The longer side of a photo's smallest size, in pixels.
THUMBNAIL = 90
# The kinds of files that are played, each a field of a message.
CAPTIONED = ("photo", "document", "voice", "audio", "video", "animation")
KINDS = (*CAPTIONED, "video_note")
FOLDERS = {
    "photo": "photos", "voice": "voice", "audio": "music", "video": "videos", "animation": "animations",
    "video_note": "video_notes",
}  # fmt: skip
DEFAULT_MIME = {
    "photo": "image/jpeg", "voice": "audio/ogg", "audio": "audio/mpeg", "video": "video/mp4", "video_note": "video/mp4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    mime: str
    content: bytes


@dataclass(slots=True)
class StoredFile:
    """A file in a chat. `size` may be declared larger than the content, to play big files."""

    file_id: str
    unique_id: str
    kind: str
    name: str
    mime: str
    content: bytes
    size: int
    width: int = 0
    height: int = 0
    path: str = ""
    path_until: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
    smaller: StoredFile | None = None


def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, WebP or JPEG; None for anything else."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return int(width), int(height)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return 512, 512
    return jpeg_size(content) if content[:2] == b"\xff\xd8" else None


def jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height from the frame header of a JPEG; 800 x 600 for one that ends before it."""
    position = 2
    while position + 9 < len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return int(width), int(height)
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return 800, 600


class Files:
    """All files of the world, by file_id; file_ids belong to one bot."""

    def __init__(self, bot_id: int, clock: Callable[[], float] = time.time) -> None:
        self.bot_id = bot_id
        self.clock = clock
        self.by_id: dict[str, StoredFile] = {}
        self.by_unique: dict[str, StoredFile] = {}
        self.by_path: dict[str, StoredFile] = {}
        self._number = count(1)

    def store(self, kind: str, upload: Upload, size: int | None = None) -> StoredFile:
        """Keep a file; `size` in bytes overrides the length of the content."""
        file_id, unique = self._new_ids(kind)
        mime = upload.mime or mimetypes.guess_type(upload.name)[0] or DEFAULT_MIME.get(kind, "")
        width, height = image_size(upload.content) or (0, 0)
        stored = StoredFile(
            file_id=file_id,
            unique_id=unique,
            kind=kind,
            name=upload.name,
            mime=mime or "application/octet-stream",
            content=upload.content,
            size=len(upload.content) if size is None else size,
            width=width,
            height=height,
        )
        self.by_id[file_id] = self.by_unique[unique] = stored
        if kind == "photo":
            stored.smaller = self._smaller(stored)
        return stored

    def _new_ids(self, kind: str) -> tuple[str, str]:
        digest = hashlib.sha256(f"{kind}:{next(self._number)}:{self.bot_id}".encode()).digest()
        unique = "AgAD" + base64.urlsafe_b64encode(digest[:9]).decode()
        return "BQACAgIAAx" + base64.urlsafe_b64encode(digest[9:]).decode().rstrip("=") + unique[4:], unique

    def _smaller(self, photo: StoredFile) -> StoredFile | None:
        """The thumbnail of a photo that is larger than one: a file by itself, with other bytes."""
        width, height = photo.width or 800, photo.height or 600
        if max(width, height) <= THUMBNAIL:
            return None
        scale = THUMBNAIL / max(width, height)
        file_id, unique = self._new_ids("thumbnail")
        content = photo.content[:128]
        small = StoredFile(file_id, unique, "photo", photo.name, photo.mime, content, len(content))
        small.width, small.height = max(1, round(width * scale)), max(1, round(height * scale))
        self.by_id[file_id] = self.by_unique[unique] = small
        return small

    def find(self, file_id: str) -> StoredFile:
        """The file, or ApiError in the words used for getFile."""
        stored = self.by_id.get(file_id)
        if stored is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        return stored

    def link(self, file_id: str) -> StoredFile:
        """Give a file a path to load it from, good for an hour; ApiError when over 20 MB."""
        stored = self.find(file_id)
        if stored.size > MAX_DOWNLOAD:
            raise bad("file is too big")
        if self.clock() >= stored.path_until:
            self.by_path.pop(stored.path, None)
            extension = mimetypes.guess_extension(stored.mime) or ""
            suffix = "." + stored.name.rsplit(".", 1)[1] if "." in stored.name else extension
            stored.path = f"{FOLDERS.get(stored.kind, 'documents')}/file_{next(self._number)}{suffix}"
            stored.path_until = self.clock() + LINK_SECONDS
            self.by_path[stored.path] = stored
        return stored

    def at(self, path: str) -> StoredFile | None:
        """The file behind a link that is still good."""
        stored = self.by_path.get(path)
        return stored if stored and self.clock() < stored.path_until else None


def describe(stored: StoredFile) -> dict[str, Any]:
    """The fields common to all kinds of files."""
    return {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "file_size": stored.size}


def photo_sizes(stored: StoredFile) -> list[dict[str, Any]]:
    """A photo: one entry per size, smallest first, the original last."""
    sizes = [stored.smaller, stored] if stored.smaller else [stored]
    return [{**describe(size), "width": size.width or 800, "height": size.height or 600} for size in sizes]


def media_object(stored: StoredFile) -> Any:
    """What a message carries for a file: an object, or the list of sizes of a photo."""
    if stored.kind == "photo":
        return photo_sizes(stored)
    duration = int(stored.extra.get("duration", 1))
    if stored.kind == "video_note":
        return {**describe(stored), "length": stored.extra.get("length", 240), "duration": duration}
    base = {**describe(stored), "mime_type": stored.mime}
    if stored.kind in {"document", "audio", "video", "animation"}:
        base["file_name"] = stored.name
    if stored.kind in {"audio", "voice", "video", "animation"}:
        base["duration"] = duration
    if stored.kind in {"video", "animation"}:
        base |= {"width": stored.extra.get("width", 640), "height": stored.extra.get("height", 360)}
    if stored.kind == "audio":
        base |= {name: stored.extra[name] for name in ("performer", "title") if stored.extra.get(name)}
    return base
