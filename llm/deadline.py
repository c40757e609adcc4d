"""A deadline that moves with every event of a stream and costs next to nothing.

``asyncio.timeout`` around each event takes 10 to 15 microseconds, which for a stream of hundreds of small events is
as much as reading it. Here one timer serves the whole stream: when it rings too early it is only set anew.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

T = TypeVar("T")


class _Alarm:
    """Cancels ``task`` (whoever waits now, or None) once ``limit`` (loop time) has passed."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.limit = 0.0
        self.task: asyncio.Task[object] | None = None
        self.rang = False
        self._timer: asyncio.TimerHandle | None = None

    def set(self, limit: float) -> None:
        self.limit = limit
        if self._timer is not None and self._timer.when() > limit:
            self.stop()
        if self._timer is None:
            self._timer = self.loop.call_at(limit, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self.loop.time() < self.limit:
            self.set(self.limit)
        elif self.task is not None:
            self.rang = True
            self.task.cancel()


async def paced(events: AsyncIterator[T], limit: Callable[[], float]) -> AsyncGenerator[T, None]:
    """``events``, each of which must come before ``limit()`` (loop time, asked anew for each one).

    Raises TimeoutError. The time that the reader, one task all along, spends between two events does not count.
    """
    alarm, task = _Alarm(), asyncio.current_task()
    try:
        while True:
            alarm.set(limit())
            alarm.task = task
            try:
                event = await anext(events)
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if alarm.rang and task is not None and task.uncancel() == 0:
                    raise TimeoutError from None
                raise
            alarm.task = None
            yield event
    finally:
        alarm.task = None
        alarm.stop()
