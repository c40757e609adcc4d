"""A chat that takes no posts any more, and those whose posts are planned for it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import services as accounts
from accounts.models import Chat, User
from delivery.models import Delivery
from posts import services
from posts.content import Place
from posts.models import PostTarget, Topic
from posts.services import lost_chats
from sandbox.telegram.settings import change_chat
from tests.house import ADMINS, ANNA, BOT, OLGA, TEAM, House
from tests.posts import making
from tests.posts.making import HOUR, NEWS


def kick(chat: Chat) -> None:
    accounts.set_rights(chat, "kicked", {}, timezone.now())


def test_author_hears_once_of_all_that_is_planned_there(editor: User, news: Chat, team: Chat) -> None:
    now = timezone.now()
    for number in (1, 2):
        making.planned(editor, news, at=now + number * HOUR, now=now, text=f"Post {number}")
    making.planned(editor, team, at=now + HOUR, now=now, text="Elsewhere")
    making.make_post(editor, news, text="Draft")
    kick(news)

    (said,) = making.told(editor)
    assert "cannot reach “Новости”" in said
    assert "“Post 1”" in said
    assert "“Post 2”" in said
    assert "Elsewhere" not in said
    assert "Draft" not in said


def test_each_author_hears_of_their_own(editor: User, news: Chat) -> None:
    now = timezone.now()
    other = making.editor(105, "Пётр")
    making.planned(editor, news, at=now + HOUR, now=now, text="Lena's")
    making.planned(other, news, at=now + HOUR, now=now, text="Pyotr's")
    kick(news)
    assert "Lena's" in making.told(editor)[0]
    assert "Pyotr's" in making.told(other)[0]


def test_second_piece_of_bad_news_says_nothing_new(editor: User, news: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + HOUR, now=now)
    kick(news)
    accounts.set_rights(news, "left", {}, timezone.now())
    assert len(making.told(editor)) == 1


def test_loss_of_the_right_to_post_is_said_and_of_another_is_not(editor: User, news: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + HOUR, now=now)
    accounts.set_rights(news, "administrator", {"can_post_messages": True, "can_edit_messages": False}, now)
    assert making.told(editor) == []
    accounts.set_rights(news, "administrator", {"can_post_messages": False}, now)
    assert "may not post in “Новости”" in making.told(editor)[0]


def test_many_posts_are_counted(editor: User, news: Chat) -> None:
    now = timezone.now()
    for number in range(13):
        making.planned(editor, news, at=now + HOUR + timedelta(minutes=number), now=now, text=f"Post {number}")
    kick(news)
    (said,) = making.told(editor)
    assert said.count("“Post ") == 10
    assert "and 3 more" in said


def test_admins_hear_where_the_author_is_gone(editor: User, news: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + HOUR, now=now, text="Orphan")
    User.objects.filter(pk=editor.pk).update(is_active=False)
    kick(news)
    assert "Orphan" in making.told(ADMINS)[0]


def test_chat_without_plans_is_nobodys_news(editor: User, news: Chat) -> None:
    kick(news)
    assert Delivery.objects.count() == 0
    assert lost_chats.warn(news, timezone.now()) == 0


# --- in the running bot ---------------------------------------------------------------------------------------------


async def test_kick_tells_the_author_beforehand_and_the_post_is_refused_from_then_on(house: House) -> None:
    now = timezone.now()

    def plan() -> Any:
        row = making.post_to(NEWS, text="Tomorrow")
        return services.schedule_post(row, now + HOUR, by=making.anna(), via="chat", now=now)

    post = await house.db(plan)
    house.world.member(NEWS, BOT, "kicked", by=OLGA)
    await house.quiet()

    assert "“Tomorrow”" in house.heard(ANNA)[-1]
    (problem,) = await house.db(services.check_post, post, now)
    assert problem.code == "bot-not-there"


async def test_post_to_a_closed_topic_is_an_error_and_the_next_one_is_refused_beforehand(house: House) -> None:
    world_chat = house.world.chats[TEAM]
    world_chat.is_forum = True
    change_chat(house.world, world_chat, {"topics": [{"message_thread_id": 7, "name": "Sales", "closed": True}]})

    def draft(text: str) -> Any:
        return making.make_post(making.anna(), Place(making.chat_of(TEAM), 7), text=text)

    first = await house.db(draft, "First")
    await house.db(making.publish, first)
    await house.quiet()
    assert await house.db(making.states, first) == [PostTarget.State.FAILED]
    assert making.said(house, TEAM) == []

    assert await house.db(lambda: Topic.objects.get().closed)
    second = await house.db(draft, "Second")
    (problem,) = await house.db(services.check_post, second, timezone.now())
    assert problem.code == "topic-closed"


async def test_group_that_forbids_polls_still_takes_texts(house: House) -> None:
    """One kind of message that is not allowed closes no chat."""
    change_chat(house.world, house.world.chats[TEAM], {"permissions": {"can_send_polls": False}})
    poll = {"question": "Shall we?", "options": [{"text": "Yes"}, {"text": "No"}]}
    refused = await making.published(house, TEAM, text="", poll=poll)
    assert await house.db(making.states, refused) == ["failed"]
    assert (await house.db(making.chat_of, TEAM)).unreachable == ""

    await making.published(house, TEAM, text="Hello")
    assert making.said(house, TEAM)[-1] == "Hello"
