"""What a picture's bytes say of it."""

from pathlib import Path

import pytest

from files import pictures
from files.pictures import Picture
from tests.posts import files


def look(folder: Path, content: bytes) -> Picture | None:
    path = folder / "picture"
    path.write_bytes(content)
    return pictures.look(path)


@pytest.mark.parametrize(
    "content",
    [
        files.png(640, 480),
        files.jpeg(640, 480),
        files.gif(640, 480),
        files.webp(640, 480),
        files.webp(640, 480, b"VP8L"),
        files.webp(640, 480, b"VP8 "),
    ],
    ids=["png", "jpeg", "gif", "webp", "webp without loss", "webp of a film"],
)
def test_picture_tells_its_size_and_that_it_is_whole(tmp_path: Path, content: bytes) -> None:
    assert look(tmp_path, content) == Picture(640, 480, whole=True)


@pytest.mark.parametrize(
    "content",
    [
        files.torn(files.png(640, 480, filler=b"a" * 100)),
        files.jpeg(640, 480)[:-2],
        files.gif(640, 480)[:-1],
        files.webp(640, 480)[:-1],
    ],
    ids=["png", "jpeg", "gif", "webp"],
)
def test_torn_picture_is_not_whole(tmp_path: Path, content: bytes) -> None:
    assert look(tmp_path, content) == Picture(640, 480, whole=False)


@pytest.mark.parametrize("content", [files.png(640, 480), files.jpeg(640, 480)], ids=["png", "jpeg"])
def test_picture_with_much_behind_its_end_is_whole(tmp_path: Path, content: bytes) -> None:
    """As phones write it: a film of the moment follows."""
    assert look(tmp_path, content + b"\x00film" * 100_000) == Picture(640, 480, whole=True)


def test_end_of_a_jpeg_is_found_where_two_pieces_meet(tmp_path: Path) -> None:
    picture = files.jpeg(640, 480)
    for missing in range(-2, 3):
        filled = picture[:-2] + b"\x12" * (pictures.PIECE - 14 + missing) + picture[-2:] + b"\x00" * 9
        assert look(tmp_path, filled) == Picture(640, 480, whole=True)


def test_torn_png_is_not_whole_though_its_last_bytes_look_like_an_end(tmp_path: Path) -> None:
    torn = files.torn(files.png(640, 480, filler=b"a" * 500 + b"IEND" + b"a" * 20))
    assert look(tmp_path, torn) == Picture(640, 480, whole=False)


@pytest.mark.parametrize("content", [files.HTML, files.PDF, b"", b"\xff", b"RIFF1234WAVEfmt "])
def test_what_is_no_picture_is_none(tmp_path: Path, content: bytes) -> None:
    assert look(tmp_path, content) is None


def test_png_with_a_wrong_checksum_is_none(tmp_path: Path) -> None:
    content = bytearray(files.png(640, 480))
    content[17] ^= 1
    assert look(tmp_path, bytes(content)) is None


def test_png_that_claims_more_than_a_png_can_have_is_none(tmp_path: Path) -> None:
    """No column of a database holds such a number."""
    assert look(tmp_path, files.png(2**31, 480)) is None
    assert look(tmp_path, files.png(2**31 - 1, 480)) == Picture(2**31 - 1, 480, whole=True)


@pytest.mark.parametrize("length", [2, 4, 11, 20])
def test_picture_that_ends_before_its_size_is_none(tmp_path: Path, length: int) -> None:
    for content in (files.png(), files.jpeg(), files.gif()[:9], files.webp()):
        assert look(tmp_path, content[:length]) is None


def test_jpeg_with_zero_sides_is_none(tmp_path: Path) -> None:
    assert look(tmp_path, files.jpeg(0, 480)) is None


def test_jpeg_with_endless_parts_is_given_up(tmp_path: Path) -> None:
    assert look(tmp_path, b"\xff\xd8" + b"\xff\xd0" * 5000) is None
