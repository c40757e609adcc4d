"""In which language somebody is spoken to: their choice, else what Telegram reports, else the setting."""

import pytest
from pytest_django import Settings

from accounts.models import User
from telegram_bot.incoming import language_of
from tests.house import ANNA, OLGA, House


@pytest.mark.parametrize(
    ("chosen", "reported", "setting", "spoken"),
    [
        ("ru", "en", "en", "ru"),
        ("en", "ru", "ru", "en"),
        ("", "ru", "en", "ru"),
        ("", "en-GB", "ru", "en"),
        ("", "pt-br", "ru", "ru"),
        ("", "", "en", "en"),
    ],
)
def test_choice_goes_before_telegram_and_telegram_before_the_setting(
    settings: Settings, chosen: str, reported: str, setting: str, spoken: str
) -> None:
    settings.LANGUAGE_CODE = setting

    assert language_of(User(language=chosen, telegram_language=reported)) == spoken


def test_nobody_is_spoken_to_in_the_language_of_the_setting(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "ru"

    assert language_of(None) == "ru"


async def speak_russian(house: House, telegram_id: int) -> None:
    await house.db(User.objects.filter(telegram_id=telegram_id).update, language="ru")


async def test_announcement_has_each_ones_button_in_their_language(house: House) -> None:
    await speak_russian(house, ANNA)
    await house.ask(OLGA, "/admin broadcast News")
    house.press(OLGA, "✅ Send")
    await house.until(lambda: house.heard(ANNA))
    await house.quiet()

    assert list(house.buttons(ANNA)) == ["🔕 Больше не получать"]
    assert "🔕 No more announcements" in str(house.messages(OLGA))


@pytest.mark.parametrize(
    ("crowd", "said"), [(0, "Получат 2 человека."), (3, "Получат 5 человек."), (19, "Получит 21 человек.")]
)
async def test_numbers_take_their_russian_forms(house: House, crowd: int, said: str) -> None:
    await speak_russian(house, OLGA)
    people = [
        User(username=f"p{number}", telegram_id=5000 + number, first_name="P", status="active")
        for number in range(crowd)
    ]
    await house.db(User.objects.bulk_create, people)

    assert (await house.ask(OLGA, "/admin broadcast Новости")).endswith(said)
