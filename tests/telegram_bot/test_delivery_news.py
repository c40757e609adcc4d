"""Messages that did not leave: what the admins hear of it, and what is nobody's business."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Chat
from core.claims import WORKER
from delivery import services
from delivery.errors import DeliveryError
from delivery.models import Delivery
from telegram_bot import notices, outgoing
from telegram_bot.outgoing import Place
from tests.house import ADMINS, ANNA, BOT, OLGA, TEAM, House
from tests.telegram_bot.test_groups import open_group

pytestmark = pytest.mark.django_db

GROUP = -100


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> Iterator[None]:
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN, settings.LANGUAGE_CODE = -5, "1000:token", "en"
    notices.forget()
    yield
    notices.forget()


def fails(kind: str, now: datetime, chat_id: int = GROUP, key: str = "k", **facts: Any) -> Delivery:
    """A message to a chat that ends with an error of ``kind``."""
    content = {"method": "sendMessage", "params": {"chat_id": chat_id, "text": "the salary list"}}
    delivery = Delivery.objects.create(
        key=key, bot_id=1000, chat_id=chat_id, lane="out:1000:1", source="t", content=content, state="sending",
        worker=WORKER, attempts=1, trace_id="abc123", **facts,
    )  # fmt: skip
    services.record_error(delivery, DeliveryError(kind, "pin 1234", permanent=True), now)
    return delivery


def news() -> list[str]:
    return [row.content["params"]["text"] for row in Delivery.objects.filter(source="notice").order_by("id")]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("topic", "its topic is closed or gone. Open it, or choose another one."),
        ("forbidden", "the bot is not in this chat or may not write there. Add it, or give it the right."),
        ("rejected", "Telegram refused it. The reason is in the admin, under Outbox."),
        ("bug", "an error of ours. The details are in the admin, under Outbox."),
    ],
)
def test_trouble_in_a_group_is_told_with_its_title_and_number(kind: str, reason: str, now: datetime) -> None:
    Chat.objects.create(bot_id=1000, telegram_id=GROUP, kind="supergroup", title="Club *42*")
    delivery = fails(kind, now)

    assert news() == [f"⚠️ A message for Club *42* was not sent: {reason} (delivery {delivery.pk}, trace abc123)"]


def test_notice_holds_neither_content_nor_the_errors_words(now: datetime) -> None:
    for kind in ("topic", "forbidden", "rejected", "bug"):
        fails(kind, now, key=kind)

    assert len(news()) == 4
    assert not any("salary" in text or "1234" in text for text in news())


def test_person_who_blocked_the_bot_is_no_news(now: datetime) -> None:
    fails("forbidden", now, chat_id=101)

    assert news() == []


def test_bug_in_a_persons_chat_is_news_without_a_name(now: datetime) -> None:
    Chat.objects.create(bot_id=1000, telegram_id=101, kind="private", title="Анна")
    fails("bug", now, chat_id=101)

    (text,) = news()
    assert "Анна" not in text
    assert "101" in text


@pytest.mark.parametrize("kind", ["network", "token", "conflict", "nothing to edit"])
def test_what_no_admin_can_mend_is_no_news(kind: str, now: datetime) -> None:
    fails(kind, now)

    assert news() == []


def test_trouble_with_the_admins_own_chat_does_not_feed_on_itself(now: datetime) -> None:
    fails("forbidden", now, chat_id=-5)

    assert news() == []


def test_crowd_of_failures_is_one_notice_a_group(now: datetime) -> None:
    for number in range(5):
        fails("forbidden", now, key=f"a{number}")
        fails("forbidden", now, chat_id=-200, key=f"b{number}")
        fails("bug", now, chat_id=number + 1, key=f"c{number}")

    assert len(news()) == 3


def test_other_ways_out_tell_for_themselves(now: datetime) -> None:
    fails("bug", now, backend="paper")

    assert news() == []


async def test_group_that_shuts_the_bot_out_is_told_to_the_admins(house: House) -> None:
    await open_group(house)
    house.world.chats[TEAM].members[BOT] = "kicked"  # without the update that usually comes first
    await house.db(outgoing.say, "post", Place(BOT, TEAM), "Good morning!")
    await house.quiet()
    house.world.block(ANNA)
    await house.db(outgoing.say, "word", Place(BOT, ANNA), "Good morning!")
    await house.quiet()

    (text,) = house.heard(ADMINS)
    assert text.startswith("⚠️ A message for Команда was not sent: the bot is not in this chat")
    chat = await house.db(lambda: Chat.objects.get(telegram_id=TEAM))
    assert "kicked" in chat.unreachable
    assert house.heard(OLGA) == []


@pytest.mark.parametrize("backend", ["telegram", "reminder", "card", "standup"])
def test_a_reminder_that_was_not_sent_is_told_as_any_message(backend: str, now: datetime) -> None:
    fails("bug", now, backend=backend)
    assert len(news()) == 1
