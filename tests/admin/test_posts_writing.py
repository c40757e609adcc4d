"""The form in which operators write posts, what it shows meanwhile, and the files."""

import json
import re
import struct
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, Role, User
from files.models import StoredFile
from files.services import path_of, store_bytes
from posts.forms import buttons_in_lines, buttons_of
from posts.models import Post, PostMedia, PostTarget, State, Topic
from posts.services import limits
from tests.admin.conftest import client_of, url
from tests.house import BOT
from tests.posts.making import channel, deliveries, editor, fresh, group, make_post, planned, publish, settle
from tests.posts.making import targets as places

Target = PostTarget.State
PREVIEW = "/admin/posts/post/preview/"


@pytest.fixture(autouse=True)
def _bot(settings: Settings, tmp_path: Path) -> None:
    """The one whose chats these are; files lie in a folder of the test."""
    settings.BOT_TOKEN = f"{BOT}:test-token"
    settings.FILES_DIR = tmp_path


@pytest.fixture
def anna(db: None) -> User:
    return editor()


@pytest.fixture
def news(db: None) -> Chat:
    return channel(title="News")


@pytest.fixture
def write(site: Client, anna: User) -> Callable[..., Any]:
    """Send the form of a new post for Anna; ``write(text="…")`` with other values."""

    def send(**values: Any) -> Any:
        return site.post(url(Post, "add"), {"author": anna.pk, "kind": "message", "link_preview": "on"} | values)

    return send


def rewrite(site: Client, row: Post, **values: Any) -> Any:
    """Send the form of a post as it was opened, with other values; None leaves a field out."""
    form = site.get(url(row, "edit", row.pk)).context["form"]
    shown = {name: form[name].value() for name in form.fields if name not in ("uploads", "drop")}
    sent = {name: value for name, value in shown.items() if value not in (None, False, "")} | values
    filled = {name: "on" if value is True else value for name, value in sent.items() if value is not None}
    return site.post(url(row, "edit", row.pk), filled)


def png(width: int = 32, height: int = 32) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x20\x80\xc0" * width for _row in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def picture(name: str = "tea.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, png(), "image/png")


# --- new ones -------------------------------------------------------------------------------------------------------


def test_draft_is_written_for_an_editor(write: Callable[..., Any], operator: User, anna: User, news: Chat) -> None:
    answer = write(
        text="**Tea** at five\r\nfor all", places=[f"{news.pk}:0"], silent="on", delete_after_minutes="60",
        buttons="More — https://a.example | Map — https://b.example\r\nAsk - https://t.me/x",
    )  # fmt: skip
    row = Post.objects.get()
    assert answer.headers["Location"] == url(row, "change", row.pk)
    assert (row.author, row.state, row.text) == (anna, State.DRAFT, "Tea at five\nfor all")
    assert row.entities == [{"type": "bold", "offset": 0, "length": 3}]
    assert (row.silent, row.link_preview, row.pin, row.delete_after_minutes) == (True, True, False, 60)
    assert [target.chat for target in places(row)] == [news]
    assert [[button["text"] for button in line] for line in row.buttons] == [["More", "Map"], ["Ask"]]
    entry = AuditEntry.objects.get(action="post.created")
    assert (entry.actor, entry.via) == (operator, "admin")


def test_quiz_is_written_as_lines(write: Callable[..., Any]) -> None:
    write(
        kind="poll", question="Which?", answers="Bergen\r\n+ Oslo\r\n\r\nTromsø", quiz="on", anonymous="on",
        explanation="Since 1299", open_minutes="10", text="left in the other part of the form",
    )  # fmt: skip
    poll = Post.objects.get().poll
    assert poll is not None
    assert [option["text"] for option in poll["options"]] == ["Bergen", "Oslo", "Tromsø"]
    assert (poll["quiz"], poll["correct"], poll["explanation"], poll["open_seconds"]) == (True, [1], "Since 1299", 600)
    assert Post.objects.get().text == ""


def test_plus_stays_in_the_answers_of_what_is_no_quiz(write: Callable[..., Any]) -> None:
    write(kind="poll", question="How?", answers="+1\n-1", anonymous="on")
    poll = Post.objects.get().poll
    assert poll is not None
    assert [option["text"] for option in poll["options"]] == ["+1", "-1"]


def test_album_is_uploaded_in_the_order_of_choosing(write: Callable[..., Any]) -> None:
    write(text="Two", uploads=[picture("b.png"), picture("a.png")], spoiler="on")
    row = Post.objects.get()
    assert row.kind == "album"
    media = list(row.media.all())
    assert [(each.kind, each.name, each.spoiler) for each in media] == [
        ("photo", "b.png", True), ("photo", "a.png", True),
    ]  # fmt: skip


def test_picture_can_be_sent_as_a_file(write: Callable[..., Any]) -> None:
    write(uploads=[picture()], as_documents="on", spoiler="on")
    [medium] = PostMedia.objects.all()
    assert (medium.kind, medium.spoiler) == ("document", False)


def test_topic_of_a_group_can_be_chosen(write: Callable[..., Any]) -> None:
    team = group()
    Topic.objects.create(chat=team, thread_id=7, name="Announcements")
    write(text="Hello", places=[f"{team.pk}:7"])
    assert [(target.chat, target.thread_id) for target in places(Post.objects.get())] == [(team, 7)]


WRONG = [
    ({}, "text", "There is nothing in it yet."),
    ({"text": "x" * 4097}, "text", "this one has 4097, 1 too many"),
    ({"text": "x", "buttons": "Go — javascript:alert(1)"}, "buttons", "Button 1 needs an address"),
    ({"kind": "poll", "question": "Which?", "answers": "one", "anonymous": "on"}, "answers", "A poll needs 2 to"),
    ({"kind": "poll", "question": "", "answers": "a\nb", "anonymous": "on"}, "question", "The question needs 1 to"),
    ({"kind": "poll", "question": "?", "answers": "a\nb", "quiz": "on"}, "answers", "A quiz needs a right answer."),
    ({"text": "x", "delete_after_minutes": "99999"}, "delete_after_minutes", "hours"),
    ({"text": "x", "delete_after_minutes": "-1"}, "delete_after_minutes", "greater than or equal to 1"),
    ({"text": "x", "places": ["999:0"]}, "places", "Select a valid choice"),
    ({"text": "x", "author": ""}, "author", "This field is required"),
    ({"text": "x", "kind": "opera"}, "kind", "Select a valid choice"),
]


@pytest.mark.parametrize(("values", "field", "sentence"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_said_at_its_field(
    write: Callable[..., Any], values: dict[str, Any], field: str, sentence: str
) -> None:
    answer = write(**values)
    assert answer.status_code == 200
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert sentence in answer.content.decode().replace("&#x27;", "'")
    assert not Post.objects.exists()


def test_page_instead_of_a_picture_names_the_file(write: Callable[..., Any]) -> None:
    fake = SimpleUploadedFile("b.png", b"<!doctype html><html>not found</html>", "image/png")
    answer = write(text="x", uploads=[picture(), fake])
    assert "File 2 is not a picture" in " ".join(answer.context["form"].errors["uploads"])
    assert not Post.objects.exists()


def test_empty_file_is_named(write: Callable[..., Any]) -> None:
    answer = write(text="x", uploads=[picture(), SimpleUploadedFile("b.png", b"", "image/png")])
    assert "empty" in " ".join(answer.context["form"].errors["uploads"])


def test_what_was_uploaded_need_not_be_uploaded_again(write: Callable[..., Any]) -> None:
    answer = write(text="x" * 1025, uploads=[picture()])
    assert "1 too many" in " ".join(answer.context["form"].errors["text"])
    token = re.search(r'name="uploaded" value="([^"]+)"', answer.content.decode())
    assert token is not None
    write(text="short", uploaded=token[1])
    assert [medium.name for medium in Post.objects.get().media.all()] == ["tea.png"]


FAULTS: list[dict[str, Any]] = [{"delete_after_minutes": "-1"}, {"author": ""}, {"kind": "opera"}, {"places": ["9:0"]}]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_no_fault_of_another_field_loses_what_was_uploaded(write: Callable[..., Any], fault: dict[str, Any]) -> None:
    answer = write(text="x", uploads=[picture()], **fault)
    assert set(answer.context["form"].errors) == set(fault)
    write(text="x", uploaded=answer.context["form"]["uploaded"].value())
    assert [medium.name for medium in Post.objects.get().media.all()] == ["tea.png"]


def test_empty_file_loses_none_of_the_others(write: Callable[..., Any]) -> None:
    answer = write(text="x", uploads=[picture(), SimpleUploadedFile("b.png", b"", "image/png"), picture("c.png")])
    assert answer.context["form"].errors["uploads"] == ["File 2 is empty. Send it again."]
    assert [medium.name for medium in answer.context["form"].fresh] == ["tea.png", "c.png"]


def test_eleventh_file_of_an_album_can_be_taken_out_again(write: Callable[..., Any]) -> None:
    answer = write(text="x", uploads=[picture(f"{number}.png") for number in range(11)])
    assert "10 files at most" in " ".join(answer.context["form"].errors["uploads"])
    assert 'name="drop" value="u10"' in answer.content.decode()
    write(text="x", uploaded=answer.context["form"]["uploaded"].value(), drop=["u3"])
    names = [medium.name for medium in Post.objects.get().media.all()]
    assert names == [f"{number}.png" for number in range(11) if number != 3]


def test_what_is_taken_out_stays_out_when_something_else_is_wrong(write: Callable[..., Any]) -> None:
    first = write(text="x" * 1025, uploads=[picture("a.png"), picture("b.png")])
    second = write(text="x" * 1025, uploaded=first.context["form"]["uploaded"].value(), drop=["u0"])
    write(text="x", uploaded=second.context["form"]["uploaded"].value())
    assert [medium.name for medium in Post.objects.get().media.all()] == ["b.png"]


def test_uploads_that_are_not_kept_any_more_are_said_once_and_never_left_out_silently(
    write: Callable[..., Any],
) -> None:
    token = write(text="x" * 1025, uploads=[picture()]).context["form"]["uploaded"].value()
    path_of(StoredFile.objects.get()).unlink()
    answer = write(text="x", uploaded=token)
    assert "Choose those files again." in " ".join(answer.context["form"].errors["uploads"])
    assert not Post.objects.exists()
    write(text="x", uploaded=answer.context["form"]["uploaded"].value())
    assert Post.objects.get().text == "x"


def test_file_that_is_too_large_is_refused_unread(write: Callable[..., Any], settings: Settings) -> None:
    settings.TELEGRAM_API_URL = limits.PUBLIC_SERVER
    answer = write(text="x", uploads=[SimpleUploadedFile("big.zip", b"\0" * (limits.UPLOAD_BYTES + 1))])
    assert "File 1 is too large: 50" in " ".join(answer.context["form"].errors["uploads"])
    assert not StoredFile.objects.exists()


def test_what_was_uploaded_is_not_said_to_be_with_telegram(write: Callable[..., Any]) -> None:
    page = write(text="x" * 1025, uploads=[picture()]).content.decode()
    assert "Only Telegram has it" not in page


def test_post_whose_author_is_gone_can_still_be_given_a_file(site: Client, write: Callable[..., Any]) -> None:
    write(text="x")
    Post.objects.update(author=None)
    rewrite(site, Post.objects.get(), uploads=[picture()])
    assert [medium.name for medium in Post.objects.get().media.all()] == ["tea.png"]


def test_file_of_somebody_is_not_opened_by_its_number(write: Callable[..., Any], anna: User) -> None:
    secret = store_bytes(anna, png(), "secret.png", timezone.now())
    write(text="x", uploaded=json.dumps([[secret.pk, "photo", "secret.png", False]]))
    assert not PostMedia.objects.exists()


def test_only_who_may_post_can_be_the_author(site: Client, write: Callable[..., Any], operator: User) -> None:
    member = editor(300, "Member", role=Role.MEMBER)
    blocked = editor(301, "Blocked")
    User.objects.filter(pk=blocked.pk).update(status=Access.BLOCKED)
    form = site.get(url(Post, "add")).context["form"]
    offered = {pk for pk, _name in form.fields["author"].choices}
    assert str(operator.pk) in offered
    assert not {str(member.pk), str(blocked.pk)} & offered
    assert form["author"].value() == str(operator.pk)


def test_chat_that_takes_no_posts_is_marked(site: Client, anna: User) -> None:
    channel(-1007, "Gone", bot_status="kicked")
    channel(-1008, "Waiting", status=Access.PENDING)
    names = [name for _key, name in site.get(url(Post, "add")).context["form"].fields["places"].choices]
    assert names == ["Gone ⚠️ The bot cannot reach “Gone”. Add it there again as an administrator."]


# --- changes --------------------------------------------------------------------------------------------------------


def test_form_that_is_saved_untouched_changes_nothing(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = make_post(
        anna,
        news,
        text="**Tea** & _more_",
        silent=True,
        buttons=[[{"text": "Go", "url": "https://a.example/?a=1&b=2"}]],
    )
    options = [{"text": "Yes", "entities": []}, {"text": "No"}]
    poll = make_post(anna, news, text="", poll={"question": "Tea?", "options": options, "open_seconds": 90})
    for row in (post, poll):
        before = Post.objects.filter(pk=row.pk).values().get()
        assert rewrite(site, row).status_code == 302
        assert Post.objects.filter(pk=row.pk).values().get() == before


def test_characters_that_mean_something_in_the_form_stay_what_they_are(site: Client, anna: User, news: Chat) -> None:
    buttons = [
        [{"text": "Yes | No", "url": "https://a.example/?q=1|2"}, {"text": "— Go —", "url": "https://b.example"}]
    ]
    options = [{"text": "+1"}, {"text": "-1"}]
    post = make_post(anna, news, text="Tea", buttons=buttons)
    quiz = make_post(anna, news, text="", poll={"question": "1 - 2?", "options": options, "quiz": True, "correct": [1]})
    for row in (post, quiz):
        rewrite(site, row, silent="on")
    assert (fresh(post).buttons, fresh(post).silent) == (buttons, True)
    assert (fresh(quiz).poll, fresh(quiz).silent) == (quiz.poll, True)


def test_formatting_that_markdown_does_not_know_stays(site: Client, anna: User, news: Chat) -> None:
    entities = [{"type": "underline", "offset": 0, "length": 3}]
    post = make_post(anna, news, text="Tea at five", entities=entities)
    assert "formatting that Markdown does not know" in site.get(url(post, "edit", post.pk)).content.decode()
    rewrite(site, post, silent="on")
    row = fresh(post)
    assert (row.silent, row.entities) == (True, entities)


def test_change_of_a_planned_post_keeps_its_time(site: Client, anna: User, news: Chat, now: datetime) -> None:
    at = now.replace(year=2099)
    post = planned(anna, news, at=at, now=now)
    rewrite(site, post, text="Something *else*")
    row = fresh(post)
    assert (row.text, row.state, row.planned_at) == ("Something else", State.SCHEDULED, at)


def test_change_of_a_published_post_goes_to_its_chats(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = make_post(anna, news, now=now)
    publish(post, now=now)
    settle(places(post)[0], now=now)
    assert "is changed in all its chats" in site.get(url(post, "edit", post.pk)).content.decode()
    rewrite(site, post, text="Better words")
    assert [row.content["do"] for row in deliveries(post) if "do" in row.content] == ["edit"]


def test_post_that_is_going_out_is_not_changed_and_why_is_said(
    site: Client, anna: User, news: Chat, now: datetime
) -> None:
    post = make_post(anna, news, now=now)
    publish(post, now=now)
    answer = rewrite(site, post, text="Half of it")
    assert "It is going out at this moment." in " ".join(answer.context["form"].non_field_errors())
    assert fresh(post).text == "Hello"


def test_change_over_anothers_is_refused_and_nothing_of_it_is_lost(site: Client, anna: User, news: Chat) -> None:
    post = make_post(anna, news)
    form = {"version": post.version, "kind": "message", "text": "mine"}
    rewrite(site, post, text="another's")
    answer = site.post(url(post, "edit", post.pk), form)
    assert "Somebody has changed it meanwhile." in answer.content.decode()
    assert answer.context["form"]["text"].value() == "mine"
    assert fresh(post).text == "another's"


def test_file_is_taken_out_and_another_put_in(site: Client, write: Callable[..., Any]) -> None:
    write(text="x", uploads=[picture("a.png"), picture("b.png")])
    row = Post.objects.get()
    rewrite(site, row, drop=["0"], uploads=[picture("c.png")])
    assert [medium.name for medium in row.media.all()] == ["b.png", "c.png"]


def test_opening_the_form_is_on_record(site: Client, anna: User, news: Chat) -> None:
    post = make_post(anna, news, text="bumblebee")
    site.get(url(post, "edit", post.pk))
    entry = AuditEntry.objects.get(action="content.read")
    assert (entry.target, "bumblebee" in entry.target_label) == (f"post:{post.pk}", False)


def test_whatever_way_a_post_is_opened_is_on_record(site: Client, anna: User) -> None:
    medium = file_of(anna, png(), "tea.png", "image/png")
    post = medium.post
    opened = AuditEntry.objects.filter(action="content.read", target=f"post:{post.pk}")
    ways: list[Callable[[], Any]] = [
        lambda: site.get(address(medium)),
        lambda: site.post(url(post, "edit", post.pk), {"kind": ""}),
        lambda: site.post(PREVIEW, {"post": post.pk}),
    ]
    for way in ways:
        opened.delete()
        way()
        assert opened.count() == 1


def test_writing_asks_for_the_right_to_add(db: None) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True, status=Access.ACTIVE)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=("view_post", "read_content")))
    client = client_of(viewer)
    assert client.get(url(Post, "add")).status_code == 403
    assert client.post(url(Post, "add"), {"text": "x"}).status_code == 403
    assert client.post(PREVIEW, {"text": "x"}).status_code == 403


# --- while it is written --------------------------------------------------------------------------------------------


def look(site: Client, **values: Any) -> str:
    page = site.post(PREVIEW, {"kind": "message"} | values)
    assert page.status_code == 200
    return page.content.decode()


def test_preview_shows_what_will_be_sent_and_saves_nothing(site: Client, db: None) -> None:
    page = look(site, text="**Tea** <b>now</b>", buttons="Go — https://a.example", silent="on")
    assert "<strong>Tea</strong> &lt;b&gt;now&lt;/b&gt;" in page
    assert 'href="https://a.example"' in page
    assert "without a sound" in page
    assert "14 of 4\N{NO-BREAK SPACE}096 characters" in page
    assert not Post.objects.exists()


def test_preview_says_what_telegram_would_not_take(site: Client, db: None) -> None:
    assert "Button 1 needs an address" in look(site, text="x", buttons="Go — javascript:alert(1)")
    assert "po-over" in look(site, text="x" * 4097)
    assert "nothing in it yet" in look(site)


def test_preview_shows_chosen_files_from_the_browsers_memory(site: Client, db: None) -> None:
    files = [
        {"name": "a.png", "type": "image/png", "size": 5, "url": "blob:http://x/1"},
        {"name": "b.png", "type": "image/png", "size": 5, "url": "https://evil.example/b.png"},
    ]
    page = look(site, text="x", chosen=json.dumps(files))
    assert 'src="blob:http://x/1"' in page
    assert "evil.example" not in page
    assert "of 1\N{NO-BREAK SPACE}024 characters" in page
    for nonsense in ("{", "7", "[7]", "[" * 100_000):
        assert look(site, text="x", chosen=nonsense)


def test_preview_of_a_poll_that_is_half_written(site: Client, db: None) -> None:
    page = look(site, kind="poll", question="Tea?", answers="Yes")
    assert "<b>Tea?</b>" in page
    assert "A poll needs 2 to" in page


def test_form_without_anything_shows_an_empty_preview(site: Client, db: None) -> None:
    assert "There is nothing in it yet." in site.get(url(Post, "add")).content.decode()


# --- files ----------------------------------------------------------------------------------------------------------


def file_of(anna: User, content: bytes, name: str, mime: str) -> PostMedia:
    stored = store_bytes(anna, content, name, timezone.now())
    StoredFile.objects.filter(pk=stored.pk).update(mime=mime)
    post = Post.objects.create(author=anna, kind="media")
    return PostMedia.objects.create(post=post, position=0, kind="document", file=stored, name=name, mime=mime)


def address(medium: PostMedia) -> str:
    return f"/admin/posts/post/{medium.post_id}/media/{medium.position}/"


def test_picture_is_shown_to_who_may_read(site: Client, anna: User) -> None:
    medium = file_of(anna, png(), "tea.png", "image/png")
    answer = site.get(address(medium))
    assert (answer.content, answer.headers["Content-Type"]) == (png(), "image/png")
    assert answer.headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml", "application/pdf"])
def test_what_may_hold_scripts_is_only_saved(site: Client, anna: User, mime: str) -> None:
    answer = site.get(address(file_of(anna, b"<script>alert(1)</script>", "a.html", mime)))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_file_is_shown_to_nobody_else(anna: User) -> None:
    medium = file_of(anna, png(), "tea.png", "image/png")
    assert Client().get(address(medium)).status_code == 302
    for rights in ((), ("view_post",), ("read_content",)):
        user = User.objects.create_user(f"user{len(rights)}{rights}", is_staff=True, status=Access.ACTIVE)
        user.user_permissions.set(Permission.objects.filter(codename__in=rights))
        assert client_of(user).get(address(medium)).status_code == 403


def test_file_that_is_gone_is_not_found(site: Client, anna: User) -> None:
    medium = file_of(anna, png(), "tea.png", "image/png")
    assert medium.file is not None
    path_of(medium.file).unlink()
    assert site.get(address(medium)).status_code == 404
    assert site.get(address(medium).replace("/0/", "/1/")).status_code == 404


# --- buttons as lines -----------------------------------------------------------------------------------------------

LINES = [
    ("Go — https://a.example", [[("Go", "https://a.example")]]),
    ("Go - https://a.example", [[("Go", "https://a.example")]]),
    ("Go https://a.example", [[("Go", "https://a.example")]]),
    ("A — https://a.example | B — https://b.example\n\nC — tg://x", [
        [("A", "https://a.example"), ("B", "https://b.example")], [("C", "tg://x")],
    ]),
    ("Only words", [[("Only words", "")]]),
    ("", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rows"), LINES, ids=str)
def test_buttons_are_lines(text: str, rows: list[list[tuple[str, str]]]) -> None:
    assert [[(button["text"], button["url"]) for button in row] for row in buttons_of(text)] == rows


def test_lines_of_buttons_give_the_same_buttons_again() -> None:
    rows = [[{"text": "Read – more", "url": "https://a.example/x-y"}, {"text": "B", "url": "tg://x"}]]
    assert buttons_of(buttons_in_lines(rows)) == rows
