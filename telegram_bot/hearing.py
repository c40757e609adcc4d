"""How well this process hears Telegram: when it last had word, and what is in the way.

A poll that fails says so itself. By webhook it is Telegram that calls, so it is asked now and then whether it gets
through (https://core.telegram.org/bots/api#getwebhookinfo).
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError
from telegram import WebhookInfo
from telegram.error import TelegramError
from telegram.ext import ExtBot

from core.db import in_db
from telegram_bot.models import Update

log = structlog.get_logger(__name__)

LOOK_SECONDS = 30.0


class Receiver(Protocol):
    def hearing(self) -> dict[str, Any]:
        """``by``, ``heard_seconds_ago``, ``expected`` (seconds of silence when all is well), ``trouble`` (or empty)."""
        ...


class WebhookWatch:
    """Looks at the webhook from Telegram's side until ``stop`` is set."""

    def __init__(self, bot: ExtBot[Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.bot, self.clock = bot, clock
        self.every = min(LOOK_SECONDS, settings.DEAF_AFTER_SEC)
        self.heard_at, self.trouble = clock(), ""

    def hearing(self) -> dict[str, Any]:
        ago = round(self.clock() - self.heard_at, 1)
        return {"by": "webhook", "heard_seconds_ago": ago, "expected": self.every, "trouble": self.trouble}

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.every):
                    await stop.wait()

    async def look(self) -> None:
        try:
            info = await self.bot.get_webhook_info()
            self.trouble = await self._trouble(info)
        except (TelegramError, OSError, DatabaseError) as error:
            self.trouble = type(error).__name__
        if not self.trouble:
            self.heard_at = self.clock()
        else:
            log.warning("webhook does not get through", trouble=self.trouble)

    async def _trouble(self, info: WebhookInfo) -> str:
        """Telegram keeps its last error after it got through again: it counts while updates wait behind it."""
        if info.url != settings.WEBHOOK_URL:
            return "another address"
        if not info.pending_update_count or info.last_error_date is None:
            return ""
        newest = await in_db(_newest)
        return "" if newest is not None and newest > info.last_error_date else "Telegram cannot post"


def _newest() -> datetime | None:
    return Update.objects.order_by("-received_at").values_list("received_at", flat=True).first()
