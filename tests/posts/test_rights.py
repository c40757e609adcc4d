"""Whether the bot may post somewhere, by what Telegram told of it."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, User
from delivery.errors import DeliveryError
from posts.content import Place
from posts.models import Topic
from posts.services import media, rights
from posts.services.rights import Needs
from sandbox.telegram.settings import change_chat
from telegram_bot import rights as live
from tests.house import ANNA, BOT, OLGA, TEAM, House
from tests.posts import files, making
from tests.posts.making import NEWS


def codes(chat: Chat, needs: Needs | None = None, thread: int = 0) -> list[str]:
    return [problem.code for problem in rights.trouble_of(chat, thread, needs)]


def needs(*kinds: str, **more: Any) -> Needs:
    return Needs(frozenset(kinds or ("text",)), **more)


# --- what is known --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"status": Access.PENDING}, "not-approved"),
        ({"bot_id": 5}, "other-bot"),
        ({"kind": "private"}, "private-chat"),
        ({"bot_status": "kicked"}, "bot-not-there"),
        ({"bot_status": "left"}, "bot-not-there"),
        ({"unreachable": "Forbidden: bot was kicked"}, "bot-not-there"),
        ({"bot_rights": {"can_post_messages": False}}, "no-right-to-post"),
        ({"bot_rights": {"can_edit_messages": True}}, "no-right-to-post"),
        ({"bot_status": "member", "bot_rights": {}}, "no-right-to-post"),
    ],
)
def test_channel_that_takes_no_posts_says_why(db: None, facts: dict[str, Any], code: str) -> None:
    assert codes(making.channel(**facts)) == [code]


def test_trouble_names_the_channel_and_the_remedy(db: None) -> None:
    (problem,) = rights.trouble_of(making.channel(title="100% News", bot_status="kicked"))
    assert problem.text == "The bot cannot reach “100% News”. Add it there again as an administrator."
    assert problem.target is not None
    assert problem.target.chat.title == "100% News"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"bot_status": "creator", "bot_rights": {}},
        {"bot_status": "administrator", "bot_rights": {}},
        {"bot_status": "", "bot_rights": {}, "rights_at": None},
    ],
)
def test_channel_that_may_take_posts_has_no_problem(db: None, facts: dict[str, Any]) -> None:
    assert codes(making.channel(**facts)) == []


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("text", "can_send_messages"),
        ("photo", "can_send_photos"),
        ("video", "can_send_videos"),
        ("animation", "can_send_other_messages"),
        ("document", "can_send_documents"),
        ("audio", "can_send_audios"),
        ("poll", "can_send_polls"),
    ],
)
def test_member_of_a_group_needs_the_permission_for_each_kind(db: None, kind: str, right: str) -> None:
    chat = making.group(bot_rights={right: False})
    assert codes(chat, needs(kind)) == ["no-right-to-send"]
    others = {name: name != right for name in rights.PERMISSIONS.values()}
    assert codes(making.group(telegram_id=-5, bot_rights=others), needs(kind)) == ["no-right-to-send"]
    assert codes(making.group(telegram_id=-6, bot_rights={right: True}), needs(kind)) == []


def test_administrator_of_a_group_needs_no_permission(db: None) -> None:
    chat = making.group(bot_status="administrator", bot_rights={"can_send_messages": False, **making.MAY_LEAD})
    assert codes(chat) == []


@pytest.mark.parametrize(
    ("facts", "may"),
    [
        ({"kind": "channel", "bot_status": "administrator", "bot_rights": making.MAY_POST}, True),
        ({"kind": "channel", "bot_status": "administrator", "bot_rights": {"can_post_messages": True}}, False),
        ({"bot_status": "administrator", "bot_rights": making.MAY_LEAD}, True),
        ({"bot_status": "administrator", "bot_rights": {"can_delete_messages": True}}, False),
        ({"bot_status": "member", "bot_rights": {"can_send_messages": True, "can_pin_messages": False}}, False),
        ({"bot_status": "member", "bot_rights": {}}, True),
    ],
)
def test_pin_needs_its_right_where_it_is_known(db: None, facts: dict[str, Any], may: bool) -> None:
    chat = making.group(**facts)
    assert codes(chat, needs(pin=True)) == ([] if may else ["no-right-to-pin"])
    assert codes(chat) == []


def test_poll_with_named_voters_goes_to_groups_only(news: Chat, team: Chat) -> None:
    asked = rights.needs_of([], {"question": "?", "anonymous": False}, {})
    assert codes(news, asked) == ["named-voters"]
    assert codes(team, asked) == []


def test_closed_or_deleted_topic_is_a_problem_unless_the_general_one_may_do(team: Chat) -> None:
    Topic.objects.create(chat=team, thread_id=7, name="50% off", closed=True)
    Topic.objects.create(chat=team, thread_id=8, name="Old", deleted=True)

    (closed,) = rights.trouble_of(team, 7)
    (gone,) = rights.trouble_of(team, 8)
    assert (closed.code, gone.code) == ("topic-closed", "topic-gone")
    assert "“50% off” of “Команда” is closed" in closed.text
    assert codes(team, needs(general_allowed=True), 7) == []
    assert codes(team, thread=9) == []


def test_topic_nobody_heard_of_is_said_and_no_problem(team: Chat) -> None:
    (said,) = rights.unsure_of([Place(team, 9)])
    assert said == "The bot has not heard of topic 9 in “Команда” yet."


def test_general_topic_is_the_group_itself_by_whatever_number(editor: User, team: Chat) -> None:
    """Telegram refuses its number: "message thread not found"."""
    assert Place(team, 1) == Place(team)
    post = making.make_post(editor, Place(team, 1), Place(team))
    assert [target.thread_id for target in making.targets(post)] == [0]


def test_topics_of_all_targets_are_asked_for_at_once(team: Chat, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        list(rights.wrong_with_all([Place(team, number) for number in range(5)], needs()))


def test_places_are_the_chats_that_were_let_in(news: Chat, team: Chat, settings: Settings) -> None:
    making.channel(telegram_id=-7, title="Waits", status=Access.PENDING)
    making.channel(telegram_id=-8, title="Another bot's", bot_id=5)
    making.editor()
    assert [chat.title for chat in rights.places()] == ["Команда", "Новости"]


# --- as Telegram tells it -------------------------------------------------------------------------------------------


def test_rights_of_an_administrator_are_its_flags() -> None:
    told = live.told({"status": "administrator", "can_post_messages": True, "is_anonymous": False, "user": {}})
    assert told == ("administrator", {"can_post_messages": True})


def test_member_may_what_all_may() -> None:
    told = live.told({"status": "member"}, {"can_send_messages": True, "can_send_polls": False})
    assert told == ("member", {"can_send_messages": True, "can_send_polls": False})


def test_restricted_bot_may_what_both_allow() -> None:
    member = {"status": "restricted", "is_member": True, "can_send_messages": False, "can_send_polls": True}
    _status, may = live.told(member, {"can_send_messages": True, "can_send_polls": False, "can_send_photos": True})
    assert may == {"can_send_messages": False, "can_send_polls": False, "can_send_photos": True}


def test_restricted_bot_that_is_not_there_has_left() -> None:
    assert live.told({"status": "restricted", "is_member": False, "can_send_messages": True}) == ("left", {})


# --- in the running bot ---------------------------------------------------------------------------------------------


def known(chat_id: int) -> Chat:
    return Chat.objects.get(telegram_id=chat_id)


async def test_change_of_the_bots_rights_is_on_record(house: House) -> None:
    change_chat(house.world, house.world.chats[NEWS], {"bot_rights": {"can_post_messages": False}})
    await house.quiet()
    chat = await house.db(known, NEWS)
    assert (chat.bot_status, chat.bot_rights["can_post_messages"]) == ("administrator", False)
    assert codes(chat) == ["no-right-to-post"]


async def test_channel_that_let_the_bot_in_again_is_open_again(house: House) -> None:
    house.world.member(NEWS, BOT, "kicked", by=OLGA)
    await house.quiet()
    kicked = await house.db(known, NEWS)
    assert (kicked.bot_status, kicked.unreachable) == ("kicked", "bot is kicked")

    house.world.member(NEWS, BOT, "administrator", by=OLGA)
    await house.quiet()
    back = await house.db(known, NEWS)
    assert (back.bot_status, back.unreachable) == ("administrator", "")


async def test_anonymous_admin_who_takes_the_bot_out_is_heard(house: House) -> None:
    """Such an update comes from Telegram's own bot, and from nobody whom one could let in."""
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}

    def push(status: str) -> None:
        change = {"chat": house.world.chats[TEAM].short(), "from": anonymous, "date": 1}
        members = {"old_chat_member": {"status": "member"}, "new_chat_member": {"status": status}}
        house.world.updates.push("my_chat_member", {**change, **members})

    push("kicked")
    await house.quiet()
    gone = await house.db(known, TEAM)
    assert (gone.bot_status, gone.unreachable) == ("kicked", "bot is kicked")
    push("member")
    await house.quiet()
    back = await house.db(known, TEAM)
    assert (back.bot_status, back.unreachable) == ("member", "")
    assert house.heard(TEAM) == []


async def test_live_look_learns_what_no_update_tells(house: House) -> None:
    """Permissions of a group's members change without a word to the bot."""
    house.world.chats[TEAM].permissions["can_send_polls"] = False
    chat = await live.refresh(await house.db(known, TEAM))
    assert chat.bot_rights["can_send_polls"] is False
    assert codes(chat, needs("poll")) == ["no-right-to-send"]
    assert chat.rights_at is not None


async def test_live_look_opens_a_chat_that_was_thought_closed(house: House) -> None:
    await house.db(Chat.objects.filter(telegram_id=NEWS).update, unreachable="Forbidden", bot_status="kicked")
    chat = await live.refresh(await house.db(known, NEWS))
    assert (chat.bot_status, chat.unreachable) == ("administrator", "")


async def test_live_look_finds_the_bot_gone(house: House) -> None:
    house.world.chats[NEWS].members[BOT] = "kicked"
    chat = await live.refresh(await house.db(known, NEWS))
    assert (chat.bot_status, bool(chat.unreachable)) == ("kicked", True)
    assert codes(chat) == ["bot-not-there"]


async def test_live_look_follows_a_group_that_became_a_supergroup(house: House) -> None:
    old = house.world.add_chat("group", "Small", members={OLGA: "creator", BOT: "member"})
    group = await house.db(making.group, old.id, "Small", kind="group")
    new = house.world.migrate(old.id)

    assert (await live.refresh(group)).telegram_id == new.id


async def test_live_look_without_an_answer_changes_nothing(house: House) -> None:
    before = await house.db(known, NEWS)
    house.fault("getChat", "500")
    with pytest.raises(DeliveryError):
        await live.refresh(before)
    assert (await house.db(known, NEWS)).rights_at == before.rights_at


async def test_group_that_takes_no_photos_says_so_and_goes_on_taking_words(house: House) -> None:
    """Nobody told the bot before."""
    house.world.chats[TEAM].permissions["can_send_photos"] = False
    picture = await house.db(lambda: media.from_bytes(None, files.png(), "a.png", timezone.now()))
    await making.published(house, TEAM, media=[picture])
    assert house.heard(ANNA)[-1].endswith(
        "In “Команда” the bot may not send photos. Allow it there, or make the bot an administrator."
    )
    assert (await house.db(known, TEAM)).unreachable == ""
    post = await making.published(house, TEAM, text="Only words")
    assert await house.db(making.states, post) == ["sent"]
