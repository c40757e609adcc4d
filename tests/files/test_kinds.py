"""What a file is: by its content, whatever its name says."""

import io
import zipfile
from pathlib import Path

import pytest

from files import kinds
from files.errors import FileError
from files.extract.text import encoding_of
from tests.files.documents import archive, docx, pdf, pptx, xlsx

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(50)
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead" + bytes(50)


def film(*tracks: bytes, brand: bytes = b"isom") -> bytes:
    """The wrapping of films and recordings, with the kinds of its tracks."""
    boxes = b"".join(b"\0\0\0\x20hdlr" + bytes(8) + track + bytes(12) for track in tracks)
    return b"\0\0\0\x18ftyp" + brand + bytes(8) + boxes


def stored(parts: dict[str, bytes]) -> bytes:
    """An archive in which nothing is packed: what is inside can be read from outside."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return made.getvalue()


def mime(tmp_path: Path, content: bytes, name: str = "file.bin") -> str:
    path = tmp_path / "file"
    path.write_bytes(content)
    return kinds.mime_of(path, name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pdf(["x"]), kinds.PDF),
        (docx("x"), kinds.DOCX),
        (xlsx([]), kinds.XLSX),
        (pptx("x"), kinds.PPTX),
        (archive({"a.txt": "x"}), "application/zip"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            kinds.ENCRYPTED_OFFICE,
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), kinds.UNKNOWN),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a" + bytes(50), "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(50), "image/webp"),
        (OGG, "audio/ogg"),
        (b"ID3\x04" + bytes(50), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(50), "audio/mpeg"),
        (b"\xff\xf3\x90\x64" + bytes(50), "audio/mpeg"),
        (b"RIFF\0\0\0\0WAVEfmt " + bytes(50), "audio/wav"),
        (film(b"vide", b"soun"), "video/mp4"),
        (film(), "video/mp4"),
        (film(b"soun"), "audio/mp4"),
        (film(b"soun", brand=b"iso5"), "audio/mp4"),
        (film(b"soun", b"vide", brand=b"M4A "), "audio/mp4"),
        (film(brand=b"heic"), "image/heic"),
        (b"\r\n%PDF-1.4", kinds.PDF),
        (b"\x00junk%PDF-1.4", kinds.PDF),
        (b"# A file that begins with %PDF-1.7 is a PDF", "text/plain"),
        (stored({"letter.docx": docx("x")}), "application/zip"),
        (stored({"ppt/presentation.xml": b"x", "ppt/embeddings/1.xlsx": xlsx([])}), kinds.PPTX),
        (docx("torn")[:-30], kinds.DOCX),
        (b"<!DOCTYPE html><html><p>x", "text/html"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><!-- b -->\n<HTML>", "text/html"),
        (b"<?xml version='1.0'?><svg/>", "text/plain"),
        (b"<!---->" * 1200, "text/plain"),
        (b"BM is how a sentence may begin", "text/plain"),
        (b"{\\rtf1 hello}", "application/rtf"),
        (bytes(200), kinds.UNKNOWN),
    ],
)
def test_content_decides(tmp_path: Path, content: bytes, expected: str) -> None:
    assert mime(tmp_path, content, "holiday.jpg") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "text/csv"),
        ("A.MD", "text/markdown"),
        ("a.htm", "text/html"),
        ("main.py", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_name_tells_only_texts_apart(tmp_path: Path, name: str, expected: str) -> None:
    assert mime(tmp_path, b"a;b;c\n1;2;3\n", name) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "koi8-r", "cp866"])
def test_russian_text_is_text_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    assert mime(tmp_path, "Привет, мир! Это обычный текст на русском языке.".encode(encoding)) == "text/plain"


def test_zero_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError) as refused:
        mime(tmp_path, b"")
    assert refused.value.kind == "empty"


def test_text_that_is_cut_inside_a_letter_is_text(tmp_path: Path) -> None:
    assert mime(tmp_path, "я".encode() * kinds.HEAD) == "text/plain"
    assert mime(tmp_path, b"x" + "я".encode() * kinds.HEAD) == "text/plain"


def test_broken_letter_makes_no_other_encoding_of_a_text() -> None:
    words = "Привет, мир! Это обычный текст. ".encode() * 10
    assert encoding_of(words + b"\xff" + words) == "utf-8"


def test_noise_is_no_text(tmp_path: Path) -> None:
    assert mime(tmp_path, bytes(range(128, 256)) * 20, "a.txt") == kinds.UNKNOWN
