"""Another service, which speaks REST with us about reminders."""

from typing import Any, ClassVar

from tests.rest.calling import PROBLEM, Caller, flaws, problem

__all__ = ["BASE", "PROBLEM", "TEXT", "Service", "flaws", "problem", "wish"]

BASE = "/api/reminders/"
TEXT = '{"text": "Meeting", "priority": "normal"}'


class Service(Caller):
    BASE = BASE
    SCOPES: ClassVar = ("reminders:read", "reminders:write", "events:consume", "audit:read")

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
