"""Groups: added, approved, talked in, left. A group is closed until an admin opens it."""

from typing import Any

from django.utils import timezone

from accounts import services as accounts
from accounts.models import Access, AuditEntry, Chat
from conversations.models import Conversation
from delivery.models import Delivery
from llm.models import Model
from sandbox.telegram.chats import Topic
from tests.house import ADMINS, ANNA, BORIS, BOT, CHRIS, OLGA, TEAM, House

HELLO = "Hello! As soon as the admins approve this group, I am here for you."
GREETING = (
    "Hello! I am ready here. Write /ask and your question, or reply to me.\n\nNothing else reaches me, not even my "
    "name. If I am to hear it, make me an admin of the group; or turn my privacy mode off at @BotFather (/setprivacy) "
    "and add me anew."
)
CLOSED = "This group is not approved yet. The admins have the request."


def found(chat_id: int) -> Chat | None:
    return Chat.objects.filter(telegram_id=chat_id).first()


def new_group(house: House, title: str = "Книжный клуб", **more: Any) -> int:
    """A supergroup of Анна, Борис and Ольга, without the bot."""
    members = {ANNA: "creator", BORIS: "member", OLGA: "member"}
    return int(house.world.add_chat("supergroup", title, members=members, **more).id)


async def add_bot(house: House, chat_id: int, by: int = ANNA) -> None:
    house.world.member(chat_id, BOT, "member", by)
    await house.quiet()


async def open_group(house: House, chat_id: int = TEAM, **facts: Any) -> None:
    """An approved group, as the database has it."""
    await house.db(
        lambda: Chat.objects.create(
            bot_id=BOT, telegram_id=chat_id, kind="supergroup", title="Команда", status="active", **facts
        )
    )


async def press(house: House, label: str) -> None:
    house.press(OLGA, label, ADMINS)
    await house.quiet()


async def test_member_adds_the_bot_and_the_admins_get_a_card(house: House) -> None:
    group = new_group(house)
    await add_bot(house, group)

    assert house.heard(group) == [HELLO]
    assert house.heard(ADMINS) == ["👥 The group Книжный клуб asks for access (Анна @anna 101)."]
    assert list(house.buttons(ADMINS)) == ["✅ Approve", "🚫 Reject", "⛔ Block"]
    chat = await house.db(found, group)
    assert chat is not None
    assert (chat.status, chat.kind) == ("pending", "supergroup")


async def test_group_that_waits_gets_no_answers(house: House) -> None:
    group = new_group(house)
    await add_bot(house, group)
    house.say(ANNA, "/ask@sekretar_bot How are you?", group)
    house.say(ANNA, "/models@sekretar_bot", group)
    house.say(BORIS, "/start@sekretar_bot", group)
    await house.quiet()

    assert house.heard(group) == [HELLO, CLOSED]  # the second once a day
    assert not house.models.calls
    assert len(house.heard(ADMINS)) == 1


async def test_approved_group_is_greeted_and_answered(house: House) -> None:
    group = new_group(house)
    await add_bot(house, group)
    await press(house, "✅ Approve")

    assert house.heard(group)[-1] == GREETING
    assert house.heard(ADMINS) == ["👥 Книжный клуб\n\n✅ active · Ольга"]
    entry = await house.db(AuditEntry.objects.filter(action="chat.decided").get)
    assert entry.details == {"old": "pending", "new": "active"}
    assert "practice model" in await house.ask(ANNA, "/ask@sekretar_bot How are you?", group)


async def test_web_admins_decision_greets_the_group_too(house: House) -> None:
    group = new_group(house)
    await add_bot(house, group)
    chat = await house.db(found, group)
    assert chat is not None
    await house.db(lambda: accounts.decide_chat(chat, Access.ACTIVE, by=None, via="admin", now=timezone.now()))
    await house.quiet()

    assert house.heard(group)[-1].startswith("Hello! I am ready here.")
    assert house.heard(ADMINS) == ["👥 Книжный клуб\n\n✅ active"]


async def test_rejected_group_stays_silent_and_its_card_is_closed(house: House) -> None:
    group = new_group(house)
    await add_bot(house, group)
    await press(house, "🚫 Reject")

    assert house.heard(group) == [HELLO]
    assert house.heard(ADMINS) == ["👥 Книжный клуб\n\n🚫 rejected · Ольга"]


async def test_stranger_who_adds_the_bot_gets_neither_words_nor_a_card(house: House) -> None:
    group = int(house.world.add_chat("supergroup", "Чужие", members={CHRIS: "creator"}).id)
    await add_bot(house, group, by=CHRIS)

    assert house.heard(group) == []
    assert house.heard(ADMINS) == []


async def test_stranger_in_an_approved_group_is_not_heard(house: House) -> None:
    await open_group(house)
    house.say(BORIS, "/ask@sekretar_bot Tell me a secret", TEAM)
    await house.quiet()

    assert house.heard(TEAM) == []
    assert not house.models.calls
    assert house.heard(ADMINS) == []


async def test_member_is_answered_beside_a_stranger(house: House) -> None:
    await open_group(house)

    assert "practice model" in await house.ask(ANNA, "/ask@sekretar_bot How are you?", TEAM)


async def test_channel_gets_a_card_and_no_words(house: House) -> None:
    channel = int(house.world.add_chat("channel", "Новости клуба", members={ANNA: "creator"}).id)
    house.world.member(channel, BOT, "administrator", ANNA)
    await house.quiet()

    [card] = house.heard(ADMINS)
    assert card.startswith("📣 The channel Новости клуба asks for access (Анна @anna 101).")
    assert house.world.chats[channel].messages == {}

    house.press(OLGA, "✅", ADMINS)
    await house.quiet()

    assert house.heard(ADMINS)[-1].startswith("📣 Новости клуба")
    assert house.world.chats[channel].messages == {}


async def test_removed_bot_remembers_and_comes_back(house: House) -> None:
    await open_group(house)
    house.world.member(TEAM, BOT, "kicked", OLGA)
    await house.quiet()
    chat = await house.db(found, TEAM)
    assert chat is not None
    assert chat.unreachable == "bot is kicked"

    house.world.member(TEAM, BOT, "member", OLGA)
    await house.quiet()
    chat = await house.db(found, TEAM)
    assert chat is not None
    assert (chat.unreachable, chat.status) == ("", "active")
    assert house.heard(ADMINS) == []


async def test_person_who_blocks_the_bot_and_comes_back_is_reachable_again(house: House) -> None:
    house.world.block(ANNA)
    await house.quiet()
    chat = await house.db(found, ANNA)
    assert chat is not None
    assert chat.unreachable == "bot was blocked by the user"

    house.world.block(ANNA, False)
    await house.quiet()
    chat = await house.db(found, ANNA)
    assert chat is not None
    assert chat.unreachable == ""


async def test_press_in_a_topic_is_about_that_topic(house: House) -> None:
    forum = new_group(house, is_forum=True)
    house.world.member(forum, BOT, "administrator", ANNA)
    await house.quiet()
    await press(house, "✅ Approve")
    topic = 7
    house.world.chats[forum].topics[topic] = Topic(topic, "Поэзия")
    house.say(ANNA, "/models", forum, thread_id=topic)
    await house.quiet()
    for name in ("OpenAI", "GPT-4.1 mini"):
        house.press(ANNA, next(label for label in house.buttons(forum) if name in label), forum)
        await house.quiet()

    chosen = await house.db(lambda: Conversation.objects.filter(model__isnull=False).get())
    assert chosen.thread_id == topic
    assert house.messages(forum)[-1]["message_thread_id"] == topic
    assert await house.db(Model.objects.count) == 1


async def test_group_that_became_a_supergroup_keeps_its_access_and_dialog(house: House) -> None:
    group = house.world.add_chat("group", "Старая", members={ANNA: "creator", BOT: "administrator"})
    await open_group(house, group.id)
    await house.ask(ANNA, "/ask one", group.id)
    moved = house.world.migrate(group.id)
    await house.quiet()

    assert await house.ask(ANNA, "/ask [[history]]", moved.id) == '["one","[[history]]"]'
    assert await house.db(Conversation.objects.count) == 1
    assert await house.db(lambda: Delivery.objects.filter(state="failed").count()) == 0
