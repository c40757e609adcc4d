"""Waiting for "something changed" without polling."""

from __future__ import annotations

import asyncio


class Signal:
    """Wakes everybody who waits; costs nothing while nobody does. Use from the loop's thread only."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake all current waiters."""
        if not self._waiting:
            return
        woken, self._waiting = self._waiting, set()
        for future in woken:
            if not future.done():
                future.set_result(None)

    def next(self) -> asyncio.Future[None]:
        """A future for the next notify(); it listens from now on, not only once it is awaited."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    async def wait(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait for the next notify(); False when `timeout` seconds pass first."""
        future = self.next()
        try:
            await asyncio.wait_for(future, timeout)
        except TimeoutError:
            return False
        return True
