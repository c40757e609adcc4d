"""In groups the bot answers what is meant for it; every topic is a dialog of its own."""

import json
from typing import Any

import pytest

from conversations.models import Conversation
from sandbox.telegram.chats import Topic
from tests.conversations.conftest import choose, offer, requests
from tests.house import ADMINS, ANNA, BORIS, CHRIS, OLGA, TEAM, House

FORUM = 7  # a topic


@pytest.fixture
def forum(team: House) -> House:
    """The team's group with two topics."""
    chat = team.world.chats[TEAM]
    chat.is_forum = True
    chat.topics = {FORUM: Topic(FORUM, "Plans"), FORUM + 1: Topic(FORUM + 1, "News")}
    chat.changed()
    return team


def reply_of(message: dict[str, Any]) -> Any:
    return message.get("reply_to_message", {}).get("message_id")


async def test_answer_to_a_command_replies_to_the_question(team: House) -> None:
    question = team.say(ANNA, "/ask@sekretar_bot [[text Yes]]", TEAM)
    await team.quiet()

    [answer] = team.messages(TEAM)
    assert (answer["text"], reply_of(answer)) == ("Yes", question["message_id"])
    assert (await team.db(requests))[0].prompt == "[[text Yes]]"


async def test_growing_answer_replies_to_the_question_too(team: House) -> None:
    question = team.say(ANNA, "/ask@sekretar_bot [[text Once upon a time there was a fox]] [[hold]]", TEAM)
    await team.until(lambda: team.messages(TEAM))
    assert reply_of(team.messages(TEAM)[0]) == question["message_id"]

    team.models.release()
    await team.quiet()

    assert team.heard(TEAM) == ["Once upon a time there was a fox"]


async def test_button_under_an_error_obeys_the_one_who_asked(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot [[error bad_request]]", TEAM)

    pressed = team.press(BORIS, "📋 Models", TEAM)
    await team.until(lambda: pressed.answered)
    await team.quiet()

    assert len(team.heard(TEAM)) == 1


async def test_command_without_words_asks_what_it_replies_to(team: House) -> None:
    said = team.say(BORIS, "[[text About this]]", TEAM)
    team.say(ANNA, "/ask@sekretar_bot", TEAM, reply_to=said["message_id"])
    await team.quiet()

    assert team.heard(TEAM) == ["About this"]


async def test_command_about_nothing_is_explained(team: House) -> None:
    assert "/ask how are you?" in await team.ask(ANNA, "/ask@sekretar_bot", TEAM)


async def test_mention_is_a_question_without_the_name(team: House) -> None:
    await team.ask(ANNA, "Hey @sekretar_bot, how are you?", TEAM)

    assert (await team.db(requests))[0].prompt == "Hey , how are you?"


async def test_mention_alone_is_about_what_it_replies_to(team: House) -> None:
    said = team.say(BORIS, "[[text About this]]", TEAM)
    team.say(ANNA, "@sekretar_bot", TEAM, reply_to=said["message_id"])
    await team.quiet()

    assert team.heard(TEAM) == ["About this"]


async def test_mention_by_link_is_a_question_too(team: House) -> None:
    entity = {"type": "text_mention", "offset": 0, "length": 8, "user": team.world.sender}
    team.say(ANNA, "Sekretar [[text Here]]", TEAM, entities=[entity])
    await team.quiet()

    assert team.heard(TEAM) == ["Here"]


async def test_reply_to_the_bot_goes_on_with_the_dialog(team: House) -> None:
    await team.ask(ANNA, "/ask@sekretar_bot One", TEAM)

    team.say(BORIS, "[[history]]", TEAM, reply_to=team.messages(TEAM)[-1]["message_id"])
    await team.quiet()

    assert json.loads(team.heard(TEAM)[-1]) == ["One", "[[history]]"]
    assert [request.user and request.user.telegram_id for request in await team.db(requests)] == [ANNA, BORIS]


@pytest.mark.parametrize("text", ["Just talking", "Hello @anna", "/foo", "/ask@another_bot Why?"])
async def test_what_is_not_meant_for_the_bot_is_let_be(team: House, text: str) -> None:
    team.say(ANNA, text, TEAM)
    await team.quiet()

    assert team.heard(TEAM) == []
    assert not team.models.calls


async def test_reply_to_another_person_is_let_be(team: House) -> None:
    said = team.say(BORIS, "What do you think?", TEAM)
    team.say(ANNA, "I do not know", TEAM, reply_to=said["message_id"])
    await team.quiet()

    assert team.heard(TEAM) == []


async def test_stranger_in_the_group_is_not_answered(team: House) -> None:
    team.say(CHRIS, "/ask@sekretar_bot Hello", TEAM)
    await team.quiet()

    assert team.heard(TEAM) == []
    assert not team.models.calls


async def test_admins_chat_needs_no_approval(house: House) -> None:
    assert await house.ask(OLGA, "/ask [[text Yes]]", ADMINS) == "Yes"


async def test_group_and_private_chat_are_two_dialogs(team: House) -> None:
    await team.ask(ANNA, "In private")

    answer = await team.ask(ANNA, "/ask@sekretar_bot [[history]]", TEAM)

    assert json.loads(answer) == ["[[history]]"]


async def test_topics_are_dialogs_of_their_own(forum: House) -> None:
    forum.say(ANNA, "/ask@sekretar_bot Plans", TEAM, thread_id=FORUM)
    forum.say(ANNA, "/ask@sekretar_bot [[history]]", TEAM, thread_id=FORUM + 1)
    forum.say(ANNA, "/ask@sekretar_bot [[history]]", TEAM)
    await forum.quiet()

    threads = {message.get("message_thread_id"): message["text"] for message in forum.messages(TEAM)}
    assert threads.keys() == {FORUM, FORUM + 1, None}
    assert json.loads(threads[FORUM + 1]) == json.loads(threads[None]) == ["[[history]]"]
    assert await forum.db(Conversation.objects.count) == 3


async def test_new_begins_a_dialog_in_its_topic_only(forum: House) -> None:
    for thread in (FORUM, FORUM + 1):
        forum.say(ANNA, "/ask@sekretar_bot One", TEAM, thread_id=thread)
        await forum.quiet()
    forum.say(ANNA, "/new@sekretar_bot", TEAM, thread_id=FORUM)
    await forum.quiet()

    heard = []
    for thread in (FORUM, FORUM + 1):
        forum.say(ANNA, "/ask@sekretar_bot [[history]]", TEAM, thread_id=thread)
        await forum.quiet()
        heard.append(json.loads(forum.heard(TEAM)[-1]))

    assert heard == [["[[history]]"], ["One", "[[history]]"]]


async def test_model_chosen_in_a_topic_answers_in_that_topic(forum: House) -> None:
    await forum.db(offer, "openai", "gpt-4o-mini")
    forum.say(ANNA, "/model@sekretar_bot gpt", TEAM, thread_id=FORUM)
    await forum.quiet()

    forum.press(ANNA, "gpt-4o-mini", TEAM)
    await forum.quiet()

    chosen = await forum.db(lambda: dict(Conversation.objects.values_list("thread_id", "model__name")))
    assert chosen == {FORUM: "gpt-4o-mini"}


async def test_first_message_of_a_topic_does_not_make_everything_in_it_a_question(forum: House) -> None:
    created = {
        "message_id": FORUM, "from": forum.world.sender, "chat": forum.world.chats[TEAM].short(), "date": 1,
        "forum_topic_created": {"name": "Plans", "icon_color": 7322096},
    }  # fmt: skip
    forum.world.chats[TEAM].messages[FORUM] = created

    forum.say(ANNA, "Just talking", TEAM, thread_id=FORUM, reply_to=FORUM)
    await forum.quiet()

    assert not forum.models.calls


async def test_topics_of_a_private_chat_are_dialogs_of_their_own(house: House) -> None:
    house.world.bot["has_topics_enabled"] = True
    house.say(ANNA, "One", thread_id=5)
    await house.quiet()
    house.say(ANNA, "[[history]]", thread_id=6)
    await house.quiet()

    assert json.loads(house.heard(ANNA)[-1]) == ["[[history]]"]
    assert [message["message_thread_id"] for message in house.messages(ANNA)] == [5, 6]


async def test_choice_of_the_group_leaves_private_chats_alone(team: House) -> None:
    await team.db(offer, "openai", "gpt-4o-mini")
    await team.db(choose, "gpt-4o-mini", TEAM)

    await team.ask(ANNA, "/ask@sekretar_bot Hello", TEAM)
    await team.ask(ANNA, "Hello")

    assert [call.model for call in team.models.calls] == ["gpt-4o-mini", "gpt-4.1-mini"]
