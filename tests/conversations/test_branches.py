"""A reply to an older answer of the bot goes on from there, in a dialog of its own."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from conversations.models import Attachment, Conversation, Message
from files.models import StoredFile
from sandbox.telegram.chats import Topic
from tests.conversations.conftest import requests
from tests.house import ANNA, BORIS, TEAM, House


def answer(house: House, text: str, chat_id: int = ANNA) -> int:
    """The id of the bot's message with that text."""
    [found] = [message["message_id"] for message in house.messages(chat_id) if message["text"] == text]
    return int(found)


def dialogs() -> list[Conversation]:
    return list(Conversation.objects.order_by("id"))


def contents(dialog: Conversation) -> list[str]:
    return list(Message.objects.filter(conversation=dialog).order_by("id").values_list("content", flat=True))


async def history_after(house: House, reply_to: int | None, user: int = ANNA, chat_id: int | None = None) -> Any:
    house.say(user, "[[history]]", chat_id, **({"reply_to": reply_to} if reply_to else {}))
    await house.quiet()
    return json.loads(house.heard(chat_id or user)[-1])


@pytest.fixture
async def talked(house: House) -> House:
    """Анна has asked three things."""
    for word in ("One", "Two", "Three"):
        await house.ask(ANNA, f"{word} [[text {word}!]]")
    return house


async def test_reply_to_an_older_answer_branches_from_there(talked: House) -> None:
    heard = await history_after(talked, answer(talked, "Two!"))

    assert heard == ["One [[text One!]]", "Two [[text Two!]]", "[[history]]"]
    assert talked.heard(ANNA)[-2] == (
        "🌿 Going on from that answer in a dialog of its own. The earlier one, “One [[text One!]]”, is in /dialogs."
    )
    old, branch = await talked.db(dialogs)
    assert (old.closed_at is None, branch.closed_at, branch.branched_from_id) == (False, None, old.pk)
    assert (await talked.db(contents, old))[-1] == "Three!"


async def test_branch_goes_on_with_plain_messages(talked: House) -> None:
    await history_after(talked, answer(talked, "One!"))

    heard = await history_after(talked, None)

    assert heard == ["One [[text One!]]", "[[history]]", "[[history]]"]
    assert len(await talked.db(dialogs)) == 2


async def test_reply_to_the_newest_answer_is_just_the_next_question(talked: House) -> None:
    heard = await history_after(talked, answer(talked, "Three!"))

    assert len(heard) == 4
    assert len(await talked.db(dialogs)) == 1


async def test_reply_to_the_answer_a_branch_began_with_stays_in_the_branch(talked: House) -> None:
    two = answer(talked, "Two!")
    talked.say(ANNA, "[[error bad_request]]", reply_to=two)
    await talked.quiet()

    heard = await history_after(talked, two)

    assert heard == ["One [[text One!]]", "Two [[text Two!]]", "[[history]]"]
    assert len(await talked.db(dialogs)) == 2


async def test_branch_of_a_branch_knows_both(talked: House) -> None:
    talked.say(ANNA, "Four [[text Four!]]", reply_to=answer(talked, "Two!"))
    await talked.quiet()

    heard = await history_after(talked, answer(talked, "One!"))

    assert heard == ["One [[text One!]]", "[[history]]"]
    _old, first, second = await talked.db(dialogs)
    assert second.branched_from_id == first.pk


async def test_reply_to_the_last_answer_of_a_dialog_that_ended_takes_it_up_again(talked: House) -> None:
    await talked.ask(ANNA, "/new")
    await talked.ask(ANNA, "Else [[text Else!]]")

    heard = await history_after(talked, answer(talked, "Three!"))

    assert len(heard) == 4
    assert talked.heard(ANNA)[-2] == "🌿 Going on with the dialog “One [[text One!]]”."


async def test_reply_to_anything_else_of_the_bot_is_just_a_question(talked: House) -> None:
    await talked.ask(ANNA, "/ping")

    heard = await history_after(talked, answer(talked, "Bot ready"))

    assert len(heard) == 4
    assert len(await talked.db(dialogs)) == 1


async def test_edit_of_a_question_that_branched_is_answered_in_the_branch(talked: House) -> None:
    question = talked.say(ANNA, "Four [[text Four!]]", reply_to=answer(talked, "One!"))
    await talked.quiet()

    talked.world.edit(ANNA, question["message_id"], "[[history]]")
    await talked.quiet()

    assert json.loads(talked.heard(ANNA)[-1]) == ["One [[text One!]]", "[[history]]"]
    assert len(await talked.db(dialogs)) == 2


async def test_summary_goes_along_when_it_is_older_than_the_answer(talked: House) -> None:
    def summarise() -> None:
        second = Message.objects.order_by("id")[1]
        Conversation.objects.update(summary="Notes.", summarised_to=second.pk)

    await talked.db(summarise)
    heard = await history_after(talked, answer(talked, "Two!"))

    assert heard == ["Two [[text Two!]]", "[[history]]"]
    _old, branch = await talked.db(dialogs)
    assert branch.summary == "Notes."


async def test_summary_that_holds_more_than_the_branch_stays_behind(talked: House) -> None:
    def summarise() -> None:
        fourth = Message.objects.order_by("id")[3]
        Conversation.objects.update(summary="Notes.", summarised_to=fourth.pk)

    await talked.db(summarise)
    heard = await history_after(talked, answer(talked, "One!"))

    assert heard == ["One [[text One!]]", "[[history]]"]


async def test_files_of_the_questions_go_along(talked: House) -> None:
    def attach() -> None:
        file = StoredFile.objects.create(path="a", name="a.png", mime="image/png", size=1, sha256="0")
        first = Message.objects.order_by("id")[0]
        Attachment.objects.create(message=first, request=first.request, file=file, kind="image")

    await talked.db(attach)
    talked.say(ANNA, "Four", reply_to=answer(talked, "One!"))
    await talked.quiet()

    _old, branch = await talked.db(dialogs)
    assert await talked.db(Attachment.objects.filter(message__conversation=branch).count) == 1


async def test_branch_keeps_what_was_said_where_a_dialog_that_ended_does_not(talked: House, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"

    heard = await history_after(talked, answer(talked, "Two!"))

    assert heard == ["One [[text One!]]", "Two [[text Two!]]", "[[history]]"]
    old, branch = await talked.db(dialogs)
    assert set(await talked.db(contents, old)) == {""}
    assert len(await talked.db(contents, branch)) == 6


async def test_branch_asks_nothing_twice(talked: House) -> None:
    before = len(await talked.db(requests))

    await history_after(talked, answer(talked, "Two!"))

    assert len(await talked.db(requests)) == before + 1


async def test_group_branches_for_any_of_its_people(team: House) -> None:
    for word in ("One", "Two"):
        await team.ask(ANNA, f"/ask@sekretar_bot {word} [[text {word}!]]", TEAM)

    heard = await history_after(team, answer(team, "One!", TEAM), BORIS, TEAM)

    assert heard == ["One [[text One!]]", "[[history]]"]


async def test_topic_does_not_branch_from_another_topic(team: House) -> None:
    chat = team.world.chats[TEAM]
    chat.is_forum, chat.topics = True, {7: Topic(7, "Plans")}
    for word in ("One", "Two"):
        await team.ask(ANNA, f"/ask@sekretar_bot {word} [[text {word}!]]", TEAM)

    team.say(ANNA, "[[history]]", TEAM, reply_to=answer(team, "One!", TEAM), thread_id=7)
    await team.quiet()

    assert json.loads(team.heard(TEAM)[-1]) == ["[[history]]"]
