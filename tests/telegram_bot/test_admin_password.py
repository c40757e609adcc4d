"""The admin password: asked once a session, taken from the next message, gone from the chat, the rows, the models."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, Role, User
from conversations.models import Message
from delivery.models import Delivery
from llm.models import SyncRun
from llm.signals import models_synced
from telegram_bot.models import AdminSession, Update
from tests.house import ADMINS, ANNA, BOT, CHRIS, MODEL, OLGA, House, open_house
from tests.telegram_bot.test_access import let_in

PASSWORD = "correct horse battery staple"
ASKED = "🔐 This needs the admin password. Write it as your next message; I take it away at once."
DONE = "⛔ Анна: blocked"


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, ADMIN_PASSWORD=PASSWORD) as opened:
        yield opened


def audited() -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.filter(action__startswith="admin.").order_by("id")
    return [(entry.action, entry.via, entry.actor_label) for entry in entries]


def anna() -> str:
    return User.objects.get(telegram_id=ANNA).status


def written(house: House, chat_id: int) -> list[str]:
    """What people wrote in a chat and still stands there."""
    messages = house.world.chats[chat_id].messages.values()
    return [message.get("text", "") for message in messages if message.get("from", {}).get("id") != BOT]


async def age(house: House, **delta: float) -> None:
    """Let time go by for the session."""

    def call() -> None:
        for session in AdminSession.objects.all():
            past = timedelta(**delta)
            session.until = session.until and session.until - past
            session.failed_at = session.failed_at and session.failed_at - past
            if "at" in session.waiting:
                session.waiting["at"] -= past.total_seconds()
            session.save()

    await house.db(call)


async def test_sensitive_command_waits_for_the_password_and_goes_on(house: House) -> None:
    assert await house.ask(OLGA, f"/admin block {ANNA}") == ASKED
    assert await house.db(anna) == "active"
    assert await house.ask(OLGA, PASSWORD) == DONE
    assert await house.db(anna) == "blocked"
    assert await house.db(audited) == [("admin.password_right", "chat", "Ольга")]


async def test_one_session_asks_once_until_its_time_is_over(house: House) -> None:
    await house.ask(OLGA, f"/admin role {ANNA} editor")
    await house.ask(OLGA, PASSWORD)
    assert await house.ask(OLGA, f"/admin role {ANNA} member") == "✅ Анна: the role is member now."
    await age(house, minutes=31)
    assert await house.ask(OLGA, f"/admin role {ANNA} admin") == ASKED


@pytest.mark.parametrize("words", ["approve 103", "stats", "users", "models", "health", "enable gpt", "invite"])
async def test_what_is_not_sensitive_asks_for_nothing(house: House, words: str) -> None:
    assert "🔐" not in await house.ask(OLGA, f"/admin {words}")


@pytest.mark.parametrize("words", ["block 101", "role 101 editor", "disable gpt-4.1-mini", "invite admin 2"])
async def test_what_is_sensitive_asks(house: House, words: str) -> None:
    assert await house.ask(OLGA, f"/admin {words}") == ASKED


async def test_password_stays_in_no_chat_row_or_model(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    for text in ("a wrong guess", PASSWORD):
        await house.ask(OLGA, text)

    def rows() -> str:
        parts = [list(Update.objects.values_list("raw", flat=True)), list(AdminSession.objects.values())]
        parts += [list(Delivery.objects.values_list("content", flat=True)), list(AuditEntry.objects.values())]
        return str([*parts, list(Message.objects.values())])

    kept = await house.db(rows)
    for text in ("a wrong guess", PASSWORD):
        assert text not in kept
        assert text not in written(house, OLGA)
    assert not house.models.calls


async def test_next_message_after_the_password_is_a_question_again(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    await house.ask(OLGA, PASSWORD)
    await house.ask(OLGA, "How are you?")

    assert len(house.models.calls) == 1
    assert "How are you?" in written(house, OLGA)


async def test_edit_of_the_password_that_was_on_its_way_is_no_question(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    message = house.say(OLGA, PASSWORD)
    house.world.edit(OLGA, message["message_id"], f"{PASSWORD}!")
    await house.quiet()

    assert not house.models.calls
    assert PASSWORD not in str(await house.db(lambda: list(Update.objects.values_list("raw", flat=True))))


async def test_wrong_password_may_be_mended_at_once(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    assert await house.ask(OLGA, "guess") == "That is not the password. Write it again; 4 tries are left."
    assert await house.ask(OLGA, PASSWORD) == DONE


async def test_five_wrong_ones_close_the_door_for_a_quarter_of_an_hour(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    for _guess in range(4):
        await house.ask(OLGA, "guess")
    assert await house.ask(OLGA, "guess") == "Too many wrong passwords. Try again in 15 minutes."
    assert await house.ask(OLGA, f"/admin block {ANNA}") == "Too many wrong passwords. Try again in 15 minutes."
    assert house.heard(ADMINS) == [f"⚠️ The admin password was wrong 5 times: {OLGA}."]
    assert [action for action, _via, _who in await house.db(audited)] == ["admin.password_wrong"] * 5
    assert await house.db(anna) == "active"

    await age(house, minutes=15)
    assert await house.ask(OLGA, f"/admin block {ANNA}") == ASKED
    assert await house.ask(OLGA, PASSWORD) == DONE


async def test_right_one_forgets_the_wrong_ones(house: House) -> None:
    for _round in range(3):
        await house.ask(OLGA, f"/admin role {ANNA}")
        await house.ask(OLGA, "guess")
        await house.ask(OLGA, "guess")
        await house.ask(OLGA, PASSWORD)
        await age(house, minutes=31)

    assert "Too many" not in str(house.heard(OLGA))


async def test_admin_who_changes_their_mind_cancels(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    house.press(OLGA, "Cancel")
    await house.quiet()
    await house.ask(OLGA, "How are you?")

    assert len(house.models.calls) == 1
    assert await house.db(anna) == "active"


async def test_forgotten_wait_takes_no_question_for_a_password(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    await age(house, minutes=11)
    await house.ask(OLGA, "How are you?")

    assert len(house.models.calls) == 1
    assert await house.db(audited) == []


async def test_password_that_comes_too_late_is_taken_away_all_the_same(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    await age(house, minutes=11)

    assert await house.ask(OLGA, PASSWORD) == "That took too long. Please ask for it once more."
    assert PASSWORD not in written(house, OLGA)
    assert not house.models.calls
    assert await house.db(anna) == "active"


async def test_command_in_between_is_a_command(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}")
    assert await house.ask(OLGA, "/ping") == "Bot ready"
    assert await house.ask(OLGA, PASSWORD) == DONE


async def test_password_in_another_chat_opens_nothing(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}", ADMINS)
    house.say(OLGA, "hello there")
    await house.quiet()

    assert len(house.models.calls) == 1
    assert await house.db(anna) == "active"


async def test_admins_chat_asks_for_a_reply_and_the_others_message_is_nobodys_password(house: House) -> None:
    await let_in(house, CHRIS, Role.ADMIN)
    house.world.member(ADMINS, CHRIS, "member")
    house.world.member(ADMINS, BOT, "administrator")
    said = await house.ask(OLGA, f"/admin block {ANNA}", ADMINS)
    assert said.startswith("🔐 This needs the admin password. Reply to this message")
    prompt = house.messages(ADMINS)[-1]["message_id"]
    house.say(CHRIS, "What are you doing?", ADMINS, reply_to=prompt)
    await house.quiet()
    assert "What are you doing?" in written(house, ADMINS)
    house.say(OLGA, PASSWORD, ADMINS, reply_to=prompt)
    await house.quiet()

    assert house.heard(ADMINS)[-1] == DONE
    assert PASSWORD not in written(house, ADMINS)


async def test_admins_talk_while_a_password_is_awaited_is_no_try(house: House) -> None:
    house.world.member(ADMINS, BOT, "administrator")
    await house.ask(OLGA, f"/admin block {ANNA}", ADMINS)
    house.say(OLGA, "Who knows the password?", ADMINS)
    await house.quiet()

    assert "Who knows the password?" in written(house, ADMINS)
    assert await house.db(audited) == []
    assert await house.ask(OLGA, PASSWORD, ADMINS) == DONE
    assert PASSWORD not in written(house, ADMINS)


async def test_wrong_reply_in_the_admins_chat_is_a_try_and_taken_away(house: House) -> None:
    house.world.member(ADMINS, BOT, "administrator")
    await house.ask(OLGA, f"/admin block {ANNA}", ADMINS)
    house.say(OLGA, "guess", ADMINS, reply_to=house.messages(ADMINS)[-1]["message_id"])
    await house.quiet()

    assert house.heard(ADMINS)[-1].startswith("That is not the password.")
    assert "guess" not in written(house, ADMINS)
    assert await house.db(audited) == [("admin.password_wrong", "chat", "Ольга")]


async def test_button_under_the_news_of_models_asks_like_the_command(house: House) -> None:
    await house.db(news_of_models)
    await house.quiet()
    news = house.heard(ADMINS)[-1]
    house.press(OLGA, "🙈 Hide", ADMINS)
    await house.quiet()
    house.say(OLGA, PASSWORD, ADMINS, reply_to=house.messages(ADMINS)[-1]["message_id"])
    await house.quiet()

    assert house.heard(ADMINS)[0] == news
    assert house.heard(ADMINS)[-1] == "🙈 GPT-4.1 mini is hidden now."


def news_of_models() -> None:
    run = SyncRun.objects.create(slot="s", trigger="schedule", results={"openai": {"new": [MODEL]}})
    models_synced.send(sender=SyncRun, run=run, first=False)


async def test_bot_that_may_not_delete_says_so(house: House) -> None:
    await house.ask(OLGA, f"/admin block {ANNA}", ADMINS)
    house.fault("deleteMessage", "400", description="Bad Request: message can't be deleted for everyone")
    house.say(OLGA, PASSWORD, ADMINS, reply_to=house.messages(ADMINS)[-1]["message_id"])
    await house.quiet()

    assert any(text.startswith("⚠️ I could not delete the message") for text in house.heard(ADMINS))


async def test_members_words_are_never_looked_at(house: House) -> None:
    await house.ask(ANNA, PASSWORD)

    assert len(house.models.calls) == 1
    assert await house.db(AdminSession.objects.count) == 0


async def test_button_asks_in_place_and_goes_on_in_place(house: House) -> None:
    await house.ask(OLGA, "/admin models openai")
    house.press(OLGA, "🙈 Hide")
    await house.quiet()
    assert house.heard(OLGA) == [ASKED]
    await house.ask(OLGA, PASSWORD)

    assert house.heard(OLGA) == ["🙈 GPT-4.1 mini is hidden now."]


async def test_session_of_one_admin_is_not_anothers(house: House) -> None:
    await let_in(house, CHRIS, Role.ADMIN)
    await house.ask(OLGA, f"/admin role {ANNA}")
    await house.ask(OLGA, PASSWORD)

    assert await house.ask(CHRIS, f"/admin block {ANNA}") == ASKED


async def test_session_says_until_when_it_is_open(house: House, settings: Settings) -> None:
    settings.ADMIN_SESSION_MINUTES = 5
    await house.ask(OLGA, f"/admin role {ANNA}")
    await house.ask(OLGA, PASSWORD)
    session = await house.db(AdminSession.objects.get)

    assert session.until is not None
    assert 4.5 < (session.until - timezone.now()).total_seconds() / 60 <= 5
