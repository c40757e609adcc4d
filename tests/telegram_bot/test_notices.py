"""Notices to the admins: one of a kind in ten minutes, with a count of those held back."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from delivery.models import Delivery
from telegram_bot import notices
from telegram_bot.notices import notify_admins

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> Iterator[None]:
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN, settings.LANGUAGE_CODE = -5, "1000:token", "en"
    notices.forget()
    yield
    notices.forget()


def said() -> list[str]:
    return [delivery.content["params"]["text"] for delivery in Delivery.objects.order_by("id")]


def test_notice_goes_to_the_admins_chat(now: datetime) -> None:
    assert notify_admins("disk", "The disk is full.", now=now)

    delivery = Delivery.objects.get()
    assert (delivery.bot_id, delivery.chat_id, delivery.source) == (1000, -5, "notice")
    assert said() == ["The disk is full."]


def test_second_of_a_kind_waits_and_is_counted_in_the_next(now: datetime) -> None:
    notify_admins("disk", "One.", now=now)
    assert not notify_admins("disk", "Two.", now=now + timedelta(minutes=1))
    assert not notify_admins("disk", "Three.", now=now + timedelta(minutes=9))
    assert notify_admins("disk", "Four.", now=now + timedelta(minutes=10))

    assert said() == ["One.", "Four.\n\nAnd 2 more of the kind."]


def test_kinds_do_not_hold_one_another_back(now: datetime) -> None:
    notify_admins("disk", "One.", now=now)
    notify_admins("network", "Two.", now=now)

    assert said() == ["One.", "Two."]


def test_two_processes_say_it_once(now: datetime) -> None:
    notify_admins("disk", "One.", now=now)
    notices.forget()  # as another process knows nothing of the first
    notify_admins("disk", "One, too.", now=now)

    assert said() == ["One."]


def test_without_an_admins_chat_nothing_is_said(settings: Settings, now: datetime) -> None:
    settings.ADMIN_CHAT_ID = 0

    assert not notify_admins("disk", "One.", now=now)
    assert not Delivery.objects.exists()
