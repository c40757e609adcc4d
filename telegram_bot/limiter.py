"""Telegram's flood limits, kept by us so that the server need not remind us.

About 1 message/s in a private chat, 20 a minute in a group, 30/s for a bot; edits count as sends
(https://core.telegram.org/bots/faq). What must arrive waits for its turn; what is cosmetic (previews, typing) is
dropped when there is no room, and leaves one place for the message that must follow. A 429 cools off that chat only.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

Clock = Callable[[], float]
JSON = bool | dict[str, Any] | list[dict[str, Any]]

COUNTED = ("send", "edit", "copy", "forward")
COSMETIC = "cosmetic"
# The caller waited in ``room`` already.
RESERVED = "reserved"
# What Telegram takes of a bot in one second: after a silence, too, the first second stays below it.
A_SECOND = 30.0
# Chats idle for so many seconds are forgotten (their budgets are full again by then).
FORGET_SECONDS = 120.0


class Dropped(Exception):
    """A cosmetic call found no room; nothing was sent."""


class Budget:
    """A token bucket: ``burst`` at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: float, clock: Clock = time.monotonic) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self.tokens, self.at = burst, clock()

    def wait(self, spare: float = 0.0) -> float:
        """Seconds until one token is there while ``spare`` more stay; 0 means now."""
        now = self.clock()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1.0 + spare - self.tokens) / self.rate)

    def take(self) -> None:
        self.tokens -= 1.0

    def give_back(self) -> None:
        self.tokens = min(self.burst, self.tokens + 1.0)


class Minute:
    """At most ``most`` in any 60 seconds."""

    def __init__(self, most: int, clock: Clock = time.monotonic) -> None:
        self.most, self.clock = most, clock
        self.times: deque[float] = deque()

    def wait(self, spare: int = 0) -> float:
        now = self.clock()
        while self.times and now - self.times[0] >= 60.0:
            self.times.popleft()
        over = len(self.times) + spare - self.most
        return 0.0 if over < 0 else max(0.0, 60.0 - (now - self.times[min(over, len(self.times) - 1)]))

    def take(self) -> None:
        self.times.append(self.clock())

    def give_back(self) -> None:
        if self.times:
            self.times.pop()


class ChatBudget:
    """What one chat still takes."""

    def __init__(self, limits: list[Budget | Minute], clock: Clock = time.monotonic) -> None:
        self.limits, self.clock = limits, clock
        self.cool_until = 0.0
        self.used_at = clock()

    def wait(self, spare: int) -> float:
        waits = [limit.wait(spare) for limit in self.limits]
        return max([self.cool_until - self.clock(), 0.0, *waits])

    def take(self) -> None:
        self.used_at = self.clock()
        for limit in self.limits:
            limit.take()

    def give_back(self) -> None:
        for limit in self.limits:
            limit.give_back()


class Limiter(BaseRateLimiter[str]):
    """Rates: ``bot`` and ``chat`` per second, ``group`` per minute; 0 turns that limit off."""

    def __init__(self, bot: float, chat: float, group: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._bot = [Budget(bot, max(1.0, min(bot, A_SECOND - bot)), clock)] if bot else []
        self._chat, self._group = chat, group
        self._chats: dict[int | str, ChatBudget] = {}
        self._cleaned_at = clock()

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    def budget(self, chat_id: int | str) -> ChatBudget:
        found = self._chats.get(chat_id)
        if found is None:
            found = self._chats[chat_id] = ChatBudget(self._limits(chat_id), self._clock)
        return found

    def _limits(self, chat_id: int | str) -> list[Budget | Minute]:
        group = not (isinstance(chat_id, int) and chat_id > 0)
        if group:
            steady, minute = Budget(self._group / 60, 5, self._clock), Minute(int(self._group), self._clock)
            return [steady, minute] if self._group else []
        return [Budget(self._chat, 3, self._clock)] if self._chat else []

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, JSON]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: str | None,
    ) -> JSON:
        chat_id = data.get("chat_id")
        if chat_id is None or not endpoint.startswith(COUNTED):
            return await callback(*args, **kwargs)
        chat = self.budget(chat_id)
        if rate_limit_args == COSMETIC:
            self._take_or_drop(chat, free=endpoint == "sendChatAction")
        elif rate_limit_args != RESERVED:
            await self._wait(chat)
        try:
            return await callback(*args, **kwargs)
        except RetryAfter as error:
            chat.cool_until = self._clock() + seconds_of(error) + 0.2
            raise

    async def room(self, chat_id: int | str) -> None:
        """Wait for a message's turn in ``chat_id`` and take it; the call then says RESERVED."""
        await self._wait(self.budget(chat_id))

    def give_back(self, chat_id: int | str) -> None:
        """The turn that was taken in ``room`` was not used: nothing was sent."""
        self.budget(chat_id).give_back()
        for limit in self._bot:
            limit.give_back()

    def _take_or_drop(self, chat: ChatBudget, *, free: bool) -> None:
        """A typing action is no message: it asks for room but uses none up."""
        if chat.wait(spare=1) > 0 or any(limit.wait(spare=1) > 0 for limit in self._bot):
            raise Dropped
        if not free:
            self._take(chat)

    async def _wait(self, chat: ChatBudget) -> None:
        while pause := max([chat.wait(0), *(limit.wait() for limit in self._bot)]):  # noqa: ASYNC110  (time is what we wait for)
            await asyncio.sleep(pause)
        self._take(chat)

    def _take(self, chat: ChatBudget) -> None:
        chat.take()
        for limit in self._bot:
            limit.take()
        self._forget_idle()

    def _forget_idle(self) -> None:
        now = self._clock()
        if now - self._cleaned_at < FORGET_SECONDS:
            return
        self._cleaned_at = now
        self._chats = {
            key: chat
            for key, chat in self._chats.items()
            if now - chat.used_at < FORGET_SECONDS or chat.cool_until > now
        }


def seconds_of(error: RetryAfter) -> float:
    """``retry_after`` in seconds; python-telegram-bot may make it a timedelta."""
    value: Any = error.retry_after
    return float(value.total_seconds() if hasattr(value, "total_seconds") else value)
