"""The operator's commands for people, keys and their own account."""

import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, Role, User
from accounts.services import check_api_key

pytestmark = pytest.mark.django_db


def run(*words: str) -> list[str]:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().splitlines()


# --- approve ---


def test_approve_prints_a_line_for_each_id(member: User) -> None:
    assert run("approve", "777", "101") == ["777: approved (member)", "101: already (member)"]


def test_approve_makes_the_first_admin() -> None:
    run("approve", "777", "--role", "admin")
    assert User.objects.get(telegram_id=777).is_bot_admin


def test_approve_changes_the_role_of_a_member(member: User) -> None:
    assert run("approve", "101", "--role=editor") == ["101: role changed (editor)"]


def test_approve_is_audited_as_a_command() -> None:
    run("approve", "777")
    entry = AuditEntry.objects.get(action="access.decided")
    assert (entry.actor, entry.via) == (None, "command")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("@anna", "'@anna' is not a Telegram id"),
        ("-1001000000002", "is the id of a group"),
        ("0", "cannot be a Telegram id"),
        (str(2**63), "cannot be a Telegram id"),
    ],
)
def test_bad_id_is_explained_and_nobody_is_let_in(text: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as caught:
        run("approve", "777", text)
    assert caught.value.returncode == 1
    assert not User.objects.exists()


def test_unknown_role_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice: 'boss'"):
        run("approve", "777", "--role", "boss")
    assert Role.values == ["member", "editor", "admin"]


# --- create_api_key ---


def test_key_stands_alone_on_the_last_line() -> None:
    lines = run("create_api_key", "--name", "crm", "--scopes", "reminders:read, reminders:write")
    key = check_api_key(lines[-1], "reminders:write", timezone.now())
    assert (key.name, key.scopes, key.expires_at) == ("crm", ["reminders:read", "reminders:write"], None)


def test_key_may_end_after_days() -> None:
    run("create_api_key", "--name", "crm", "--scopes", "reminders", "--expires-days", "30")
    key = ApiKey.objects.get()
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 30


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--name", "crm", "--scopes", " , "], "--scopes is ' , '"),
        (["--name", " ", "--scopes", "a"], "--name is empty"),
        (["--name", "crm", "--scopes", "a", "--expires-days", "0"], "--expires-days is 0"),
    ],
)
def test_bad_request_for_a_key_is_explained(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)):
        run("create_api_key", *words)
    assert not ApiKey.objects.exists()


# --- create_operator ---


def test_operator_gets_a_made_up_password_once() -> None:
    [line] = run("create_operator")
    password = line.rsplit(" ", 1)[1]
    operator = authenticate(username="admin", password=password)
    assert isinstance(operator, User)
    assert (operator.is_superuser, operator.is_staff, operator.telegram_id) == (True, True, None)


def test_operator_gets_the_given_password_unshown(settings: Any) -> None:
    settings.ADMIN_PASSWORD = "correct horse battery"
    lines = run("create_operator")
    assert authenticate(username="admin", password="correct horse battery")
    assert "correct horse battery" not in "".join(lines)


def test_second_run_keeps_the_password(settings: Any) -> None:
    settings.ADMIN_PASSWORD = "correct horse battery"
    run("create_operator")
    settings.ADMIN_PASSWORD = "staple correct horse"
    assert run("create_operator") == ["The account admin is there already; its password was not touched."]
    assert authenticate(username="admin", password="correct horse battery")


def test_weak_password_is_refused(settings: Any) -> None:
    settings.ADMIN_PASSWORD = "qwerty"
    with pytest.raises(CommandError, match="ADMIN_PASSWORD will not do: This password is too short"):
        run("create_operator")
    assert not User.objects.exists()
