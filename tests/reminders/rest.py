"""Another service, which speaks REST with us."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey
from tests.reminders.making import key

BASE = "/api/reminders/"
PROBLEM = "application/problem+json"
TEXT = '{"text": "Meeting", "priority": "normal"}'


class Service:
    """A service with a key. Its clock, which is the site's, stands at ``now`` until it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        self.now = now
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        self.key, self.secret = key(now)
        self.client = Client()

    def another(self, *scopes: str) -> ApiKey:
        """Go on with a key of its own."""
        self.key, self.secret = key(self.now, *scopes)
        return self.key

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        """``path`` is below BASE unless it begins with a slash; a body that is no text is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.secret}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        kind = sent.pop("Content-Type", "application/json") if body is not None else ""
        data = body if isinstance(body, str | bytes) else b"" if body is None else json.dumps(body)
        where = path if path.startswith("/") else BASE + path
        return self.client.generic(method, where, data, content_type=kind, headers=sent)

    def get(self, path: str = "", **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str = "", body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def create(self, **changed: Any) -> Any:
        """Wish for a reminder in an hour, or for what ``changed`` makes of it; None leaves a name out."""
        return self.post("", wish(**changed))

    def created(self, **changed: Any) -> dict[str, Any]:
        answer = self.create(**changed)
        assert answer.status_code == 201, answer.content
        made: dict[str, Any] = answer.json()
        return made


def wish(**changed: Any) -> dict[str, Any]:
    usual = {"user_id": 101, "type": "one_time", "trigger_at": "2026-11-20T10:00:00Z", "payload": TEXT}
    if "cron_expression" in changed or "rule" in changed:
        usual |= {"type": "recurring", "trigger_at": None}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def flaws(answer: Any) -> list[tuple[str, str]]:
    """(field, code) of each thing that is wrong; the answer must be a problem."""
    body = problem(answer)
    assert answer.status_code == 400, body
    return [(flaw["field"], flaw["code"]) for flaw in body["errors"]]


def problem(answer: HttpResponse) -> dict[str, Any]:
    assert answer["Content-Type"] == PROBLEM, answer.content
    body: dict[str, Any] = json.loads(answer.content)
    assert body["status"] == answer.status_code
    return body
