"""The bot's process tells of itself, and tells the admins when something is not well and when it is well again."""

import asyncio
import socket
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from core.db import in_db
from delivery import pulse
from delivery.engine.local import LocalEngine
from delivery.models import Delivery, Schedule
from sandbox.server import serve
from telegram_bot import conditions, heart, notices
from telegram_bot.application import build
from telegram_bot.conditions import Condition
from telegram_bot.heart import Heart
from telegram_bot.models import Update
from telegram_bot.poll import Poller
from tests.house import ADMINS, ANNA, _configure

BAD = {"bot": Condition(False, "⚠️ The bot is deaf.", {"alive": True})}
WELL = {"bot": Condition(True, "✅ Well again: the bot hears Telegram.")}


@pytest.fixture(autouse=True)
def _told_nothing(settings: Settings) -> None:
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN, settings.LANGUAGE_CODE = ADMINS, "1000:token-of-this-test", "en"
    notices.forget()


def told() -> list[str]:
    return [str(row.content["params"]["text"]) for row in Delivery.objects.order_by("id")]


def after(now: datetime, minutes: float) -> datetime:
    return now + timedelta(minutes=minutes)


# --- what the admins are told ---


@pytest.mark.django_db
def test_admins_are_told_once_and_once_more_when_it_is_well_again(now: datetime) -> None:
    for minute, found in enumerate([WELL, BAD, BAD, BAD, WELL, WELL]):
        conditions.tell(found, after(now, minute))
    assert told() == ["⚠️ The bot is deaf.", "✅ Well again: the bot hears Telegram."]


@pytest.mark.django_db
def test_what_lasts_for_hours_is_not_repeated(now: datetime) -> None:
    for minute in range(0, 180, 5):
        conditions.tell(BAD, after(now, minute))
    assert len(told()) == 1


@pytest.mark.django_db
def test_what_flutters_is_told_every_ten_minutes_at_most(now: datetime) -> None:
    for half in range(30):
        conditions.tell(BAD if half % 2 else WELL, after(now, half / 2))
    assert told() == ["⚠️ The bot is deaf.", "✅ Well again: the bot hears Telegram."] * 2


@pytest.mark.django_db
def test_what_is_bad_again_and_stays_so_is_told_when_its_time_has_come(now: datetime) -> None:
    for minute, found in enumerate([BAD, WELL, *[BAD] * 12]):
        conditions.tell(found, after(now, minute))
    assert told()[-1] == "⚠️ The bot is deaf."
    assert len(told()) == 3


@pytest.mark.django_db
def test_new_process_takes_back_what_the_old_one_said(now: datetime) -> None:
    conditions.tell(BAD, now)
    notices.forget()
    conditions.tell(WELL, after(now, 3))
    assert told()[-1] == "✅ Well again: the bot hears Telegram."


@pytest.mark.django_db
def test_checks_do_not_hold_each_other_up(now: datetime) -> None:
    conditions.tell(BAD | {"disk": Condition(False, "⚠️ The disk is nearly full.")}, now)
    assert told() == ["⚠️ The bot is deaf.", "⚠️ The disk is nearly full."]


@pytest.mark.django_db
def test_words_of_each_check_say_what_is_wrong(settings: Settings) -> None:
    settings.DISK_WARN_PERCENT = 99.9
    now = timezone.now()
    long_ago = now - timedelta(minutes=20)
    Update.objects.create(bot_id=1, update_id=1, lane="in:1:5:0", raw={}, received_at=long_ago)
    Delivery.objects.create(key="k", bot_id=1, lane="out:1:5", source="turn", created_at=long_ago, content={})
    Schedule.objects.create(source="reminder", object_id="1", rule={}, zone="UTC", next_at=now - timedelta(minutes=3))
    details = {"by": "poll", "heard_seconds_ago": 300, "expected": 60, "trouble": "NetworkError"}
    pulse.beat(pulse.BOT, details, now)
    heart.look(now)
    said = [str(row.content["params"]["text"]) for row in Delivery.objects.exclude(key="k").order_by("id")]
    deaf = f"{timezone.localtime(now - timedelta(minutes=5)):%H:%M}"
    assert said[0] == (
        f"⚠️ The bot is deaf: it has heard nothing from Telegram since {deaf} (NetworkError). It keeps trying."
    )
    assert said[1] == "⚠️ Nobody works on what people wrote: one message has waited for 20 min."
    assert said[2].startswith("⚠️ Messages are not leaving: one has waited for 20 min.")
    assert said[3] == "⚠️ What is planned is not fired: something has been due for 3 min. Does the bot run?"
    assert said[4].startswith("⚠️ The disk is nearly full, ")
    assert "% are free" in said[4]


# --- the sign of life ---


class Deaf:
    def hearing(self) -> dict[str, Any]:
        return {"by": "poll", "heard_seconds_ago": 4.0, "expected": 60, "trouble": "Conflict"}


@pytest.mark.django_db(transaction=True)
async def test_sign_of_life_tells_how_the_process_is() -> None:
    beating = Heart(LocalEngine(), leads=True)
    beating.receiver = Deaf()
    await beating.beat()
    await beating.beat()
    row = await in_db(pulse.last, pulse.BOT)
    assert row is not None
    assert row.details | Deaf().hearing() == row.details
    assert (row.details["leads"], row.details["lanes"]) == (True, {})


@pytest.mark.django_db(transaction=True)
async def test_sign_of_life_tells_when_work_was_last_looked_for() -> None:
    engine = LocalEngine()
    await engine.start(1)
    await Heart(engine, leads=False).beat()
    row = await in_db(pulse.last, pulse.BOT)
    assert row is not None
    assert row.details["tick_seconds_ago"] < 10


@pytest.mark.django_db(transaction=True)
async def test_process_that_does_not_hear_telegram_yet_says_so() -> None:
    await Heart(LocalEngine(), leads=False).beat()
    row = await in_db(pulse.last, pulse.BOT)
    assert row is not None
    assert row.details["trouble"] == "not connected yet"


@pytest.mark.django_db(transaction=True)
async def test_heart_and_watch_end_with_the_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((pulse, "BEAT_SECONDS"), (heart, "LOOK_SECONDS")):  # what is not waited for
        monkeypatch.setattr(module, name, 3600.0)
    settings.DEAF_AFTER_SEC = 3600
    stop = asyncio.Event()
    beating = Heart(LocalEngine(), leads=False)
    tasks = [asyncio.create_task(beating.run(stop)), asyncio.create_task(beating.watch(stop))]
    await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks)
    assert await in_db(pulse.last, pulse.BOT) is not None


@pytest.mark.django_db(transaction=True)
async def test_taken_port_for_figures_stops_nobody(settings: Settings) -> None:
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.METRICS_PORT = taken.getsockname()[1]
        running = asyncio.create_task(Heart(LocalEngine(), leads=False).run(stop))
        async with asyncio.timeout(60):
            while await in_db(pulse.last, pulse.BOT) is None:
                await asyncio.sleep(0.01)
        stop.set()
        await running


async def test_poll_that_fails_is_in_trouble_until_one_succeeds(settings: Settings) -> None:
    """No house: its own poll would take a fault that is meant for this one."""
    times = [100.0]
    async with serve(limits=False) as sandbox:
        _configure(settings, sandbox.url, {"BOT_MODULES": []})
        application = build()
        await application.initialize()
        poller = Poller(application.bot, _nothing, patience=0.25, clock=lambda: times[-1])
        sandbox.world.say(ANNA, "/ping")
        for kind, trouble in (("500", "NetworkError"), ("429", "RetryAfter")):
            sandbox.world.faults.add([{"method": "getUpdates", "kind": kind, "times": 1, "retry_after": 1}])
            times.append(times[-1] + 50)
            await poller.step()
            assert poller.hearing()["trouble"] == trouble
        assert poller.hearing()["heard_seconds_ago"] == 100
        await poller.step()
        assert poller.hearing() == {"by": "poll", "heard_seconds_ago": 0, "expected": 20.25, "trouble": ""}
        await application.shutdown()


async def _nothing(_batch: list[dict[str, Any]]) -> None: ...
