"""The database threads: what has happened already is recorded before all that waits."""

import asyncio
import threading
from contextlib import suppress

import pytest
from django.db import OperationalError, connection
from django.utils import translation

from accounts.models import User
from core.db import THREADS, close_db_threads, in_db, in_db_first
from core.trace import current_trace, trace

pytestmark = pytest.mark.django_db(transaction=True)


async def test_urgent_call_is_made_before_those_that_wait() -> None:
    one_is_free, all_are_free, order = threading.Event(), threading.Event(), list[str]()
    held = [in_db(all_are_free.wait, 10) for _thread in range(THREADS[connection.vendor] - 1)]
    calls = [*held, in_db(one_is_free.wait, 10), in_db(order.append, "usual"), in_db_first(order.append, "urgent")]
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)  # the tasks begin, in their order
    one_is_free.set()
    await tasks[-2]
    all_are_free.set()
    await asyncio.gather(*tasks)
    assert order == ["urgent", "usual"]


async def test_urgent_call_of_an_idle_bridge_is_made_at_once() -> None:
    assert await in_db_first(lambda: 7) == 7


async def test_error_of_an_urgent_call_is_the_callers() -> None:
    def fail() -> None:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        await in_db_first(fail)
    assert await in_db(lambda: "still there") == "still there"


async def test_result_and_error_of_a_call_are_the_callers() -> None:
    def fail() -> None:
        raise ValueError("no such thing")

    assert await in_db(lambda a, b: a - b, 5, b=3) == 2
    with pytest.raises(ValueError, match="no such thing"):
        await in_db(fail)


async def test_call_runs_in_a_database_thread_with_a_connection_that_stays() -> None:
    names = {await in_db(lambda: threading.current_thread().name) for _call in range(20)}

    assert threading.current_thread().name not in names
    assert len(names) <= THREADS[connection.vendor]


async def test_trace_and_language_go_along_and_stay_behind() -> None:
    def seen() -> tuple[str, str | None]:
        return current_trace(), translation.get_language()

    with trace("abc"), translation.override("ru"):
        assert await in_db(seen) == ("abc", "ru")
        assert await in_db_first(seen) == ("abc", "ru")
    with translation.override("en"):
        assert await in_db(seen) == ("", "en")


async def test_language_a_call_chooses_is_its_own() -> None:
    with translation.override("en"):
        await in_db(translation.activate, "ru")
        assert await in_db(translation.get_language) == "en"
        assert translation.get_language() == "en"


async def test_cancelled_call_that_waits_is_never_made() -> None:
    free, made = threading.Event(), list[str]()
    busy = [asyncio.create_task(in_db(free.wait, 10)) for _thread in range(THREADS[connection.vendor])]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(in_db(made.append, "x"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    free.set()
    await asyncio.gather(*busy)
    await in_db(lambda: None)

    assert made == []


async def test_threads_begin_anew_after_they_were_closed() -> None:
    assert await in_db(User.objects.count) == 0
    close_db_threads()
    close_db_threads()

    assert await in_db(User.objects.count) == 0


async def test_connection_that_the_server_cut_is_replaced() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("a file has no server that could cut the connection")
    for _thread in range(THREADS["postgresql"]):
        with suppress(OperationalError):
            await in_db(_end_my_session)
    results = await asyncio.gather(*(in_db(User.objects.count) for _call in range(20)), return_exceptions=True)

    assert results[-1] == 0
    assert await in_db(User.objects.count) == 0


def _end_my_session() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_every_one_of_many_callers_gets_its_own_answer() -> None:
    """Answers are told together; none may stay with a thread that waits for more work."""
    for crowd in (1, 3, 17, 300):
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(in_db(str, number) for number in range(crowd)))
        assert answers == [str(number) for number in range(crowd)]


async def test_answer_of_the_last_call_before_the_end_is_told() -> None:
    begun = threading.Event()
    last = asyncio.create_task(in_db(lambda: begun.wait(10)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(close_db_threads))
    begun.set()

    async with asyncio.timeout(10):
        assert await last
        await closing
