"""Pictures that the fake models paint: small, valid, always the same."""

from __future__ import annotations

import base64
import struct
import zlib

SIDE = 64  # pixels


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def painted(n: int) -> bytes:
    """Picture number ``n`` as a PNG: two colours that meet in a diagonal."""
    one, other = bytes((40 * n % 256, 120, 200)), bytes((250, 200 - 30 * n % 200, 60))
    rows = b"".join(b"\0" + one * x + other * (SIDE - x) for x in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def encoded(n: int) -> str:
    """The same in base64."""
    return base64.b64encode(painted(n)).decode()
