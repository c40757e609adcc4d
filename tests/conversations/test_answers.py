"""A person asks, the bot answers: through the real wire on both sides."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from conversations.models import Assistant, Message, Request
from delivery.models import Delivery
from llm.models import Model
from llm.types import ChatRequest, End, Event, Text
from sandbox.telegram.files import Upload
from telegram_bot.markdown import units
from telegram_bot.models import Update
from tests.conversations.conftest import ScriptedProvider, choose, offer, requests
from tests.house import ANNA, BORIS, MODEL, House, every_statement


async def test_question_is_answered_and_everything_is_on_record(house: House) -> None:
    answer = await house.ask(ANNA, "Hello there")

    assert MODEL in answer
    request = await house.db(Request.objects.select_related("user", "model").get)
    assert request.user is not None
    assert request.model is not None
    assert (request.user.telegram_id, request.prompt, request.state) == (ANNA, "Hello there", "done")
    assert request.answer.startswith("Hello!")
    assert (request.model.name, request.model_ref, request.finish) == (MODEL, f"openai:{MODEL}", "stop")
    assert request.input_tokens
    assert request.output_tokens
    assert not request.estimated
    assert request.first_token_ms is not None
    assert request.total_ms is not None
    assert request.total_ms >= request.first_token_ms
    update = await house.db(Update.objects.get)
    assert update.state == "done"
    delivery = await house.db(Delivery.objects.get)
    assert (delivery.key, delivery.state) == (f"turn:{request.pk}:0", "sent")
    assert delivery.trace_id == update.trace_id == request.trace_id


async def test_dialog_goes_on_with_its_history(house: House) -> None:
    await house.ask(ANNA, "one")
    await house.ask(ANNA, "two")

    answer = await house.ask(ANNA, "[[history]]")

    assert json.loads(answer) == ["one", "two", "[[history]]"]


@pytest.mark.parametrize("command", ["/new", "/clear"])
async def test_new_begins_without_the_old_history(house: House, command: str) -> None:
    await house.ask(ANNA, "one")
    assert "new dialog" in await house.ask(ANNA, command)

    answer = await house.ask(ANNA, "[[history]]")

    assert json.loads(answer) == ["[[history]]"]


async def test_new_during_an_answer_waits_for_its_end(house: House) -> None:
    house.say(ANNA, "[[text Once upon a time there was a fox]] [[hold]]")
    await house.until(lambda: house.messages(ANNA))
    house.say(ANNA, "/new")
    house.say(ANNA, "[[history]]")

    house.models.release()
    await house.quiet()

    tale, fresh, history = house.heard(ANNA)
    assert tale == "Once upon a time there was a fox"
    assert "new dialog" in fresh
    assert json.loads(history) == ["[[history]]"]


async def test_stranger_never_reaches_a_model(house: House) -> None:
    answer = await house.ask(BORIS, "Tell me a secret")

    assert "запрос отправлен" in answer  # his app is in Russian
    assert not [call for call in house.models.calls if call.endpoint == "chat"]
    assert not await house.db(Message.objects.exists)


async def test_assistants_words_go_before_the_dialog(house: House) -> None:
    await house.db(Assistant.objects.create, name="Terse", prompt="Be terse.", is_default=True)

    assert await house.ask(ANNA, "[[system]]") == "Be terse."


async def test_raw_answer_is_replayed_to_its_own_model_only(house: House, settings: Settings) -> None:
    settings.DEEPSEEK_API_KEY, settings.DEEPSEEK_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/deepseek"
    await house.db(offer, "deepseek", "deepseek-flash")
    await house.db(choose, "deepseek-flash")
    await house.ask(ANNA, "Think [[reasoning]]")

    [message] = await house.db(lambda: list(Message.objects.filter(role="assistant")))
    assert message.raw_model == "deepseek:deepseek-flash"
    assert message.raw is not None
    assert message.raw["reasoning_content"]

    await house.db(choose, MODEL)
    await house.ask(ANNA, "Go on")
    replayed = house.models.calls[-1].body["messages"][1]
    assert replayed == {"role": "assistant", "content": message.content}


# --- long -----------------------------------------------------------------------------------------------------------


async def test_long_answer_comes_in_parts_with_whole_code_blocks(house: House) -> None:
    await house.ask(ANNA, "[[code 9]]")

    messages = house.messages(ANNA)
    assert len(messages) > 1
    assert all(units(message["text"]) <= 4096 for message in messages)
    blocks = [entity["length"] for message in messages for entity in message["entities"] if entity["type"] == "pre"]
    assert len(blocks) == 9
    assert max(blocks) - min(blocks) < 50
    request = (await house.db(requests))[0]
    assert all(f"total_{number}" in "".join(house.heard(ANNA)) for number in range(1, 10))
    assert "```" in request.answer


async def test_nothing_of_a_long_answer_is_lost(house: House) -> None:
    await house.ask(ANNA, "[[words 3000]]")

    said = " ".join(house.heard(ANNA)).split()
    assert said == (await house.db(requests))[0].answer.split()
    assert len(house.messages(ANNA)) > 3


async def test_long_paste_is_one_question(house: House) -> None:
    text = " ".join(f"word{number}" for number in range(1200))
    assert len(house.world.paste(ANNA, text)) == 3
    await house.quiet()

    [request] = await house.db(requests)
    assert request.prompt.split() == text.split()
    assert len(house.messages(ANNA)) == 1
    assert await house.db(Update.objects.filter(state="done").count) == 3


async def test_messages_of_usual_length_are_questions_of_their_own(house: House) -> None:
    house.say(ANNA, "a" * 3000)
    house.say(ANNA, "b" * 3000)
    await house.quiet()

    assert [len(request.prompt) for request in await house.db(requests)] == [3000, 3000]


async def test_film_is_declined_in_words(house: House) -> None:
    house.say(ANNA, "", file=("video", Upload("a.mp4", "video/mp4", b"a")))
    await house.quiet()

    assert house.heard(ANNA) == ["I cannot watch films. Send a picture of it, or put it in words."]


# --- what must not get lost -----------------------------------------------------------------------------------------


class Rude(ScriptedProvider):
    """Says what no database takes: half a character, and a NUL."""

    async def stream(self, _request: ChatRequest) -> AsyncGenerator[Event, None]:
        yield Text("Before \ud83d and \x00 after")
        yield End("stop", raw={"content": "\x00"})


async def test_answer_with_what_no_database_takes_is_cleaned_and_saved(house: House, settings: Settings) -> None:
    settings.LLM_PROVIDERS = {**settings.LLM_PROVIDERS, "rude": f"{__name__}.Rude"}
    settings.DEFAULT_MODEL = "rude:any"

    assert (await house.ask(ANNA, "Hello")).startswith("Before ? and")

    [request] = await house.db(requests)
    assert (request.state, request.error_kind) == ("done", "")
    assert await house.db(Update.objects.filter(state="done").count) == 1


async def test_answer_survives_a_database_that_is_away_for_a_moment(house: House) -> None:
    away = iter([True])

    def fault(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "conversations_message" in sql and next(away, False):
            raise OperationalError("the server closed the connection")
        return execute(sql, params, many, context)

    with every_statement(fault):
        answer = await house.ask(ANNA, "[[text Dear and paid for]]")

    assert answer == "Dear and paid for"
    assert len(house.models.calls) == 1
    assert (await house.db(requests))[0].attempts == 1


# What the engine does once a second and a transaction's edges are no work of a message.
NOT_OF_A_MESSAGE = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT lane, count(*)", "PRAGMA", "SELECT set_config")
# What puts on record that the question is done and that its answer was said.
ENDS = ('UPDATE "telegram_bot_update" SET "state"', 'UPDATE "delivery_delivery" SET "state"')


async def test_steady_message_costs_at_most_twelve_statements(house: House) -> None:
    seen: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(NOT_OF_A_MESSAGE) and "lease_until <" not in sql:
            seen.append(sql)
        return execute(sql, params, many, context)

    async def answered(text: str) -> None:
        """Not `House.quiet`, which asks the database. Between the end of one lane and the wake of the next none has
        work for a moment, so that alone is no end."""
        seen.clear()
        before = len(house.messages(ANNA))
        house.say(ANNA, text)
        await house.until(lambda: len(house.messages(ANNA)) > before)
        if "hold" in text:
            house.models.release()
        async with asyncio.timeout(60):
            while house.engine.health()["lanes"] or not all(any(sql.startswith(end) for sql in seen) for end in ENDS):
                await asyncio.sleep(0.01)

    async def fewest(text: str) -> list[str]:
        """The engine's look of each second may fall amid one message and wake its lane once more, but not amid all."""
        tries = []
        for _message in range(4):
            await answered(text)
            tries.append(list(seen))
        return min(tries, key=len)

    with every_statement(count):
        for _message in range(2):
            await answered("Hello there")
        plain = await fewest("How are you?")
        previewed = await fewest("[[text Slowly now]] [[hold]]")

    assert 8 <= len(plain) <= 12, plain
    # The preview's message is remembered, should the process die under it.
    assert len(previewed) == len(plain) + 1, previewed


# --- prices ---------------------------------------------------------------------------------------------------------


async def test_cost_is_on_record_where_the_price_is_known(house: House) -> None:
    await house.db(Model.objects.update, price_input=1, price_output=2)

    await house.ask(ANNA, "Hello there")

    [request] = await house.db(requests)
    assert request.cost is not None
    assert request.input_tokens is not None
    assert request.output_tokens is not None
    assert request.cost * 1_000_000 == request.input_tokens + 2 * request.output_tokens
