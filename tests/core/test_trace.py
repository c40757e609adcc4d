"""The trace id: one name for everything an update leads to."""

import asyncio

import pytest
import structlog

from core.trace import current_trace, new_trace, trace


def test_new_trace_is_short_and_never_the_same() -> None:
    found = {new_trace() for _time in range(1000)}

    assert len(found) == 1000
    assert all(len(one) == 12 and one.isalnum() for one in found)


def test_outside_a_block_there_is_none() -> None:
    assert current_trace() == ""


def test_block_binds_the_trace_and_its_values_and_gives_back_what_was() -> None:
    with trace("outer", update=1):
        with trace("inner", update=2):
            assert current_trace() == "inner"
            assert structlog.contextvars.get_contextvars()["update"] == 2
        assert current_trace() == "outer"
        assert structlog.contextvars.get_contextvars()["update"] == 1
    assert current_trace() == ""


def test_error_ends_the_block_too() -> None:
    with pytest.raises(LookupError), trace("abc"):
        raise LookupError

    assert current_trace() == ""


async def test_tasks_side_by_side_have_their_own() -> None:
    async def work(name: str) -> str:
        with trace(name):
            await asyncio.sleep(0)
            return current_trace()

    assert list(await asyncio.gather(work("one"), work("two"))) == ["one", "two"]
