"""An answer can be ended while it is written; what came of it stays."""

import asyncio

import pytest
from pytest_django import Settings

from conversations.models import Request
from tests.conversations.conftest import requests
from tests.house import ANNA, BORIS, OLGA, TEAM, House, open_house

STORY = "[[text Once upon a time there was a fox]] [[hold]]"
CAME = "Once upon a time"


async def preview(house: House, chat_id: int = ANNA) -> str:
    """The growing answer, once the chat shows all that came of it: the first words may be there before the rest."""
    await house.until(lambda: CAME in house.heard(chat_id)[-1:] and "⏹ Stop" in house.buttons(chat_id))
    return house.heard(chat_id)[-1]


async def ended(house: House) -> None:
    """Return when the answer is on record."""
    async with asyncio.timeout(60):
        while await house.db(Request.objects.filter(state="running").exists):
            await asyncio.sleep(0.01)


async def test_button_ends_the_answer_and_keeps_what_came(house: House) -> None:
    house.say(ANNA, STORY)
    assert await preview(house) == CAME

    pressed = house.press(ANNA, "⏹ Stop")
    await house.quiet()

    assert pressed.answered
    assert house.heard(ANNA) == [f"{CAME}\n\n⏹ Stopped."]
    assert house.buttons(ANNA) == {}
    [request] = await house.db(requests)
    assert (request.state, request.finish, request.error_kind) == ("stopped", "stopped", "")
    assert request.answer == CAME
    assert request.estimated
    assert request.output_tokens
    await house.models.until(lambda: house.models.calls[-1].outcome == "gone")


@pytest.mark.parametrize("command", ["/stop", "/cancel"])
async def test_command_does_the_same(house: House, command: str) -> None:
    house.say(ANNA, STORY)
    await preview(house)

    assert await house.ask(ANNA, command) == f"{CAME}\n\n⏹ Stopped."


async def test_answer_without_a_word_yet_is_stopped_too(house: House) -> None:
    house.say(ANNA, "[[hang]]")
    await house.models.until(lambda: bool(house.models.calls))

    assert await house.ask(ANNA, "/stop") == "⏹ Stopped."

    [request] = await house.db(requests)
    assert (request.state, request.answer, request.input_tokens) == ("stopped", "", None)


async def test_model_knows_what_came_before_the_stop(house: House) -> None:
    house.say(ANNA, STORY)
    await preview(house)
    await house.ask(ANNA, "/stop")

    await house.ask(ANNA, "Go on")

    said = [message["content"] for message in house.models.calls[-1].body["messages"]]
    assert said == [STORY, CAME, "Go on"]


async def test_stop_with_nothing_to_stop_is_answered(house: House) -> None:
    assert await house.ask(ANNA, "/stop") == "No answer is being written right now."


async def test_button_that_a_dead_process_left_goes_away_with_the_first_press(house: House) -> None:
    await house.ask(ANNA, "Hello")
    buttons = {"inline_keyboard": [[{"text": "⏹ Stop", "callback_data": "stop:1"}]]}
    await house.application.bot.send_message(ANNA, "Once upon", api_kwargs={"reply_markup": buttons})

    house.press(ANNA, "⏹ Stop")
    await house.until(lambda: house.buttons(ANNA) == {})

    assert "already complete" in house.calls("answerCallbackQuery")[-1].params["text"]
    assert house.heard(ANNA)[-1] == "Once upon"


async def test_button_of_an_answer_that_is_ready_does_no_harm(house: House) -> None:
    house.say(ANNA, STORY)
    await preview(house)
    # Telegram lets the last edit wait, so the button is still there.
    house.fault("editMessageText", "429")
    house.models.release()
    await house.until(lambda: any(call.error_code == 429 for call in house.calls("editMessageText")))
    await ended(house)  # it may have been a preview that was let wait

    house.press(ANNA, "⏹ Stop")
    await house.until(lambda: house.calls("answerCallbackQuery"))
    await house.until(lambda: house.buttons(ANNA) == {})
    await house.quiet()

    assert "already complete" in house.calls("answerCallbackQuery")[-1].params["text"]
    assert house.heard(ANNA) == ["Once upon a time there was a fox"]
    assert (await house.db(requests))[0].state == "done"


async def test_next_question_waits_and_is_answered_after_the_stop(house: House) -> None:
    house.say(ANNA, STORY)
    await preview(house)
    house.say(ANNA, "[[text Second]]")

    await house.ask(ANNA, "/stop")

    assert house.heard(ANNA) == [f"{CAME}\n\n⏹ Stopped.", "Second"]


async def test_member_cannot_stop_anothers_answer(team: House) -> None:
    team.say(ANNA, f"/ask@sekretar_bot {STORY}", TEAM)
    await preview(team, TEAM)

    pressed = team.press(BORIS, "⏹ Stop", TEAM)
    await team.until(lambda: pressed.answered)
    team.say(BORIS, "/stop@sekretar_bot", TEAM)
    await team.until(lambda: len(team.heard(TEAM)) == 2)

    assert "Only the person who asked" in team.calls("answerCallbackQuery")[-1].params["text"]
    assert "Only the person who asked" in team.heard(TEAM)[-1]
    assert await team.db(Request.objects.filter(state="running").count) == 1
    team.models.release()
    await team.quiet()


async def test_admin_stops_anybodys_answer(team: House) -> None:
    team.say(ANNA, f"/ask@sekretar_bot {STORY}", TEAM)
    await preview(team, TEAM)

    team.press(OLGA, "⏹ Stop", TEAM)
    await team.quiet()

    assert team.heard(TEAM) == [f"{CAME}\n\n⏹ Stopped."]


async def test_stop_of_a_draft_ends_the_answer_as_a_message(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings, STREAM_MODE="draft") as house:
        house.say(ANNA, STORY)
        chat = house.world.chats[ANNA]
        draft = await house.until(lambda: next((d for d in chat.drafts.values() if d.text == CAME), None))
        assert draft is not None

        house.world.stop_draft(ANNA, draft.draft_id)
        await house.quiet()

        assert house.heard(ANNA) == [f"{CAME}\n\n⏹ Stopped."]
