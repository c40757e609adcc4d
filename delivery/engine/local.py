"""The engine inside one process: a task for each lane that has work, let go when the lane is empty.

Lanes of different chats run at the same time, up to ``concurrency`` of each kind, first come first served, so neither
a busy chat nor a slow model starves anybody. A sweep each second wakes what waits without a wake: rows of the web
process, rows whose pause is over, rows of a worker that died.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from core.db import in_db, tell
from delivery.engine import is_quiet

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
RECOVER_SECONDS = 10.0


class LocalEngine:
    """``wake`` may be called from any thread; everything else belongs to the loop that ``run`` runs on."""

    def __init__(self, lanes: Mapping[str, str] | None = None) -> None:
        table = settings.LANES if lanes is None else lanes
        self._kinds: dict[str, ModuleType] = {kind: import_module(path) for kind, path in table.items()}
        self._due: dict[str, int] = {}  # lane -> rows it was woken for and has not looked at
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[str] = set()  # kinds of lanes that accept wakes
        self._swept_at = time.monotonic()

    def wake(self, lane: str, rows: int = 1) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return  # not running: the rows wait for the first sweep
        if _running_loop() is loop:
            self._wake(lane, rows)
        else:
            tell(loop, partial(self._wake, lane, rows))

    def _wake(self, lane: str, rows: int) -> None:
        if lane.partition(":")[0] not in self._open:
            return
        self._due[lane] = self._due.get(lane, 0) + rows
        if lane not in self._tasks:
            self._tasks[lane] = asyncio.create_task(self._drain(lane), name=lane)

    async def _drain(self, lane: str) -> None:
        """Take as many rows as the lane was woken for: one message costs no look at an empty lane."""
        kind = lane.partition(":")[0]
        drain: Callable[[str], Awaitable[bool]] = self._kinds[kind].drain
        try:
            async with self._slots[kind]:
                while self._due[lane] > 0 and kind in self._open:
                    left = self._due[lane] = self._due[lane] - 1
                    # Nothing found: over, unless another wake came while we looked.
                    if not await drain(lane) and self._due[lane] == left:
                        break
        except Exception:
            # The row stays held until its lease is over or the process starts anew; other lanes go on.
            log.exception("lane broke", lane=lane)
        finally:
            del self._tasks[lane]
            self._due.pop(lane, None)

    async def start(self, concurrency: int) -> None:
        """Take back what an earlier process left in the middle, then accept wakes."""
        self._loop = asyncio.get_running_loop()
        self._slots = {kind: asyncio.Semaphore(concurrency) for kind in self._kinds}
        for kind, module in self._kinds.items():
            if count := await in_db(module.recover, everything=True):
                log.warning("recovered", kind=kind, rows=count)
        self._open = set(self._kinds)
        await self.sweep()

    async def run(self, concurrency: int) -> None:
        """Sweep until cancelled; the running lanes are ended by ``stop``."""
        if not self._open:
            await self.start(concurrency)
        recovered_at = time.monotonic()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                if time.monotonic() - recovered_at >= RECOVER_SECONDS:
                    recovered_at = time.monotonic()
                    await self.recover()
                if not is_quiet():
                    await self.sweep()
            except DatabaseError:
                log.exception("sweep failed")

    async def sweep(self) -> None:
        """Wake every lane that has free rows and no task. One module may drain several kinds."""
        for module in dict.fromkeys(self._kinds.values()):
            for lane, rows in (await in_db(module.waiting_lanes)).items():
                if lane not in self._tasks:
                    self._wake(lane, rows)
        self._swept_at = time.monotonic()

    async def recover(self) -> None:
        for kind, module in self._kinds.items():
            if count := await in_db(module.recover, everything=False):
                log.warning("recovered", kind=kind, rows=count)

    async def stop(self, kind: str, seconds: float) -> bool:
        """Accept no more wakes of ``kind`` and let its lanes end the row they are at; cancel what is left after
        ``seconds``. True when all ended by themselves."""
        self._open.discard(kind)
        tasks = [task for lane, task in self._tasks.items() if lane.partition(":")[0] == kind]
        if not tasks:
            return True
        _done, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return not late

    async def idle(self) -> None:
        """Return when no lane has work (tests and shutdown)."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def health(self) -> dict[str, Any]:
        busy: dict[str, int] = {}
        for lane in self._tasks:
            kind = lane.partition(":")[0]
            busy[kind] = busy.get(kind, 0) + 1
        return {"lanes": busy, "swept_seconds_ago": round(time.monotonic() - self._swept_at, 1)}


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
