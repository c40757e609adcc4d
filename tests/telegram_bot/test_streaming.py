"""A growing answer as people see it: soon, seldom, and never in the way of the answer itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pytest_django import Settings

from conversations.models import Request
from sandbox.server import Sandbox, serve
from telegram_bot import runtime
from telegram_bot.application import build
from telegram_bot.markdown import MESSAGE_UNITS, units
from telegram_bot.outgoing import Place
from telegram_bot.streaming import Pace, Preview
from tests.house import ANNA, BOT, TEAM, House, _configure, open_house
from tests.telegram_bot.test_groups import open_group

QUICK = Pace(first=0.01, edits_at=(), edit_every=0.02, draft_every=0.02, typing_after=5.0)
STOP = {"inline_keyboard": [[{"text": "⏹ Stop", "callback_data": "stop:1"}]]}


class Stage:
    """A chat with Анна and previews in it; ``ids``: what ``on_first`` was told."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.world = sandbox.world
        self.ids: list[int] = []
        self.opened: list[Preview] = []

    def preview(self, pace: Pace = QUICK, mode: str = "edit", **place: Any) -> Preview:
        where = Place(BOT, **{"chat_id": ANNA, "reply_to": 5, **place})
        found = Preview(where, mode=mode, stop_markup=STOP, on_first=self.on_first, pace=pace)
        found.start()
        self.opened.append(found)
        return found

    async def on_first(self, message_id: int) -> None:
        self.ids.append(message_id)

    def fault(self, method: str, kind: str, times: int | None = 1, **more: Any) -> None:
        self.world.faults.add([{"method": method, "kind": kind, "times": times, **more}])

    def texts(self, method: str) -> list[str]:
        return [call.params["text"] for call in self.world.calls(method=method) if call.ok]

    @property
    def shown(self) -> str:
        """What the bot's newest message says now."""
        found = [m for m in self.world.chats[ANNA].messages.values() if m["from"]["id"] == BOT]
        return str(found[-1]["text"]) if found else ""

    async def until_shown(self, text: str) -> None:
        await self.world.wait_for(lambda: self.shown == text)

    async def until_on_its_way(self) -> None:
        """The message that a fault makes slow has left."""
        async with asyncio.timeout(60):
            while not self.world.faults.rules[0].applied:
                await asyncio.sleep(0.005)

    async def until_called(self, method: str, times: int = 1) -> None:
        await self.world.wait_for(lambda: len(self.world.calls(method=method)) >= times)


@pytest_asyncio.fixture
async def stage(settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """With the messages a second in one chat that the test's parameter says; without one, any number."""
    async with serve(limits=False) as sandbox:
        _configure(settings, sandbox.url, {"BOT_MODULES": [], "TELEGRAM_RATE_CHAT": getattr(request, "param", 0)})
        application = build()
        await application.initialize()
        runtime.use(application)
        found = Stage(sandbox)
        yield found
        for preview in found.opened:
            await preview.close()
        runtime.use(None)
        await application.shutdown()


# --- when -----------------------------------------------------------------------------------------------------------


async def test_fast_answer_has_no_preview(stage: Stage) -> None:
    preview = stage.preview(Pace())
    preview.show("Four.")

    assert await preview.close() is None
    assert not stage.world.calls()[1:]  # getMe


async def test_first_words_are_there_within_150_milliseconds(stage: Stage) -> None:
    waits = [float("inf")]
    while min(waits) >= 0.15 and len(waits) <= 30:  # the best of some: the machine may be busy
        number = len(waits)
        preview = stage.preview(Pace())
        began = time.monotonic()
        preview.show(f"Words {number}")
        await stage.until_shown(f"Words {number}")
        waits.append(time.monotonic() - began)
        await preview.close()

    assert min(waits) < 0.15


def test_edits_come_after_one_three_and_six_seconds_and_then_every_six() -> None:
    preview = Preview(Place(BOT, ANNA), mode="edit", stop_markup=None, on_first=None)  # type: ignore[arg-type]

    assert [preview._pause(elapsed) for elapsed in (0.0, 1.0, 3.0, 6.0, 12.0)] == [1.0, 2.0, 3.0, 6.0, 6.0]


async def test_steady_stream_is_few_edits(stage: Stage) -> None:
    began = time.monotonic()
    preview = stage.preview(Pace(first=0.01, edits_at=(0.1, 0.3), edit_every=0.2, typing_after=5))
    count = 0
    async with asyncio.timeout(60):
        while len(stage.texts("editMessageText")) < 3:
            count += 1
            preview.show("word " * count)
            await asyncio.sleep(0.005)
    took = time.monotonic() - began
    await preview.close()

    assert took > 0.5  # a tenth, two tenths, two tenths
    assert count > 10
    assert len(stage.texts("sendMessage")) == 1
    assert len(stage.texts("editMessageText")) == 3


async def test_at_most_ten_edits(stage: Stage) -> None:
    preview = stage.preview(Pace(first=0, edits_at=(), edit_every=0.001, typing_after=5))
    more, number = 20, 0
    async with asyncio.timeout(60):
        while more:
            number += 1
            preview.show(f"Words {number}")
            await asyncio.sleep(0.01)
            more -= len(stage.texts("editMessageText")) >= 10
    await preview.close()

    assert len(stage.texts("editMessageText")) == 10


async def test_same_words_are_not_shown_twice(stage: Stage) -> None:
    preview = stage.preview()
    preview.show("Words")
    await stage.until_shown("Words")
    for ending in ("", " ", "\n"):
        preview.show("Words" + ending)
        await asyncio.sleep(0.03)
    await preview.close()

    assert stage.texts("editMessageText") == []


async def test_words_that_come_while_others_are_on_their_way_are_shown(stage: Stage) -> None:
    stage.fault("sendMessage", "slow", seconds=0.1)
    preview = stage.preview()
    preview.show("One")
    await stage.until_on_its_way()
    preview.show("One two")

    await stage.until_shown("One two")


# --- what -----------------------------------------------------------------------------------------------------------


async def test_preview_has_the_stop_button_and_its_id_is_told_once(stage: Stage) -> None:
    preview = stage.preview()
    preview.show("One")
    await stage.until_shown("One")
    preview.show("One two")
    await stage.until_shown("One two")

    assert stage.ids == [await preview.close()]
    for method in ("sendMessage", "editMessageText"):
        assert stage.world.calls(method=method)[0].params["reply_markup"] == STOP


async def test_long_answer_shows_its_end(stage: Stage) -> None:
    preview = stage.preview()
    preview.show("The beginning. " + "word " * 3000 + "the end")
    await stage.until_called("sendMessage")

    (text,) = stage.texts("sendMessage")
    assert text.endswith("the end")
    assert units(text) <= MESSAGE_UNITS


async def test_half_a_code_block_is_shown_as_code(stage: Stage) -> None:
    preview = stage.preview()
    preview.show("Look:\n```python\nprint(1")
    await stage.until_called("sendMessage")

    (call,) = stage.world.calls(method="sendMessage")
    assert [entity["type"] for entity in call.params["entities"]] == ["pre"]


async def test_preview_in_a_group_replies_and_in_private_does_not(stage: Stage) -> None:
    message = stage.world.say(ANNA, "/ask@sekretar_bot Hi", TEAM).message["message_id"]
    for chat_id in (TEAM, ANNA):
        stage.preview(chat_id=chat_id, reply_to=message).show("Words")
    await stage.until_called("sendMessage", 2)

    (group,) = stage.world.calls(method="sendMessage", chat_id=TEAM)
    (private,) = stage.world.calls(method="sendMessage", chat_id=ANNA)
    assert group.params["reply_parameters"]["message_id"] == message
    assert "reply_parameters" not in private.params


async def test_typing_is_shown_until_words_come(stage: Stage) -> None:
    preview = stage.preview(Pace(first=0.01, typing_after=0.01, typing_every=0.02))
    await stage.until_called("sendChatAction", 3)
    preview.show("Words")
    await stage.until_shown("Words")
    count = len(stage.world.calls(method="sendChatAction"))
    await asyncio.sleep(0.1)

    assert len(stage.world.calls(method="sendChatAction")) == count


async def test_previews_can_be_off(stage: Stage) -> None:
    preview = stage.preview(QUICK, mode="off")
    preview.show("Words")
    await asyncio.sleep(0.1)

    assert await preview.close() is None
    assert not stage.world.calls()[1:]


# --- when it does not go well ---------------------------------------------------------------------------------------


async def test_preview_whose_message_is_gone_ends_and_names_no_message(stage: Stage) -> None:
    preview = stage.preview()
    preview.show("One")
    await stage.until_shown("One")
    stage.world.remove(stage.world.chats[ANNA], list(stage.world.chats[ANNA].messages))
    preview.show("One two")
    await stage.until_called("editMessageText")
    preview.show("One two three")
    await asyncio.sleep(0.1)

    assert await preview.close() is None
    assert stage.texts("sendMessage") == ["One"]


async def test_nothing_is_shown_while_the_chat_cools_off(stage: Stage) -> None:
    stage.fault("sendMessage", "429", retry_after=30)
    preview = stage.preview()
    for number in range(10):
        preview.show(f"Words {number}")
        await asyncio.sleep(0.03)
    await preview.close()

    assert len(stage.world.calls(method="sendMessage")) == 1
    assert stage.shown == ""


@pytest.mark.parametrize("stage", [5], indirect=True)
async def test_words_that_found_no_room_are_shown_later_even_if_no_more_come(stage: Stage) -> None:
    for text in ("You are in!", "Choose a model."):
        await runtime.bot().send_message(ANNA, text)
    stage.preview().show("Words")

    await stage.until_shown("Words")


@pytest.mark.parametrize("kind", ["500", "cut"])
async def test_preview_that_was_lost_is_followed_by_the_next(stage: Stage, kind: str) -> None:
    stage.fault("sendMessage", kind)
    preview = stage.preview()
    preview.show("One")
    await stage.until_called("sendMessage")
    preview.show("One two")

    await stage.until_shown("One two")


async def test_closing_waits_for_the_message_that_is_on_its_way(stage: Stage) -> None:
    stage.fault("sendMessage", "slow", seconds=0.15)
    preview = stage.preview()
    preview.show("One")
    await stage.until_on_its_way()

    assert await preview.close() == next(iter(stage.ids))
    assert stage.shown == "One"


async def test_closed_preview_leaves_nothing_behind(stage: Stage) -> None:
    before = len(asyncio.all_tasks())
    preview = stage.preview()
    preview.show("One")
    await stage.until_shown("One")
    await preview.close()
    count = len(stage.world.calls())
    await asyncio.sleep(0.1)

    assert len(stage.world.calls()) == count
    ours = [task for task in asyncio.all_tasks() if "Preview" in repr(task.get_coro())]
    assert ours == []
    assert len(asyncio.all_tasks()) <= before + 2  # the server's and the client's ends of one connection


async def test_preview_that_cannot_be_remembered_does_not_harm_the_answer(stage: Stage) -> None:
    async def fails(_message_id: int) -> None:
        raise RuntimeError("the database went away")

    preview = Preview(Place(BOT, ANNA), mode="edit", stop_markup=None, on_first=fails, pace=QUICK)
    preview.start()
    preview.show("One")
    await stage.until_shown("One")

    assert await preview.close() is not None


# --- drafts ---------------------------------------------------------------------------------------------------------


async def test_draft_grows_and_can_be_stopped(stage: Stage) -> None:
    preview = stage.preview(mode="draft")
    for text in ("One", "One two"):
        preview.show(text)
        await stage.until_called("sendMessageDraft", text.count(" ") + 1)

    (draft,) = stage.world.chats[ANNA].drafts.values()
    assert (draft.text, draft.can_stop, draft.draft_id) == ("One two", True, 5)
    assert await preview.close() is None
    assert stage.texts("sendMessage") == []


async def test_draft_that_does_not_grow_is_shown_again_before_it_vanishes(stage: Stage) -> None:
    preview = stage.preview(Pace(first=0.01, draft_every=0.01, draft_again=0.05, typing_after=5), mode="draft")
    preview.show("Hm")
    await stage.until_called("sendMessageDraft", 3)

    assert set(stage.texts("sendMessageDraft")) == {"Hm"}


async def test_refused_drafts_become_edits(stage: Stage) -> None:
    stage.fault("sendMessageDraft", "400", times=None, description="Bad Request: method is not available")
    preview = stage.preview(mode="draft")
    preview.show("One")
    await stage.until_called("sendMessageDraft")
    preview.show("One two")
    await stage.until_shown("One two")

    assert len(stage.world.calls(method="sendMessageDraft")) == 1


async def test_group_gets_no_drafts(stage: Stage) -> None:
    preview = stage.preview(mode="draft", chat_id=TEAM, reply_to=None)
    preview.show("One")
    await stage.until_called("sendMessage")

    assert stage.world.calls(method="sendMessageDraft") == []


# --- as a chat ------------------------------------------------------------------------------------------------------


async def test_stop_button_is_there_only_while_the_answer_runs(house: House) -> None:
    house.models.rule(hold="rest", words=40)
    house.say(ANNA, "Tell me a story")
    await house.until(lambda: house.heard(ANNA))
    assert list(house.buttons(ANNA)) == ["⏹ Stop"]

    house.models.release("rest")
    await house.quiet()
    assert house.buttons(ANNA) == {}
    assert len(house.heard(ANNA)) == 1


async def test_stopped_answer_keeps_what_was_said(house: House) -> None:
    house.models.rule(hold="rest", words=40)
    house.say(ANNA, "Tell me a story")
    await house.until(lambda: house.heard(ANNA))
    words = house.heard(ANNA)[0]
    house.press(ANNA, "⏹")
    await house.quiet()

    (text,) = house.heard(ANNA)
    assert text.startswith(words[:40])
    assert text.endswith("⏹ Stopped.")
    assert house.buttons(ANNA) == {}


async def test_strangers_press_does_not_stop_anothers_answer(house: House) -> None:
    await open_group(house)
    house.models.rule(hold="rest", words=40)
    house.say(ANNA, "/ask@sekretar_bot Tell me a story", TEAM)
    await house.until(lambda: house.heard(TEAM))
    house.press(102, "⏹", TEAM)
    house.models.release("rest")
    await house.quiet()

    assert (await house.db(Request.objects.get)).state == "done"


async def test_answer_whose_preview_was_deleted_is_a_new_message(house: House) -> None:
    house.models.rule(hold="rest", words=40)
    house.say(ANNA, "Tell me a story")
    await house.until(lambda: house.heard(ANNA))
    preview = house.messages(ANNA)[0]["message_id"]
    house.world.remove(house.world.chats[ANNA], [preview])
    house.models.release("rest")
    await house.quiet()

    (message,) = house.messages(ANNA)
    assert message["message_id"] != preview
    assert (await house.db(Request.objects.get)).answer in message["text"]


@pytest_asyncio.fixture
async def drafts(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, STREAM_MODE="draft") as opened:
        yield opened


async def test_draft_gives_way_to_the_answer(drafts: House) -> None:
    drafts.models.rule(hold="rest", words=40)
    drafts.say(ANNA, "Tell me a story")
    await drafts.until(lambda: drafts.world.chats[ANNA].drafts)
    drafts.models.release("rest")
    await drafts.quiet()

    assert drafts.world.chats[ANNA].drafts == {}
    assert len(drafts.heard(ANNA)) == 1
    assert drafts.calls("editMessageText") == []


async def test_stop_of_a_draft_ends_the_answer_with_what_was_said(drafts: House) -> None:
    drafts.models.rule(hold="rest", words=40)
    drafts.say(ANNA, "Tell me a story")
    await drafts.until(lambda: drafts.world.chats[ANNA].drafts)
    (draft,) = drafts.world.chats[ANNA].drafts.values()
    drafts.world.stop_draft(ANNA, draft.draft_id)
    await drafts.quiet()

    (text,) = drafts.heard(ANNA)
    assert text.endswith("⏹ Stopped.")
    assert text.startswith(draft.text[:40])
    assert (await drafts.db(Request.objects.get)).state == "stopped"
