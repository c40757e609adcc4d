"""The poll loop on good days and bad: confirmed is only what is stored, and only a revoked token ends it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError
from pytest_django import Settings

from core.db import in_db
from delivery.models import Delivery
from sandbox.server import Sandbox, serve
from telegram_bot.application import build
from telegram_bot.lanes import ALLOWED_UPDATES
from telegram_bot.patience import Backoff, GaveUp
from telegram_bot.poll import FORGET_OFFSET_AFTER, Poller, TokenRevoked
from tests.house import ADMINS, ANNA, _configure


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Line:
    """A poller and what it stored; ``broken``: so many times the store fails first."""

    sandbox: Sandbox
    poller: Poller
    clock: Clock
    stored: list[dict[str, Any]] = field(default_factory=list)
    broken: int = 0

    async def store(self, batch: list[dict[str, Any]]) -> None:
        if self.broken:
            self.broken -= 1
            raise OperationalError("the database went away")
        self.stored += batch

    def say(self, *texts: str) -> None:
        for text in texts:
            self.sandbox.world.say(ANNA, text)

    def fault(self, kind: str, times: int | None = 1, **more: Any) -> None:
        self.sandbox.world.faults.add([{"method": "getUpdates", "kind": kind, "times": times, **more}])

    @property
    def heard(self) -> list[str]:
        return [update["message"]["text"] for update in self.stored]

    @property
    def offsets(self) -> list[int]:
        return [int(call.params.get("offset", 0)) for call in self.sandbox.world.calls(method="getUpdates")]


@pytest_asyncio.fixture
async def line(settings: Settings) -> AsyncIterator[Line]:
    """A poller at a line that answers at once, or some day: what hangs is given up by the test that lets it."""
    async with serve(limits=False) as sandbox:
        _configure(settings, sandbox.url, {"POLL_TIMEOUT_SEC": 0, "BOT_MODULES": []})
        application, clock = build(), Clock()
        await application.initialize()
        found: Line

        async def store(batch: list[dict[str, Any]]) -> None:
            await found.store(batch)

        pauses = Backoff(1.0, 30.0, growth=1.5, jitter=lambda: 1.0)
        found = Line(sandbox, Poller(application.bot, store, patience=60.0, clock=clock, pauses=pauses), clock)
        yield found
        await application.shutdown()


# --- storing and confirming -----------------------------------------------------------------------------------------


async def test_updates_are_stored_as_they_came_and_then_confirmed(line: Line) -> None:
    line.say("one", "two")

    assert await line.poller.step() == 2
    assert line.heard == ["one", "two"]
    assert line.poller.offset == line.stored[-1]["update_id"] + 1
    assert await line.poller.step() == 0
    assert not line.sandbox.world.updates.pending


async def test_first_poll_begins_at_nothing_so_the_unconfirmed_comes_again(line: Line) -> None:
    await line.poller.step()

    assert line.offsets == [0]


async def test_failing_store_leaves_the_offset_and_the_updates_come_again(line: Line) -> None:
    line.say("one")
    line.broken = 1

    assert await line.poller.step() == 0
    assert (line.poller.offset, line.poller.pause) == (0, 1.0)
    assert await line.poller.step() == 1
    assert line.heard == ["one"]
    assert line.poller.pause == 0


async def test_every_poll_names_all_kinds_of_updates(line: Line) -> None:
    await line.poller.step()

    (call,) = line.sandbox.world.calls(method="getUpdates")
    assert call.params["allowed_updates"] == ALLOWED_UPDATES
    assert {"stopped_message_generation", "message_reaction", "my_chat_member"} <= set(ALLOWED_UPDATES)


# --- bad days -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "waits"), [("500", 0), ("409", 7)])
async def test_poll_after_a_failure_is_short_but_does_not_heat_up_a_fight(
    line: Line, settings: Settings, kind: str, waits: int
) -> None:
    settings.POLL_TIMEOUT_SEC = 7
    line.say("one")
    line.fault(kind)
    await line.poller.step()
    await line.poller.step()

    timeouts = [int(call.params.get("timeout", 0)) for call in line.sandbox.world.calls(method="getUpdates")]
    assert timeouts == [7, waits]


@pytest.mark.parametrize("kind", ["500", "502_html", "cut", "cut_after"])
async def test_fault_of_the_line_is_waited_out_with_growing_pauses(line: Line, kind: str) -> None:
    line.say("one")
    line.fault(kind, times=3)
    pauses = []
    for _time in range(3):
        assert await line.poller.step() == 0
        pauses.append(line.poller.pause)

    assert pauses == [1.0, 1.5, 2.25]
    assert await line.poller.step() == 1
    assert line.heard == ["one"]
    assert line.poller.pause == 0


async def test_pauses_end_at_half_a_minute(line: Line) -> None:
    line.fault("500", times=None)
    pauses = []
    for _time in range(11):
        await line.poller.step()
        pauses.append(line.poller.pause)
    assert max(pauses[:-2]) < 30.0
    assert pauses[-2:] == [30.0, 30.0]


@pytest.mark.parametrize("kind", ["500", "cut"])
async def test_line_that_fails_as_often_as_the_settings_allow_ends_the_loop(
    line: Line, settings: Settings, kind: str
) -> None:
    settings.WORKER_POLLING_RETRIES = 3
    line.fault(kind, times=None)
    for _time in range(2):
        await line.poller.step()

    with pytest.raises(GaveUp, match=r"^Asking Telegram for updates failed 3 times in a row \(.*Check the network"):
        await line.poller.step()


async def test_failing_store_counts_as_a_failure_of_the_poll(line: Line, settings: Settings) -> None:
    settings.WORKER_POLLING_RETRIES = 1
    line.say("one")
    line.broken = 1

    with pytest.raises(GaveUp, match=r"failed once \(the database went away\)"):
        await line.poller.step()


async def test_only_failures_in_a_row_are_counted(line: Line, settings: Settings) -> None:
    settings.WORKER_POLLING_RETRIES = 2
    for _time in range(3):
        line.fault("500")
        await line.poller.step()  # fails
        await line.poller.step()  # and is well again

    assert line.poller.failures == 0
    assert line.poller.trouble == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["409", "429"])
async def test_telegram_that_answers_so_is_asked_again_for_ever(line: Line, settings: Settings, kind: str) -> None:
    settings.WORKER_POLLING_RETRIES = 1
    line.say("one")
    line.fault(kind, times=3)
    for _time in range(3):
        assert await line.poller.step() == 0

    assert await line.poller.step() == 1


async def test_words_of_a_poller_that_gives_up_hold_no_token(line: Line, settings: Settings) -> None:
    settings.WORKER_POLLING_RETRIES = 1
    line.say("one")

    async def leak(_batch: list[dict[str, Any]]) -> None:
        raise OSError(f"cannot reach http://api/bot{line.poller.bot.token}/getUpdates")

    line.poller.store = leak
    with pytest.raises(GaveUp) as refused:
        await line.poller.step()
    assert "http://api/bot***/getUpdates" in str(refused.value)


async def test_without_a_limit_the_poll_goes_on_for_ever(line: Line) -> None:
    line.fault("500", times=None)
    for _time in range(30):
        assert await line.poller.step() == 0

    assert line.poller.failures == 30


async def test_429_waits_as_long_as_telegram_says(line: Line) -> None:
    line.fault("429", retry_after=7)
    await line.poller.step()

    assert line.poller.pause == 7.5


async def test_server_that_hangs_is_given_up(line: Line) -> None:
    line.fault("hang")
    line.poller.patience = 0.2
    async with asyncio.timeout(60):
        assert await line.poller.step() == 0

    assert line.poller.pause == 1.0


@pytest.mark.django_db(transaction=True)
async def test_second_receiver_is_shown_to_the_admins_once_and_the_poll_goes_on(line: Line) -> None:
    line.say("one")
    line.fault("409", times=3)
    for _time in range(3):
        assert await line.poller.step() == 0
    assert line.poller.pause == 2.25

    assert await line.poller.step() == 1
    delivery = await in_db(Delivery.objects.get)
    assert delivery.chat_id == ADMINS
    assert delivery.content["params"]["text"].startswith("⚠️ Somebody else receives this bot's messages")


@pytest.mark.django_db(transaction=True)
async def test_webhook_in_the_way_is_shown_to_the_admins(line: Line) -> None:
    line.sandbox.world.webhook.url = "https://example.com/hook"
    line.sandbox.world.faults.add(
        [{"method": "getUpdates", "kind": "409", "description": "Conflict: can't use getUpdates method while webhook "
          "is active; use deleteWebhook to delete the webhook first"}]
    )  # fmt: skip
    assert await line.poller.step() == 0

    assert await in_db(Delivery.objects.count) == 1


@pytest.mark.parametrize("kind", ["401", "404"])
async def test_token_that_telegram_does_not_know_ends_the_loop(line: Line, kind: str) -> None:
    if kind == "401":
        line.sandbox.world.token_valid = False
    else:
        line.sandbox.world.token = "2000:another"

    with pytest.raises(TokenRevoked):
        await line.poller.run(asyncio.Event())


# --- time -----------------------------------------------------------------------------------------------------------


async def test_offset_is_forgotten_after_a_day_without_updates(line: Line) -> None:
    line.say("one")
    await line.poller.step()
    line.clock.now += FORGET_OFFSET_AFTER
    await line.poller.step()
    assert line.poller.offset == line.stored[0]["update_id"] + 1

    line.clock.now += 1
    await line.poller.step()
    assert line.poller.offset == 0
    line.sandbox.world.updates._next_id = 5  # after a quiet week the server counts from anywhere
    line.say("two")
    await line.poller.step()
    assert line.heard == ["one", "two"]
    assert line.poller.offset == 6


async def test_poller_tells_when_telegram_last_answered(line: Line) -> None:
    line.clock.now += 50
    line.fault("500")
    await line.poller.step()
    assert line.poller.polled_at == 1000.0
    await line.poller.step()
    assert line.poller.polled_at == 1050.0


async def test_stop_ends_a_poll_that_waits(line: Line, settings: Settings) -> None:
    settings.POLL_TIMEOUT_SEC = 600
    stop = asyncio.Event()
    running = asyncio.create_task(line.poller.run(stop))
    await line.sandbox.world.updates.waiting()
    stop.set()
    async with asyncio.timeout(60):
        await running

    line.say("one")
    settings.POLL_TIMEOUT_SEC = 0
    assert await line.poller.step() == 1  # nothing was lost by it


async def test_stop_ends_a_pause(line: Line) -> None:
    line.fault("429", retry_after=600)
    stop = asyncio.Event()
    running = asyncio.create_task(line.poller.run(stop))
    await line.sandbox.world.wait_for(lambda: line.offsets)
    stop.set()
    async with asyncio.timeout(60):
        await running

    assert line.offsets == [0]
