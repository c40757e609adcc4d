"""The command and the nightly job against real servers on loopback, one per provider."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from llm.jobs import sync_models
from llm.models import Model, SyncRun
from tests.llm.conftest import Wire, served
from tests.llm.test_mistral import MODELS

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def in_a_thread(wire: Wire) -> Iterator[Wire]:
    """Serve ``wire`` from an event loop of its own: the refresh is sync code."""
    ready, over = threading.Event(), threading.Event()

    async def main() -> None:
        async with served(wire):
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert ready.wait(60)
        yield wire
    finally:
        over.set()
        thread.join(10)


@pytest.fixture
def lists(settings: Any) -> Iterator[dict[str, Wire]]:
    """The servers of Mistral and DeepSeek, both configured."""
    with ExitStack() as stack:
        wires = {name: stack.enter_context(in_a_thread(Wire())) for name in ("mistral", "deepseek")}
        for name, wire in wires.items():
            setattr(settings, f"{name.upper()}_API_KEY", "invented-key")
            setattr(settings, f"{name.upper()}_BASE_URL", wire.url)
        yield wires


def refresh(**options: Any) -> str:
    out = StringIO()
    call_command("sync_models", stdout=out, **options)
    return out.getvalue()


def deepseek_lists(lists: dict[str, Wire], *names: str) -> None:
    lists["deepseek"].says_json({"data": [{"id": name} for name in names]})


def test_command_fills_the_catalogue_and_says_so(lists: dict[str, Wire]) -> None:
    lists["mistral"].says_json(MODELS)
    deepseek_lists(lists, "deepseek-flash", "deepseek-v4-pro")
    said = refresh()
    assert "mistral: 2 models, fetched for the first time" in said
    assert "deepseek: 2 models, fetched for the first time" in said
    assert Model.objects.count() == 4


def test_command_tells_what_is_new_and_what_is_gone(lists: dict[str, Wire]) -> None:
    for names in (("a", "b"), ("a", "c"), ("a", "c")):
        lists["mistral"].says_json(MODELS)
        deepseek_lists(lists, *names)
    refresh()
    assert "new: c" in refresh()
    said = refresh()
    assert "retired: b" in said
    assert "mistral: 2 models, nothing new" in said


def test_one_provider_that_fails_does_not_stop_the_other(lists: dict[str, Wire]) -> None:
    lists["mistral"].says("<html>", status=502)
    deepseek_lists(lists, "deepseek-flash")
    said = refresh()
    assert "mistral: nothing changed, server: HTTP 502" in said
    assert Model.objects.get().name == "deepseek-flash"


def test_command_fails_when_every_list_failed(lists: dict[str, Wire]) -> None:
    for wire in lists.values():
        wire.says_json({"detail": "Unauthorized"}, status=401)
    with pytest.raises(CommandError, match="No list"):
        refresh()
    assert SyncRun.objects.get().state == SyncRun.State.FAILED


def test_one_provider_can_be_asked_alone(lists: dict[str, Wire]) -> None:
    deepseek_lists(lists, "deepseek-flash")
    refresh(provider="deepseek")
    assert lists["mistral"].seen == []


def test_lists_of_nonsense_are_errors_and_no_crash(lists: dict[str, Wire]) -> None:
    lists["mistral"].says_json({"data": [{"id": "x", "capabilities": {"completion_chat": 1}, "aliases": 7}]})
    lists["deepseek"].says_json({"data": "nothing"})
    with pytest.raises(CommandError, match="No list"):
        refresh()
    assert not Model.objects.exists()


def test_nightly_job_runs_once_per_planned_time(lists: dict[str, Wire], now: datetime) -> None:
    lists["mistral"].says_json(MODELS)
    deepseek_lists(lists, "deepseek-flash")
    sync_models(now)
    sync_models(now)
    run = SyncRun.objects.get()
    assert (run.slot, run.trigger, run.state) == ("nightly:2026-11-20T00:00+0000", "nightly", "done")
    assert len(lists["deepseek"].seen) == 1
