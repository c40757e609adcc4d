"""The OpenAPI and what we do agree: schemathesis sends what it allows and what it does not, and reads every answer
by it. The site is called in this process.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.models import User
from config.api import api
from reminders.models import Reminder
from tests.reminders.making import daily, fire, key, once
from tests.rest.calling import one_connection

pytestmark = pytest.mark.django_db

SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema())
SCHEMA.app = get_wsgi_application()
OPERATIONS: dict[str, Any] = {
    operation.label: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations())  # type: ignore[union-attr]
    if "/api/reminders/" in operation.label
}
# What a schema allows may still be in the past, or nobody's: that is for tests of its own.
NOT_FOR_SCHEMAS = [positive_data_acceptance]


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    with one_connection():
        yield


@pytest.fixture
def known(member: User, now: Any) -> dict[str, str]:
    """A key, and ids of things that are there."""
    _row, secret = key(now)
    reminder = daily(member, now)
    event = fire(once(member, now + timedelta(hours=1), now))
    return {
        "secret": secret,
        "reminder_id": str(reminder.pk),
        "event_id": str(event.pk),
        "user_id": str(member.telegram_id),
    }


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_the_description_says(known: dict[str, str], label: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[label]
    there = {name: known[name] for name in known if "{" + name + "}" in label}

    @given(st.data())
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def ask(data: st.DataObject) -> None:
        at_known = data.draw(st.booleans()) if there else False
        case = data.draw(operation.as_strategy(mode, path_parameters=there if at_known else None))
        case.call_and_validate(headers={"Authorization": f"Bearer {known['secret']}"}, excluded_checks=NOT_FOR_SCHEMAS)

    ask()


# What the schema says all of, and a wish of which the rest is good: of the payload and of times it cannot say all.
FREE = ("title", "nag_minutes", "grace_seconds", "catch_up")
GOOD = {"type": "one_time", "trigger_at": "2030-01-01T00:00:00Z", "payload": {"text": "Tea"}}


def test_description_allows_making_reminders(known: dict[str, str]) -> None:
    """Else all that schemathesis sends might be refused, and little would be tested."""
    before = Reminder.objects.count()
    operation = OPERATIONS["POST /api/reminders/"]

    @given(operation.as_strategy(GenerationMode.POSITIVE))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        generated = {name: case.body[name] for name in FREE if name in case.body}
        case.body = {**generated, **GOOD, "user_id": int(known["user_id"])}
        case.query = {}  # no dry run
        case.call(headers={"Authorization": f"Bearer {known['secret']}"})

    ask()
    assert Reminder.objects.count() >= before + 5
