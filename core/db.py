"""The one bridge from async code to the database.

Models and services are sync. An async handler is load → talk → save: it calls a plain function that holds one
short transaction through ``in_db`` and holds neither a transaction nor a connection while it talks to the network.
"""

import asyncio
import contextvars
import functools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, ParamSpec, TypeVar

from django.db import connection, transaction
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")

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
        _of_thread.answers = answers
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


_of_thread = threading.local()


def tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """Call ``what`` in ``loop`` soon; from a database thread together with the answer it is about to give."""
    answers: list[Answer | None] | None = getattr(_of_thread, "answers", None)
    if answers is None:
        loop.call_soon_threadsafe(what)
    else:
        answers.append((loop, what))


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


class Together(Generic[K, T]):
    """Many callers, one call: ``fn`` gets what all who wait asked for when a thread is free, at most ``most``, and
    answers each in the same order.

    When it raises, each is asked for alone, so nobody suffers for another. ``first``: as ``in_db_first``. A crowd
    of 200 questions cost a quarter less CPU with claims made so. ``begin``: how many the first call after a rest
    takes, each further one twice as many; so that the first of a crowd need not wait for fifteen others.
    """

    def __init__(
        self, fn: Callable[[list[K]], Sequence[T]], *, first: bool = False, most: int = 16, begin: int | None = None
    ) -> None:
        self._fn, self._first, self._most, self._begin = fn, first, most, begin or most
        self._next = self._begin
        self._waiting: deque[tuple[K, asyncio.Future[T]]] = deque()

    async def __call__(self, asked: K) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((asked, future))
        # A call for each who waits, as nobody knows how many: most find that an earlier one has done their work.
        call = functools.partial(self._call, loop)
        _threads().put_first(call) if self._first else _threads().calls.put(call)
        return await future

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        """Told at once and not with what the thread does next: these are many already."""
        if waiting := self._take():
            _tell([(loop, functools.partial(_all, self._answers(waiting)))])

    def _take(self) -> list[tuple[K, "asyncio.Future[T]"]]:
        """Who waits, without those who gave up before their call began."""
        taken: list[tuple[K, asyncio.Future[T]]] = []
        most, self._next = self._next, min(2 * self._next, self._most)
        with suppress(IndexError):
            while len(taken) < most:
                asked, future = self._waiting.popleft()
                if not future.cancelled():
                    taken.append((asked, future))
        if not self._waiting:
            self._next = self._begin
        return taken

    def _answers(self, waiting: list[tuple[K, "asyncio.Future[T]"]]) -> list[Callable[[], None]]:
        try:
            found = _call(None, self._fn, ([asked for asked, _future in waiting],), {})
        except BaseException as error:
            if len(waiting) == 1:
                return [functools.partial(_reject, waiting[0][1], error)]
            return [answer for one in waiting for answer in self._answers([one])]
        return [functools.partial(_resolve, future, one) for (_asked, future), one in zip(waiting, found, strict=True)]


def _in_one(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each gives, all in one transaction; one alone is made as if there were no others to wait for."""
    if len(calls) == 1:
        return [calls[0]()]
    with transaction.atomic():
        return [call() for call in calls]


_share: Together[Callable[[], Any], Any] = Together(_in_one, first=True)


async def in_db_shared(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As ``in_db_first``, on SQLite in one transaction with others who wait: a commit costs as much as five statements.

    When one of them raises nothing is kept, and each is made alone: ``fn`` must bear that, and is best
    ``atomic(savepoint=False)``. On PostgreSQL, where whoever writes locks rows, nobody holds them for others.
    """
    if connection.vendor != "sqlite":
        return await in_db_first(fn, *args, **kwargs)
    context, language = contextvars.copy_context(), translation.get_language()
    answer: T = await _share(functools.partial(context.run, _call, language, fn, args, kwargs))
    return answer


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
