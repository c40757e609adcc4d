"""Editing the last question asks it anew; no other edit does anything."""

import asyncio
from typing import Any

import pytest

from accounts.models import Chat, User
from conversations import words
from conversations.models import Message
from conversations.running import Running
from telegram_bot.incoming import Incoming, Verdict
from telegram_bot.models import Update
from tests.conversations.conftest import requests
from tests.house import ANNA, BORIS, TEAM, House


async def asked(house: House, text: str, chat: int | None = None) -> int:
    """Анна writes; the number of her message, when all is done."""
    number: int = house.say(ANNA, text, chat)["message_id"]
    await house.quiet()
    return number


async def edit(house: House, message: int, *texts: str, chat: int | None = None) -> None:
    """Анна changes her message to one text after another, at once."""
    for text in texts:
        house.world.edit(ANNA, message, text, chat)
    await house.quiet()


async def test_edited_question_is_answered_anew_in_place_of_the_old_one_in_the_history(house: House) -> None:
    await house.ask(ANNA, "First")
    second = await asked(house, "Secnod [[text typo]]")

    await edit(house, second, "Second [[history]]")

    assert house.heard(ANNA)[1:] == ["typo", '["First","Second [[history]]"]']
    old, new = (await house.db(requests))[1:]
    assert (old.question_message_id, old.state) == (new.question_message_id, "done")
    assert await house.db(Message.objects.filter(superseded=True, request=old).count) == 2


async def test_edit_that_changes_nothing_is_not_answered(house: House) -> None:
    message = await asked(house, "Hello")

    await edit(house, message, "Hello")

    assert len(house.heard(ANNA)) == 1
    assert await house.db(Update.objects.filter(kind="edited_message", state="done").count) == 1


async def test_edit_of_an_older_question_is_not_answered(house: House) -> None:
    first = await asked(house, "First")
    await house.ask(ANNA, "Second")

    await edit(house, first, "Other words")

    assert len(house.heard(ANNA)) == 2
    assert not await house.db(Message.objects.filter(superseded=True).exists)


async def test_edit_of_a_question_of_the_dialog_before_is_not_answered(house: House) -> None:
    message = await asked(house, "First")
    await house.ask(ANNA, "/new")

    await edit(house, message, "Other words")

    assert len(house.heard(ANNA)) == 2


async def test_edit_of_a_command_is_not_answered(house: House) -> None:
    message = await asked(house, "/new")

    await edit(house, message, "/newer", "A question after all")

    assert len(house.heard(ANNA)) == 1


async def test_question_that_failed_is_asked_anew(house: House) -> None:
    message = await asked(house, "Fails [[error bad_request]]")

    await edit(house, message, "Works [[history]]")

    assert house.heard(ANNA)[1] == '["Works [[history]]"]'


async def test_question_can_be_edited_again_and_again(house: House) -> None:
    message = await asked(house, "One")

    for text in ("Two", "Three", "Four [[history]]"):
        await edit(house, message, text)

    assert house.heard(ANNA)[-1] == '["Four [[history]]"]'
    assert len(await house.db(requests)) == 4


async def test_edit_ends_the_answer_that_is_being_written(house: House) -> None:
    message = house.say(ANNA, "[[text Once upon a time there was a fox]] [[hold]]")
    await house.until(lambda: house.heard(ANNA) == ["Once upon a time"])

    await edit(house, message["message_id"], "Better words [[history]]")

    shown, answer = house.heard(ANNA)
    assert shown == f"Once upon a time\n\n{words.edited()}"
    assert answer == '["Better words [[history]]"]'
    old, new = await house.db(requests)
    assert (old.state, old.finish, old.answer, new.state) == ("stopped", "edited", "Once upon a time", "done")


async def test_edit_before_the_first_word_leaves_one_answer(house: House) -> None:
    message = house.say(ANNA, "[[hang]]")
    await house.models.until(lambda: bool(house.models.calls))

    await edit(house, message["message_id"], "Better words [[text Yes]]")

    assert house.heard(ANNA) == ["Yes"]
    assert [request.finish for request in await house.db(requests)] == ["edited", "stop"]


QUESTION = {"message_id": 7, "text": "Why?"}


@pytest.mark.parametrize(
    ("message", "void"),
    [
        ({"message_id": 7, "text": "Why not?"}, True),
        ({"message_id": 7, "text": "Why?", "edit_date": 1}, False),
        ({"message_id": 6, "text": "Why not?"}, False),
    ],
)
async def test_only_other_words_of_the_question_end_an_answer(message: dict[str, Any], void: bool) -> None:
    assert running(QUESTION).is_void_by(message) is void


async def test_part_of_a_long_paste_ends_no_answer() -> None:
    assert not running(QUESTION, parts=2).is_void_by({"message_id": 7, "text": "Why not?"})


def running(question: dict[str, Any], parts: int = 1) -> Running:
    update = Update(update_id=1, kind="message", raw={"update_id": 1, "message": question})
    incoming = Incoming(update, User(), Chat(), Verdict.PASS, list(range(parts)))
    return Running(1, incoming, asyncio.create_task(asyncio.sleep(0)))


async def test_edit_of_one_part_of_a_long_paste_asks_for_the_whole(house: House) -> None:
    parts = house.world.paste(ANNA, "word " * 1500)
    await house.quiet()

    await edit(house, parts[0].message["message_id"], "Only this part is new")

    assert house.heard(ANNA)[-1] == words.part_edited()
    assert len(await house.db(requests)) == 1


async def test_edited_command_of_a_group_is_asked_anew(team: House) -> None:
    message = await asked(team, "/ask@sekretar_bot One", TEAM)

    await edit(team, message, "/ask@sekretar_bot Two [[history]]", "/ask@sekretar_bot", chat=TEAM)

    assert team.heard(TEAM)[1:] == ['["Two [[history]]"]']


async def test_edit_is_not_answered_when_somebody_else_asked_since(team: House) -> None:
    message = await asked(team, "/ask@sekretar_bot One", TEAM)
    await team.ask(BORIS, "/ask@sekretar_bot Two", TEAM)

    await edit(team, message, "/ask@sekretar_bot Three", chat=TEAM)

    assert len(team.heard(TEAM)) == 2
