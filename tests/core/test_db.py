"""The database threads: what has happened already is recorded before all that waits."""

import asyncio
import threading

import pytest
from django.db import connection

from core.db import THREADS, in_db, in_db_first

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
