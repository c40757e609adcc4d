"""docs/howto/reminders-from-another-service.md: what it tells to send is taken, and what it says comes back."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import User
from reminders.client import Events
from tests.reminders.rest import Service, flaws

pytestmark = pytest.mark.django_db

PAGE = Path(settings.BASE_DIR, "docs", "howto", "reminders-from-another-service.md").read_text(encoding="utf-8")
WISHES = [json.loads(body) for body in re.findall(r"-d '(\{\"user_id\".*\})'", PAGE)]
CHANGES = [json.loads(body) for body in re.findall(r"-d '(\{\"status\".*\})'", PAGE)]
PROGRAM = ast.parse(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0])


def test_page_has_what_is_tested_here() -> None:
    assert (len(WISHES), len(CHANGES)) == (3, 2)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish["type"])
def test_wish_of_the_page_is_granted(service: Service, member: User, wish: dict[str, Any]) -> None:
    assert service.post("", wish).status_code == 201


def test_changes_of_the_page_are_made(service: Service, member: User) -> None:
    made = service.created()["id"]
    assert [service.patch(made, change).status_code for change in CHANGES] == [200, 200]


@pytest.mark.parametrize("rule", re.findall(r'`(\{"kind".*?\})`', PAGE.replace("\n", " ")))
def test_rule_of_the_page_is_one(service: Service, member: User, rule: str) -> None:
    service.created(rule=json.loads(rule), timezone="UTC")


def test_error_of_the_page_is_what_comes(service: Service, member: User) -> None:
    [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    answer = service.create(trigger_at="2026-11-20T08:00:00Z")
    assert answer.json() == json.loads(shown)
    assert flaws(answer) == [("trigger_at", "past")]


def test_wish_of_the_program_is_granted(service: Service, member: User, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"
    [wish] = [
        ast.literal_eval(node.value)
        for node in ast.walk(PROGRAM)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "wish"
    ]
    assert service.post("", wish).status_code == 201


def test_program_calls_what_the_client_has() -> None:
    called = {
        node.func.attr
        for node in ast.walk(PROGRAM)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if node.func.value.id == "events"
    }
    assert called == {"take", "ack", "nack"}
    assert all(callable(getattr(Events, name)) for name in called | {"extend"})


def test_scopes_of_the_page_are_all_there_are() -> None:
    ours = [scope for scope in settings.API_SCOPES if not scope.startswith("posts:")]
    assert re.findall(r"^\| `([a-z]+:[a-z]+)`", PAGE, re.MULTILINE) == ours
