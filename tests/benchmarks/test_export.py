"""What the measurement of exports makes of what it sees, and the rows that it measures on."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from benchmarks import export, export_rows
from benchmarks.lab import BOT_ID, FIRST
from benchmarks.processes import FailedError
from delivery.models import Delivery
from reports.export import verbs
from reports.models import Export

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _owner(settings: Settings) -> None:
    settings.BOT_TOKEN = f"{BOT_ID}:test"
    User.objects.create(telegram_id=FIRST, username=f"tg{FIRST}", status="active", requested_at=timezone.now())


def test_an_export_is_begun_as_by_a_press() -> None:
    told = export_rows.begin("95000001", "client-id-of-the-bench", "secret")
    assert told == {"export": str(Export.objects.get().pk)}
    assert Delivery.objects.get(backend=verbs.BACKEND).content == told
    assert export_rows.state()["state"] == "queued"
    assert export_rows.state()["seconds"] is None


@pytest.mark.parametrize(
    "told",
    [
        {"state": "failed"},
        {"state": "done", "parts": []},
        {"state": "done", "parts": [{"chats": 1100, "messages": 109_999}]},
    ],
    ids=["failed", "empty", "one-misses"],
)
def test_an_export_that_has_not_all_is_no_figure(told: dict[str, Any]) -> None:
    with pytest.raises(FailedError):
        export._check(told)


def test_an_export_in_two_files_has_all() -> None:
    parts = [{"chats": 1000, "messages": 100_000}, {"chats": 100, "messages": 10_000}]
    export._check({"state": "done", "parts": parts})
