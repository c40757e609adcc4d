"""How long a call waits for others and for limits before it says "later"."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

from core.db import in_db
from reports.avito import gate
from reports.avito.errors import AvitoError, Kind

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]

# Seconds between looks at what another process is doing.
POLL = 0.1
# Seconds after which who has looked long enough may come again.
SOON = 1.0
# Seconds before another try of what Avito or the line failed at.
PAUSES = (0.5, 1.5)
# What may come instead of an answer, and leaves something to be put away.
STOPPED = (Exception, asyncio.CancelledError)


class Patience:
    """How long one call may still wait, in seconds."""

    def __init__(self, seconds: float, sleep: Sleep) -> None:
        self._left = seconds
        self._sleep = sleep

    async def wait(self, seconds: float) -> bool:
        """Wait so long; False, at once, when that is too long."""
        if seconds > self._left:
            return False
        self._left -= seconds
        await self._sleep(seconds)
        return True

    async def look_again(self, what: str) -> None:
        """Wait for another process. Raises ``AvitoError`` (rate_limited) when it takes too long."""
        if not await self.wait(POLL):
            raise AvitoError(Kind.RATE_LIMITED, what, retry_after=SOON)

    async def through(self, scope: str, method: str, clock: Clock, status: int | None = None) -> datetime:
        """Wait for the limiter; gives when the call was let through. ``status``: 429 when it is Avito's own word that
        is waited for. Raises ``AvitoError`` (rate_limited)."""
        while True:
            now = clock()
            seconds = await in_db(gate.take, scope, method, now)
            if seconds <= 0:
                return now
            if not await self.wait(seconds):
                raise AvitoError(Kind.RATE_LIMITED, "The limit is reached.", status=status, retry_after=seconds)


class Tries:
    """Other tries after a failure that is nobody's will: two, after pauses with jitter."""

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep
        self._pauses = list(PAUSES)

    async def another(self, error: AvitoError) -> bool:
        """Wait before another try; False when there is none, it would not help, or Avito asks for a longer pause."""
        if error.kind is not Kind.AVITO_DOWN or not self._pauses:
            return False
        pause = self._pauses.pop(0) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if error.retry_after is not None and error.retry_after > pause:
            return False
        await self._sleep(pause)
        return True
