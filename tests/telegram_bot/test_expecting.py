"""What the next words are for, when the bot asked something: an answer goes to who asked, and to nobody else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat
from sandbox.telegram.files import Upload
from telegram_bot import application, expecting
from telegram_bot.models import Expectation
from tests.house import ANNA, OLGA, TEAM, House, open_house
from tests.telegram_bot.test_groups import open_group

MODULES = ["tests.telegram_bot.asking_handlers", *django_settings.BOT_MODULES]
FELIX = "Hello, Felix the cat"
PHOTO = ("photo", Upload("cat.png", "image/png", b"\x89PNG\r\n\x1a\n"))


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, BOT_MODULES=MODULES) as opened:
        yield opened


def expectations() -> list[Expectation]:
    return list(Expectation.objects.order_by("id"))


async def test_next_words_are_the_answer_and_no_question(house: House) -> None:
    await house.ask(ANNA, "/name")

    assert await house.ask(ANNA, "Felix") == FELIX
    assert not house.models.calls
    assert await house.ask(ANNA, "[[text A question]]") == "A question"


async def test_words_that_are_no_answer_go_on(house: House) -> None:
    await house.ask(ANNA, "/name")

    assert await house.ask(ANNA, "[[text Why not?]] Why?") == "Why not?"


async def test_command_ends_the_waiting(house: House) -> None:
    await house.ask(ANNA, "/name")
    await house.ask(ANNA, "/ping")

    assert await house.ask(ANNA, "[[text A question]]") == "A question"


async def test_cancel_ends_it_and_says_so(house: House) -> None:
    await house.ask(ANNA, "/name")

    assert await house.ask(ANNA, "/cancel") == "Good, I leave it at that."
    said = "There is nothing to cancel: I asked you nothing, and no answer is being written."
    assert await house.ask(ANNA, "/cancel") == said
    assert await house.ask(ANNA, "/stop") == "No answer is being written right now."


def test_every_question_has_a_name_that_cancel_says(settings: Settings) -> None:
    settings.BOT_TOKEN = "1000:any"
    named = application.build().bot_data["named"]

    assert len(named) > 10
    assert [action for action, name in named.items() if not name] == []


async def test_cancel_in_a_group_ends_what_the_person_was_asked_there(house: House) -> None:
    await open_group(house)
    await house.ask(OLGA, "/name@sekretar_bot", TEAM)

    house.say(ANNA, "/cancel@sekretar_bot", TEAM)
    house.say(OLGA, "/cancel@another_bot", TEAM)
    await house.quiet()
    assert len(await house.db(expectations)) == 1

    house.say(OLGA, "/cancel@sekretar_bot", TEAM)
    await house.quiet()
    assert house.heard(TEAM)[-1] == "Good, I leave it at that."
    assert await house.db(expectations) == []


async def test_answer_that_comes_too_late_is_a_question(house: House) -> None:
    await house.ask(ANNA, "/name")
    await house.db(lambda: Expectation.objects.update(expires_at=timezone.now() - timedelta(seconds=1)))

    assert await house.ask(ANNA, "[[text A question]]") == "A question"


async def test_nothing_is_looked_up_once_the_time_is_over(house: House) -> None:
    await house.ask(ANNA, "/name")
    await house.db(lambda: Chat.objects.update(awaits_until=timezone.now() - timedelta(seconds=1)))

    assert await house.ask(ANNA, "[[text A question]]") == "A question"


async def test_words_of_somebody_else_are_their_own(house: House) -> None:
    await house.ask(ANNA, "/name")

    assert await house.ask(OLGA, "[[text A question]]") == "A question"
    assert len(await house.db(expectations)) == 1


async def test_in_a_group_only_a_reply_to_the_question_is_the_answer(house: House) -> None:
    await open_group(house)
    await house.ask(OLGA, "/name@sekretar_bot", TEAM)
    asked = house.messages(TEAM)[-1]["message_id"]

    house.say(OLGA, "Just talking", TEAM)
    house.say(OLGA, "Felix", TEAM, reply_to=asked)
    await house.quiet()

    assert house.heard(TEAM)[1:] == [FELIX]


async def test_in_a_group_a_reply_to_another_message_of_the_bot_is_a_question(house: House) -> None:
    await open_group(house)
    await house.ask(OLGA, "/ping@sekretar_bot", TEAM)
    pong = house.messages(TEAM)[-1]["message_id"]
    await house.ask(OLGA, "/name@sekretar_bot", TEAM)

    house.say(OLGA, "[[text A question]]", TEAM, reply_to=pong)
    await house.quiet()

    assert house.heard(TEAM)[-1] == "A question"


async def test_in_a_group_the_reply_of_another_person_is_no_answer(house: House) -> None:
    await open_group(house)
    await house.ask(OLGA, "/name@sekretar_bot", TEAM)
    asked: Any = house.messages(TEAM)[-1]["message_id"]

    house.say(ANNA, "[[text A question]]", TEAM, reply_to=asked)
    await house.quiet()

    assert house.heard(TEAM)[-1] == "A question"


@pytest.mark.parametrize("files", [1, 3])
async def test_file_or_an_album_answers_where_anything_is_expected(house: House, files: int) -> None:
    await house.ask(ANNA, "/picture")

    house.world.album(ANNA, [PHOTO] * files, "Felix")
    await house.quiet()

    assert house.heard(ANNA)[-1] == f"{', '.join(['photo'] * files)}: Felix"
    assert not house.models.calls


async def test_words_answer_where_anything_is_expected(house: House) -> None:
    await house.ask(ANNA, "/picture")

    assert await house.ask(ANNA, "black") == "text: black"


async def test_file_is_no_answer_where_words_are_expected(house: House) -> None:
    await house.ask(ANNA, "/name")
    house.say(ANNA, "Felix", file=PHOTO)
    await house.quiet()

    assert FELIX not in house.heard(ANNA)
    assert len(await house.db(expectations)) == 1


async def test_second_question_takes_the_place_of_the_first(house: House) -> None:
    await house.ask(ANNA, "/name")
    await house.ask(ANNA, "/name")

    assert len(await house.db(expectations)) == 1


async def test_what_was_said_before_is_sealed(house: House) -> None:
    await house.ask(ANNA, "/name")

    raw = await house.db(lambda: Expectation.objects.extra(select={"raw": "data"}).values_list("raw", flat=True)[0])
    assert "animal" not in raw


async def test_housekeeping_forgets_what_nobody_answered(house: House) -> None:
    await house.ask(ANNA, "/name")

    assert await house.db(expecting.forget_old, timezone.now()) == 0
    assert await house.db(expecting.forget_old, timezone.now() + expecting.LIFE) == 1
    assert await house.db(expectations) == []
