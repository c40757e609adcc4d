"""Who comes in: the stranger's request, the admins' card, the decision and what everybody hears of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import services as accounts
from accounts.models import Access, AuditEntry, Role, User
from delivery.models import Delivery
from telegram_bot import outgoing
from telegram_bot.outgoing import Key, Place
from tests.house import ADMINS, ANNA, BORIS, BOT, CHRIS, OLGA, House

SENT = "Hello! I work for a team. Your request is sent; I will write as soon as it is decided."
WAITING = "Your request is with the admins. I will write as soon as it is decided."
SORRY = "Sorry, the admins did not let you in. You can ask again tomorrow."


def person(telegram_id: int) -> User:
    return User.objects.get(telegram_id=telegram_id)


async def status(house: House, telegram_id: int = CHRIS) -> str:
    return (await house.db(person, telegram_id)).status


async def decide(house: House, status: Access, **more: Any) -> bool:
    """As the Django admin does."""

    def call() -> bool:
        return accounts.decide(person(CHRIS), status, via="admin", now=timezone.now(), **{"by": None, **more})

    done = await house.db(call)
    await house.quiet()
    return done


async def let_in(house: House, telegram_id: int, role: Role) -> None:
    def call() -> None:
        accounts.approve_telegram_ids([telegram_id], role=role, by=None, via="command", now=timezone.now())
        accounts.set_language(person(telegram_id), "en")

    await house.db(call)


def toasts(house: House) -> list[str]:
    """What presses were answered with, oldest first."""
    return [call.params.get("text", "") for call in house.calls("answerCallbackQuery")]


def decisions() -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(action="access.decided").order_by("id")
    return [(entry.details["old"], entry.details["new"]) for entry in entries]


async def press(house: House, user_id: int, label: str) -> None:
    """Press a button of the newest card."""
    house.press(user_id, label, ADMINS)
    await house.quiet()


# --- asking ---------------------------------------------------------------------------------------------------------


async def test_strangers_first_word_is_a_request_and_a_card_for_the_admins(house: House) -> None:
    assert await house.ask(CHRIS, "/start") == SENT

    (card,) = house.heard(ADMINS)
    assert card == "👤 Chris @chris 103 asks for access."
    assert list(house.buttons(ADMINS)) == ["✅ Approve", "🚫 Reject", "⛔ Block"]
    chris = await house.db(person, CHRIS)
    assert (chris.status, chris.role) == ("pending", "member")
    assert await house.db(AuditEntry.objects.filter(action="access.requested", actor=chris).exists)


async def test_nothing_works_for_a_stranger_and_the_sentence_comes_once_an_hour(house: House) -> None:
    await house.ask(CHRIS, "/start")
    for text in ("/help", "/models", "/ping", "/whoami", "/language", "/new", "/ask me", "/admin approve 103", "Hi"):
        house.say(CHRIS, text)
    await house.quiet()

    assert house.heard(CHRIS) == [SENT, WAITING]
    assert len(house.heard(ADMINS)) == 1
    assert not house.models.calls
    assert await status(house) == "pending"


@pytest.mark.parametrize(("minutes", "times"), [(59, 1), (61, 2)])
async def test_waiting_sentence_is_said_again_after_an_hour(house: House, minutes: int, times: int) -> None:
    await house.ask(CHRIS, "/start")
    await house.ask(CHRIS, "Hello?")
    then = timezone.now() - timedelta(minutes=minutes)
    await house.db(lambda: Delivery.objects.update(created_at=then))
    await house.ask(CHRIS, "Anybody?")

    assert house.heard(CHRIS).count(WAITING) == times


async def test_strangers_press_is_answered_and_does_nothing(house: House) -> None:
    await house.db(lambda: outgoing.say("old", Place(BOT, CHRIS), "Old", [[Key("📋 Models", "models")]]))
    await house.ask(CHRIS, "/start")
    message = house.messages(CHRIS)[0]
    house.world.press(CHRIS, message["message_id"], message["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
    await house.quiet()

    assert toasts(house) == [WAITING]
    assert house.heard(CHRIS) == ["Old", SENT]


async def test_markdown_in_a_name_shows_as_it_is(house: House) -> None:
    house.world.add_user(CHRIS, "*Chris* [x](http://y) `z`", username="ch_ris", language_code="en")
    await house.ask(CHRIS, "/start")

    assert house.heard(ADMINS) == ["👤 *Chris* [x](http://y) `z` @ch_ris 103 asks for access."]


async def test_card_speaks_the_houses_language_and_the_answer_the_persons(house: House, russian: None) -> None:
    house.say(BORIS, "Привет")
    house.say(BORIS, "Ау")
    await house.quiet()

    assert house.heard(BORIS)[-1] == "Заявка у администраторов."
    assert house.heard(ADMINS) == ["👤 Борис @boris 102 asks for access."]


# --- deciding -------------------------------------------------------------------------------------------------------


async def test_approved_person_is_told_and_the_card_says_who_decided(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await press(house, OLGA, "✅ Approve")

    assert house.heard(CHRIS)[-1].startswith("You are in!")
    assert house.heard(ADMINS) == ["👤 Chris @chris 103\n\n✅ active · Ольга"]
    assert house.buttons(ADMINS) == {}
    assert toasts(house) == ["✅ Chris: active"]
    chris = await house.db(person, CHRIS)
    assert (chris.status, chris.decided_at is not None) == ("active", True)
    assert await house.db(decisions) == [("pending", "active")]
    assert "practice model" in await house.ask(CHRIS, "Hello, model")


async def test_news_comes_in_the_persons_language(house: House, russian: None) -> None:
    await house.ask(BORIS, "Привет")
    await press(house, OLGA, "✅ Approve")

    assert house.heard(BORIS)[-1] == "Доступ открыт!"


async def test_of_two_admins_the_first_decides_and_the_second_is_told(house: House) -> None:
    await let_in(house, BORIS, Role.ADMIN)
    house.world.member(ADMINS, BORIS, "member")
    await house.ask(CHRIS, "/start")
    house.press(OLGA, "✅ Approve", ADMINS)
    house.press(BORIS, "🚫 Reject", ADMINS)
    await house.quiet()

    first, second = toasts(house)
    assert first == "✅ Chris: active"
    assert second == "Already decided: Chris, active."
    assert await status(house) == "active"
    assert len([entry for entry in await house.db(decisions) if entry[0] == "pending"]) == 2  # Борис, Chris
    assert [text for text in house.heard(CHRIS) if text.startswith("You are in!")] == house.heard(CHRIS)[1:]


async def test_same_button_pressed_twice_decides_once(house: House) -> None:
    await house.ask(CHRIS, "/start")
    house.press(OLGA, "✅ Approve", ADMINS)
    house.press(OLGA, "✅ Approve", ADMINS)
    await house.quiet()

    assert await house.db(decisions) == [("pending", "active")]
    assert len(house.heard(CHRIS)) == 2


async def test_member_in_the_admins_chat_cannot_decide(house: House) -> None:
    house.world.member(ADMINS, ANNA, "member")
    await house.ask(CHRIS, "/start")
    await press(house, ANNA, "✅ Approve")

    assert toasts(house) == ["This is for admins."]
    assert house.calls("answerCallbackQuery")[0].params["show_alert"] is True
    assert await status(house) == "pending"


async def test_stranger_in_the_admins_chat_cannot_decide(house: House) -> None:
    house.world.member(ADMINS, BORIS, "member")
    await house.ask(CHRIS, "/start")
    await press(house, BORIS, "✅ Approve")

    assert await house.db(decisions) == []
    assert await status(house) == "pending"


async def test_rejected_person_is_told_once_and_stays_outside(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await press(house, OLGA, "🚫 Reject")
    for text in ("Please", "Pretty please"):
        house.say(CHRIS, text)
    await house.quiet()

    assert house.heard(CHRIS) == [SENT, SORRY, SORRY]  # the decision, and the answer to the first plea of the day
    assert house.heard(ADMINS) == ["👤 Chris @chris 103\n\n🚫 rejected · Ольга"]
    assert not house.models.calls


async def test_rejected_person_may_ask_again_after_a_day(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await press(house, OLGA, "🚫 Reject")
    yesterday = timezone.now() - timedelta(hours=25)
    rows = User.objects.filter(telegram_id=CHRIS)
    await house.db(lambda: rows.update(decided_at=yesterday, requested_at=yesterday))

    assert await house.ask(CHRIS, "Now?") == SENT
    assert len(house.heard(ADMINS)) == 2


async def test_blocked_person_meets_silence(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await press(house, OLGA, "⛔ Block")
    for text in ("/start", "Why?"):
        house.say(CHRIS, text)
    await house.quiet()

    assert house.heard(CHRIS) == [SENT]
    assert house.heard(ADMINS) == ["👤 Chris @chris 103\n\n⛔ blocked · Ольга"]


async def test_decision_of_the_web_admin_leads_to_the_same_messages(house: House) -> None:
    await house.ask(CHRIS, "/start")
    operator = await house.db(lambda: User.objects.create(username="maria", first_name="Maria", is_staff=True))
    assert await decide(house, Access.ACTIVE, by=operator)

    assert house.heard(CHRIS)[-1].startswith("You are in!")
    assert house.heard(ADMINS) == ["👤 Chris @chris 103\n\n✅ active · Maria"]


async def test_access_taken_back_later_is_told_and_holds(house: House) -> None:
    await let_in(house, CHRIS, Role.MEMBER)
    await decide(house, Access.REJECTED)

    assert house.heard(CHRIS)[-1] == SORRY
    house.say(CHRIS, "Hello?")
    await house.quiet()
    assert not house.models.calls


async def test_card_of_a_person_who_is_gone_says_so(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await house.db(User.objects.filter(telegram_id=CHRIS).delete)
    await press(house, OLGA, "✅ Approve")

    assert toasts(house) == ["There is no such request any more."]


# --- by command -----------------------------------------------------------------------------------------------------


async def test_admin_approves_by_id_in_words(house: House) -> None:
    await house.ask(CHRIS, "/start")

    assert await house.ask(OLGA, "/admin") == "Waiting for access:\n• Chris @chris 103"
    assert await house.ask(OLGA, "/admin approve 103") == "✅ Chris: active"
    assert await house.ask(OLGA, "/admin approve 103") == "Already decided: Chris, active."
    assert await house.ask(OLGA, "/admin") == "Nobody waits for access."
    assert house.heard(ADMINS) == ["👤 Chris @chris 103\n\n✅ active · Ольга"]
    assert await house.db(decisions) == [("pending", "active")]


async def test_admin_takes_access_back_by_id(house: House) -> None:
    assert await house.ask(OLGA, f"/admin block {ANNA}") == "⛔ Анна: blocked"
    assert await status(house, ANNA) == "blocked"


async def test_command_refuses_what_it_cannot_read(house: House) -> None:
    for words in ("approve", "approve Chris", "approve ²", "approve -5", "befriend 103", "approve 103 104"):
        assert (await house.ask(OLGA, f"/admin {words}")).startswith("Write /admin approve <id>"), words
    for unknown in ("4711", "9" * 30):
        assert await house.ask(OLGA, f"/admin approve {unknown}") == f"I do not know anybody with the id {unknown}."


async def test_only_admin_keeps_their_own_access(house: House) -> None:
    assert await house.ask(OLGA, f"/admin block {OLGA}") == (
        "You are the only admin. Make somebody else an admin first."
    )
    assert await status(house, OLGA) == "active"


async def test_command_is_refused_to_a_member(house: House) -> None:
    await house.ask(CHRIS, "/start")

    assert await house.ask(ANNA, "/admin approve 103") == "This is for admins."
    assert await house.ask(ANNA, "/admin") == "This is for admins."
    assert await status(house) == "pending"


# --- invitations ----------------------------------------------------------------------------------------------------


def invitation(role: Role = Role.MEMBER, hours: float = 1, age: float = 0) -> str:
    """A token made ``age`` hours ago by Ольга, good for ``hours``."""
    made = timezone.now() - timedelta(hours=age)
    return accounts.create_invite(role=role, hours=hours, by=person(OLGA), now=made)[1]


async def test_invitation_lets_in_with_its_role(house: House) -> None:
    token = await house.db(invitation, Role.EDITOR)
    await house.ask(CHRIS, f"/start {token}")

    assert any(text.startswith("Hello, Chris!") for text in house.heard(CHRIS))
    assert house.heard(ADMINS) == []
    chris = await house.db(person, CHRIS)
    assert (chris.status, chris.role) == ("active", "editor")
    assert await house.db(AuditEntry.objects.filter(action="invite.redeemed", actor=chris, via="invite").exists)


async def test_used_invitation_lets_nobody_else_in(house: House) -> None:
    token = await house.db(invitation)
    await house.ask(CHRIS, f"/start {token}")
    house.say(BORIS, f"/start {token}")
    await house.quiet()

    assert await status(house, BORIS) == "pending"
    assert len(house.heard(ADMINS)) == 1


async def test_expired_invitation_is_an_ordinary_request(house: House) -> None:
    token = await house.db(invitation, Role.ADMIN, 1, 2)

    assert await house.ask(CHRIS, f"/start {token}") == SENT
    assert await status(house) == "pending"


async def test_invitation_does_not_open_for_the_blocked(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await press(house, OLGA, "⛔ Block")
    token = await house.db(invitation)
    house.say(CHRIS, f"/start {token}")
    await house.quiet()

    assert await status(house) == "blocked"


async def test_member_gets_the_higher_role_of_an_invitation(house: House) -> None:
    token = await house.db(invitation, Role.ADMIN)
    await house.ask(ANNA, f"/start {token}")

    assert (await house.db(person, ANNA)).role == "admin"
    menu = house.calls("setMyCommands", ANNA) or house.calls("setMyCommands")
    assert "admin" in [command["command"] for command in menu[-1].params["commands"]]


async def test_without_an_admins_chat_a_request_is_on_record_all_the_same(house: House, settings: Settings) -> None:
    settings.ADMIN_CHAT_ID = 0

    assert await house.ask(CHRIS, "/start") == SENT
    assert house.heard(ADMINS) == []
    assert await house.ask(OLGA, "/admin") == "Waiting for access:\n• Chris @chris 103"
