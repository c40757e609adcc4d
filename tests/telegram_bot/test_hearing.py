"""By webhook: whether Telegram gets through is asked of Telegram."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from core.db import in_db
from sandbox.server import Sandbox, serve
from telegram_bot.application import App, build
from telegram_bot.hearing import WebhookWatch
from telegram_bot.models import Update
from tests.house import ANNA, _configure

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = "http://127.0.0.1:9/telegram/webhook"


@pytest_asyncio.fixture
async def told(settings: Settings) -> AsyncIterator[tuple[Sandbox, App, WebhookWatch]]:
    """A bot whose webhook nobody answers."""
    async with serve() as sandbox:
        _configure(settings, sandbox.url, {"WEBHOOK_URL": NOBODY})
        application = build()
        await application.initialize()
        await application.bot.set_webhook(NOBODY)
        yield sandbox, application, WebhookWatch(application.bot)
        await application.shutdown()


def arrived(when: datetime) -> None:
    Update.objects.create(bot_id=1, update_id=1, lane="in:1:5:0", raw={}, received_at=when)


async def failed_post(sandbox: Sandbox) -> None:
    sandbox.world.say(ANNA, "Is anybody there?")
    async with asyncio.timeout(60):
        while not sandbox.world.webhook.last_error:
            await asyncio.sleep(0.02)


async def test_quiet_webhook_is_well(told: tuple[Sandbox, App, WebhookWatch]) -> None:
    _sandbox, _application, watch = told
    await watch.look()
    assert (watch.trouble, watch.hearing()["by"]) == ("", "webhook")
    assert watch.hearing()["heard_seconds_ago"] < 5


async def test_updates_that_wait_behind_a_failed_post_are_trouble(told: tuple[Sandbox, App, WebhookWatch]) -> None:
    sandbox, _application, watch = told
    await failed_post(sandbox)
    await in_db(arrived, timezone.now() - timedelta(minutes=1))
    heard_at = watch.heard_at
    await watch.look()
    assert (watch.trouble, watch.heard_at) == ("Telegram cannot post", heard_at)


async def test_failure_before_the_newest_update_is_over(told: tuple[Sandbox, App, WebhookWatch]) -> None:
    sandbox, _application, watch = told
    await failed_post(sandbox)
    await in_db(arrived, timezone.now() + timedelta(hours=1))  # it is posted again and again meanwhile
    await watch.look()
    assert watch.trouble == ""


async def test_webhook_that_somebody_else_took_is_trouble(told: tuple[Sandbox, App, WebhookWatch]) -> None:
    _sandbox, application, watch = told
    await application.bot.set_webhook("http://127.0.0.1:9/another")
    await watch.look()
    assert watch.trouble == "another address"


async def test_telegram_that_does_not_answer_is_trouble(told: tuple[Sandbox, App, WebhookWatch]) -> None:
    sandbox, _application, watch = told
    sandbox.world.faults.add([{"method": "getWebhookInfo", "kind": "500", "times": 1}])
    await watch.look()
    assert watch.trouble == "NetworkError"
    await watch.look()
    assert watch.trouble == ""
