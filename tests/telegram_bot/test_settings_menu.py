"""/settings: all of a person's settings in one place, and each button leads on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pytest_django import Settings

from accounts.models import User
from tests.house import ANNA, TEAM, House, open_house
from tests.telegram_bot.test_groups import open_group


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings) as opened:
        await opened.db(lambda: User.objects.update(time_zone="Europe/Moscow"))
        yield opened


async def test_each_setting_is_told_with_how_it_stands(house: House) -> None:
    said = await house.ask(ANNA, "/settings")

    assert said.startswith("⚙️ Your settings\n🌐 Language: English\n📣 The admins' announcements: you get them\n")
    assert "🌍 Time zone: Europe/Moscow, it is " in said
    assert "🧠 Model: GPT-4.1 mini" in said
    assert "🎭 Assistant: none" in said


@pytest.mark.parametrize(
    ("button", "screen"),
    [
        ("🌐 Language", "Which language do you prefer?"),
        ("📣 Announcements", "You get the admins' announcements."),
        ("🌍 Time zone", "Your time zone is Europe/Moscow"),
        ("🧠 Model", "Now GPT-4.1 mini answers."),
        ("🎭 Assistant", "There are no assistants"),
    ],
)
async def test_each_button_leads_to_its_screen(house: House, button: str, screen: str) -> None:
    await house.ask(ANNA, "/settings")
    pressed = house.press(ANNA, button)
    await house.until(lambda: pressed.answered)
    await house.quiet()

    assert screen in house.heard(ANNA)[-1]
    assert house.heard(ANNA)[-2].startswith("⚙️ Your settings")


async def test_zone_that_nobody_told_is_said_to_be_unknown(house: House) -> None:
    await house.db(lambda: User.objects.update(time_zone=""))

    assert "🌍 Time zone: not known yet" in await house.ask(ANNA, "/settings")


async def test_group_is_not_told(house: House) -> None:
    await open_group(house)
    house.world.chats[TEAM].bot_reads_all = True

    assert await house.ask(ANNA, "/settings", TEAM) == ("Your settings are in our private chat: write /settings there.")
