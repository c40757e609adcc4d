"""Waiting for what may be there later than this process: the database and Telegram at the start, Telegram at the poll.

A machine that boots brings up its network and PostgreSQL when it can; whoever ends at the first refusal leaves the rest
to luck. So what passes is waited for, each attempt is in the log, and what no waiting mends is told at once. When it is
over:

GaveUp         the limits of WORKER_STARTUP_… or WORKER_POLLING_RETRIES are reached; the text says what to do
Interrupted    somebody asked the process to end while it waited for the database
"""

import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import structlog
from django.conf import settings
from django.db import OperationalError, connection

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Codes of SQLite (https://www.sqlite.org/rescode.html) that pass: another process is writing.
SQLITE_BUSY, SQLITE_LOCKED = 5, 6
# What PostgreSQL and libpq say that waiting does not mend, in English and in Russian: a server speaks its own language,
# and tells no code to one that it does not let in. All else is waited for: nobody can name each way to be away.
HOPELESS = re.compile(
    r"authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|permission denied"
    r"|does not support SSL|certificate verify failed|invalid (?:port|integer|sslmode|channel_binding)"
    r"|не прош[её]л проверку подлинности|не существует|нет записи|нет доступа",
    re.IGNORECASE,
)


class GaveUp(Exception):
    """What was waited for did not come within the limits; the text is a sentence for the operator."""


class Interrupted(Exception):
    """SIGTERM or SIGINT came while nothing had begun yet."""


def _jitter() -> float:
    """Up to a fifth more or less, so that processes that lost the same server do not come back together."""
    return random.uniform(0.8, 1.2)  # noqa: S311


@dataclass
class Backoff:
    """Growing pauses in seconds, the longest included: ``next()`` after each failure, ``reset()`` after a success."""

    base: float
    longest: float
    growth: float = 2.0
    jitter: Callable[[], float] = _jitter
    plain: float = field(default=0.0, init=False)  # the last pause before its jitter; 0: nothing failed yet

    def next(self) -> float:
        self.plain = min(self.longest, self.plain * self.growth if self.plain else self.base)
        return min(self.longest, self.plain * self.jitter())

    def reset(self) -> None:
        self.plain = 0.0


def backoff(growth: float = 2.0) -> Backoff:
    """The pauses of WORKER_RETRY_BACKOFF_BASE_SEC and …_MAX_SEC."""
    return Backoff(settings.WORKER_RETRY_BACKOFF_BASE_SEC, settings.WORKER_RETRY_BACKOFF_MAX_SEC, growth)


@dataclass
class Attempts:
    """One thing that is tried until it succeeds. ``what`` as in "Telegram does not answer", ``advice``: what a person
    does when it never does. ``timeout`` in seconds and ``retries`` in failures; 0: without end.
    """

    what: str
    advice: str
    backoff: Backoff
    timeout: float = 0.0
    retries: int = 0
    clock: Callable[[], float] = time.monotonic
    failures: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.began_at = self.clock()

    def failed(self, error: str, *, at_least: float = 0.0) -> float:
        """Put it on record; how many seconds to wait before the next attempt (``at_least``: as the other side wished).

        The last attempt is made when the time is over, not a pause before. Raises GaveUp.
        """
        self.failures += 1
        waited = self.clock() - self.began_at
        left = self.timeout - waited if self.timeout else float("inf")
        if left <= 0 or self.failures == self.retries:
            self._give_up(error, waited)
        pause = min(left, max(at_least, self.backoff.next()))
        log.warning(f"{self.what} does not answer", error=error, again_in=round(pause, 1), **self._so_far(waited))
        return pause

    def succeeded(self) -> None:
        if self.failures:
            waited = round(self.clock() - self.began_at, 1)
            log.info(f"{self.what} answers", failed_attempts=self.failures, waited=waited)

    def _so_far(self, waited: float) -> dict[str, Any]:
        shown: dict[str, Any] = {"attempt": f"{self.failures} of {self.retries}" if self.retries else self.failures}
        shown["waited"] = round(waited, 1)
        return shown | ({"gives_up_after": self.timeout} if self.timeout else {})

    def _give_up(self, error: str, waited: float) -> NoReturn:
        times = "1 attempt" if self.failures == 1 else f"{self.failures} attempts"
        what = self.what[0].upper() + self.what[1:]
        raise GaveUp(f"{what} did not answer in {times} and {waited:.0f} s ({error}). {self.advice}")


def at_start(what: str, advice: str) -> Attempts:
    """Within WORKER_STARTUP_TIMEOUT_SEC and WORKER_STARTUP_RETRIES."""
    return Attempts(what, advice, backoff(), settings.WORKER_STARTUP_TIMEOUT_SEC, settings.WORKER_STARTUP_RETRIES)


# --- the database


def until_database_answers(look: Callable[[], T], attempts: Attempts, sleep: Callable[[float], None] = time.sleep) -> T:
    """What ``look()`` gives, tried again while the database is away.

    Raises GaveUp, and OperationalError when it answers in a way that waiting does not mend.
    """
    while True:
        try:
            found = look()
        except OperationalError as error:
            connection.close()
            if is_hopeless(error):
                raise
            pause = attempts.failed(first_line(error))
        else:
            attempts.succeeded()
            return found
        sleep(pause)


def database_at_start() -> Attempts:
    return at_start("the database", "Start it, or correct DATABASE_URL in .env; then start Sekretar again.")


def is_hopeless(error: OperationalError) -> bool:
    """Whether a person must act: a wrong password or name, a file that cannot be opened. Not: a server that is away or
    just starting, too many clients, a locked SQLite file."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF not in (SQLITE_BUSY, SQLITE_LOCKED)  # the rest of the number tells the kind of lock
    return HOPELESS.search(first_line(error)) is not None


def first_line(error: BaseException) -> str:
    """What a driver says, without its hints."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGINT end what is waited for without a loop: raises Interrupted. On the main thread only.

    Otherwise Ctrl-C would show a traceback, and the first process of a container would not hear SIGTERM at all.
    """

    def end(_number: int, _frame: object) -> NoReturn:
        raise Interrupted

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
