"""Files for tests of posts: pictures of any size, whole or torn, and what only claims to be one."""

import struct
import zlib

MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00" * 8 + b"hdlr" + b"\x00" * 8 + b"vide" + b"\x00" * 40
M4A = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00" * 8 + b"hdlr" + b"\x00" * 8 + b"soun" + b"\x00" * 40
MP3 = b"\xff\xfb\x90\x00" + b"\x00" * 400
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
HTML = b"<!DOCTYPE html><html><body>Not found</body></html>"


def png(width: int = 8, height: int = 6, *, filler: bytes = b"") -> bytes:
    """A grey picture. ``filler``: makes it another file of the same look, or a larger one."""
    line = b"\x00" + b"\x80" * min(width, 100)
    body = zlib.compress(line * min(height, 100) + filler, 0 if filler else 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", header) + _part(b"IDAT", body) + _part(b"IEND", b"")


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def torn(picture: bytes) -> bytes:
    return picture[:-14]


def jpeg(width: int = 8, height: int = 6) -> bytes:
    """The parts that matter: a header, a frame with its size, a scan, the end."""
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + app + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\x34" + b"\xff\xd9"


def gif(width: int = 8, height: int = 6) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\x00\x00" + b"\x00" * 6 + b";"


def webp(width: int = 8, height: int = 6, kind: bytes = b"VP8X") -> bytes:
    """Of each of the three forms."""
    body = {
        b"VP8X": b"\x00" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
        b"VP8L": b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + b"\x00" * 5,
        b"VP8 ": b"\x00" * 3 + b"\x9d\x01\x2a" + struct.pack("<HH", width, height),
    }[kind]
    parts = b"WEBP" + kind + struct.pack("<I", len(body)) + body + b"\x00" * 16
    return b"RIFF" + struct.pack("<I", len(parts)) + parts
