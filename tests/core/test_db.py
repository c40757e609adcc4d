"""The database threads: what has happened already is recorded before all that waits."""

import asyncio
import threading
from contextlib import suppress

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import translation

from accounts.models import User
from core.db import THREADS, Together, close_db_threads, in_db, in_db_first, in_db_shared, tell
from core.trace import current_trace, trace

pytestmark = pytest.mark.django_db(transaction=True)


async def test_urgent_call_is_made_before_those_that_wait() -> None:
    one_is_free, all_are_free, order = threading.Event(), threading.Event(), list[str]()
    # All are held before anything waits: one that is only about to be held would take the urgent call and linger.
    held = await all_held(all_are_free, first=one_is_free)
    calls = [in_db(order.append, "usual"), in_db_first(order.append, "urgent")]
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)  # the tasks begin, in their order
    one_is_free.set()
    await tasks[0]
    all_are_free.set()
    await asyncio.gather(*tasks, *held)
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


async def all_held(until: threading.Event, first: threading.Event | None = None) -> list["asyncio.Task[bool]"]:
    """Calls that keep every thread busy, all of them begun; one of them until ``first``, when that is given."""
    begun = threading.Semaphore(0)

    def hold(until: threading.Event) -> bool:
        begun.release()
        return until.wait(60)

    ends = [first or until, *[until] * (THREADS[connection.vendor] - 1)]
    held = [asyncio.create_task(in_db(hold, end)) for end in ends]
    for _call in held:
        assert await asyncio.to_thread(begun.acquire, timeout=60)
    return held


async def test_cancelled_call_that_waits_is_never_made() -> None:
    free, made = threading.Event(), list[str]()
    busy = await all_held(free)
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
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(in_db(str, number) for number in range(crowd)))
        assert answers == [str(number) for number in range(crowd)]


async def test_answer_of_the_last_call_before_the_end_is_told() -> None:
    begun = threading.Event()
    last = asyncio.create_task(in_db(lambda: begun.wait(60)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(close_db_threads))
    begun.set()

    async with asyncio.timeout(60):
        assert await last
        await closing


async def test_what_a_call_tells_the_loop_is_heard_before_its_answer() -> None:
    loop, heard = asyncio.get_running_loop(), list[str]()

    def call() -> str:
        tell(loop, lambda: heard.append("told"))
        return "answered"

    heard.append(await in_db(call))
    assert heard == ["told", "answered"]


async def test_loop_is_told_from_any_other_thread_as_well() -> None:
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    await asyncio.to_thread(tell, loop, heard.set)
    await asyncio.wait_for(heard.wait(), 60)


# --- many callers, one call -----------------------------------------------------------------------------------------


class Doubled:
    """Doubles numbers, remembers in which company they came, and refuses the 13."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, numbers: list[int]) -> list[int]:
        self.calls.append(numbers)
        if 13 in numbers:
            raise ValueError("no 13, please")
        return [2 * number for number in numbers]


async def waiting(together: "Together[int, int]", *numbers: int) -> list["asyncio.Task[int]"]:
    """Tasks that ask while every thread is busy, so that they wait together."""
    free = threading.Event()
    held = await all_held(free)
    tasks = [asyncio.create_task(together(number)) for number in numbers]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, free.set)
    await asyncio.gather(*held)
    return tasks


async def test_first_of_a_crowd_need_not_wait_for_many() -> None:
    doubled = Doubled()
    together = Together(doubled, most=8, begin=2)
    for _rest in range(2):
        await asyncio.gather(*await waiting(together, *range(20, 45)))

    # Where other threads take their shares at the same moment, the order is not certain.
    sizes = [len(numbers) for numbers in doubled.calls]
    assert (2 in sizes, max(sizes) <= 8, sum(sizes)) == (True, True, 50)
    if THREADS[connection.vendor] == 1:
        assert sizes == [2, 4, 8, 8, 3] * 2


async def test_those_who_wait_together_are_asked_for_in_one_call_and_each_gets_its_own() -> None:
    doubled = Doubled()
    tasks = await waiting(Together(doubled, most=100), *range(20, 60))

    assert await asyncio.gather(*tasks) == [2 * number for number in range(20, 60)]
    assert len(doubled.calls) <= THREADS[connection.vendor]
    assert sorted(number for call in doubled.calls for number in call) == list(range(20, 60))


async def test_no_call_takes_more_than_it_may() -> None:
    doubled = Doubled()
    await asyncio.gather(*await waiting(Together(doubled, most=3), *range(10)))

    assert max(len(call) for call in doubled.calls) <= 3


async def test_one_alone_is_asked_for_at_once() -> None:
    doubled = Doubled()

    assert await Together(doubled, first=True)(4) == 8
    assert doubled.calls == [[4]]


async def test_error_of_one_is_not_the_others() -> None:
    tasks = await waiting(Together(Doubled()), 1, 13, 2)
    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert found[0] == 2
    assert isinstance(found[1], ValueError)
    assert found[2] == 4


async def test_one_who_gave_up_before_the_call_is_left_out() -> None:
    doubled, free = Doubled(), threading.Event()
    held = await all_held(free)
    together = Together(doubled)
    given_up, kept = asyncio.create_task(together(1)), asyncio.create_task(together(2))
    await asyncio.sleep(0)
    given_up.cancel()
    with suppress(asyncio.CancelledError):
        await given_up
    free.set()

    assert await kept == 4
    assert [number for call in doubled.calls for number in call] == [2]
    await asyncio.gather(*held)


def named(name: str) -> tuple[str, str, str]:
    """Make a person; the name, and the language and the trace it was made in."""
    with transaction.atomic(savepoint=False):
        User.objects.create(username=name)
        if name == "bad":
            raise ValueError(name)
    return name, translation.get_language() or "", current_trace()


async def sharing(*names: str) -> list["tuple[str, str, str] | BaseException"]:
    """What comes of it when people are made at once, each in another language and trace than the one before."""
    free, tasks = threading.Event(), []
    held = await all_held(free)
    for number, name in enumerate(names):
        with trace(f"trace of {name}"), translation.override(("en", "ru")[number % 2]):
            tasks.append(asyncio.create_task(in_db_shared(named, name)))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, free.set)
    await asyncio.gather(*held)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_those_who_share_a_transaction_keep_their_own_language_and_trace() -> None:
    found = await sharing("a", "b", "c")

    assert found == [("a", "en", "trace of a"), ("b", "ru", "trace of b"), ("c", "en", "trace of c")]
    assert await in_db(User.objects.count) == 3


async def test_one_that_fails_leaves_nothing_behind_and_takes_nothing_from_those_it_shared_with() -> None:
    first, failed, last = await sharing("a", "bad", "b")

    assert isinstance(failed, ValueError)
    assert (first, last) == (("a", "en", "trace of a"), ("b", "en", "trace of b"))
    assert sorted(await in_db(lambda: list(User.objects.values_list("username", flat=True)))) == ["a", "b"]


async def test_on_sqlite_those_who_wait_share_one_transaction_and_one_alone_has_none() -> None:
    def is_shared() -> bool:
        return connection.in_atomic_block

    free = threading.Event()
    held = await all_held(free)
    tasks = [asyncio.create_task(in_db_shared(is_shared)) for _number in range(3)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, free.set)
    await asyncio.gather(*held)

    assert await asyncio.gather(*tasks) == [connection.vendor == "sqlite"] * 3
    assert not await in_db_shared(is_shared)
