"""A page watched for a change: the whole way from the plan to what the person reads, and to the end of the series."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from conversations import services as conversations
from conversations.models import Assistant
from core.outward import checked
from delivery import tick
from delivery.models import Schedule
from llm.models import Model
from reminders.models import Occurrence, Reminder, Status
from tests.core.test_outward import Server, said
from tests.house import ANNA, MODEL, House, open_house
from tests.reminders.making import daily


class Shop:
    """A page with a price that changes."""

    price = 105

    def answer(self, _head: str) -> bytes:
        return said(f"<html><title>Tea</title><p>Price: {self.price}</p></html>".encode(), Content_Type="text/html")


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    conversations.forget_default()
    settings.OUTWARD_ALLOW_PRIVATE = True
    async with open_house(settings) as opened:
        await opened.db(Model.objects.filter(name=MODEL).update, capabilities=["text", "tools"])
        yield opened


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    page = Shop()
    server = await Server(page.answer).start()
    yield page, f"{server.url}/tea"
    server.close()


def _watch(payload: dict[str, Any]) -> Reminder:
    assistant = Assistant.objects.create(name="Watcher", prompt="You watch.")
    user = User.objects.get(telegram_id=ANNA)
    # Half an hour from now: no run is added by a test that goes over the border of an hour.
    each_hour = f"{(timezone.now().minute + 30) % 60} * * * *"
    return daily(user, timezone.now(), each_hour, payload=payload, assistant_id=assistant.uid)


async def run(house: House, row: Reminder) -> Occurrence:
    """Let the next run come now, and wait until all is done."""

    def due() -> None:
        planned = timezone.now() - timedelta(seconds=1)
        Schedule.objects.filter(pk=row.schedule_id, state="active").update(next_at=planned)
        tick._fire_batch(timezone.now(), 100)

    await house.db(due)
    await house.quiet()
    occurrence: Occurrence = await house.db(Occurrence.objects.defer(None).filter(reminder=row).latest, "planned_at")
    return occurrence


def told(house: House) -> str:
    messages = house.models.calls[-1].body["messages"]
    return str(next(message["content"] for message in reversed(messages) if message["role"] == "user"))


async def test_page_is_watched_with_the_note_of_the_run_before(house: House, shop: tuple[Shop, str]) -> None:
    page, url = shop
    row = await house.db(_watch, {"task": "watch the price, tell when below 100", "url": url, "title": "Tea"})
    house.models.rule(text="NOTHING\nRESULT: 105", times=1)

    first = await run(house, row)

    assert "Price: 105" in told(house)
    assert "This is the first run." in told(house)
    assert (first.state, first.result, first.note) == ("acked", "done", "105")
    assert house.heard(ANNA) == []

    page.price = 99
    house.models.rule(text="Tea costs 99 now.\nRESULT: 99", times=1)
    second = await run(house, row)

    assert "Price: 99" in told(house)
    assert "Note of the run before: 105" in told(house)
    assert second.note == "99"
    assert house.heard(ANNA) == ["⏰ Tea\n\nTea costs 99 now."]


async def test_task_ends_its_series_when_its_aim_is_reached(house: House, shop: tuple[Shop, str]) -> None:
    _page, url = shop
    payload = {"task": "Tell me once it is there. [[tool complete_reminder {}]]", "url": url, "title": "Tea"}
    row = await house.db(_watch, payload)

    await run(house, row)

    row = await house.db(Reminder.objects.select_related("schedule").get, pk=row.pk)
    assert (row.status, row.schedule.next_at) == (Status.COMPLETED, None)
    assert "The series is over" in house.heard(ANNA)[-1]
    occurrence = await house.db(Occurrence.objects.get)
    assert occurrence.state == "acked"


async def test_model_may_read_the_page_by_itself_too(house: House, shop: tuple[Shop, str]) -> None:
    _page, url = shop
    call = f"[[tool fetch_page {json.dumps({'url': str(checked(url))})}]]"
    row = await house.db(_watch, {"task": f"Read it {call}"})

    await run(house, row)

    assert "Price: 105" in house.heard(ANNA)[-1]


async def test_page_that_is_gone_is_told_to_the_model_and_the_series_goes_on(house: House) -> None:
    row = await house.db(_watch, {"task": "[[text It is away.]]", "url": "http://127.0.0.1:9999/"})

    occurrence = await run(house, row)

    assert "Its address could not be read" in told(house)
    assert occurrence.state == "acked"
    assert house.heard(ANNA) == ["⏰ Planned task\n\nIt is away."]


async def test_failed_run_is_tried_again_and_the_reminder_stays(house: House) -> None:
    row = await house.db(_watch, {"task": "Look"})
    house.models.rule(error="500", times=99)

    occurrence = await run(house, row)

    assert occurrence.state in ("claimed", "retry_wait", "queued")
    assert house.heard(ANNA) == []
    assert (await house.db(Reminder.objects.get, pk=row.pk)).status == Status.ACTIVE
