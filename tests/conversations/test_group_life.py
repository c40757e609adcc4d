"""A group's own matters: who pays, notices that do not stay, how to talk to the bot, and becoming a supergroup."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import services as accounts
from accounts.models import Access, AuditEntry, Chat, Payer, User
from conversations.models import Assistant, Binding, Conversation
from delivery.models import Delivery
from llm.models import Budget
from telegram_bot import outgoing
from telegram_bot.outgoing import Place
from tests.conversations.test_budgets import limit
from tests.house import ADMINS, ANNA, BORIS, BOT, CHRIS, OLGA, TEAM, House
from tests.telegram_bot.test_access import toasts

ANEW = "✨ A new dialog. What is it about?"


def group() -> Chat:
    return Chat.objects.get(telegram_id=TEAM)


# --- the panel ------------------------------------------------------------------------------------------------------


async def test_admin_of_the_bot_sets_who_pays_and_whether_another_model_may_step_in(team: House) -> None:
    said = await team.ask(OLGA, "/group@sekretar_bot", TEAM)
    assert "Pays: whoever asks, from their budget" in said
    assert "Another model may step in: yes" in said

    for label in ("Let the group pay", "Only the chosen model"):
        team.press(OLGA, label, TEAM)
        await team.quiet()

    chat = await team.db(group)
    assert (chat.payer, chat.fallbacks) == (Payer.CHAT, False)
    assert "Pays: the group, but it has no budget yet: only the bot's own holds" in team.heard(TEAM)[-1]
    changes = await team.db(lambda: list(AuditEntry.objects.filter(action="chat.options").values_list("details")))
    assert changes == [({"fallbacks": False},), ({"payer": "chat"},)]


async def test_panel_shows_that_the_group_pays_from_its_budget(team: House) -> None:
    await team.db(lambda: limit("chat", chat=group(), tokens=1000))
    await team.db(Chat.objects.filter(telegram_id=TEAM).update, payer=Payer.CHAT)

    assert "Pays: the group, from its budget" in await team.ask(OLGA, "/group@sekretar_bot", TEAM)


async def test_another_admin_may_press_the_panel_and_a_member_may_not(team: House) -> None:
    await team.ask(OLGA, "/group@sekretar_bot", TEAM)
    team.press(ANNA, "Let the group pay", TEAM)
    await team.quiet()
    assert toasts(team) == ["This is for admins."]
    assert (await team.db(group)).payer == Payer.PERSON

    await team.db(User.objects.filter(telegram_id=ANNA).update, role="admin")
    team.press(ANNA, "Let the group pay", TEAM)
    await team.quiet()
    assert (await team.db(group)).payer == Payer.CHAT


async def test_panel_is_for_admins_and_about_groups(team: House) -> None:
    assert await team.ask(ANNA, "/group@sekretar_bot", TEAM) == "This is for admins."
    assert await team.ask(OLGA, "/group") == "This is about a group: write it there."


async def test_button_of_the_panel_obeys_no_one_who_is_an_admin_no_more(team: House) -> None:
    await team.ask(OLGA, "/group@sekretar_bot", TEAM)
    await team.db(User.objects.filter(telegram_id=OLGA).update, role="member")
    team.press(OLGA, "Let the group pay", TEAM)
    await team.quiet()

    assert toasts(team) == ["This is for admins."]
    assert (await team.db(group)).payer == Payer.PERSON


# --- notices --------------------------------------------------------------------------------------------------------


def due_now() -> None:
    Delivery.objects.filter(lane__contains=":gone:").update(not_before=timezone.now())


async def test_notice_in_a_group_is_taken_away_when_its_time_is_over(team: House, settings: Settings) -> None:
    began = timezone.now()
    assert await team.ask(ANNA, "/new@sekretar_bot", TEAM) == ANEW
    ended = timezone.now()
    await team.ask(ANNA, "/ask@sekretar_bot [[text Meanwhile]]", TEAM)
    assert team.heard(TEAM) == [ANEW, "Meanwhile"]

    row = await team.db(Delivery.objects.get, lane__contains=":gone:")
    assert row.not_before is not None
    assert began <= row.not_before - timedelta(seconds=settings.NOTICE_SECONDS) <= ended
    await team.db(due_now)
    await team.until(lambda: team.calls("deleteMessage"))
    await team.quiet()

    assert team.heard(TEAM) == ["Meanwhile"]


async def test_notice_that_an_admin_took_away_first_is_no_trouble(team: House) -> None:
    await team.ask(ANNA, "/new@sekretar_bot", TEAM)
    team.world.remove(team.world.chats[TEAM], [team.messages(TEAM)[-1]["message_id"]])
    await team.db(due_now)
    await team.until(lambda: team.calls("deleteMessage"))
    await team.quiet()

    assert (await team.db(Delivery.objects.get, lane__contains=":gone:")).state == "sent"
    assert team.heard(ADMINS) == []


async def test_notice_in_a_private_chat_stays(house: House) -> None:
    await house.ask(ANNA, "/new")

    assert not await house.db(Delivery.objects.filter(lane__contains=":gone:").exists)


async def test_notices_stay_where_the_setting_says_so(team: House, settings: Settings) -> None:
    settings.NOTICE_SECONDS = 0
    await team.ask(ANNA, "/new@sekretar_bot", TEAM)

    assert not await team.db(Delivery.objects.filter(lane__contains=":gone:").exists)


async def test_only_the_person_sees_a_notice_where_telegram_can_do_that(team: House, settings: Settings) -> None:
    settings.EPHEMERAL_NOTICES = True
    team.say(ANNA, "/new@sekretar_bot", TEAM)
    await team.quiet()

    assert team.heard(TEAM) == []
    [seen] = team.world.chats[TEAM].ephemeral.values()
    assert (seen["text"], seen["receiver_user"]["id"]) == (ANEW, ANNA)
    await team.db(due_now)
    await team.until(lambda: not team.engine.health()["lanes"])
    await team.quiet()
    assert not team.calls("deleteMessage")


async def test_notice_is_for_all_where_telegram_refuses_to_whisper(team: House, settings: Settings) -> None:
    settings.EPHEMERAL_NOTICES = True
    team.fault("sendMessage", "400", description="Bad Request: ephemeral messages can be sent only to groups")

    assert await team.ask(ANNA, "/new@sekretar_bot", TEAM) == ANEW


@pytest.mark.parametrize("whispered", [False, True])
async def test_refusal_for_want_of_budget_does_not_stay_in_the_group(
    team: House, settings: Settings, whispered: bool
) -> None:
    settings.EPHEMERAL_NOTICES = whispered
    await team.db(limit, tokens=10)
    team.say(ANNA, "/ask@sekretar_bot Hello", TEAM)
    await team.quiet()

    seen = team.world.chats[TEAM].ephemeral.values() if whispered else team.messages(TEAM)
    [refused] = seen
    assert refused["text"].startswith("🪫 Your budget for today is nearly used up")
    [[more]] = refused["reply_markup"]["inline_keyboard"]
    team.world.press(ANNA, refused["message_id"], more["callback_data"], TEAM, refused.get("ephemeral_message_id"))
    await team.quiet()
    assert toasts(team) == ["I have asked the admins. You will hear from me."]
    await team.db(due_now)
    await team.until(lambda: whispered or team.calls("deleteMessage"))
    await team.quiet()
    assert team.heard(TEAM) == []


async def test_too_many_questions_are_refused_for_a_while_only(team: House, settings: Settings) -> None:
    settings.REQUESTS_PER_MINUTE = 1
    for _question in range(2):
        await team.ask(ANNA, "/ask@sekretar_bot [[text Yes]]", TEAM)
    assert team.heard(TEAM)[1].startswith("⏱ 1 question a minute is the limit here.")
    await team.db(due_now)
    await team.until(lambda: team.calls("deleteMessage"))
    await team.quiet()

    assert team.heard(TEAM) == ["Yes"]


async def test_refusal_in_private_stays(house: House) -> None:
    await house.db(limit, tokens=0)
    await house.ask(ANNA, "Hello")

    assert not await house.db(Delivery.objects.filter(lane__contains=":gone:").exists)


# --- how to talk to the bot -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hears_all", "words"), [(False, "Nothing else reaches me"), (True, "or name me: @sekretar_bot")]
)
async def test_greeting_says_what_the_bot_hears(house: House, hears_all: bool, words: str) -> None:
    house.world.bot["can_read_all_group_messages"] = hears_all
    chat = house.world.add_chat("supergroup", "Книжный клуб", members={ANNA: "creator", OLGA: "member"})
    house.world.member(chat.id, BOT, "member", ANNA)
    await house.quiet()
    house.press(OLGA, "✅ Approve", ADMINS)
    await house.quiet()

    assert words in house.heard(chat.id)[-1]


async def test_admin_of_a_group_hears_all_of_it(house: House) -> None:
    chat = house.world.add_chat("supergroup", "Книжный клуб", members={ANNA: "creator", OLGA: "member"})
    house.world.member(chat.id, BOT, "administrator", ANNA)
    await house.quiet()
    house.press(OLGA, "✅ Approve", ADMINS)
    await house.quiet()

    assert "or name me: @sekretar_bot" in house.heard(chat.id)[-1]


# --- other bots -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["message", "edited_message"])
@pytest.mark.parametrize("words", ["text", "caption"])
async def test_other_bots_are_never_answered(team: House, kind: str, words: str) -> None:
    said: dict[str, Any] = {
        "message_id": 900, "date": 1, "chat": team.world.chats[TEAM].short(), words: "/ask@sekretar_bot Hello",
        "from": {"id": 777, "is_bot": True, "first_name": "Robo"},
    }  # fmt: skip
    said |= {"photo": [{"file_id": "x", "file_unique_id": "x", "width": 1, "height": 1}]} if words == "caption" else {}
    team.world.updates.push_raw({kind: said})
    await team.quiet()

    assert team.heard(TEAM) == []
    assert not team.models.calls


# --- becoming a supergroup ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_all_that_belongs_to_a_group_follows_it_into_the_supergroup() -> None:
    now = timezone.now()
    chat = Chat.objects.create(bot_id=BOT, telegram_id=-5, kind="group", title="Team", status=Access.ACTIVE)
    accounts.set_chat_options(chat, by=None, via="bot", now=now, payer=Payer.CHAT, fallbacks=False)
    dialog = Conversation.objects.create(chat=chat)
    binding = Binding.objects.create(chat=chat, assistant=Assistant.objects.create(name="Editor"))
    budget = Budget.objects.create(scope="chat", chat=chat, money=Decimal(5))

    moved = accounts.migrate_chat(BOT, -5, -1009)

    for row in (dialog, binding, budget):
        row.refresh_from_db()
        assert row.chat == moved
    assert (moved.telegram_id, moved.payer, moved.fallbacks) == (-1009, Payer.CHAT, False)


async def a_group_moves_on(house: House) -> tuple[int, int, int]:
    """The group, the supergroup it became, and a number that a message of the bot has in each."""
    old = house.world.add_chat("group", "Team", members={ANNA: "creator", OLGA: "member", BOT: "member"}).id
    await house.db(
        lambda: Chat.objects.create(bot_id=BOT, telegram_id=old, kind="group", title="Team", status=Access.ACTIVE)
    )
    await house.ask(ANNA, "/new@sekretar_bot", old)
    number = house.messages(old)[-1]["message_id"]
    new = house.world.migrate(old).id
    await house.quiet()
    while number not in house.world.chats[new].messages:
        await house.ask(ANNA, "/ping@sekretar_bot", new)
    return old, new, number


async def test_notice_of_the_group_takes_no_message_of_the_supergroup_away(house: House) -> None:
    _old, new, number = await a_group_moves_on(house)
    await house.db(due_now)
    await house.until(lambda: house.calls("deleteMessage"))
    await house.quiet()

    assert number in house.world.chats[new].messages
    assert (await house.db(Delivery.objects.get, lane__contains=":gone:")).state == "sent"


async def test_words_in_place_of_a_message_of_the_group_are_said_anew_in_the_supergroup(house: House) -> None:
    old, new, number = await a_group_moves_on(house)
    before = house.world.chats[new].messages[number]
    await house.db(outgoing.say, "k", Place(BOT, old, edit=number), "Changed")
    await house.quiet()

    assert house.world.chats[new].messages[number] == before
    assert house.heard(new)[-1] == "Changed"

    await house.db(outgoing.say, "again", Place(BOT, old), "Changed again", edit_of="k:0")
    await house.quiet()
    assert house.heard(new)[-1] == "Changed again"
    assert "Changed" not in house.heard(new)


async def test_admins_chat_that_became_a_supergroup_stays_the_admins_chat(house: House, settings: Settings) -> None:
    old = house.world.add_chat("group", "Admins", members={OLGA: "creator", ANNA: "member", BOT: "administrator"}).id
    settings.ADMIN_CHAT_ID = old
    await house.ask(CHRIS, "/start")
    new = house.world.migrate(old).id
    await house.quiet()
    await house.ask(BORIS, "/start")

    line = f"ADMIN_CHAT_ID={new}"
    assert sum(line in said for said in house.heard(new)) == 1
    card = next(message for message in house.messages(new) if "asks for access" in message["text"])
    key = card["reply_markup"]["inline_keyboard"][0][0]
    house.world.press(OLGA, card["message_id"], key["callback_data"], new)
    await house.quiet()
    assert (await house.db(User.objects.get, telegram_id=BORIS)).status == Access.ACTIVE
    assert "active" in house.world.chats[new].messages[card["message_id"]]["text"]
    assert await house.ask(OLGA, "/admin@sekretar_bot users", new) == "Whom shall I show?"
    assert await house.ask(ANNA, "/admin@sekretar_bot users", new) == "This is for admins."


async def test_message_that_waits_for_the_group_arrives_in_the_supergroup(house: House) -> None:
    old = house.world.add_chat("group", "Team", members={ANNA: "creator", BOT: "member"})
    await house.db(
        lambda: Chat.objects.create(bot_id=BOT, telegram_id=old.id, kind="group", title="Team", status=Access.ACTIVE)
    )
    house.say(ANNA, "/ask@sekretar_bot [[text Arrived]] [[hold]]", old.id)
    await house.until(lambda: house.models.calls)
    new = house.world.migrate(old.id)
    house.models.release()
    await house.quiet()

    arrived = next(chat for chat in house.world.chats.values() if chat.title == "Team" and chat.id != old.id)
    assert new
    assert "Arrived" in [message.get("text") for message in arrived.messages.values()]
