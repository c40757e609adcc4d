"""The one bridge from async code to the database.

Models and services are sync. An async handler is load → talk → save: it calls a plain function that holds one
short transaction through ``in_db`` and holds neither a transaction nor a connection while it talks to the network.
"""

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connection
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")

# SQLite has one writer: more threads would only wait for one another's locks.
THREADS = {"sqlite": 1, "postgresql": 8}

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def _threads() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(THREADS.get(connection.vendor, 4), thread_name_prefix="db")
        return _pool


def _call(language: str | None, fn: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    if language:
        # Django's own record of it is tagged with its thread and does not come along. It ends with this context.
        translation.activate(language)
    # These threads keep their connection; one that failed is looked at before it is used again.
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
    return fn(*args, **kwargs)


async def in_db(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``fn(*args, **kwargs)`` in a database thread and return what it returns.

    The caller's context goes along: the trace id, and the language that words are said in. What ``fn`` raises is
    raised here.
    """
    context = contextvars.copy_context()
    call = functools.partial(context.run, _call, translation.get_language(), fn, args, kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads(), call)


def close_db_threads() -> None:
    """Close the threads' connections and end the threads; the next ``in_db`` starts new ones."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        # One task a thread: each blocks at the barrier until all are there, so no connection is missed.
        barrier = threading.Barrier(len(pool._threads) or 1)
        for _ in range(len(pool._threads)):
            pool.submit(_close_here, barrier)
        pool.shutdown(wait=True)


def _close_here(barrier: threading.Barrier) -> None:
    barrier.wait(timeout=10)
    connection.close()
