"""A person asks, the bot answers: through the real wire on both sides."""

import json

from conversations.models import Message, Request
from delivery.models import Delivery
from telegram_bot.models import Update
from tests.house import ANNA, BORIS, MODEL, House


async def test_question_is_answered_and_everything_is_on_record(house: House) -> None:
    answer = await house.ask(ANNA, "Hello there")

    assert MODEL in answer or answer
    request = await house.db(Request.objects.select_related("user", "model").get)
    assert (request.user.telegram_id, request.prompt, request.state) == (ANNA, "Hello there", "done")
    assert request.answer
    assert request.model.name == MODEL
    assert request.input_tokens
    assert request.output_tokens
    assert not request.estimated
    assert request.first_token_ms is not None
    assert request.total_ms >= request.first_token_ms
    update = await house.db(Update.objects.get)
    assert update.state == "done"
    delivery = await house.db(
        Delivery.objects.get,
    )
    assert (delivery.key, delivery.state) == (f"turn:{request.pk}:0", "sent")
    assert delivery.trace_id == update.trace_id == request.trace_id


async def test_dialog_goes_on_with_its_history(house: House) -> None:
    await house.ask(ANNA, "one")
    await house.ask(ANNA, "two")

    answer = await house.ask(ANNA, "[[history]]")

    assert json.loads(answer) == ["one", "two", "[[history]]"]


async def test_new_begins_without_the_old_history(house: House) -> None:
    await house.ask(ANNA, "one")
    assert "new dialog" in await house.ask(ANNA, "/new")

    answer = await house.ask(ANNA, "[[history]]")

    assert json.loads(answer) == ["[[history]]"]


async def test_stranger_never_reaches_a_model(house: House) -> None:
    answer = await house.ask(BORIS, "Tell me a secret")

    assert "request is sent" in answer
    assert not [call for call in house.models.calls if call.endpoint == "chat"]
    assert not await house.db(Message.objects.exists)
