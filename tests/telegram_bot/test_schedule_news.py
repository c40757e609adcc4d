"""A schedule that broke is told to the admins, once, without what it is about."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery import planning, tick
from delivery.models import Delivery, Schedule
from delivery.schedule import Once
from telegram_bot import notices
from tests.delivery import probe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> Iterator[None]:
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN, settings.LANGUAGE_CODE = -5, "1000:token", "en"
    settings.DELIVERY_SOURCES = {"probe": "tests.delivery.probe"}
    notices.forget()
    yield
    notices.forget()
    probe.heard.clear()
    probe.broken.clear()


def due(name: str, now: datetime) -> Schedule:
    return planning.plan("probe", name, Once(now - timedelta(seconds=1)), "UTC", now=now)


def news() -> list[str]:
    return [row.content["params"]["text"] for row in Delivery.objects.filter(source="notice").order_by("id")]


def tick_through() -> None:
    while tick.tick().more:
        pass


def test_schedule_that_broke_is_told_with_its_object_and_the_kind_of_error() -> None:
    row = due("bad", timezone.now())
    probe.broken.add("bad")
    tick_through()

    row.refresh_from_db()
    assert row.state == Schedule.State.PAUSED
    [said] = news()
    assert "cannot be fired, so it was paused: probe bad (LookupError)." in said
    assert "this one is broken" not in said


def test_many_that_broke_are_one_notice() -> None:
    for name in ("one", "two", "three"):
        due(name, timezone.now())
        probe.broken.add(name)
    tick_through()
    assert len(news()) == 1


def test_what_fires_is_no_news() -> None:
    due("good", timezone.now())
    tick_through()
    assert news() == []
