"""How a message leaves, and what Telegram's refusals lead to: the contract's table of errors, over the wire."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat
from delivery import services
from delivery.models import Delivery, Doubt
from telegram_bot import outgoing
from telegram_bot.outgoing import Place
from tests.house import ADMINS, ANNA, BOT, House, open_house


async def say(house: House, text: str = "hello", key: str = "k", **more: Any) -> Delivery:
    """Enqueue and wait until it is settled or waiting."""
    place = Place(BOT, ANNA, **more)
    await house.db(outgoing.say, key, place, text)
    await house.quiet()
    return await house.db(Delivery.objects.get)


async def test_message_is_sent_and_its_id_recorded(house: House) -> None:
    delivery = await say(house)

    assert (delivery.state, delivery.attempts) == ("sent", 1)
    assert delivery.message_id in house.world.chats[ANNA].messages


async def test_same_key_is_said_once(house: House) -> None:
    await say(house)
    await say(house)

    assert house.heard(ANNA) == ["hello"]


async def test_429_waits_without_counting_as_an_attempt_and_then_arrives(house: House) -> None:
    house.fault("sendMessage", "429", retry_after=1)
    await house.db(outgoing.say, "k", Place(BOT, ANNA), "hello")

    await house.until(lambda: house.heard(ANNA))
    await house.quiet()

    delivery = await house.db(Delivery.objects.get)
    assert (delivery.state, delivery.attempts, delivery.repeated) == ("sent", 1, False)


async def test_server_error_is_tried_again_unmarked(house: House) -> None:
    house.fault("sendMessage", "500")
    await house.db(outgoing.say, "k", Place(BOT, ANNA), "hello")

    await house.until(lambda: house.heard(ANNA))

    assert house.heard(ANNA) == ["hello"]


async def test_cut_line_is_tried_again_and_marked_as_possibly_repeated(house: House) -> None:
    house.fault("sendMessage", "cut_after")
    await house.db(outgoing.say, "k", Place(BOT, ANNA), "**hello**")

    await house.until(lambda: len(house.heard(ANNA)) == 2)

    first, second = house.messages(ANNA)
    assert first["text"] == "hello"
    assert second["text"] == "↻ possibly a repetition\nhello"
    assert second["entities"][0]["offset"] == len("↻ possibly a repetition\n")


async def test_doubtful_message_that_must_not_repeat_is_left_to_a_person(house: House) -> None:
    house.fault("sendMessage", "cut_after")
    row = outgoing.message(
        "k", Place(BOT, ANNA), {"method": "sendMessage", "params": {"chat_id": ANNA, "text": "x"}}, "t"
    )
    row.on_doubt = Doubt.ASK
    await house.db(services.enqueue, [row])
    await house.until(lambda: house.calls("sendMessage"))
    await house.quiet()

    delivery = await house.db(Delivery.objects.get)
    assert (delivery.state, delivery.error_kind) == ("unknown", "network")
    assert house.heard(ANNA) == ["x"]


async def test_blocked_bot_ends_the_delivery_and_marks_the_chat(house: House) -> None:
    house.world.block(ANNA)

    delivery = await say(house)

    assert (delivery.state, delivery.error_kind) == ("failed", "forbidden")
    chat = await house.db(lambda: Chat.objects.get(telegram_id=ANNA))
    assert "blocked" in chat.unreachable


async def test_migrated_group_is_followed(house: House) -> None:
    group = house.world.add_chat("group", "Old", members={ANNA: "member", BOT: "member"})
    await house.db(lambda: Chat.objects.create(bot_id=BOT, telegram_id=group.id, kind="group", status="active"))
    moved = house.world.migrate(group.id)
    await house.quiet()
    await house.db(outgoing.say, "k", Place(BOT, group.id), "hello")
    await house.quiet()

    assert house.heard(moved.id) == ["hello"]
    chat = await house.db(lambda: Chat.objects.get(telegram_id=moved.id))
    assert (chat.migrated_from, chat.status) == (group.id, "active")


async def test_bad_entities_fall_back_to_plain_text(house: House) -> None:
    house.fault("sendMessage", "400", description="Bad Request: can't parse entities: nope")
    delivery = await say(house, "**hello**")

    assert delivery.state == "sent"
    assert "entities" not in house.messages(ANNA)[0]


async def test_edit_of_a_message_that_is_gone_becomes_a_new_message(house: House) -> None:
    delivery = await say(house, "new text", edit=999_999)

    assert delivery.state == "sent"
    assert house.heard(ANNA) == ["new text"]


async def test_unchanged_edit_is_a_success(house: House) -> None:
    await say(house, "same")
    message_id = house.messages(ANNA)[0]["message_id"]
    await house.db(outgoing.say, "again", Place(BOT, ANNA, edit=message_id), "same")
    await house.quiet()

    delivery = await house.db(lambda: Delivery.objects.get(key="again:0"))
    assert delivery.state == "sent"


async def test_chat_that_is_closed_to_us_does_not_hold_others_up(house: House) -> None:
    house.fault("sendMessage", "429", times=None, chat_id=ANNA, retry_after=60)
    await house.db(outgoing.say, "slow", Place(BOT, ANNA), "waits")
    await house.db(outgoing.say, "quick", Place(BOT, ADMINS), "arrives")

    await house.until(lambda: house.heard(ADMINS))
    await house.quiet()

    assert house.heard(ADMINS) == ["arrives"]
    waiting = await house.db(lambda: Delivery.objects.get(key="slow:0"))
    assert waiting.state == "queued"
    assert waiting.not_before is not None
    assert waiting.not_before > timezone.now()


@pytest.mark.parametrize("state", ["failed", "unknown", "cancelled"])
async def test_operator_can_send_an_ended_message_again(house: House, state: str) -> None:
    row = outgoing.message(
        "k", Place(BOT, ANNA), {"method": "sendMessage", "params": {"chat_id": ANNA, "text": "x"}}, "t"
    )
    row.state = Delivery.State(state)
    await house.db(services.enqueue, [row])
    await house.quiet()
    assert house.heard(ANNA) == []

    stored = await house.db(Delivery.objects.get)
    assert await house.db(lambda: services.retry(stored, now=timezone.now()))
    await house.until(lambda: house.heard(ANNA))
    await house.quiet()
    assert (await house.db(Delivery.objects.get)).state == "sent"


async def test_message_that_waits_for_its_turn_is_not_on_its_way(transactional_db: None, settings: Settings) -> None:
    """A crash now must not make it look as if it might have arrived."""
    async with open_house(settings, TELEGRAM_RATE_CHAT=0.001) as slow:
        for number in range(4):
            await slow.db(outgoing.say, f"k{number}", Place(BOT, ANNA), str(number))
        await slow.until(lambda: len(slow.heard(ANNA)) == 3)
        await slow.until(lambda: slow.engine.health()["lanes"])

        waiting = await slow.db(lambda: Delivery.objects.get(key="k3:0"))
        assert (waiting.state, waiting.attempts) == ("queued", 0)
