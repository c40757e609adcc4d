"""The local engine: lanes are woken, drained and let go; nothing one lane does holds up another."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError, transaction

from delivery import engine as engines
from delivery.engine import quiet
from delivery.engine.local import SWEEP_SECONDS, LocalEngine
from tests.delivery import paper
from tests.delivery.paper import gates, log, looks, lost, rows

TABLE = {"a": "tests.delivery.paper", "b": "tests.delivery.paper"}


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[LocalEngine]:
    paper.forget()
    found = LocalEngine(TABLE)
    await found.start(2)
    yield found
    for kind in TABLE:
        await found.stop(kind, 0.0)
    paper.forget()


def put(engine: LocalEngine, lane: str, *names: str) -> None:
    """New rows, each with its wake."""
    for name in names:
        rows[lane].append(name)
        engine.wake(lane)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.002)


# --- waking ---------------------------------------------------------------------------------------------------------


async def test_woken_lane_is_drained_and_let_go(engine: LocalEngine) -> None:
    put(engine, "a:1", "x", "y")
    await engine.idle()

    assert log == ["a:1 x", "a:1 y"]
    assert engine.health()["lanes"] == {}


async def test_one_wake_looks_for_one_row(engine: LocalEngine) -> None:
    put(engine, "a:1", "x")
    await engine.idle()

    assert looks == ["a:1"]


async def test_wakes_of_a_running_lane_are_one_task_and_lose_no_row(engine: LocalEngine) -> None:
    put(engine, "a:1", "hold")
    await until(lambda: log)
    put(engine, "a:1", "x", "y")
    assert engine.health()["lanes"] == {"a": 1}
    gates["a:1"].set()
    await engine.idle()

    assert log == ["a:1 hold", "a:1 let go", "a:1 x", "a:1 y"]


async def test_wake_that_comes_during_the_last_look_is_not_lost(engine: LocalEngine) -> None:
    def comes_late(row: str) -> None:
        if row == "x":
            put(engine, "a:1", "late")

    paper.on_row.append(comes_late)
    put(engine, "a:1", "x")
    await engine.idle()

    assert log == ["a:1 x", "a:1 late"]


async def test_wakes_for_nothing_end_after_one_look(engine: LocalEngine) -> None:
    engine.wake("a:1", 50)
    await engine.idle()

    assert looks == ["a:1"]


async def test_wake_from_another_thread_is_heard(engine: LocalEngine) -> None:
    rows["a:1"].append("x")
    thread = threading.Thread(target=engine.wake, args=("a:1",))
    thread.start()
    await asyncio.to_thread(thread.join)
    await until(lambda: log)

    assert log == ["a:1 x"]


async def test_wake_of_an_unknown_kind_is_nothing(engine: LocalEngine) -> None:
    engine.wake("z:1")

    assert engine.health()["lanes"] == {}


def test_wake_before_the_start_is_left_to_the_first_sweep() -> None:
    paper.forget()
    LocalEngine(TABLE).wake("a:1")

    assert looks == []


async def test_wake_after_the_loop_ended_is_left_to_the_next_process() -> None:
    engine = LocalEngine(TABLE)

    def elsewhere() -> None:
        asyncio.run(engine.start(1))

    await asyncio.to_thread(elsewhere)
    engine.wake("a:1")
    assert engine.health()["lanes"] == {}


# --- side by side ---------------------------------------------------------------------------------------------------


async def test_lanes_run_side_by_side_up_to_the_bound_first_come_first_served(engine: LocalEngine) -> None:
    for number in range(4):
        put(engine, f"a:{number}", "hold")
    await until(lambda: len(log) == 2)
    await asyncio.sleep(0.02)
    assert log == ["a:0 hold", "a:1 hold"]

    gates["a:1"].set()
    await until(lambda: len(log) == 4)
    assert log[2:] == ["a:1 let go", "a:2 hold"]


async def test_kinds_do_not_take_one_anothers_places(engine: LocalEngine) -> None:
    for number in range(3):
        put(engine, f"a:{number}", "hold")
    put(engine, "b:1", "x")
    await until(lambda: "b:1 x" in log)

    assert log.count("b:1 x") == 1


async def test_lane_that_breaks_does_not_stop_others_and_works_again(engine: LocalEngine) -> None:
    put(engine, "a:1", "bug", "left")
    put(engine, "a:2", "x")
    await engine.idle()
    assert log == ["a:1 bug", "a:2 x"]

    await engine.sweep()
    await engine.idle()
    assert log[2:] == ["a:1 left"]


# --- sweeping -------------------------------------------------------------------------------------------------------


async def test_start_takes_back_what_was_left_and_wakes_what_waits() -> None:
    paper.forget()
    rows["a:1"] += ["x", "y"]
    engine = LocalEngine({"a": "tests.delivery.paper"})
    await engine.start(1)
    await engine.idle()

    assert lost == [True]
    assert log == ["a:1 x", "a:1 y"]


async def test_sweep_finds_rows_that_nobody_woke(engine: LocalEngine) -> None:
    rows["a:1"].append("of another process")
    await engine.sweep()
    await engine.idle()

    assert log == ["a:1 of another process"]


async def test_sweep_leaves_a_running_lane_alone(engine: LocalEngine) -> None:
    put(engine, "a:1", "hold")
    await until(lambda: log)
    rows["a:1"].append("x")
    await engine.sweep()

    assert engine.health()["lanes"] == {"a": 1}
    gates["a:1"].set()
    await engine.idle()
    assert log == ["a:1 hold", "a:1 let go"]
    await engine.sweep()
    await engine.idle()
    assert log[-1] == "a:1 x"


async def test_running_engine_sweeps_each_second_and_outlives_a_database_that_hiccups(engine: LocalEngine) -> None:
    paper.sweep_fault.append(OperationalError("the database went away"))
    running = asyncio.create_task(engine.run(2))
    rows["a:1"].append("x")
    await until(lambda: log)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert paper.sweep_fault == []
    assert log == ["a:1 x"]


async def test_no_sweep_begins_while_it_would_be_in_the_way(engine: LocalEngine) -> None:
    running = asyncio.create_task(engine.run(2))
    with quiet():
        rows["a:1"].append("x")
        await asyncio.sleep(1.5 * SWEEP_SECONDS)
        assert log == []
    await until(lambda: log)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_recovery_while_running_asks_for_leases_only(engine: LocalEngine) -> None:
    await engine.recover()

    assert lost == [True, True, False, False]


async def test_health_tells_when_the_last_sweep_was(engine: LocalEngine) -> None:
    began = time.monotonic()
    await engine.sweep()
    assert 0 <= engine.health()["swept_seconds_ago"] <= time.monotonic() - began + 0.1
    engine._swept_at -= 7
    assert 7 <= engine.health()["swept_seconds_ago"] <= time.monotonic() - began + 7.1


# --- stopping -------------------------------------------------------------------------------------------------------


async def test_stop_lets_a_running_row_end_and_takes_no_further(engine: LocalEngine) -> None:
    put(engine, "a:1", "hold", "left")
    await until(lambda: log)
    stopping = asyncio.create_task(engine.stop("a", 60.0))
    await asyncio.sleep(0)
    put(engine, "a:2", "too late")
    put(engine, "b:1", "other kind")
    gates["a:1"].set()

    assert await stopping
    await engine.idle()
    assert sorted(log) == ["a:1 hold", "a:1 let go", "b:1 other kind"]
    assert rows["a:1"] == ["left"]


async def test_stop_cancels_what_takes_too_long(engine: LocalEngine) -> None:
    put(engine, "a:1", "hold")
    await until(lambda: log)

    assert not await engine.stop("a", 0.01)
    assert log == ["a:1 hold"]
    assert engine.health()["lanes"] == {}


async def test_lanes_that_wait_for_a_place_end_unstarted_at_the_stop(engine: LocalEngine) -> None:
    for number in range(3):
        put(engine, f"a:{number}", "hold")
    await until(lambda: len(log) == 2)
    stopping = asyncio.create_task(engine.stop("a", 60.0))
    await asyncio.sleep(0)
    for number in range(3):
        gates[f"a:{number}"].set()

    assert await stopping
    assert "a:2 hold" not in log


async def test_stopping_what_is_idle_is_at_once(engine: LocalEngine) -> None:
    assert await engine.stop("a", 60.0)


# --- wakes belong to commits ----------------------------------------------------------------------------------------


class Ear:
    """An engine that only listens."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, lane: str, rows: int = 1) -> None:
        self.woken.append(lane)

    async def run(self, concurrency: int) -> None: ...

    def health(self) -> dict[str, Any]:
        return {}


@pytest.mark.django_db(transaction=True)
def test_lane_is_woken_when_its_row_is_committed_and_not_for_one_undone() -> None:
    ear = Ear()
    engines.use(ear)
    try:
        with transaction.atomic():
            engines.wake_on_commit("a:1")
            assert ear.woken == []
        with transaction.atomic():
            engines.wake_on_commit("a:2")
            transaction.set_rollback(True)
    finally:
        engines.use(None)

    assert ear.woken == ["a:1"]


def test_process_without_an_engine_wakes_nobody() -> None:
    assert engines.current() is None
    engines.wake_on_commit("a:1")  # does not even ask the database
