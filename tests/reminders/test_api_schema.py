"""The OpenAPI of reminders and what we do agree."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from schemathesis import GenerationMode

from accounts.models import User
from reminders.models import Reminder
from tests.reminders.making import daily, fire, key, once
from tests.rest.calling import one_connection
from tests.rest.described import agrees, allows_making, operations

pytestmark = pytest.mark.django_db

OPERATIONS = operations("/api/reminders/")
# What the schema says all of, and a wish of which the rest is good: of the payload and of times it cannot say all.
FREE = ("title", "nag_minutes", "grace_seconds", "catch_up")
GOOD = {"type": "one_time", "trigger_at": "2030-01-01T00:00:00Z", "payload": {"text": "Tea"}}


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
    agrees(OPERATIONS[label], mode, known)


def test_description_allows_making_reminders(known: dict[str, str]) -> None:
    good = GOOD | {"user_id": int(known["user_id"])}
    allows_making(OPERATIONS["POST /api/reminders/"], known, FREE, good, Reminder.objects.count)
