"""What a press means: who may, where, until when. Buttons live for ever in a chat, their meaning does not."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from telegram_bot import outgoing, services
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Place
from tests.house import ANNA, BOT, OLGA, TEAM, House
from tests.telegram_bot.test_groups import open_group

TOO_OLD = "This button is too old. Ask for it again."


async def show(house: House, chat_id: int = ANNA, **more: Any) -> None:
    """A message with a button that asks for the list of models."""
    keyboard = [[Key("📋 Models", "models")]]
    await house.db(lambda: outgoing.say("shown", Place(BOT, chat_id), "Look:", keyboard, **more))
    await house.quiet()


async def press(house: House, user_id: int = ANNA, chat_id: int | None = None) -> str:
    """Press it; what the press was answered with."""
    before = len(house.calls("answerCallbackQuery"))
    house.press(user_id, "📋", chat_id)
    await house.quiet()
    (answer,) = house.calls("answerCallbackQuery")[before:]
    return str(answer.params.get("text", ""))


async def change(house: House, **values: Any) -> None:
    await house.db(lambda: Button.objects.update(**values))


async def test_press_is_answered_and_does_what_the_button_says(house: House) -> None:
    await show(house)

    assert await press(house) == ""
    assert "Whose models" in house.heard(ANNA)[-1]


async def test_callback_data_is_short_and_tells_nothing(house: House) -> None:
    await show(house)

    (data,) = house.buttons(ANNA).values()
    assert len(data.encode()) <= 64
    assert "models" not in data


async def test_button_past_its_time_says_so(house: House) -> None:
    await show(house)
    await change(house, expires_at=timezone.now() - timedelta(seconds=1))

    assert await press(house) == TOO_OLD
    assert house.heard(ANNA) == ["Look:"]


async def test_button_that_was_cleared_away_says_so(house: House) -> None:
    await show(house)
    await house.db(services.forget_old_buttons, timezone.now() + timedelta(days=31))

    assert await press(house) == TOO_OLD


async def test_button_of_another_chat_means_nothing_here(house: House) -> None:
    await show(house)
    await change(house, chat_id=OLGA)

    assert await press(house) == TOO_OLD


async def test_button_of_an_action_that_is_gone_says_so(house: House) -> None:
    await show(house)
    await change(house, action="of an older version")

    assert await press(house) == TOO_OLD


async def test_button_obeys_its_owner_only(house: House) -> None:
    await open_group(house)
    anna = await house.db(lambda: User.objects.get(telegram_id=ANNA))
    await show(house, TEAM, owner=anna)

    assert await press(house, OLGA, TEAM) == "This button is somebody else's."
    assert house.heard(TEAM) == ["Look:"]
    assert await press(house, ANNA, TEAM) == ""
    assert "Whose models" in house.heard(TEAM)[-1]


async def test_button_without_an_owner_serves_everybody_who_may_be_here(house: House) -> None:
    await open_group(house)
    await show(house, TEAM)

    assert await press(house, OLGA, TEAM) == ""


async def test_press_that_is_too_old_to_be_answered_works_all_the_same(house: House) -> None:
    house.world.callback_seconds = -1.0
    await show(house)
    house.press(ANNA, "📋")
    await house.quiet()

    (answer,) = house.calls("answerCallbackQuery")
    assert "query is too old" in answer.description
    assert "Whose models" in house.heard(ANNA)[-1]


async def test_press_is_answered_before_the_work(house: House) -> None:
    await show(house)
    await press(house)

    answered, said = house.calls("answerCallbackQuery")[-1], house.calls("sendMessage")[-1]
    assert answered.n < said.n


def test_links_and_ready_callbacks_need_no_row() -> None:
    rows: list[Button] = []
    keyboard = [[Key("Site", url="https://example.com"), Key("Stop", callback="stop:1")], []]

    assert outgoing.markup(keyboard, rows, None, ANNA) == {
        "inline_keyboard": [
            [{"text": "Site", "url": "https://example.com"}, {"text": "Stop", "callback_data": "stop:1"}]
        ]
    }
    assert rows == []
