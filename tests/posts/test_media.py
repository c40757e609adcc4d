"""A post's files: from messages, from uploads, and what Telegram would not take."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from files import services as stored
from files.models import StoredFile
from posts.content import Medium, Problem, Refused
from posts.models import PostMedia
from posts.services import limits, media
from tests.house import BOT
from tests.posts import files


def kept(content: bytes, name: str = "") -> StoredFile:
    return stored.store_bytes(None, content, name, timezone.now())


def arrive(content: bytes, name: str = "", kind: str = "") -> Medium:
    return media.from_bytes(None, content, name, timezone.now(), kind=kind)


def refused(act: Callable[..., Any], *args: Any, **more: Any) -> Problem:
    with pytest.raises(Refused) as error:
        act(*args, **more)
    (problem,) = error.value.problems
    return problem


def codes(medium: Medium) -> list[str]:
    return [problem.code for problem in media.wrong_with(medium)]


# --- from a message -------------------------------------------------------------------------------------------------


def test_photo_of_a_message_is_its_largest_size() -> None:
    sizes = [
        {"file_id": "s", "width": 90, "height": 60, "file_size": 1},
        {"file_id": "l", "width": 1280, "height": 720, "file_size": 2},
        {"file_id": "m", "width": 320, "height": 180, "file_size": 3},
    ]
    bold = [{"type": "bold", "offset": 0, "length": 4}]
    message = {"photo": sizes, "caption": "Look", "caption_entities": bold, "has_media_spoiler": True}
    assert media.in_message(message, BOT) == Medium(
        "photo", telegram_file_id="l", bot_id=BOT, mime="image/jpeg", size=2, width=1280, height=720, text="Look",
        entities=bold, spoiler=True,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["video", "animation", "document", "audio"])
def test_file_of_a_message_keeps_what_is_known_of_it(kind: str) -> None:
    about = {"file_id": "f", "file_name": "../a.mp4", "mime_type": "video/mp4", "file_size": 9, "duration": 3,
             "width": 6, "height": 4}  # fmt: skip
    message = {kind: about}
    if kind == "animation":
        message["document"] = about
    found = media.in_message(message, BOT)
    assert found == Medium(
        kind, telegram_file_id="f", bot_id=BOT, name="a.mp4", mime="video/mp4", size=9, duration=3, width=6, height=4
    )


@pytest.mark.parametrize("message", [{}, {"text": "Hi"}, {"sticker": {"file_id": "s"}}, {"voice": {"file_id": "v"}}])
def test_message_without_a_file_for_posts_has_none(message: dict[str, Any]) -> None:
    assert media.in_message(message, BOT) is None


def test_type_that_is_too_long_to_keep_is_cut() -> None:
    found = media.in_message({"document": {"file_id": "d", "mime_type": "application/" + "x" * 200}}, BOT)
    assert found is not None
    assert len(found.mime) == PostMedia._meta.get_field("mime").max_length


# --- from an upload -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (files.png(), "a.png", "photo"),
        (files.jpeg(), "", "photo"),
        (files.webp(), "a.webp", "photo"),
        (files.gif(), "a.gif", "animation"),
        (files.MP4, "a.mp4", "video"),
        (files.MP3, "a.mp3", "audio"),
        (files.M4A, "a.m4a", "audio"),
        (files.PDF, "a.pdf", "document"),
        (b"some text", "a.txt", "document"),
        (files.HTML, "a.html", "document"),
        (files.png(30, 1), "a.png", "document"),
        (files.png(9000, 1001), "a.png", "document"),
    ],
)
def test_kind_of_an_upload_is_what_its_content_is(db: None, content: bytes, name: str, kind: str) -> None:
    assert arrive(content, name).kind == kind


def test_upload_is_kept_with_its_size_and_sides(db: None, editor: User) -> None:
    found = media.from_bytes(editor, files.png(640, 480), "../cat.png", timezone.now())
    assert found.file is not None
    assert (found.file.owner, found.name, found.mime) == (editor, "cat.png", "image/png")
    assert (found.size, found.width, found.height) == (len(files.png(640, 480)), 640, 480)


def test_page_that_claims_to_be_a_picture_is_refused(db: None) -> None:
    problem = refused(arrive, files.HTML, "photo.jpg")
    assert problem.code == "wrong-kind"
    assert problem.text == "File 1 is not a picture but text/html. Send a JPEG, PNG or WebP."


def test_empty_file_is_refused_by_its_number(db: None) -> None:
    problem = refused(media.from_bytes, None, b"", "a.png", timezone.now(), number=3)
    assert (problem.field, problem.code, problem.text) == ("media.2", "empty-file", "File 3 is empty. Send it again.")


def test_torn_picture_is_refused(db: None) -> None:
    assert refused(arrive, files.torn(files.png()), "a.png").code == "broken-picture"
    assert refused(arrive, files.gif()[:-1], "a.gif").code == "broken-picture"


def test_upload_must_be_what_is_asked_for(db: None) -> None:
    assert refused(arrive, files.PDF, "a.pdf", kind="photo").code == "wrong-kind"
    assert refused(arrive, files.png(), "a.png", kind="video").code == "wrong-kind"
    assert arrive(files.png(), "a.png", kind="document").kind == "document"
    assert arrive(files.MP4, "a.mp4", kind="animation").kind == "animation"


# --- limits ---------------------------------------------------------------------------------------------------------


def sized(content: bytes, size: int, name: str = "") -> StoredFile:
    file = kept(content, name)
    StoredFile.objects.filter(pk=file.pk).update(size=size)
    file.refresh_from_db()
    return file


@pytest.mark.parametrize(("size", "found"), [(limits.PHOTO_BYTES, []), (limits.PHOTO_BYTES + 1, ["photo-too-large"])])
def test_photo_may_have_ten_megabytes(db: None, size: int, found: list[str]) -> None:
    assert codes(Medium("photo", file=sized(files.png(), size))) == found


@pytest.mark.parametrize(
    ("width", "height", "found"),
    [
        (5000, 5000, []),
        (5000, 5001, ["photo-dimensions"]),
        (2000, 100, []),
        (2001, 100, ["photo-dimensions"]),
        (100, 2001, ["photo-dimensions"]),
    ],
)
def test_photo_has_limits_to_its_sides(db: None, width: int, height: int, found: list[str]) -> None:
    assert codes(Medium("photo", file=kept(files.png(width, height)))) == found


def test_file_may_have_fifty_megabytes_and_more_with_a_server_of_ones_own(db: None, settings: Settings) -> None:
    settings.TELEGRAM_API_URL = limits.PUBLIC_SERVER
    large = Medium("document", file=sized(files.PDF, limits.UPLOAD_BYTES + 1))
    assert codes(large) == ["file-too-large"]
    assert codes(Medium("document", file=sized(files.PDF, limits.UPLOAD_BYTES))) == []
    settings.TELEGRAM_API_URL = "http://localhost:8081"
    StoredFile.objects.update(size=limits.UPLOAD_BYTES + 1)
    assert codes(large) == []


def test_file_that_telegram_has_is_not_looked_at(db: None) -> None:
    gone = kept(files.png())
    stored.path_of(gone).unlink()
    assert list(media.wrong_with_all([Medium("photo", file=gone)], BOT)) != []

    stored.remember_sent(gone.pk, f"{BOT}:photo", "id")
    gone.refresh_from_db()
    assert list(media.wrong_with_all([Medium("photo", file=gone)], BOT)) == []
    assert list(media.wrong_with_all([Medium("photo", telegram_file_id="x", bot_id=BOT)], BOT)) == []


def test_file_that_another_bot_has_is_gone_for_this_one(db: None) -> None:
    (problem,) = media.wrong_with_all([Medium("photo", telegram_file_id="x", bot_id=5)], BOT)
    assert problem.code == "file-gone"


# --- what Telegram did not take -------------------------------------------------------------------------------------


def test_refusal_names_the_file_that_telegram_counted(db: None) -> None:
    album = [Medium("photo", file=kept(files.png(8, side))) for side in (6, 7)]
    error = 'failed to send message #2 with the error message "PHOTO_INVALID"'
    assert media.numbered(album, error) == f"File 2: {error}"


def test_refusal_names_the_file_that_is_broken_here(db: None) -> None:
    album = [Medium("photo", file=kept(files.png())), Medium("photo", file=kept(files.HTML))]
    assert media.numbered(album, "IMAGE_PROCESS_FAILED") == "File 2: IMAGE_PROCESS_FAILED"


def test_refusal_names_the_only_file(db: None) -> None:
    assert media.numbered([Medium("photo", telegram_file_id="x")], "Wrong") == "File 1: Wrong"


def test_refusal_names_no_file_when_nobody_can_tell(db: None) -> None:
    album = [Medium("photo", file=kept(files.png(8, side))) for side in (6, 7)]
    assert media.numbered(album, "IMAGE_PROCESS_FAILED") == "IMAGE_PROCESS_FAILED"
    assert media.numbered([], "Wrong #1") == "Wrong #1"


def test_number_is_read_from_a_refusal() -> None:
    assert media.number_in("File 12: Wrong") == (12, "Wrong")
    assert media.number_in("Wrong") == (0, "Wrong")
