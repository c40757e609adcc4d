"""Topics of forum groups: learned from what is said in them, and from Telegram's refusals."""

from typing import Any

from django.utils import timezone

from accounts.models import Access, Chat
from posts.models import Topic
from posts.services import topics
from tests.house import ANNA, BORIS, BOT, TEAM, House


def hear(thread: int = 7, chat: int = TEAM, **what: Any) -> None:
    body = {"chat": {"id": chat}, "message_thread_id": thread, "is_topic_message": True, **what}
    topics.heard(BOT, body, timezone.now())


def facts() -> list[tuple[int, str, bool, bool]]:
    return [(row.thread_id, row.name, row.closed, row.deleted) for row in Topic.objects.order_by("thread_id")]


def test_topic_is_known_by_its_name_from_the_beginning(team: Chat) -> None:
    hear(forum_topic_created={"name": "News", "icon_color": 1})
    assert facts() == [(7, "News", False, False)]


def test_topic_is_known_by_a_message_that_names_its_beginning(team: Chat) -> None:
    hear(text="Hi", reply_to_message={"forum_topic_created": {"name": "News"}})
    assert facts() == [(7, "News", False, False)]


def test_topic_without_a_name_is_there_all_the_same(team: Chat) -> None:
    hear(text="Hi")
    assert facts() == [(7, "", False, False)]


def test_new_name_stands_against_the_name_of_the_first_day(team: Chat) -> None:
    hear(forum_topic_created={"name": "News"})
    hear(forum_topic_edited={"name": "Sales"})
    hear(text="Hi", reply_to_message={"forum_topic_created": {"name": "News"}})
    assert facts() == [(7, "Sales", False, False)]


def test_topic_with_another_picture_keeps_its_name(team: Chat) -> None:
    hear(forum_topic_created={"name": "News"})
    hear(forum_topic_edited={"icon_custom_emoji_id": "5"})
    assert facts() == [(7, "News", False, False)]


def test_topic_is_closed_and_opened_again(team: Chat) -> None:
    hear(forum_topic_created={"name": "News"})
    hear(forum_topic_closed={})
    assert facts() == [(7, "News", True, False)]
    hear(forum_topic_reopened={})
    assert facts() == [(7, "News", False, False)]


def test_refusal_tells_that_a_topic_is_closed_or_gone(team: Chat) -> None:
    assert topics.refused(team, 7, "Bad Request: TOPIC_CLOSED")
    assert not topics.refused(team, 7, "Bad Request: TOPIC_CLOSED")
    assert topics.refused(team, 8, "Bad Request: message thread not found")
    assert facts() == [(7, "", True, False), (8, "", False, True)]


def test_refusal_about_the_general_topic_makes_no_topic(team: Chat) -> None:
    assert not topics.refused(team, 0, "Bad Request: message thread not found")
    assert facts() == []


def test_message_in_a_topic_proves_that_it_is_not_gone(team: Chat) -> None:
    topics.refused(team, 7, "Bad Request: message thread not found")
    hear(text="Hi")
    assert facts() == [(7, "", False, False)]


def test_chats_that_nobody_let_in_teach_nothing(team: Chat) -> None:
    Chat.objects.update(status=Access.PENDING)
    hear(text="Hi")
    hear(chat=-1)
    assert facts() == []


def test_what_is_no_news_costs_one_query(team: Chat, django_assert_num_queries: Any) -> None:
    hear(forum_topic_created={"name": "News"})
    with django_assert_num_queries(1):
        hear(text="Hi", reply_to_message={"forum_topic_created": {"name": "News"}})


# --- in the running bot ---------------------------------------------------------------------------------------------


def push(house: House, sender: int, **what: Any) -> None:
    chat = house.world.chats[TEAM].short()
    message = {"message_id": 50, "date": 1, "chat": chat, "from": house.world.user(sender), **what}
    house.world.updates.push("message", {**message, "message_thread_id": 7, "is_topic_message": True})


async def test_topic_is_learned_from_somebody_whom_nobody_let_in_and_who_hears_nothing(house: House) -> None:
    """It is the group that is approved: whoever opens, names or closes a topic, its posts are concerned."""
    push(house, BORIS, forum_topic_created={"name": "Sales", "icon_color": 1})
    await house.quiet()
    assert await house.db(facts) == [(7, "Sales", False, False)]
    assert house.heard(TEAM) == []


async def test_word_in_a_topic_teaches_and_is_answered_as_ever(house: House) -> None:
    push(house, ANNA, text="/ping", entities=[{"type": "bot_command", "offset": 0, "length": 5}])
    await house.quiet()
    assert await house.db(facts) == [(7, "", False, False)]
    assert len(house.calls("sendMessage", TEAM)) == 1


async def test_broken_news_of_a_topic_hold_up_nobody(house: House) -> None:
    push(house, ANNA, text="/ping", reply_to_message=["no object"])
    push(house, ANNA, text="/whoami", entities=[{"type": "bot_command", "offset": 0, "length": 7}])
    await house.quiet()
    assert len(house.calls("sendMessage", TEAM)) >= 1
