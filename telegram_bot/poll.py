"""Receiving by long polling: raw updates are stored before the offset moves, so none is lost with the process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _
from telegram.error import Conflict, EndPointNotFound, InvalidToken, RetryAfter, TelegramError
from telegram.ext import ExtBot

from telegram_bot.lanes import ALLOWED_UPDATES
from telegram_bot.limiter import seconds_of
from telegram_bot.notices import notify_admins_async
from telegram_bot.patience import Backoff, GaveUp, backoff, first_line

log = structlog.get_logger(__name__)

# After a week without updates the next update_id is random: a stored offset would wait for ever.
FORGET_OFFSET_AFTER = 24 * 3600.0

Store = Callable[[list[dict[str, Any]]], Awaitable[None]]


class TokenRevoked(Exception):
    """Telegram does not know the token (401, or 404): the bot must stop and a person must act."""


class Poller:
    """``run`` polls until ``stop`` is set. ``polled_at`` is when Telegram last answered (monotonic seconds).

    ``patience``: seconds beyond the poll's own time after which a silent server counts as gone. Raises TokenRevoked,
    and GaveUp after WORKER_POLLING_RETRIES failures in a row.
    """

    def __init__(
        self,
        bot: ExtBot[Any],
        store: Store,
        *,
        patience: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        pauses: Backoff | None = None,
    ) -> None:
        self.bot, self.store, self.patience, self.clock = bot, store, patience, clock
        self.pauses = pauses or backoff(growth=1.5)
        self.failures = 0  # in a row
        self.offset = 0  # 0: what was not confirmed comes again, and the inbox's key drops it
        self.pause = 0.0
        self.polled_at = self.updated_at = clock()
        self.trouble = ""  # what the last poll failed of

    def hearing(self) -> dict[str, Any]:
        ago = round(self.clock() - self.polled_at, 1)
        return {
            "by": "poll",
            "heard_seconds_ago": ago,
            "expected": settings.POLL_TIMEOUT_SEC + self.patience,
            "trouble": self.trouble,
        }

    async def run(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                step = asyncio.create_task(self.step())
                await asyncio.wait({step, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not step.done():
                    # Nothing is confirmed by an answer we do not read: it comes again.
                    step.cancel()
                with suppress(asyncio.CancelledError):
                    await step
                if self.pause:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self.pause):
                            await stop.wait()
        finally:
            stopped.cancel()

    async def step(self) -> int:
        """One getUpdates; how many updates were stored. Sets ``pause`` (seconds) after an error."""
        try:
            batch = await self._get_updates()
            if batch:
                await self.store(batch)
                self.offset = batch[-1]["update_id"] + 1
        except RetryAfter as error:
            self.pause, self.trouble = seconds_of(error) + 0.5, "RetryAfter"
        except (InvalidToken, EndPointNotFound) as error:
            raise TokenRevoked(str(error)) from error
        except Conflict as error:
            self._back_off(error)
            await notify_admins_async("conflict", CONFLICT)
        except (TelegramError, OSError, DatabaseError) as error:
            self._back_off(error)
            self._count(error)
        else:
            self._answered(batch)
            return len(batch)
        return 0

    async def _get_updates(self) -> list[dict[str, Any]]:
        # After a failure a short one, to know soon that Telegram is back; not in a fight, which it would only heat up.
        patience = settings.POLL_TIMEOUT_SEC if self.trouble in ("", "Conflict") else 0
        params = {"offset": self.offset, "timeout": patience, "allowed_updates": ALLOWED_UPDATES}
        found: list[dict[str, Any]] = await self.bot.do_api_request(
            "getUpdates", api_kwargs=params, read_timeout=settings.POLL_TIMEOUT_SEC + self.patience
        )
        return found

    def _answered(self, batch: list[dict[str, Any]]) -> None:
        self.pause, self.trouble, self.failures = 0.0, "", 0
        self.pauses.reset()
        self.polled_at = self.clock()
        if batch:
            self.updated_at = self.polled_at
        elif self.polled_at - self.updated_at > FORGET_OFFSET_AFTER:
            self.offset = 0

    def _back_off(self, error: Exception) -> None:
        self.pause = self.pauses.next()
        self.trouble = type(error).__name__
        log.warning("poll failed", error=str(error), kind=type(error).__name__, again_in=round(self.pause, 1))

    def _count(self, error: Exception) -> None:
        """Not another receiver, not "too many requests": there Telegram answers, and a new process hears the same."""
        self.failures += 1
        if self.failures == settings.WORKER_POLLING_RETRIES:
            said = first_line(error).replace(self.bot.token, "***")
            times = "once" if self.failures == 1 else f"{self.failures} times in a row"
            raise GaveUp(
                f"Asking Telegram for updates failed {times} ({said}). "
                "Check the network and the database, then start Sekretar again."
            )


CONFLICT = _(
    "⚠️ Somebody else receives this bot's messages: another copy with the same token, or a webhook. "
    "Stop the other one; I keep trying."
)
