"""Every page opens for those who may, in both languages, and for nobody else."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_apscheduler.admin import DjangoJobAdmin
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from accounts.models import ApiKey, AuditEntry, Chat, Invite, User
from config import urls
from conversations.models import Assistant, Conversation, Request
from core.admin import ReadOnlyPage
from delivery.models import Webhook
from llm.models import Model, ProviderState, SyncRun
from posts.models import Post
from reminders.models import Reminder
from telegram_bot.models import Button, Update
from tests.admin.conftest import client_of, one_of_each, url

assert urls.urlpatterns  # loads every page

MODELS = list(admin.site._registry)
READ_ONLY = [model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyPage)]
SEARCHABLE = [model for model, page in admin.site._registry.items() if page.search_fields]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)

Rows = dict[type[models.Model], models.Model]


@every_model
@pytest.mark.parametrize("language", ["en", "ru"])
def test_list_opens(site: Client, rows: Rows, model: Any, language: str) -> None:
    page = site.get(url(model, "changelist"), headers={"accept-language": language})

    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.content.decode()
    assert str(rows[model].pk) in page.content.decode()


@every_model
@pytest.mark.parametrize("language", ["en", "ru"])
def test_page_of_a_row_opens(site: Client, rows: Rows, model: Any, language: str) -> None:
    page = site.get(url(model, "change", rows[model].pk), headers={"accept-language": language})

    assert page.status_code == 200


@every_model
def test_nobody_sees_a_list_without_logging_in(rows: Rows, model: Any) -> None:
    page = Client().get(url(model, "changelist"))

    assert page.status_code == 302
    assert page.headers["Location"].startswith("/admin/login/")


@every_model
def test_person_who_is_not_staff_sees_no_row(rows: Rows, member: User, model: Any) -> None:
    page = client_of(member).get(url(model, "change", rows[model].pk))

    assert page.status_code == 302


@every_model
def test_staff_without_rights_sees_no_list(helper: Client, rows: Rows, model: Any) -> None:
    assert helper.get(url(model, "changelist")).status_code == 403


@pytest.mark.parametrize("model", SEARCHABLE, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("words", ["7", "anna", "%_'"])
def test_search_opens(site: Client, rows: Rows, model: Any, words: str) -> None:
    assert site.get(url(model, "changelist"), {"q": words}).status_code == 200


def test_no_list_asks_the_database_oftener_for_ten_rows_than_for_two(site: Client, rows: Rows, now: datetime) -> None:
    one_of_each(1, now)
    few = {model: _queries(site, url(model, "changelist")) for model in MODELS}
    for number in range(2, 10):
        one_of_each(number, now)

    many = {model: _queries(site, url(model, "changelist")) for model in MODELS}
    assert [(model, few[model], many[model]) for model in MODELS if many[model] > few[model]] == []


def _queries(site: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert site.get(address).status_code == 200
    return len(queries)


# A webhook may be given another address (test_reminders.py).
@pytest.mark.parametrize("model", [model for model in READ_ONLY if model is not Webhook], ids=lambda m: m._meta.label)
def test_post_to_a_read_only_page_is_refused_and_changes_nothing(site: Client, rows: Rows, model: Any) -> None:
    before = model.objects.filter(pk=rows[model].pk).values().get()
    page = site.post(url(model, "change", rows[model].pk), {"state": "dead", "status": "active", "_save": "1"})

    assert page.status_code == 403
    assert model.objects.filter(pk=rows[model].pk).values().get() == before


@pytest.mark.parametrize("model", [*READ_ONLY, User], ids=lambda model: model._meta.label)
def test_row_cannot_be_deleted_here(site: Client, rows: Rows, model: Any) -> None:
    page = site.post(url(model, "delete", rows[model].pk), {"post": "yes"})

    assert page.status_code == 403
    assert model.objects.filter(pk=rows[model].pk).exists()


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_only_what_is_issued_here_can_be_added(site: Client, rows: Rows, model: Any) -> None:
    expected = 200 if model in (Invite, ApiKey, Post, Reminder, Webhook) else 403

    assert site.get(url(model, "add")).status_code == expected


@pytest.mark.parametrize("model", [User, Assistant])
def test_form_to_add_opens(site: Client, model: Any) -> None:
    assert site.get(url(model, "add")).status_code == 200


def test_buttons_have_no_page() -> None:
    assert Button not in admin.site._registry


def test_page_that_runs_jobs_in_the_web_process_is_gone() -> None:
    assert not isinstance(admin.site._registry[DjangoJob], DjangoJobAdmin)


def test_raw_update_is_readable_russian(site: Client, rows: Rows) -> None:
    page = site.get(url(Update, "change", rows[Update].pk)).content.decode()

    assert "привет" in page
    assert "\\u043f" not in page


def test_what_people_write_is_not_markup(site: Client, rows: Rows) -> None:
    pages = [site.get(url(Request, "changelist")), site.get(url(Request, "change", rows[Request].pk))]

    assert all("How &lt;b&gt;much&lt;/b&gt;?" in page.content.decode() for page in pages)
    assert not any("<b>much</b>" in page.content.decode() for page in pages)


def test_refresh_is_told_in_words(site: Client, rows: Rows) -> None:
    listed = site.get(url(SyncRun, "changelist")).content.decode()
    page = site.get(url(SyncRun, "change", rows[SyncRun].pk)).content.decode()

    assert "gemini: 2 models (new: 1, gone: 1); mistral: error: auth: no &lt;key&gt;" in listed
    assert "auth: no &lt;key&gt;" in page


def test_symbols_of_what_a_model_can_do_have_names(site: Client, rows: Rows) -> None:
    listed = site.get(url(Model, "changelist")).content.decode()
    assert 'aria-label="tools" title="tools">build</span>' in listed


def test_rows_are_counted_in_grammatical_russian(site: Client, rows: Rows) -> None:
    people = site.get(url(User, "changelist"), headers={"accept-language": "ru"}).content.decode()
    assert people.count("2 результата") == 2


def test_missed_runs_can_be_filtered(site: Client, rows: Rows) -> None:
    address = "/admin/django_apscheduler/djangojobexecution/"
    missed, done = (site.get(address, {"status": status}) for status in ("Missed!", "Executed"))

    assert list(missed.context["cl"].result_list) == [rows[DjangoJobExecution]]
    assert list(done.context["cl"].result_list) == []


def test_pending_people_come_first(site: Client, rows: Rows, now: datetime) -> None:
    people = list(site.get(url(User, "changelist")).context["cl"].result_list)

    assert people[0] == rows[User]


def test_dialog_shows_its_messages(site: Client, rows: Rows) -> None:
    page = site.get(url(Conversation, "change", rows[Conversation].pk)).content.decode()

    assert "How &lt;b&gt;much&lt;/b&gt;?" in page


STANDING = [
    (User, {"status": "pending", "role": "member"}, {"approve", "reject", "block", "make_editor", "make_admin"}),
    (User, {"status": "active", "role": "admin"}, {"reject", "block", "make_member", "make_editor"}),
    (User, {"status": "blocked", "role": "editor"}, {"approve", "reject", "make_member", "make_admin"}),
    (Chat, {"status": "active"}, {"reject", "block"}),
    (Chat, {"status": "rejected"}, {"approve", "block"}),
    (Chat, {"status": "pending", "kind": "private"}, set()),
]


@pytest.mark.parametrize(("model", "values", "offered"), STANDING)
def test_page_does_not_offer_what_stands(
    site: Client, rows: Rows, model: Any, values: dict[str, str], offered: set[str]
) -> None:
    row = rows[model]
    model.objects.filter(pk=row.pk).update(**values)

    page = site.get(url(model, "change", row.pk)).content.decode()

    verbs = ["approve", "reject", "block", *(["make_member", "make_editor", "make_admin"] if model is User else [])]
    assert {verb for verb in verbs if url(row, verb, row.pk) in page} == offered


def test_record_leads_to_what_it_is_about(site: Client, rows: Rows) -> None:
    page = site.get(url(AuditEntry, "changelist")).content.decode()

    assert f'href="{url(rows[User], "change", rows[User].pk)}">user:{rows[User].pk}</a>' in page


def test_person_page_shows_the_record(site: Client, rows: Rows) -> None:
    page = site.get(url(User, "change", rows[User].pk)).content.decode()

    assert "role.set" in page
    assert "a → b" in page


@pytest.mark.parametrize(
    ("minutes", "words"), [(10, "paused until"), (-10, "the next question is a trial"), (None, "works")]
)
def test_breaker_is_told_in_words(site: Client, rows: Rows, now: datetime, minutes: int | None, words: str) -> None:
    ProviderState.objects.update(paused_until=minutes and now + timedelta(minutes=minutes))

    assert words in site.get(url(ProviderState, "changelist")).content.decode()


@pytest.mark.parametrize("open_one", ["/admin/posts/post/", "/admin/posts/post/calendar/"])
def test_sidebar_marks_the_open_page_and_not_the_one_above_it(site: Client, open_one: str) -> None:
    groups = site.get(open_one).context["sidebar_navigation"]

    assert [item["link"] for group in groups for item in group["items"] if item["active"]] == [open_one]
