"""The few forms of the site: what they write, what they leave, what they show once."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Access, ApiKey, AuditEntry, Invite, Role, User
from accounts.services import check_api_key, decide, redeem_invite
from conversations.models import Assistant
from llm.models import Model
from tests.admin.conftest import client_of, person, url

Rows = dict[type[models.Model], models.Model]
# What the form of a model sends back of the row in ``rows`` when nothing is changed.
UNCHANGED = {"capabilities": ["text", "tools"], "price_input": "0.150000"}
NEW_PASSWORD = {"usable_password": "true", "password1": "Tr0ub4dor&3x", "password2": "Tr0ub4dor&3x"}
ANNA = {"username": "tg500", "is_active": "on", "language": "", "time_zone": ""}


def save(site: Client, row: models.Model, form: dict[str, Any]) -> Any:
    return site.post(url(row, "change", row.pk), form)


def new_password_url(row: models.Model) -> str:
    return reverse("admin:auth_user_password_change", args=[row.pk])


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_language_and_zone_of_a_person_are_saved(site: Client, rows: Rows) -> None:
    save(site, rows[User], ANNA | {"language": "en", "time_zone": "Asia/Tokyo"})

    anna = User.objects.get(pk=rows[User].pk)
    assert (anna.language, anna.time_zone) == ("en", "Asia/Tokyo")


def test_unknown_zone_is_refused(site: Client, rows: Rows) -> None:
    answer = save(site, rows[User], ANNA | {"time_zone": "Mars/Olympus"})

    assert answer.status_code == 200
    assert User.objects.get(pk=rows[User].pk).time_zone == ""


def test_zone_this_machine_does_not_know_survives_a_save(site: Client, rows: Rows) -> None:
    User.objects.filter(pk=rows[User].pk).update(time_zone="Old/Name")

    save(site, rows[User], ANNA | {"time_zone": "Old/Name", "language": "ru"})

    anna = User.objects.get(pk=rows[User].pk)
    assert (anna.language, anna.time_zone) == ("ru", "Old/Name")


def test_name_from_telegram_is_not_edited_here(site: Client, rows: Rows) -> None:
    save(site, rows[User], ANNA | {"first_name": "Eve"})

    assert User.objects.get(pk=rows[User].pk).first_name == "Anna 0"


def test_decision_made_while_the_page_was_open_stands(site: Client, operator: User, rows: Rows, now: datetime) -> None:
    site.get(url(User, "change", rows[User].pk))
    decide(User.objects.get(pk=rows[User].pk), Access.BLOCKED, by=operator, via="bot", now=now)

    save(site, rows[User], ANNA | {"language": "ru"})

    assert User.objects.get(pk=rows[User].pk).status == Access.BLOCKED


def test_account_of_an_operator_goes_on_record(site: Client, rows: Rows) -> None:
    save(site, rows[User], ANNA | {"is_staff": "on"})

    assert User.objects.get(pk=rows[User].pk).is_staff
    assert AuditEntry.objects.get(action="account.changed").details == {"is_staff": "True"}


def test_staff_cannot_raise_themselves(rows: Rows) -> None:
    helper = User.objects.create_user("helper", is_staff=True, status=Access.ACTIVE)
    helper.user_permissions.add(Permission.objects.get(codename="change_user"))

    save(client_of(helper), helper, {"username": "helper", "is_superuser": "on", "language": "ru"})

    helper.refresh_from_db()
    assert (helper.is_superuser, helper.language) == (False, "ru")


def test_staff_cannot_take_over_anothers_account(operator: User) -> None:
    helper = User.objects.create_user("helper", is_staff=True, status=Access.ACTIVE)
    helper.user_permissions.add(Permission.objects.get(codename="change_user"))

    answer = client_of(helper).post(new_password_url(operator), NEW_PASSWORD)

    operator.refresh_from_db()
    assert (answer.status_code, operator.check_password("long enough 1")) == (403, True)


def test_new_password_of_an_account_goes_on_record(site: Client, rows: Rows) -> None:
    AuditEntry.objects.all().delete()
    address = new_password_url(rows[User])

    site.post(address, NEW_PASSWORD | {"password2": "another"})
    assert not AuditEntry.objects.exists()
    site.post(address, NEW_PASSWORD)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.details) == ("account.password_set", f"user:{rows[User].pk}", {})
    assert User.objects.get(pk=rows[User].pk).check_password(NEW_PASSWORD["password1"])


def test_new_account_is_pending_and_no_admin(site: Client) -> None:
    site.post(url(User, "add"), NEW_PASSWORD | {"username": "boris"})

    boris = User.objects.get(username="boris")
    assert (boris.status, boris.role, boris.is_staff) == (Access.PENDING, Role.MEMBER, False)
    assert boris.check_password("Tr0ub4dor&3x")
    assert AuditEntry.objects.get().action == "account.created"


def test_invitation_is_shown_once_and_lets_in(site: Client, now: datetime) -> None:
    answer = site.post(url(Invite, "add"), {"role": "editor", "hours": "24", "note": "for Anna"})
    found = re.search(r">https://t\.me/BOT\?start=([\w-]{32})</code>", said(answer))

    assert found
    assert f">/start {found[1]}</code>" in said(answer)
    assert redeem_invite(found[1], person(7, now), timezone.now()) == Invite.objects.get()
    assert User.objects.get(telegram_id=507).role == Role.EDITOR
    assert found[1] in site.get(url(Invite, "changelist")).content.decode()
    assert found[1] not in site.get(url(Invite, "changelist")).content.decode()


def test_invitation_stands_on_record_with_who_made_it(site: Client, operator: User) -> None:
    site.post(url(Invite, "add"), {"role": "member", "hours": "24", "note": ""})

    assert Invite.objects.get().created_by == operator
    assert AuditEntry.objects.get().action == "invite.created"


@pytest.mark.parametrize("hours", ["0", "-1", "9999", "x"])
def test_invitation_needs_sensible_hours(site: Client, hours: str) -> None:
    site.post(url(Invite, "add"), {"role": "member", "hours": hours, "note": ""})

    assert not Invite.objects.exists()


def test_key_is_shown_once_and_opens(site: Client) -> None:
    answer = site.post(url(ApiKey, "add"), {"name": "CRM", "scopes": ["reminders:read", "reminders:write"]})
    found = re.search(r"(skr_\w+_[\w-]+)<", said(answer))

    assert found
    assert check_api_key(found[1], "reminders:write", timezone.now()) == ApiKey.objects.get()
    assert found[1] in site.get(url(ApiKey, "changelist")).content.decode()
    assert found[1] not in site.get(url(ApiKey, "changelist")).content.decode()


@pytest.mark.parametrize("scopes", [[], [""], ["Reminders"], ["reminders:read", "reminders:all"]])
def test_key_needs_scopes_that_exist(site: Client, scopes: list[str]) -> None:
    answer = site.post(url(ApiKey, "add"), {"name": "CRM", "scopes": scopes})

    assert answer.status_code == 200
    assert not ApiKey.objects.exists()


def test_form_offers_each_scope_with_its_meaning(site: Client) -> None:
    page = site.get(url(ApiKey, "add")).content.decode()

    assert [scope for scope in settings.API_SCOPES if f'value="{scope}"' in page] == [*settings.API_SCOPES]
    assert "events:consume: acknowledge events" in page


def test_key_can_have_an_end(site: Client) -> None:
    form = {"name": "CRM", "scopes": "audit:read", "expires_at_0": "2030-01-02", "expires_at_1": "00:00:00"}

    site.post(url(ApiKey, "add"), form)

    assert ApiKey.objects.get().expires_at == datetime(2030, 1, 2, tzinfo=timezone.get_current_timezone())


def test_price_is_set_and_stands_on_record(site: Client, rows: Rows) -> None:
    model = rows[Model]

    save(site, model, {"price_input": "0.3", "price_cached": "", "price_output": "2.5"})

    model = Model.objects.get(pk=model.pk)
    assert (model.price_input, model.price_cached, model.price_output) == (Decimal("0.3"), None, Decimal("2.5"))
    assert (model.price_source, model.price_date) == ("operator", timezone.localdate())
    details = {"price_input": "0.3", "price_cached": None, "price_output": "2.5"}
    assert AuditEntry.objects.get(action="model.price_set").details == details


def test_replacement_is_set_without_touching_the_price(site: Client, rows: Rows) -> None:
    model = rows[Model]
    other = Model.objects.create(provider_id="provider0", name="newer")

    save(site, model, UNCHANGED | {"replaced_by": other.pk})

    saved = Model.objects.get(pk=model.pk)
    assert (saved.replaced_by, saved.price_source) == (other, "")
    assert AuditEntry.objects.get(action__startswith="model.").details == {"replacement": "provider0:newer"}


@pytest.mark.parametrize("form", [{"price_input": "-1"}, {"price_input": "dear"}])
def test_impossible_price_is_refused(site: Client, rows: Rows, form: dict[str, str]) -> None:
    answer = save(site, rows[Model], form)

    assert answer.status_code == 200
    assert Model.objects.get(pk=rows[Model].pk).price_input == Decimal("0.15")


def test_model_cannot_replace_itself(site: Client, rows: Rows) -> None:
    answer = save(site, rows[Model], UNCHANGED | {"replaced_by": rows[Model].pk})

    assert "A model cannot replace itself." in answer.content.decode()


def test_what_the_providers_say_is_not_edited_here(site: Client, rows: Rows) -> None:
    model = Model.objects.get(pk=rows[Model].pk)
    forged = {"name": "mine", "state": "retired", "enabled": ""}
    save(site, model, UNCHANGED | {"replaced_by": model.replaced_by_id} | forged)

    model.refresh_from_db()
    assert (model.name, model.state, model.enabled, model.by_hand) == ("new", "available", True, False)
    assert not AuditEntry.objects.filter(action__startswith="model.").exists()


def test_retired_model_is_not_suggested_as_a_replacement(site: Client, rows: Rows) -> None:
    query = {"app_label": "llm", "model_name": "model", "field_name": "replaced_by", "term": "o"}

    found = site.get("/admin/autocomplete/", query).json()["results"]

    assert [row["text"] for row in found] == []


# What the form of a new assistant holds besides what a test is about.
NEW = {
    "name": "Translator",
    "role": "member",
    "enabled": "on",
    "versions-TOTAL_FORMS": "0",
    "versions-INITIAL_FORMS": "0",
}


def test_assistant_is_written_and_stands_on_record(site: Client) -> None:
    site.post(url(Assistant, "add"), NEW | {"prompt": "Translate.", "temperature": "0.2"})

    assistant = Assistant.objects.get()
    assert (assistant.prompt, assistant.temperature, assistant.is_default) == ("Translate.", 0.2, False)
    assert AuditEntry.objects.get().action == "assistant.created"


@pytest.mark.parametrize("temperature", ["-0.1", "2.1", "hot"])
def test_impossible_temperature_is_refused(site: Client, temperature: str) -> None:
    page = site.post(url(Assistant, "add"), NEW | {"temperature": temperature})

    assert list(page.context["adminform"].form.errors) == ["temperature"]
    assert not Assistant.objects.exists()


def test_assistant_takes_only_tools_that_there_are(site: Client, settings: Any) -> None:
    settings.ASSISTANT_TOOLS = {"remind": "reminders.tools.remind"}

    site.post(url(Assistant, "add"), NEW | {"name": "One", "tools": ["remind"]})
    site.post(url(Assistant, "add"), NEW | {"name": "Two", "tools": ["shell"]})

    assert [(row.name, row.tools) for row in Assistant.objects.all()] == [("One", ["remind"])]


def test_deleted_assistants_stand_on_record(site: Client, rows: Rows) -> None:
    form = {"action": "delete_selected", "_selected_action": [rows[Assistant].pk], "post": "yes"}

    site.post(url(Assistant, "changelist"), form)

    assert not Assistant.objects.exists()
    assert AuditEntry.objects.filter(action="assistant.deleted").count() == 1
