"""The queue of updates: what the bot has not confirmed yet.

Rules (public server): an `offset` confirms everything before it; a negative one keeps the last -offset;
unconfirmed updates come again; `allowed_updates` is remembered and looked at when an update is created; a
second request with the same offset within half a second gets one update; of two waiting polls the older one
fails; updates are kept for 24 hours.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .errors import ApiError, conflict
from .schema import UPDATE_KINDS
from .signals import Signal

Update = dict[str, Any]
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
DEFAULT = frozenset(UPDATE_KINDS) - NOT_BY_DEFAULT
KEPT_SECONDS = 24 * 3600
SAME_OFFSET_SECONDS = 0.5
TWO_POLLS = "terminated by other getUpdates request; make sure that only one bot instance is running"


class Updates:
    """Pending updates of the bot and the one poll that may wait for them."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        changed: Callable[[], None] = lambda: None,
        first_id: int = 100_000_001,
    ) -> None:
        self.clock = clock
        self.changed = changed
        self.pending: OrderedDict[int, tuple[float, Update]] = OrderedDict()
        self.allowed: list[str] | None = None
        self.signal = Signal()
        self.polled = Signal()
        self.closed = False
        self._next_id = first_id
        self._poll: asyncio.Future[None] | None = None
        self._last_offset: int | None = None
        self._last_answer = 0.0

    def allows(self, kind: str) -> bool:
        """This kind of update is created at all."""
        return kind in (self.allowed or DEFAULT)

    def allow(self, kinds: list[Any] | None) -> None:
        """Remember `allowed_updates`; None keeps the setting, an empty list means the default."""
        if kinds is not None:
            known = [kind for kind in kinds if kind in UPDATE_KINDS]
            self.allowed = known or None

    def push(self, kind: str, payload: Any) -> int | None:
        """Queue an update; its id, or None when the bot did not ask for this kind."""
        return self.push_raw({kind: payload}) if self.allows(kind) else None

    def push_raw(self, update: Update) -> int:
        """Queue anything, whatever it looks like and whatever is allowed; its id."""
        update_id = self._next_id
        self._next_id += 1
        self.pending[update_id] = (self.clock(), {"update_id": update_id, **update})
        self.signal.notify()
        self.changed()
        return update_id

    def forget_old(self) -> None:
        """Drop what nobody fetched for a day."""
        limit = self.clock() - KEPT_SECONDS
        while self.pending and next(iter(self.pending.values()))[0] < limit:
            self.pending.popitem(last=False)

    def confirm(self, offset: int) -> None:
        """Drop what comes before `offset` (negative: all but the last -offset)."""
        if offset < 0:
            while len(self.pending) > -offset:
                self.pending.popitem(last=False)
            return
        while self.pending and next(iter(self.pending)) < offset:
            self.pending.popitem(last=False)

    def remove(self, update_id: int) -> None:
        """Drop one update that a webhook took."""
        self.pending.pop(update_id, None)
        self.changed()

    def clear(self) -> None:
        """Drop all."""
        self.pending.clear()

    async def waiting(self) -> None:
        """Return once a poll waits for updates."""
        while self._poll is None or self._poll.done():
            await self.polled.wait()

    def interrupt(self, reason: str) -> None:
        """Fail the waiting poll with 409 and this reason."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(conflict(reason))

    def close(self) -> None:
        """Let the waiting poll go home empty-handed."""
        self.closed = True
        self.signal.notify()

    async def fetch(self, offset: int, limit: int, timeout: float) -> list[Update]:  # noqa: ASYNC109
        """The next updates, waiting up to `timeout` seconds for one; ApiError 409 when another poll comes."""
        self.interrupt(TWO_POLLS)
        self.forget_old()
        self.confirm(offset)
        self.changed()
        if offset == self._last_offset and self.clock() < self._last_answer + SAME_OFFSET_SECONDS:
            limit = 1
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poll = mine
        self.polled.notify()
        try:
            await self._wait(mine, timeout)
        finally:
            if self._poll is mine:
                self._poll = None
                self._last_offset, self._last_answer = offset, self.clock()
        return [row[1] for row, _ in zip(self.pending.values(), range(limit), strict=False)]

    async def _wait(self, mine: asyncio.Future[None], timeout: float) -> None:  # noqa: ASYNC109
        """Return when there is something, when time is up, or raise what interrupt() left."""
        end = time.monotonic() + timeout
        while not self.pending and not self.closed and not mine.done():
            left = end - time.monotonic()
            if left <= 0:
                break
            news = self.signal.next()
            await asyncio.wait({news, mine}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
        if mine.done():
            mine.result()


def webhook_active() -> ApiError:
    """409: polling while a webhook is set."""
    return conflict(
        "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )
