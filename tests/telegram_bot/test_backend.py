"""What Telegram's refusals mean for a message: the error, and what happens to the delivery over the wire."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from accounts.models import Chat
from delivery import services
from delivery.models import Delivery
from sandbox.telegram.chats import Topic
from telegram_bot import outgoing
from telegram_bot.backend import meaning_of
from telegram_bot.markdown import Part
from telegram_bot.outgoing import Place
from tests.house import ADMINS, ANNA, BOT, OLGA, TEAM, House
from tests.telegram_bot.test_groups import open_group

# --- what an error means ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "permanent"),
    [
        (Forbidden("Forbidden: bot was blocked by the user"), "forbidden", True),
        (Forbidden("Forbidden: user is deactivated"), "forbidden", True),
        (BadRequest("Chat not found"), "forbidden", True),
        (BadRequest("Not enough rights to send text messages to the chat"), "forbidden", True),
        (BadRequest("Need administrator rights in the channel chat"), "forbidden", True),
        (BadRequest("Chat_write_forbidden"), "forbidden", True),
        (BadRequest("Message thread not found"), "topic", True),
        (BadRequest("Topic_closed"), "topic", True),
        (BadRequest("Message is too long"), "rejected", True),
        (BadRequest("Message text is empty"), "rejected", True),
        (BadRequest("Button_data_invalid"), "rejected", True),
        (Conflict("Conflict: terminated by other getUpdates request"), "conflict", False),
        (NetworkError("Bad Gateway"), "network", False),
        (TelegramError("Internal Server Error"), "telegram", False),
    ],
)
def test_error_is_told_by_its_text_and_class(error: TelegramError, kind: str, permanent: bool) -> None:
    meaning = meaning_of(error)

    assert (meaning.kind, meaning.permanent, meaning.retry_after) == (kind, permanent, None)


def test_429_asks_for_its_pause_and_a_little_more() -> None:
    assert meaning_of(RetryAfter(17)).retry_after == pytest.approx(17.2)


@pytest.mark.parametrize("error", [InvalidToken("Unauthorized"), EndPointNotFound("Not found")])
def test_refused_token_lets_the_message_wait(error: TelegramError) -> None:
    meaning = meaning_of(error)

    assert (meaning.kind, meaning.permanent, meaning.retry_after) == ("token", False, 30.0)


def test_answer_of_the_server_leaves_no_doubt() -> None:
    assert not meaning_of(NetworkError("Bad Gateway")).doubt


def test_answer_that_is_none_of_the_api_leaves_doubt() -> None:
    assert meaning_of(TelegramError("Invalid server response")).doubt


def test_silence_of_the_line_leaves_doubt() -> None:
    error = TimedOut()
    error.__cause__ = httpx.ReadTimeout("")
    assert meaning_of(error).doubt


# --- over the wire ------------------------------------------------------------------------------------------------


async def say(house: House, chat_id: int = ANNA, text: str | list[Part] = "hello", **more: Any) -> Delivery:
    """Enqueue, wait until it is settled or waiting, and give its row."""
    await house.db(outgoing.say, "k", Place(BOT, chat_id, **more), text)
    await house.quiet()
    return await house.db(lambda: Delivery.objects.get(key="k:0"))


def ended(delivery: Delivery) -> tuple[str, str]:
    return delivery.state, delivery.error_kind


async def test_chat_nobody_knows_is_closed_to_us(house: House) -> None:
    await house.db(lambda: Chat.objects.create(bot_id=BOT, telegram_id=555, kind="private"))
    assert ended(await say(house, 555)) == ("failed", "forbidden")

    chat = await house.db(lambda: Chat.objects.get(telegram_id=555))
    assert chat.unreachable == "Chat not found"


async def test_group_where_members_may_not_write_is_closed_and_told(house: House) -> None:
    await open_group(house)
    house.world.chats[TEAM].permissions["can_send_messages"] = False
    assert ended(await say(house, TEAM)) == ("failed", "forbidden")

    chat = await house.db(lambda: Chat.objects.get(telegram_id=TEAM))
    assert "rights" in chat.unreachable
    assert len(house.heard(ADMINS)) == 1


async def test_person_who_deleted_their_account_is_closed_silently(house: House) -> None:
    house.world.chats[ANNA].deactivated = True
    assert ended(await say(house)) == ("failed", "forbidden")

    assert house.heard(ADMINS) == []


@pytest.mark.parametrize("thread", [4711, 7])
async def test_topic_that_is_gone_or_closed_is_told_and_nothing_goes_elsewhere(house: House, thread: int) -> None:
    forum = house.world.add_chat("supergroup", "Форум", members={ANNA: "creator", BOT: "member"}, is_forum=True)
    forum.topics[7] = Topic(7, "Закрытая", closed=True)
    await house.db(
        lambda: Chat.objects.create(bot_id=BOT, telegram_id=forum.id, kind="supergroup", title="Форум", status="active")
    )
    assert ended(await say(house, forum.id, thread=thread)) == ("failed", "topic")

    assert house.heard(forum.id) == []
    assert house.heard(ADMINS)[0].startswith("⚠️ A message for Форум was not sent: its topic is closed or gone.")
    chat = await house.db(lambda: Chat.objects.get(telegram_id=forum.id))
    assert chat.unreachable == ""


async def test_message_to_reply_to_is_gone_and_the_answer_comes_all_the_same(house: House) -> None:
    house.fault("sendMessage", "400", description="Bad Request: message to be replied not found")
    delivery = await say(house, reply_to=4711)

    assert delivery.state == "sent"
    first, second = house.calls("sendMessage")
    assert "reply_parameters" in first.params
    assert "reply_parameters" not in second.params


async def test_reply_to_a_message_that_is_gone_is_allowed_at_once(house: House) -> None:
    assert (await say(house, reply_to=4711)).state == "sent"
    assert len(house.calls("sendMessage")) == 1


async def test_message_that_cannot_be_edited_any_more_is_sent_anew(house: House) -> None:
    house.say(ANNA, "Hi")
    await house.quiet()
    house.fault("editMessageText", "400", description="Bad Request: message can't be edited")
    mine = house.messages(ANNA)[-1]["message_id"]
    delivery = await say(house, text="new words", edit=mine)

    assert delivery.state == "sent"
    assert delivery.message_id != mine
    assert house.heard(ANNA)[-1] == "new words"


@pytest.mark.parametrize(
    "part",
    [Part("x" * 4097), Part(" ")],
)
async def test_message_of_a_wrong_length_is_our_bug_and_holds_nobody_up(house: House, part: Part) -> None:
    delivery = await say(house, text=[part])
    await house.db(outgoing.say, "next", Place(BOT, ANNA), "I am fine")
    await house.quiet()

    assert ended(delivery) == ("failed", "rejected")
    assert house.heard(ANNA) == ["I am fine"]
    assert "Telegram refused it" in house.heard(ADMINS)[0]


async def test_callback_data_that_is_too_long_is_our_bug(house: House) -> None:
    keyboard = [[outgoing.Key("Press", callback="x" * 65)]]
    await house.db(lambda: outgoing.say("k", Place(BOT, ANNA), "hello", keyboard))
    await house.quiet()

    assert ended(await house.db(Delivery.objects.get, key="k:0")) == ("failed", "rejected")


async def test_refused_in_every_form_is_given_up(house: House) -> None:
    house.fault("sendMessage", "400", times=None, description="Bad Request: can't parse entities: nope")

    assert ended(await say(house, text="**hello**")) == ("failed", "rejected")
    assert len(house.calls("sendMessage", ANNA)) == 2


async def test_revoked_token_keeps_messages_for_later(house: House) -> None:
    house.fault("sendMessage", "401")
    delivery = await say(house)

    assert (delivery.state, delivery.error_kind, delivery.attempts) == ("queued", "token", 0)
    assert delivery.not_before is not None
    assert 20 < (delivery.not_before - timezone.now()).total_seconds() <= 30


async def test_edit_of_an_earlier_message_finds_its_number(house: House) -> None:
    await say(house)
    await house.db(lambda: outgoing.say("later", Place(BOT, ANNA), "new words", edit_of="k:0"))
    await house.quiet()

    assert house.heard(ANNA) == ["new words"]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_edit_of_a_message_that_never_left_is_given_up(house: House, state: str) -> None:
    await house.db(lambda: Delivery.objects.create(key="k:0", lane="out:0:0", source="t", state=state))
    await house.db(lambda: outgoing.say("later", Place(BOT, ANNA), "new words", edit_of="k:0"))
    await house.quiet()

    assert ended(await house.db(Delivery.objects.get, key="later:0")) == ("failed", "nothing to edit")


async def test_edit_of_a_message_that_still_waits_waits_too(house: House) -> None:
    later = timezone.now() + timedelta(hours=1)
    await house.db(
        lambda: Delivery.objects.create(key="k:0", lane="out:0:0", source="t", state="queued", not_before=later)
    )
    await house.db(lambda: outgoing.say("later", Place(BOT, ANNA), "new words", edit_of="k:0"))
    await house.quiet()

    row = await house.db(Delivery.objects.get, key="later:0")
    assert (row.state, row.error_kind, row.attempts) == ("queued", "waiting", 0)


async def test_long_message_that_is_repeated_goes_without_the_mark(house: House) -> None:
    row = outgoing.message(
        "k:0",
        Place(BOT, ANNA),
        {"method": "sendMessage", "params": {"chat_id": ANNA, "text": "x" * 4096}},
        "t",
    )
    row.repeated = True
    await house.db(services.enqueue, [row])
    await house.quiet()

    assert house.heard(ANNA) == ["x" * 4096]


async def test_group_that_moved_while_we_wrote_is_followed_at_once(house: House) -> None:
    group = house.world.add_chat("group", "Старая", members={OLGA: "creator", BOT: "member"})
    await open_group(house, group.id)
    moved = house.world.migrate(group.id)
    house.world.updates.clear()  # the news of it are still on their way
    delivery = await say(house, group.id)

    assert (delivery.state, delivery.result) == ("sent", {"chat_id": moved.id})
    assert house.heard(moved.id) == ["hello"]
    chat = await house.db(Chat.objects.get, telegram_id=moved.id)
    assert (chat.migrated_from, chat.status) == (group.id, "active")
