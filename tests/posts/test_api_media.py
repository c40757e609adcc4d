"""Files for posts over REST: uploaded, named in posts, and whose they are."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from accounts.models import Chat, User
from files import services as files
from files.models import StoredFile
from posts.content import Medium
from posts.services import limits
from tests.posts.files import png
from tests.posts.making import BOT, NEWS, make_post
from tests.posts.rest import Service, made
from tests.rest.calling import flaws, problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _place(editor: User, news: Chat, settings: Settings, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path


def test_upload_is_what_its_content_is(service: Service) -> None:
    body = made(service.upload(png(30, 20), "picture.png"), 201)
    assert (body["kind"], body["mime"], body["width"], body["height"]) == ("photo", "image/png", 30, 20)
    assert body["name"] == "picture.png"


def test_uploaded_file_stands_in_a_post(service: Service) -> None:
    number = service.uploaded(png())
    body = service.created(media=[{"id": number, "spoiler": True}])
    [medium] = body["media"]
    assert (body["kind"], medium["id"], medium["kind"], medium["spoiler"]) == ("media", number, "photo", True)


def test_picture_may_be_sent_as_a_file(service: Service) -> None:
    body = service.created(media=[{"id": service.uploaded(png()), "kind": "document"}])
    assert body["media"][0]["kind"] == "document"


def test_album_keeps_its_order_and_captions(service: Service) -> None:
    first, second = service.uploaded(png(8, 6)), service.uploaded(png(9, 6))
    body = service.created(media=[{"id": second}, {"id": first, "text": "the **other**"}])
    assert body["kind"] == "album"
    assert [one["id"] for one in body["media"]] == [second, first]
    assert [one["text"] for one in body["media"]] == ["", "the other"]
    assert body["media"][1]["entities"][0]["type"] == "bold"


def test_album_of_one_is_one_file_and_of_eleven_is_refused(service: Service) -> None:
    numbers = [{"id": service.uploaded(png(8, 6 + number))} for number in range(11)]
    assert service.created(media=numbers[:1])["kind"] == "media"
    assert "media" in [field for field, _code in flaws(service.create(media=numbers))]


def test_photo_and_file_are_no_album(service: Service) -> None:
    media = [{"id": service.uploaded(png())}, {"id": service.uploaded(b"plain words", "words.txt")}]
    assert flaws(service.create(media=media))[0][0].startswith("media")


def test_buttons_do_not_stand_under_an_album(service: Service) -> None:
    media = [{"id": service.uploaded(png(8, 6))}, {"id": service.uploaded(png(9, 6))}]
    buttons = [[{"text": "Site", "url": "https://example.org"}]]
    assert flaws(service.create(media=media, buttons=buttons)) == [("buttons", "buttons-on-album")]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "picture.png", "empty-file"),
        (b"<html><body>404</body></html>", "picture.png", "wrong-kind"),
        (png()[:40], "picture.png", "broken-picture"),
    ],
    ids=["empty", "html", "half"],
)
def test_file_that_is_none_is_refused_when_it_is_uploaded(
    service: Service, content: bytes, name: str, code: str
) -> None:
    assert ("file", code) in flaws(service.upload(content, name))


def test_broken_file_is_named_by_its_number(service: Service) -> None:
    numbers = [{"id": service.uploaded(png(8, 6))}, {"id": service.uploaded(b"words", "words.txt"), "kind": "photo"}]
    answer = service.create(media=numbers)
    assert flaws(answer) == [("media.1", "wrong-kind")]
    assert "File 2" in problem(answer)["detail"]


def test_file_that_is_gone_is_not_known(service: Service) -> None:
    number = service.uploaded(png())
    files.path_of(StoredFile.objects.get()).unlink()
    assert flaws(service.create(media=[{"id": number}])) == [("media.0.id", "unknown-file")]
    StoredFile.objects.all().delete()
    assert flaws(service.create(media=[{"id": number}])) == [("media.0.id", "unknown-file")]


@pytest.mark.parametrize("made_up", ["f{pk}", "{pk}", "f{pk}.", "f{pk}.AAAA", "", "m1.x", "\u043a\u043b\u044e\u0447"])
def test_file_that_somebody_sent_in_a_dialog_cannot_be_named(service: Service, member: User, made_up: str) -> None:
    private = files.store_bytes(member, png(), "passport.png", service.now)
    number = made_up.format(pk=private.pk)
    assert flaws(service.create(media=[{"id": number}])) == [("media.0.id", "unknown-file")]


def test_file_that_only_telegram_has_is_named_by_its_post(service: Service, editor: User, news: Chat) -> None:
    film = Medium("video", telegram_file_id="BAAC", bot_id=BOT, name="film.mp4", mime="video/mp4", size=900_000_000)
    row = make_post(editor, news, now=service.now, media=[film])
    number = made(service.get(str(row.pk)))["media"][0]["id"]
    other = service.created(media=[{"id": number}])
    assert (other["media"][0]["kind"], other["media"][0]["size"]) == ("video", 900_000_000)


def test_file_that_only_telegram_has_is_sent_as_nothing_else(service: Service, editor: User, news: Chat) -> None:
    film = Medium("video", telegram_file_id="BAAC", bot_id=BOT, name="film.mp4", mime="video/mp4", size=900_000_000)
    number = made(service.get(str(make_post(editor, news, now=service.now, media=[film]).pk)))["media"][0]["id"]

    assert flaws(service.create(media=[{"id": number, "kind": "document"}])) == [("media.0.kind", "wrong-kind")]
    assert service.created(media=[{"id": number, "kind": "video"}])["media"][0]["kind"] == "video"


def test_files_are_exchanged(service: Service) -> None:
    body = service.created(media=[{"id": service.uploaded(png(8, 6))}])
    other = service.uploaded(png(9, 6))
    changed = made(service.patch(body["id"], {"media": [{"id": other}]}))
    assert [one["id"] for one in changed["media"]] == [other]
    assert made(service.patch(body["id"], {"media": []}))["kind"] == "text"


def test_dry_run_says_which_files_would_be_brought(service: Service) -> None:
    media = [{"id": service.uploaded(png(8, 6))}, {"id": service.uploaded(png(9, 6))}]
    body = made(service.post("?dry_run=true", {"author": 104, "media": media, "targets": [{"chat_id": NEWS}]}))
    assert body["preview"][0]["method"] == "sendMediaGroup"
    assert body["preview"][0]["files"] == ["file0", "file1"]


# --- the form -------------------------------------------------------------------------------------------------------


def send(service: Service, **fields: object) -> object:
    return service.client.post("/api/posts/media", fields, headers={"Authorization": f"Bearer {service.secret}"})


def test_file_is_needed(service: Service) -> None:
    assert flaws(send(service)) == [("file", "missing")]


def test_one_file_at_a_time(service: Service) -> None:
    twice = [SimpleUploadedFile("a.png", png()), SimpleUploadedFile("b.png", png())]
    assert flaws(send(service, file=twice)) == [("file", "too-many")]


def test_fields_that_are_not_known_are_refused(service: Service) -> None:
    answer = send(service, file=SimpleUploadedFile("a.png", png()), chat="1", other=SimpleUploadedFile("b.png", png()))
    assert flaws(answer) == [("chat", "unknown-field"), ("other", "unknown-field")]
    assert not StoredFile.objects.exists()


def test_json_is_no_upload(service: Service) -> None:
    assert flaws(service.post("media", {"file": "x"})) == [("file", "missing")]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        (f"multipart/form-data; boundary={'a' * 300}", b"x"),
        (
            "multipart/form-data; boundary=a",
            b'--a\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--a--",
        ),
        ("application/x-www-form-urlencoded; charset=utf-16", b"file=1"),
    ],
    ids=["no boundary", "empty boundary", "long boundary", "no base64", "other letters"],
)
def test_form_that_cannot_be_read_is_the_callers_fault(service: Service, kind: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {service.secret}"}
    answer = service.client.generic("POST", "/api/posts/media", body, kind, headers=headers)
    assert problem(answer)["status"] == 400


def test_larger_than_telegram_takes_is_refused_unread(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UPLOAD_BYTES", 1000)
    monkeypatch.setattr(limits, "OWN_SERVER_BYTES", 1000)
    assert problem(service.upload(bytes(70_000), "film.mp4"))["status"] == 413


def test_nothing_is_left_of_a_refused_upload(service: Service, tmp_path: Path) -> None:
    service.upload(b"", "empty.png")
    assert not list((tmp_path / "incoming").iterdir())


def test_name_of_a_file_leads_nowhere(service: Service, tmp_path: Path) -> None:
    body = made(service.upload(png(), "..\\..\\etc/pass\x00wd.png"), 201)
    assert "/" not in body["name"]
    assert "\\" not in body["name"]
    assert files.path_of(StoredFile.objects.get()).is_relative_to(tmp_path)


def test_same_file_twice_is_kept_once(service: Service) -> None:
    assert service.uploaded(png()) == service.uploaded(png())
    assert StoredFile.objects.count() == 1
