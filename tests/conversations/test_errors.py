"""Whatever goes wrong with a provider: one kind sentence, a way on, the kind on record, and nothing lost."""

from collections.abc import AsyncGenerator
from typing import get_args

import pytest
from pytest_django import Settings

from conversations import words
from conversations.models import Message
from conversations.services import OWN_KINDS
from delivery.models import Delivery
from llm.errors import TRANSIENT, Kind
from llm.types import ChatRequest, Event, Text
from tests.conversations.conftest import ScriptedProvider, choose, offer, requests
from tests.house import ADMINS, ANNA, House

KINDS = [*get_args(Kind), *OWN_KINDS]
# What the fake server must do so that a kind comes about.
CAUSES = {
    "auth": "error auth",
    "billing": "error billing",
    "forbidden_region": "error region",
    "model_not_found": "error model",
    "bad_request": "error bad_request",
    "context_too_long": "error context",
    "too_large": "error too_large",
    "blocked": "error blocked",
    "quota_daily": "error quota",
    # A provider that asks to wait for a minute is not waited for.
    "rate_limited": "error rate 60",
    "overloaded": "error overloaded 60",
    "server": "error server 60",
    "network": "cut 0",
    "timeout": "hang",
    "empty": "empty answer",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence_of_its_own(kind: str) -> None:
    sentence = words.sorry(kind)

    assert sentence != words.sorry("unheard of") or kind == "bug"
    assert sentence.endswith(".")


def test_every_kind_of_a_provider_is_caused_below() -> None:
    assert set(get_args(Kind)) <= CAUSES.keys()


@pytest.mark.parametrize("kind", CAUSES)
async def test_error_gives_a_sentence_a_button_and_a_record(house: House, settings: Settings, kind: str) -> None:
    settings.LLM_FIRST_TOKEN_TIMEOUT_SEC = 0.05 if kind == "timeout" else 60

    answer = await house.ask(ANNA, f"Tell me [[{CAUSES[kind]}]]")

    assert answer == words.sorry(kind)
    assert list(house.buttons(ANNA)) == ["📋 Models"]
    [request] = await house.db(requests)
    assert (request.state, request.error_kind, request.answer) == ("failed", kind, "")
    assert (request.cost, request.first_token_ms) == (None, None)
    assert request.total_ms is not None
    assert not await house.db(Message.objects.exists)


@pytest.mark.parametrize("kind", sorted(TRANSIENT - {"network", "timeout"}))
async def test_passing_trouble_is_not_noticed(house: House, kind: str) -> None:
    word = {"rate_limited": "rate"}.get(kind, kind)
    house.models.rule(error=word, times=1)

    answer = await house.ask(ANNA, "[[text All is well]]")

    assert answer == "All is well"
    [request] = await house.db(requests)
    assert (request.state, request.error_kind) == ("done", "")


async def test_answer_that_breaks_off_is_kept_with_a_word_about_it(house: House) -> None:
    answer = await house.ask(ANNA, "[[text Once upon a time there was a fox]] [[cut]]")

    [request] = await house.db(requests)
    assert request.answer
    assert "Once upon a time there was a fox".startswith(request.answer)
    assert answer == f"{request.answer}\n\n{words.cut_short('network')}"
    assert list(house.buttons(ANNA)) == ["📋 Models"]
    assert (request.state, request.error_kind) == ("failed", "network")
    assert request.estimated
    assert request.output_tokens


async def test_model_remembers_what_came_of_a_broken_answer(house: House) -> None:
    await house.ask(ANNA, "[[text Once upon a time there was a fox]] [[cut]]")

    await house.ask(ANNA, "Go on")

    said = house.models.calls[-1].body["messages"]
    assert [message["role"] for message in said] == ["user", "assistant", "user"]
    assert said[1]["content"].startswith("Once")


async def test_error_inside_a_stream_keeps_what_came(house: House) -> None:
    answer = await house.ask(ANNA, "[[words 40]] [[error stream]]")

    [request] = await house.db(requests)
    assert request.answer.startswith("Sentence 1")
    assert answer == f"{request.answer}\n\n{words.cut_short(request.error_kind)}"


async def test_note_stands_outside_a_code_block_that_was_cut(house: House) -> None:
    await house.ask(ANNA, "[[code 1]] [[cut]]")

    message = house.messages(ANNA)[-1]
    [block] = [entity for entity in message["entities"] if entity["type"] == "pre"]
    text = message["text"].encode("utf-16-le")
    assert "⚠️" in text[(block["offset"] + block["length"]) * 2 :].decode("utf-16-le")


async def test_unanswered_question_does_not_stand_in_the_history(house: House) -> None:
    await house.ask(ANNA, "Fails [[error bad_request]]")

    assert await house.ask(ANNA, "Works [[history]]") == '["Works [[history]]"]'


async def test_button_under_an_error_shows_the_models_and_leaves_the_sentence(house: House) -> None:
    sorry = await house.ask(ANNA, "[[error bad_request]]")

    house.press(ANNA, "📋 Models")
    await house.quiet()

    assert house.heard(ANNA)[0] == sorry
    assert "Whose models" in house.heard(ANNA)[1]


async def test_filter_that_stops_an_answer_leaves_what_came(house: House) -> None:
    answer = await house.ask(ANNA, "[[text Half of this is fine]] [[blocked late]]")

    [request] = await house.db(requests)
    assert (request.state, request.error_kind) == ("failed", "blocked")
    assert request.answer == "Half of th"
    assert answer == f"Half of th\n\n{words.cut_short('blocked')}"


async def test_filter_that_lets_nothing_out_is_a_refusal(house: House) -> None:
    assert await house.ask(ANNA, "[[blocked]]") == words.sorry("blocked")

    assert (await house.db(requests))[0].error_kind == "blocked"


async def test_model_that_only_thinks_gave_no_answer(house: House) -> None:
    answer = await house.ask(ANNA, "[[reasoning]] [[empty answer]]")

    assert answer == words.sorry("empty")
    [request] = await house.db(requests)
    assert request.error_kind == "empty"
    assert request.output_tokens
    assert not request.estimated


async def test_limit_of_the_model_is_mentioned_under_the_answer(house: House) -> None:
    answer = await house.ask(ANNA, "[[words 60]] [[length 20]]")

    [request] = await house.db(requests)
    assert (request.state, request.finish, request.error_kind) == ("done", "length", "")
    assert answer == f"{request.answer}\n\n{words.length_reached()}"
    assert house.buttons(ANNA) == {}


async def test_dialog_that_is_too_long_is_shortened_once_and_answered(house: House) -> None:
    for number in range(4):
        await house.ask(ANNA, f"Question {number}")
    house.models.rule(error="context", times=1)

    await house.ask(ANNA, "The last one")

    asked, again = [call.body["messages"] for call in list(house.models.calls)[-2:]]
    assert len(asked) == 9
    assert [message["content"] for message in again][::2] == ["Question 2", "Question 3", "The last one"]
    request = (await house.db(requests))[-1]
    assert (request.state, request.error_kind) == ("done", "")
    assert house.heard(ANNA)[-1] == words.long_dialog()


async def test_question_that_leaves_no_room_for_the_dialog_says_so(house: House, settings: Settings) -> None:
    settings.MAX_CONTEXT_TOKENS = 100
    await house.ask(ANNA, "My name is Anna")

    await house.ask(ANNA, "word " * 90)

    assert len(house.models.calls[1].body["messages"]) == 1
    assert words.long_dialog() in house.heard(ANNA)


async def test_dialog_that_stays_too_long_is_tried_no_third_time(house: House) -> None:
    await house.ask(ANNA, "Question")
    house.models.rule(error="context")
    before = len(house.models.calls)

    answer = await house.ask(ANNA, "The last one")

    assert answer == words.sorry("context_too_long")
    assert len(house.models.calls) - before == 2


async def test_nothing_to_ask_is_said(house: House, settings: Settings) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "", "https://api.openai.com/v1"
    settings.DEFAULT_MODEL = ""

    answer = await house.ask(ANNA, "Hello")

    assert answer == words.sorry("no_model")
    [request] = await house.db(requests)
    assert (request.state, request.error_kind, request.model_ref) == ("failed", "no_model", "")


class Buggy(ScriptedProvider):
    """Its adapter has a bug that shows in the middle of an answer."""

    async def stream(self, _request: ChatRequest) -> AsyncGenerator[Event, None]:
        yield Text("As far as it came")
        raise ZeroDivisionError("a bug")


async def test_bug_costs_no_half_answer_and_the_admins_hear_of_it(house: House, settings: Settings) -> None:
    settings.LLM_PROVIDERS = {**settings.LLM_PROVIDERS, "buggy": f"{__name__}.Buggy"}
    settings.DEFAULT_MODEL = "buggy:any"

    answer = await house.ask(ANNA, "Hello")

    assert answer == f"As far as it came\n\n{words.cut_short('bug')}"
    [request] = await house.db(requests)
    assert (request.state, request.error_kind, request.error) == ("failed", "bug", "ZeroDivisionError: a bug")
    assert "ZeroDivisionError" in house.heard(ADMINS)[-1]
    assert request.trace_id in house.heard(ADMINS)[-1]


async def test_provider_whose_key_was_taken_away_is_a_sentence_too(house: House) -> None:
    await house.db(offer, "mistral", "small")
    await house.db(choose, "small")

    assert await house.ask(ANNA, "Hello") == words.sorry("auth")
    assert await house.db(Delivery.objects.filter(state="sent").count) == 1
