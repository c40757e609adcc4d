"""Another service, which speaks REST with us."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services import create_api_key

PROBLEM = "application/problem+json"


class Caller:
    """A service with a key. Its clock, which is the site's, stands at ``now`` until it is set."""

    BASE = "/api/"
    SCOPES: ClassVar[Sequence[str]] = ()

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        self.now = now
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        self.client = Client()
        self.another()

    def another(self, *scopes: str) -> ApiKey:
        """Go on with a key of its own; it has all scopes when none is named."""
        wanted = scopes or self.SCOPES
        self.key, self.secret = create_api_key("tests", wanted, by=None, expires_at=None, now=self.now)
        return self.key

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        """``path`` is below BASE unless it begins with a slash; a body that is no text is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.secret}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        kind = sent.pop("Content-Type", "application/json") if body is not None else ""
        data = body if isinstance(body, str | bytes) else b"" if body is None else json.dumps(body)
        where = path if path.startswith("/") else self.BASE + path
        return self.client.generic(method, where, data, content_type=kind, headers=sent)

    def get(self, path: str = "", **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str = "", body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)


def flaws(answer: Any, status: int = 400) -> list[tuple[str, str]]:
    """(field, code) of each thing that is wrong; the answer must be a problem."""
    body = problem(answer)
    assert answer.status_code == status, body
    return [(flaw["field"], flaw["code"]) for flaw in body["errors"]]


def problem(answer: Any) -> dict[str, Any]:
    assert answer["Content-Type"] == PROBLEM, answer.content
    body: dict[str, Any] = json.loads(answer.content)
    assert body["status"] == answer.status_code
    return body


@contextmanager
def one_connection() -> Iterator[None]:
    """The end of a request closes its connection, and that would be the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
