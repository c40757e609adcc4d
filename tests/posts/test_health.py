"""Posts that stay behind: what /readyz says, what the admins hear, and that a stopped scheduler is known soon."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Chat, User
from core.health import Level
from delivery import pulse, tick
from delivery.engine.local import LocalEngine
from posts.health import posts
from telegram_bot import heart, notices
from telegram_bot.heart import Heart
from tests.house import ADMINS
from tests.posts.making import HOUR, MINUTE, fire, planned, told

pytestmark = pytest.mark.django_db
WELL = {"by": "poll", "heard_seconds_ago": 1, "tick_seconds_ago": 1}


@pytest.fixture(autouse=True)
def _told_nothing(settings: Settings) -> None:
    notices.forget()


def beats(now: datetime, ticked: float | None = 0.5) -> None:
    """The bot's process lives and hears; it looked for what is due so many seconds ago."""
    pulse.beat(pulse.BOT, {**WELL, "ticked_seconds_ago": ticked}, now)


def test_all_is_well_while_posts_wait_for_their_time(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    beats(now)
    found = posts(now)

    assert (found.level, found.words) == (Level.OK, "")
    assert found.facts == {
        "alive": True, "planned": 1, "overdue": 0, "oldest_due_seconds": 0.0, "ticked_seconds_ago": 0.5,
    }  # fmt: skip


def test_post_two_minutes_behind_its_time_is_a_failure(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    due = now + HOUR
    for late, level in ((2 * MINUTE, Level.OK), (2 * MINUTE + timedelta(seconds=1), Level.FAILED)):
        beats(due + late)
        assert posts(due + late).level == level

    found = posts(due + 5 * MINUTE)
    assert (found.facts["overdue"], found.facts["oldest_due_seconds"]) == (1, 300.0)
    assert found.words == "1 post is overdue, by 5 min. Does the bot run? See /posts."


def test_several_posts_behind_are_counted_and_the_first_is_named(editor: User, news: Chat, now: datetime) -> None:
    for minutes in (60, 61, 90):
        planned(editor, news, at=now + minutes * MINUTE, now=now)

    words = posts(now + 70 * MINUTE).words
    assert words == "2 posts are overdue, the first one by 10 min. Does the bot run? See /posts."


def test_scheduler_that_stopped_is_a_failure_before_anything_is_due(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    beats(now, ticked=31.0)
    found = posts(now)

    assert (found.level, found.facts["alive"], found.facts["overdue"]) == (Level.FAILED, False, 0)
    assert found.words == "Nobody lets planned posts out: the scheduler has stopped. Start the bot anew."


def test_where_nothing_is_planned_nobody_is_missed(now: datetime) -> None:
    assert posts(now).level == Level.OK


def test_post_that_went_out_late_is_no_failure_any_more(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    fire(post, late=10 * MINUTE)
    beats(now + 70 * MINUTE)

    assert posts(now + 70 * MINUTE).level == Level.OK


def test_readyz_is_not_ready_while_a_post_is_overdue(editor: User, news: Chat) -> None:
    from django.utils import timezone

    now = timezone.now()
    planned(editor, news, at=now - 3 * MINUTE, now=now - HOUR)
    beats(now)
    answer = Client().get("/readyz")

    assert answer.status_code == 503
    check = answer.json()["checks"]["posts"]
    assert (check["level"], check["overdue"], check["alive"]) == ("failed", 1, True)


def test_admins_are_told_within_two_looks_and_again_when_it_is_well(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    stopped = now + HOUR
    beats(stopped)
    for look in range(4):
        moment = stopped + timedelta(seconds=1 + look * heart.LOOK_SECONDS)
        beats(moment, ticked=look * heart.LOOK_SECONDS)
        heart.look(moment)
        alarmed = [text for text in told(ADMINS) if "scheduler has stopped" in text]
        assert bool(alarmed) == (look >= 1), "known within two periods of looking"
    assert len(alarmed) == 1

    fire(post)
    moment = stopped + 10 * MINUTE
    beats(moment)
    heart.look(moment)
    assert "✅ Well again: posts go out on time." in told(ADMINS)


@pytest.mark.django_db(transaction=True)
async def test_process_that_ticks_says_so_in_its_sign_of_life(settings: Settings) -> None:
    assert details()["ticked_seconds_ago"] is None
    stop, begun = asyncio.Event(), time.monotonic()
    task = asyncio.create_task(tick.run(stop))
    try:
        async with asyncio.timeout(60):
            while (ago := details()["ticked_seconds_ago"]) is None:
                await asyncio.sleep(0.02)
        # To a tenth of a second; it cannot be longer ago than the clockwork has been going.
        assert 0 <= ago <= time.monotonic() - begun + 0.1
    finally:
        stop.set()
        await task


@pytest.fixture(autouse=True)
def _not_ticked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tick.HERE, "at", None)


def details() -> dict[str, Any]:
    return Heart(LocalEngine({}), leads=False).details()
