"""What people and models wrote is shown only to operators who may read it, and each opening is on record."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import models
from django.test import Client

from accounts.models import AuditEntry, User
from conversations.models import Conversation, Message, Request
from delivery.models import Delivery
from files.models import StoredFile
from posts.models import Post
from reminders.models import Occurrence, Reminder
from telegram_bot.models import AdminSession, Broadcast, Update
from tests.admin.conftest import client_of, url

WORD = "bumblebee"
SHOWING = [Request, Conversation, Update, Delivery, StoredFile, Broadcast, Reminder, Occurrence, Post]
Rows = dict[type[models.Model], Any]
showing = pytest.mark.parametrize("model", SHOWING, ids=lambda model: model._meta.label)


@pytest.fixture
def rows(rows: Rows) -> Rows:
    """Every content holds the word."""
    Request.objects.update(prompt=WORD, answer=WORD)
    Conversation.objects.update(title=WORD, summary=WORD)
    Message.objects.update(content=WORD)
    Update.objects.update(raw={"text": WORD})
    Delivery.objects.update(content={"params": {"text": WORD}}, error=WORD, error_kind="rejected")
    StoredFile.objects.update(name=WORD, text=WORD)
    Broadcast.objects.update(text=WORD)
    Reminder.objects.update(title=WORD, payload={"text": WORD}, status_reason=f"The last time: {WORD}")
    Occurrence.objects.update(result=WORD, error=WORD, note=WORD)
    Post.objects.update(text=WORD, markdown=WORD, poll={"question": WORD, "options": []}, status_reason=WORD)
    AdminSession.objects.update(waiting={"words": [WORD]})
    return rows


@pytest.fixture
def watcher(db: None) -> User:
    """An operator who may see every page, but not read."""
    user = User.objects.create_user("watcher", is_staff=True, status="active")
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def readings() -> list[str]:
    return list(AuditEntry.objects.filter(action="content.read").order_by("id").values_list("target", flat=True))


@showing
def test_operator_without_the_right_sees_rows_but_no_word(watcher: User, rows: Rows, model: Any) -> None:
    site = client_of(watcher)
    for address in (url(model, "changelist"), url(model, "change", rows[model].pk)):
        page = site.get(address)
        assert page.status_code == 200
        assert WORD not in page.content.decode()
    assert readings() == []


def test_no_other_page_shows_a_word(watcher: User, rows: Rows) -> None:
    client = client_of(watcher)
    for row in rows.values():
        if row._meta.model not in SHOWING:
            page = client.get(url(row, "change", row.pk))
            assert (row._meta.label, page.status_code) == (row._meta.label, 200)
            assert (row._meta.label, WORD in page.content.decode()) == (row._meta.label, False)


def test_list_of_messages_shows_what_they_say_to_who_may_read(watcher: User, rows: Rows) -> None:
    watcher.user_permissions.add(Permission.objects.get(codename="read_content"))
    assert WORD in client_of(watcher).get(url(Delivery, "changelist")).content.decode()


@showing
def test_operator_without_the_right_cannot_guess_words(watcher: User, rows: Rows, model: Any) -> None:
    site = client_of(watcher)
    columns = {Request: "prompt", Conversation: "title", Update: "raw", Delivery: "content", Reminder: "title"}
    columns[Occurrence] = "result"
    column = columns.get(model, "text")
    by_filter = site.get(url(model, "changelist"), {f"{column}__icontains": WORD})

    def found(word: str) -> list[int]:
        return [row.pk for row in site.get(url(model, "changelist"), {"q": word}).context["cl"].result_list]

    assert by_filter.status_code in (302, 400)
    assert found(WORD) == found("a word that is nowhere")


@showing
def test_operator_with_the_right_reads_and_is_on_record(watcher: User, rows: Rows, model: Any) -> None:
    watcher.user_permissions.add(Permission.objects.get(codename="read_content"))
    page = client_of(watcher).get(url(model, "change", rows[model].pk))

    assert WORD in page.content.decode()
    assert readings() == [f"{model._meta.model_name}:{rows[model].pk}"]
    entry = AuditEntry.objects.get(action="content.read")
    assert (entry.actor, entry.via) == (watcher, "admin")
    assert WORD not in str(entry.__dict__)


def test_list_that_shows_words_is_on_record_too(site: Client, rows: Rows) -> None:
    site.get(url(Request, "changelist"))

    assert readings() == ["request:list"]


def test_reading_is_noted_once_an_hour_for_each_page_and_operator(
    site: Client, watcher: User, rows: Rows, now: datetime
) -> None:
    watcher.user_permissions.add(Permission.objects.get(codename="read_content"))
    page = url(Request, "change", rows[Request].pk)
    for reader in (site, site, client_of(watcher)):
        reader.get(page)
    assert len(readings()) == 2

    AuditEntry.objects.update(at=now - timedelta(minutes=61))
    site.get(page)

    assert len(readings()) == 3


def test_stranger_to_the_page_leaves_no_record_of_reading(helper: Client, rows: Rows) -> None:
    assert helper.get(url(Request, "change", rows[Request].pk)).status_code == 403
    assert readings() == []
