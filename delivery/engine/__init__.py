"""What moves lanes. The engine carries wakes only: rows hold the truth, so a lost wake is a delay, never a loss.

An engine is three calls: ``wake(lane)``, ``run(concurrency)``, ``health()``. A process without one (the web) writes
rows; the sweeper of the process that has one finds them within a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import transaction


class Engine(Protocol):
    def wake(self, lane: str, rows: int = 1) -> None: ...

    async def run(self, concurrency: int) -> None: ...

    def health(self) -> dict[str, Any]: ...


_current: Engine | None = None
_quiet = False


def use(engine: Engine | None) -> None:
    """Make ``engine`` this process's engine (None: none)."""
    global _current
    _current = engine


def current() -> Engine | None:
    return _current


@contextmanager
def quiet() -> Iterator[None]:
    """In this block no sweep begins: what is done here would be slowed down by the work that it makes."""
    global _quiet
    _quiet = True
    try:
        yield
    finally:
        _quiet = False


def is_quiet() -> bool:
    return _quiet


def wake_on_commit(lane: str, rows: int = 1) -> None:
    """Wake ``lane`` once, for its new ``rows``, when the running transaction (if any) has committed."""
    if _current is not None:
        engine = _current
        transaction.on_commit(lambda: engine.wake(lane, rows))
