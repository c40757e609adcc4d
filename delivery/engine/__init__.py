"""What moves lanes. The engine carries wakes only: rows hold the truth, so a lost wake is a delay, never a loss.

An engine is three calls: ``wake(lane)``, ``run(concurrency)``, ``health()``. A process without one (the web) writes
rows; the sweeper of the process that has one finds them within a second.
"""

from typing import Any, Protocol

from django.db import transaction


class Engine(Protocol):
    def wake(self, lane: str, rows: int = 1) -> None: ...

    async def run(self, concurrency: int) -> None: ...

    def health(self) -> dict[str, Any]: ...


_current: Engine | None = None


def use(engine: Engine | None) -> None:
    """Make ``engine`` this process's engine (None: none)."""
    global _current
    _current = engine


def current() -> Engine | None:
    return _current


def wake_on_commit(lane: str) -> None:
    """Wake ``lane`` once, for one new row, when the running transaction (if any) has committed."""
    if _current is not None:
        engine = _current
        transaction.on_commit(lambda: engine.wake(lane))
