"""What a picture's own bytes say of it: how large it is in pixels, and whether it is all there.

Our own reading of four formats, because that is what is asked: a library that tells the size (imagesize) does not tell
a torn file from a whole one, and one that does (Pillow) unpacks what strangers send. Nothing is unpacked. What stands
behind the end is let be: phones put a film of the moment there, cameras notes of their own.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"
# Frames of a JPEG that tell its size; between them stand tables of other kinds (ITU T.81, table B.1).
SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that stand alone, without a length.
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Of a PNG, by its specification; what claims more is none.
LONGEST_SIDE = 2**31 - 1
# A JPEG has no more parts than this before its size is told.
MOST_PARTS = 1000
# So much is read at a time where an end is looked for.
PIECE = 64 * 1024


@dataclass(frozen=True)
class Picture:
    """In pixels, as it is stored. ``whole``: it goes on to its end."""

    width: int
    height: int
    whole: bool


def look(path: Path) -> Picture | None:
    """The picture at ``path``; None: it is none of a kind that we know, or broken before it tells its size."""
    with path.open("rb") as file:
        head = file.read(16)
        reader = _reader(head)
        if reader is None:
            return None
        file.seek(0)
        try:
            return reader(file)
        except (struct.error, IndexError):
            return None


def _reader(head: bytes) -> Callable[[BinaryIO], Picture | None] | None:
    if head.startswith(PNG):
        return _png
    if head.startswith(b"\xff\xd8"):
        return _jpeg
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return _gif
    return _webp if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _png(file: BinaryIO) -> Picture | None:
    """The first part tells the size and has a checksum; the last one is named IEND."""
    file.seek(len(PNG))
    length, kind = struct.unpack(">I4s", file.read(8))
    content, checksum = file.read(13), file.read(4)
    if (length, kind) != (13, b"IHDR") or zlib.crc32(kind + content) != struct.unpack(">I", checksum)[0]:
        return None
    width, height = struct.unpack(">II", content[:8])
    fits = 0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE
    return Picture(width, height, _has_last_part(file)) if fits else None


def _has_last_part(file: BinaryIO) -> bool:
    """From part to part: a torn file ends within one."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return True
        file.seek(length + 4, 1)
    return False


def _jpeg(file: BinaryIO) -> Picture | None:
    file.seek(2)
    for _part in range(MOST_PARTS):
        marker = _marker(file)
        if marker is None or marker in (0xD9, 0xDA):
            return None  # the picture itself begins or ends, and no size was told
        if marker in ALONE:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if marker in SIZES:
            height, width = struct.unpack(">xHH", file.read(5))
            return Picture(width, height, _goes_on_to(file, b"\xff\xd9")) if width and height else None
        file.seek(length - 2, 1)
    return None


def _marker(file: BinaryIO) -> int | None:
    """The next one: 0xFF, perhaps several times, and its kind."""
    if file.read(1) != b"\xff":
        return None
    while (kind := file.read(1)) == b"\xff":
        pass
    return kind[0] if kind else None


def _gif(file: BinaryIO) -> Picture | None:
    width, height = struct.unpack("<6xHH", file.read(10))
    return Picture(width, height, _ends(file, b";", 64)) if width and height else None


def _webp(file: BinaryIO) -> Picture | None:
    """Three ways to tell the size (https://developers.google.com/speed/webp/docs/riff_container)."""
    _riff, size, _webp, kind = struct.unpack("<4sI4s4s", file.read(16))
    file.seek(20)
    body = file.read(10)
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7))
    elif kind == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", body[6:10]))
    else:
        return None
    file.seek(0, 2)
    return Picture(width, height, file.tell() >= size + 8) if width and height else None


def _goes_on_to(file: BinaryIO, mark: bytes) -> bool:
    """Whether ``mark`` comes in the rest. In the picture itself a JPEG's end cannot stand by chance."""
    before = b""
    while piece := file.read(PIECE):
        if mark in before + piece:
            return True
        before = piece[1 - len(mark) :]
    return False


def _ends(file: BinaryIO, mark: bytes, within: int) -> bool:
    """Whether ``mark`` stands in the last bytes."""
    end = file.seek(0, 2)
    file.seek(max(0, end - within))
    return mark in file.read()
