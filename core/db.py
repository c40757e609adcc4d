"""The one bridge from async code to the database.

Models and services are sync. An async handler is load → talk → save: it calls a plain function that holds one
short transaction through ``in_db`` and holds neither a transaction nor a connection while it talks to the network.
"""

import asyncio
import contextvars
import functools
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import ParamSpec, TypeVar

from django.db import connection
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")

# SQLite has one writer: more threads would only wait for one another's locks.
THREADS = {"sqlite": 1, "postgresql": 8}

# What came of a call, to be told in the loop that asked; None when nobody waits for it any more.
Answer = tuple[asyncio.AbstractEventLoop, Callable[[], None]]
Call = Callable[[], Answer | None]

# Answers that are told together: waking the loop costs as much as a small query.
TOGETHER = 16


class Threads:
    """Threads that take calls from one queue, each with a connection of its own that it keeps.

    Not concurrent.futures: a call there costs several locks, and five calls a message made that a tenth of its CPU.
    """

    def __init__(self, count: int) -> None:
        self.calls: SimpleQueue[Call | None] = SimpleQueue()
        self._urgent: deque[Call] = deque()
        self._threads = [threading.Thread(target=self._work, name=f"db-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        answers: list[Answer | None] = []
        try:
            while (call := self._next(answers)) is not None:
                while (urgent := self._next_urgent()) is not None:
                    answers.append(urgent())
                answers.append(call())
        finally:
            _tell(answers)
            connection.close()

    def _next(self, answers: list[Answer | None]) -> Call | None:
        """The next call. Nobody waits for an answer while this thread waits for work."""
        try:
            if len(answers) < TOGETHER:
                return self.calls.get_nowait()
        except Empty:
            pass
        _tell(answers)
        answers.clear()
        return self.calls.get()

    def put_first(self, call: Call) -> None:
        """Let ``call`` be the next one that a thread takes."""
        self._urgent.append(call)
        self.calls.put(_nothing)  # or nobody would look

    def _next_urgent(self) -> Call | None:
        try:
            return self._urgent.popleft() if self._urgent else None
        except IndexError:  # another thread was quicker
            return None

    def close(self) -> None:
        """Finish what is queued, close the connections, end the threads."""
        for _thread in self._threads:
            self.calls.put(None)
        for thread in self._threads:
            thread.join()


def _nothing() -> None: ...


def _tell(answers: list[Answer | None]) -> None:
    """Wake each loop once for all the answers it waits for."""
    if not answers:
        return
    waiting: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}
    for answer in answers:
        if answer is not None:
            waiting.setdefault(answer[0], []).append(answer[1])
    for loop, tellings in waiting.items():
        with suppress(RuntimeError):  # the loop ended meanwhile, and nobody waits
            loop.call_soon_threadsafe(_all, tellings)


def _all(tellings: list[Callable[[], None]]) -> None:
    for tell in tellings:
        tell()


_lock = threading.Lock()
_current: Threads | None = None


def _threads() -> Threads:
    global _current
    with _lock:
        if _current is None:
            _current = Threads(THREADS.get(connection.vendor, 4))
        return _current


async def in_db(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``fn(*args, **kwargs)`` in a database thread and return what it returns.

    The caller's context goes along: the trace id, and the language that words are said in. What ``fn`` raises is
    raised here. A caller that is cancelled before the call began takes it back; one that began is finished.
    """
    future, call = _prepared(fn, args, kwargs)
    _threads().calls.put(call)
    return await future


async def in_db_first(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As ``in_db``, before all that waits: to go on with what has begun before anything new begins, and to record
    what has happened outside and a crash would repeat."""
    future, call = _prepared(fn, args, kwargs)
    _threads().put_first(call)
    return await future


def _prepared(
    fn: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[asyncio.Future[T], Call]:
    """The call for a thread, and the future that gets what comes of it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context, language = contextvars.copy_context(), translation.get_language()

    def call() -> Answer | None:
        if future.cancelled():
            return None
        try:
            outcome = functools.partial(_resolve, future, context.run(_call, language, fn, args, kwargs))
        except BaseException as error:
            outcome = functools.partial(_reject, future, error)
        return loop, outcome

    return future, call


def _call(language: str | None, fn: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    if language:
        # Django's own record of it is tagged with its thread and does not come along. It ends with this context.
        translation.activate(language)
    # These threads keep their connection; one that failed is looked at before it is used again.
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
    return fn(*args, **kwargs)


def _resolve(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _reject(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def close_db_threads() -> None:
    """Close the threads' connections and end the threads; the next ``in_db`` starts new ones."""
    global _current
    with _lock:
        threads, _current = _current, None
    if threads is not None:
        threads.close()
