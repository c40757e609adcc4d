"""The inbox: in order within a chat, side by side across chats, past poison, bugs and a database that hiccups."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from conversations.models import Request
from delivery.engine import local
from telegram_bot import inbox, services
from telegram_bot.models import Update
from tests.house import ADMINS, ANNA, BOT, OLGA, TEAM, House, open_house
from tests.telegram_bot import odd_handlers
from tests.telegram_bot.odd_handlers import done, gates
from tests.telegram_bot.test_groups import open_group


@pytest.fixture
def seldom_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for by itself: what was put back stays so, however long a test takes to look."""
    monkeypatch.setattr(local, "SWEEP_SECONDS", 3600.0)


@pytest_asyncio.fixture
async def odd(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The house with /bug, /hiccup, /hold and /note."""
    odd_handlers.forget()
    modules = ["tests.telegram_bot.odd_handlers", *settings.BOT_MODULES]
    async with open_house(settings, BOT_MODULES=modules) as opened:
        yield opened


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def states(house: House) -> list[str]:
    return await house.db(lambda: list(Update.objects.order_by("update_id").values_list("state", flat=True)))


async def only(house: House, **facts: Any) -> Update:
    return await house.db(lambda: Update.objects.get(**facts))


def broken(**more: Any) -> dict[str, Any]:
    """A message from Анна that python-telegram-bot cannot read."""
    chat = {"id": ANNA, "type": "private", "first_name": "Анна", "username": "anna"}
    sender = {"id": ANNA, "is_bot": False, "first_name": "Анна", "username": "anna", "language_code": "en"}
    return {"message": {"message_id": 1, "date": 1, "chat": chat, "from": sender, "text": "Hi", **more}}


# --- order ----------------------------------------------------------------------------------------------------------


async def test_one_chats_updates_are_worked_on_one_by_one_in_their_order(odd: House) -> None:
    odd.say(ANNA, "/hold first")
    for number in range(5):
        odd.say(ANNA, f"/note {number}")
    await until(lambda: done)
    assert done == ["began first"]

    gates["first"].set()
    await odd.quiet()
    assert done == ["began first", "ended first", "0", "1", "2", "3", "4"]


async def test_other_chats_do_not_wait(odd: House) -> None:
    odd.say(ANNA, "/hold anna")
    odd.say(OLGA, "/hold olga")
    await until(lambda: len(done) == 2)

    assert sorted(done) == ["began anna", "began olga"]
    gates["olga"].set()
    await until(lambda: "ended olga" in done)
    assert "ended anna" not in done
    gates["anna"].set()
    await odd.quiet()


async def test_stop_reaches_an_answer_that_runs(house: House) -> None:
    house.say(ANNA, "Tell me a story [[hold]]")
    await house.models.until(lambda: any(call.outcome == "held" for call in house.models.calls))
    house.say(ANNA, "/stop")
    await house.quiet()

    assert house.heard(ANNA)[-1].endswith("⏹ Stopped.")
    assert (await house.db(Request.objects.get)).state == "stopped"


async def test_button_works_while_the_chats_line_is_busy(odd: House) -> None:
    await odd.ask(ANNA, "/language")
    odd.say(ANNA, "/hold line")
    await until(lambda: done)
    odd.press(ANNA, "English")
    await odd.until(lambda: "Good, English it is." in odd.heard(ANNA))

    assert done == ["began line"]
    gates["line"].set()
    await odd.quiet()


# --- what cannot be read, what breaks -------------------------------------------------------------------------------


async def test_update_that_cannot_be_read_is_dead_and_the_next_is_answered(house: House) -> None:
    house.world.updates.push_raw(broken(date="never"))
    assert await house.ask(ANNA, "/ping") == "Bot ready"

    dead = await only(house, state="dead")
    assert dead.error.startswith("TypeError: ")
    assert dead.finished_at is not None
    assert await states(house) == ["dead", "done"]


async def test_update_that_the_gate_cannot_read_is_dead_with_its_error(house: House) -> None:
    house.world.updates.push_raw(broken(**{"from": {"id": "somebody", "is_bot": False}}))
    assert await house.ask(ANNA, "/ping") == "Bot ready"

    dead = await only(house, state="dead")
    assert dead.error.startswith("ValueError: ")


async def test_update_that_fits_no_column_is_kept_dead_and_holds_nobody_up(house: House) -> None:
    house.world.updates.push_raw(broken(chat={"id": 10**30, "type": "private"}))
    assert await house.ask(ANNA, "/ping") == "Bot ready"

    dead = await only(house, state="dead")
    assert "1000000000000000000000000000000" in dead.raw["as_text"]
    assert dead.error


async def test_kind_of_update_nobody_knows_is_done_silently(house: House) -> None:
    house.world.updates.push_raw({"brand_new": {"chat": {"id": ANNA, "type": "private"}, "x": 1}})
    house.world.updates.push_raw({"message_reaction": broken()["message"]})
    house.world.updates.push_raw({})
    await house.quiet()

    assert await states(house) == ["done", "done", "done"]
    assert house.heard(ANNA) == []


async def test_other_bots_are_not_answered(house: House) -> None:
    await open_group(house)
    house.world.add_user(900, "Robot", username="robot", is_bot=True)
    house.world.member(TEAM, 900, "member", OLGA)
    house.say(900, "/ask@sekretar_bot Who are you?", TEAM)
    await house.quiet()

    assert house.heard(TEAM) == []
    assert not house.models.calls


async def test_bug_is_buried_told_once_to_everybody_with_its_number_and_without_content(odd: House) -> None:
    odd.say(ANNA, "/bug pin 1234")
    odd.say(ANNA, "/bug again")
    odd.say(ANNA, "/note alive")
    await odd.quiet()

    first, second = await odd.db(lambda: list(Update.objects.filter(state="dead").order_by("update_id")))
    assert first.error == "ValueError: a secret: pin 1234"
    sorry = "Something went wrong on our side. The admins know; if it happens again, give them the number {}."
    assert odd.heard(ANNA) == [sorry.format(first.trace_id), sorry.format(second.trace_id)]
    assert odd.heard(ADMINS) == [f"⚠️ An update failed: ValueError, trace {first.trace_id}."]
    assert done == ["alive"]


async def test_each_hears_of_a_bug_in_their_language(odd: House, russian: None) -> None:
    await odd.db(_speaks_russian)
    odd.say(ANNA, "/bug")
    await odd.quiet()

    trace = (await only(odd)).trace_id
    assert odd.heard(ANNA) == [f"Что-то сломалось, номер {trace}."]
    assert odd.heard(ADMINS) == [f"⚠️ An update failed: ValueError, trace {trace}."]


def _speaks_russian() -> None:
    from accounts.models import User

    User.objects.filter(telegram_id=ANNA).update(language="ru")


async def test_operator_gives_a_dead_update_another_chance(odd: House) -> None:
    odd.say(ANNA, "/bug")
    await odd.quiet()
    update = await only(odd)
    done.clear()
    assert await odd.db(lambda: services.retry_update(update, now=timezone.now()))
    await odd.quiet()

    again = await only(odd)
    assert (again.state, again.attempts) == ("dead", 1)
    assert len(odd.heard(ANNA)) == 1  # the same sentence is not said twice


# --- a database that hiccups ----------------------------------------------------------------------------------------


async def due_now(house: House) -> None:
    """What was put back need not wait any longer."""
    (lane,) = await house.db(lambda: list(Update.objects.filter(state="new").values_list("lane", flat=True)))
    await house.db(lambda: Update.objects.update(not_before=timezone.now()))
    house.engine.wake(lane)


async def test_update_is_put_back_when_the_database_hiccups_and_done_later(seldom_swept: None, odd: House) -> None:
    odd_handlers.forget(database_faults=1)
    began = timezone.now()
    odd.say(ANNA, "/hiccup")
    await odd.until(lambda: not odd.world.updates.pending)
    async with asyncio.timeout(60):
        while (update := await only(odd)).not_before is None:
            await asyncio.sleep(0.01)
    assert (update.state, update.attempts) == ("new", 1)
    assert update.not_before is not None
    assert began < update.not_before - timedelta(seconds=2) < timezone.now()
    assert update.error == "the database went away"

    await due_now(odd)
    await odd.quiet()
    assert odd.heard(ANNA) == ["All well."]
    assert (await only(odd)).state == "done"
    assert odd.heard(ADMINS) == []


async def test_database_that_fails_five_times_on_one_update_is_a_bug(odd: House) -> None:
    odd_handlers.forget(database_faults=9)
    await odd.db(lambda: _store(odd, attempts=inbox.MOST_ATTEMPTS - 1))
    await odd.quiet()

    update = await only(odd)
    assert (update.state, update.error) == ("dead", "OperationalError: the database went away")
    assert len(odd.heard(ANNA)) == 1


def _store(house: House, attempts: int) -> None:
    """/hiccup from Анна, as if it had been tried ``attempts`` times."""
    entities = [{"type": "bot_command", "offset": 0, "length": 7}]
    raw = {"update_id": 7, **broken(text="/hiccup", entities=entities)}
    Update.objects.create(
        bot_id=BOT, update_id=7, lane=f"in:{BOT}:{ANNA}:0", kind="message", chat_id=ANNA, raw=raw, attempts=attempts
    )
    house.engine.wake(f"in:{BOT}:{ANNA}:0")


# --- the end of a process -------------------------------------------------------------------------------------------


async def test_answer_cut_off_by_the_end_of_the_process_is_given_by_the_next(house: House) -> None:
    house.models.rule(times=1, hold="for ever")
    house.say(ANNA, "Tell me a story")
    await house.models.until(lambda: any(call.outcome == "held" for call in house.models.calls))
    assert not await house.engine.stop("in", 0.0)
    assert (await only(house)).state == "running"

    await house.db(lambda: Update.objects.update(worker="another:1:aa"))
    await house.engine.start(512)
    await house.quiet()
    assert "practice model" in house.heard(ANNA)[-1]
    update = await only(house)
    assert (update.state, update.attempts) == ("done", 2)
    assert await house.db(Request.objects.count) == 1
