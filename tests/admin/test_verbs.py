"""What operators do to rows: once, through the service, on record, and never by a GET."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import models
from django.test import Client
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from accounts.models import Access, ApiKey, AuditEntry, Chat, Invite, Role, User
from conversations.models import Assistant
from delivery.models import Delivery, JobRequest, Webhook
from llm.models import Model, ProviderState
from telegram_bot.models import Update
from tests.admin.conftest import client_of, person, url

Rows = dict[type[models.Model], models.Model]
SUBMIT = {"_form_submitted": "on"}


@dataclass(frozen=True)
class Case:
    """``verb`` on a ``model``'s row that has the values ``before`` leads to ``after`` and to one audit entry."""

    model: type[models.Model]
    verb: str
    before: dict[str, Any]
    after: dict[str, Any]
    audit: str


CASES = [
    Case(User, "approve", {"status": "pending"}, {"status": "active"}, "access.decided"),
    Case(User, "reject", {"status": "pending"}, {"status": "rejected"}, "access.decided"),
    Case(User, "block", {"status": "active"}, {"status": "blocked"}, "access.decided"),
    Case(User, "make_editor", {"role": "member"}, {"role": "editor"}, "role.set"),
    Case(User, "make_admin", {"role": "member"}, {"role": "admin"}, "role.set"),
    Case(User, "make_member", {"role": "editor"}, {"role": "member"}, "role.set"),
    Case(Chat, "approve", {"status": "pending"}, {"status": "active"}, "chat.decided"),
    Case(Chat, "reject", {"status": "pending"}, {"status": "rejected"}, "chat.decided"),
    Case(Chat, "block", {"status": "active"}, {"status": "blocked"}, "chat.decided"),
    Case(Model, "enable", {"enabled": False}, {"enabled": True}, "model.offered"),
    Case(Model, "hide", {"enabled": True}, {"enabled": False}, "model.hidden"),
    Case(ProviderState, "close_breaker", {"failures": 5}, {"failures": 0}, "provider.resumed"),
    Case(Update, "retry", {"state": "dead", "attempts": 5}, {"state": "new", "attempts": 0}, "update.retried"),
    Case(Update, "bury", {"state": "new"}, {"state": "dead"}, "update.buried"),
    Case(Delivery, "retry", {"state": "failed"}, {"state": "queued"}, "delivery.retried"),
    Case(Delivery, "retry", {"state": "unknown"}, {"state": "queued", "repeated": True}, "delivery.retried"),
    Case(Delivery, "cancel", {"state": "queued"}, {"state": "cancelled"}, "delivery.cancelled"),
    Case(Webhook, "enable", {"enabled": False}, {"enabled": True}, "webhook.enabled"),
    Case(Webhook, "disable", {"enabled": True}, {"enabled": False}, "webhook.disabled"),
    Case(Assistant, "make_default", {"is_default": False}, {"is_default": True}, "assistant.made_default"),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model._meta.label}.{case.verb}")


def prepare(case: Case, rows: Rows) -> models.Model:
    row = rows[case.model]
    manager: Any = case.model._default_manager
    manager.filter(pk=row.pk).update(**case.before)
    AuditEntry.objects.all().delete()
    return row


def values(row: models.Model, names: dict[str, Any]) -> dict[str, Any]:
    row.refresh_from_db()
    return {name: getattr(row, name) for name in names}


def verb_url(row: models.Model, verb: str) -> str:
    return url(row, verb, row.pk)


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


@every_case
def test_verb_does_its_work_and_stands_on_record(site: Client, operator: User, rows: Rows, case: Case) -> None:
    row = prepare(case, rows)

    site.post(verb_url(row, case.verb), SUBMIT)

    assert values(row, case.after) == case.after
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.via) == (case.audit, operator, "admin")
    assert entry.target == f"{row._meta.model_name}:{row.pk}"


@every_case
def test_asking_for_the_dialog_changes_nothing(site: Client, rows: Rows, case: Case) -> None:
    row = prepare(case, rows)

    dialog = site.get(verb_url(row, case.verb))

    assert str(row) in dialog.content.decode()
    assert values(row, case.before) == case.before
    assert not AuditEntry.objects.exists()


@every_case
def test_second_press_changes_nothing_and_says_so(site: Client, rows: Rows, case: Case) -> None:
    row = prepare(case, rows)
    site.post(verb_url(row, case.verb), SUBMIT)

    again = site.post(verb_url(row, case.verb), SUBMIT)

    assert AuditEntry.objects.count() == 1
    assert said(again)[-1] == "Nothing was changed."


@every_case
def test_verb_works_on_selected_rows(site: Client, rows: Rows, case: Case) -> None:
    row = prepare(case, rows)

    site.post(url(case.model, "changelist"), {"action": f"{case.verb}_selected", "_selected_action": [row.pk]})

    assert values(row, case.after) == case.after
    assert AuditEntry.objects.get().action == case.audit


@every_case
def test_staff_without_rights_cannot_use_a_verb(helper: Client, rows: Rows, case: Case) -> None:
    row = prepare(case, rows)

    answer = helper.post(verb_url(row, case.verb), SUBMIT)

    assert answer.status_code == 403
    assert values(row, case.before) == case.before


def test_post_without_the_sites_own_token_is_refused(operator: User, rows: Rows) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert client.post(verb_url(rows[User], "approve"), SUBMIT).status_code == 403
    assert values(rows[User], {"status": ""}) == {"status": "pending"}


def test_verb_of_a_row_that_is_gone_is_not_found(site: Client, rows: Rows) -> None:
    assert site.post(url(User, "approve", 99999), SUBMIT).status_code == 404


def test_browser_is_led_back_to_the_page_it_came_from(site: Client, rows: Rows) -> None:
    came_from = "http://testserver/admin/accounts/user/?status__exact=pending"
    headers = {"HX-Request": "true", "HX-Current-URL": came_from}

    answer = site.post(verb_url(rows[User], "approve"), SUBMIT, headers=headers)

    assert answer.headers["HX-Redirect"] == came_from


def test_browser_is_not_led_to_another_site(site: Client, rows: Rows) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/"}

    answer = site.post(verb_url(rows[User], "approve"), SUBMIT, headers=headers)

    assert answer.headers["HX-Redirect"] == "/admin/accounts/user/"


def test_several_people_are_let_in_at_once(site: Client, rows: Rows, now: datetime) -> None:
    people = [person(number, now) for number in (1, 2, 3)]
    done = {"action": "approve_selected", "_selected_action": [one.pk for one in people]}

    answer = site.post(url(User, "changelist"), done)

    assert User.objects.filter(status=Access.ACTIVE, telegram_id__isnull=False).count() == 3
    assert said(answer) == ["Let in: 3 rows."]


def test_only_bot_admin_cannot_reject_themselves(admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_staff=True, is_superuser=True)
    admin.refresh_from_db()

    answer = client_of(admin).post(verb_url(admin, "block"), SUBMIT)

    assert values(admin, {"status": ""}) == {"status": "active"}
    assert "You are the only admin" in said(answer)[0]


def test_private_chat_is_decided_with_its_person(site: Client, rows: Rows) -> None:
    Chat.objects.update(kind="private")

    answer = site.post(verb_url(rows[Chat], "block"), SUBMIT)

    assert values(rows[Chat], {"status": ""}) == {"status": "pending"}
    assert "follows its person" in said(answer)[0]


def test_message_that_was_sent_is_not_sent_again(site: Client, rows: Rows) -> None:
    Delivery.objects.update(state="sent")

    site.post(verb_url(rows[Delivery], "retry"), SUBMIT)

    assert values(rows[Delivery], {"state": ""}) == {"state": "sent"}


def test_there_is_one_default_assistant(site: Client, rows: Rows) -> None:
    other = Assistant.objects.create(name="Other")

    site.post(verb_url(other, "make_default"), SUBMIT)

    assert list(Assistant.objects.filter(is_default=True)) == [other]


def test_revoked_invitation_stays_revoked_at_the_first_moment(site: Client, rows: Rows, now: datetime) -> None:
    Invite.objects.update(revoked_at=now - timedelta(days=1))

    site.post(verb_url(rows[Invite], "revoke"), SUBMIT)

    assert values(rows[Invite], {"revoked_at": 0}) == {"revoked_at": now - timedelta(days=1)}


@pytest.mark.parametrize(("model", "action"), [(Invite, "invite.revoked"), (ApiKey, "api_key.revoked")])
def test_what_was_issued_can_be_revoked(site: Client, rows: Rows, model: type[models.Model], action: str) -> None:
    AuditEntry.objects.all().delete()

    site.post(verb_url(rows[model], "revoke"), SUBMIT)

    assert values(rows[model], {"revoked_at": 0})["revoked_at"] is not None
    assert AuditEntry.objects.get().action == action


def plan(job_id: str, now: datetime) -> DjangoJob:
    return DjangoJob.objects.create(id=job_id, next_run_time=now + timedelta(hours=3), job_state=b"never loaded")


def run_now(site: Client, job: DjangoJob) -> Any:
    return site.post(verb_url(job, "run_now"), SUBMIT)


def test_run_now_only_writes_a_request(site: Client, now: datetime) -> None:
    job = plan("housekeeping", now)

    answer = run_now(site, job)

    request = JobRequest.objects.get()
    assert (request.job_id, request.requested_by, request.started_at) == ("housekeeping", "Root", None)
    assert not DjangoJobExecution.objects.exists()
    assert values(job, {"next_run_time": 0}) == {"next_run_time": now + timedelta(hours=3)}
    assert said(answer) == ["Requested; it starts within seconds in the bot's process."]
    assert AuditEntry.objects.get().action == "job.requested"


def test_job_that_left_the_settings_cannot_be_run(site: Client, now: datetime) -> None:
    answer = run_now(site, plan("gone", now))

    assert not JobRequest.objects.exists()
    assert "no longer in the settings" in said(answer)[0]


def test_job_shows_when_it_runs_and_how_it_ended(site: Client, now: datetime) -> None:
    job = plan("housekeeping", now)
    DjangoJobExecution.objects.create(job=job, status="Max instances!", run_time=now - timedelta(hours=2))

    page = site.get("/admin/django_apscheduler/djangojob/").content.decode()

    assert "Remove what is past its time" in page
    assert "in 2 hours, 59" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "still running, skipped" in page


def test_role_is_not_taken_from_a_form(site: Client, rows: Rows) -> None:
    anna = rows[User]
    form = {"username": "tg500", "is_active": "on", "role": Role.ADMIN, "status": "active", "language": ""}

    site.post(url(User, "change", anna.pk), form)

    assert values(anna, {"role": 0, "status": 0}) == {"role": "member", "status": "pending"}
