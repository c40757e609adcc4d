"""Another model answers when the chosen one cannot, and the person sees which."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Chat
from conversations.models import Assistant, Message
from llm import routing
from llm.errors import PAUSING, TRANSIENT, Kind, ProviderError
from llm.models import Model, ProviderState
from llm.services import Target
from llm.types import ChatRequest, End, Event, Text, ToolCall
from tests.conversations.conftest import ScriptedProvider, change, offer, requests
from tests.conversations.test_budgets import limit, spendings
from tests.house import ANNA, MODEL, House

DEEP = "deepseek-flash"
REF = f"deepseek:{DEEP}"


@pytest.fixture
def two(house: House, settings: Settings) -> House:
    """The house with a second provider, whose model steps in for the first."""
    settings.DEEPSEEK_API_KEY, settings.DEEPSEEK_BASE_URL = "sandbox", f"{house.sandbox.url}/llm/deepseek"
    settings.FALLBACK_MODELS = [REF]
    return house


async def offered(two: House, **fields: Any) -> None:
    await two.db(offer, "deepseek", DEEP, label="DeepSeek", **fields)


def asked(house: House) -> list[str]:
    return [call.provider for call in house.models.calls if call.endpoint == "chat"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("401", "auth"),
        ("402", "billing"),
        ("region", "forbidden_region"),
        ("404", "model_not_found"),
        ("429", "rate_limited"),
        ("500", "server"),
        ("503", "overloaded"),
    ],
)
async def test_next_model_answers_when_the_chosen_one_cannot(two: House, error: str, kind: str) -> None:
    await offered(two, price_input=1, price_output=2)
    two.models.rule(provider="openai", error=error, retry_after=60)

    answer = await two.ask(ANNA, "[[text Here I am]]")

    assert answer.startswith("Here I am\n\n↪️ DeepSeek answered: GPT-4.1 mini")
    [request] = await two.db(requests)
    assert (request.state, request.answer) == ("done", "Here I am")
    assert (request.model_ref, request.chosen_ref) == (REF, f"openai:{MODEL}")
    assert request.model is not None
    assert request.model.name == DEEP
    [step] = request.steps
    assert (step["kind"], step["model"], step["error"]) == ("fallback", f"openai:{MODEL}", kind)
    assert request.cost is not None
    [message] = await two.db(lambda: list(Message.objects.filter(role="assistant")))
    assert message.raw_model in ("", REF)


async def test_next_model_answers_when_the_chosen_one_is_silent_or_unreachable(two: House, settings: Settings) -> None:
    await offered(two)
    settings.LLM_TURN_TIMEOUT_SEC = 0.8
    two.models.rule(provider="openai", hang="")

    two.say(ANNA, "[[text Here I am]]")
    await two.models.until(lambda: bool(two.models.calls))
    settings.LLM_TURN_TIMEOUT_SEC = 60  # what the next one has: it need not hurry
    await two.quiet()

    assert "DeepSeek answered" in two.heard(ANNA)[-1]
    [request] = await two.db(requests)
    assert [step["error"] for step in request.steps] == ["timeout"]


@pytest.mark.parametrize("kind", sorted({*TRANSIENT, *PAUSING, "quota_daily", "model_not_found"}))
def test_chain_goes_on_when_the_model_or_its_provider_is_out(kind: Kind) -> None:
    one, other = Target("openai", "a", None, "A"), Target("mistral", "b", None, "B")
    assert routing.following([other], one, ProviderError(kind), {"text"}) is other


@pytest.mark.parametrize(("error", "kind"), [("400", "bad_request"), ("413", "too_large")])
async def test_refused_question_is_asked_of_nobody_else(two: House, error: str, kind: str) -> None:
    await offered(two)
    two.models.rule(provider="openai", error=error)

    await two.ask(ANNA, "Hello")

    assert "deepseek" not in asked(two)
    [request] = await two.db(requests)
    assert (request.error_kind, request.steps) == (kind, [])


async def test_blocked_question_is_asked_of_nobody_else(two: House) -> None:
    await offered(two)

    await two.ask(ANNA, "Hello [[blocked]]")

    assert asked(two) == ["openai"]


async def test_nothing_is_asked_again_after_words_were_shown(two: House) -> None:
    await offered(two)
    two.models.rule(provider="openai", cut="")

    answer = await two.ask(ANNA, "[[text Once upon a time there was a fox]]")

    assert "broke off here" in answer
    assert asked(two) == ["openai"]


class Talkative(ScriptedProvider):
    """Says something, calls a tool, and is gone when it is told what the tool said."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        if any(turn.role == "tool" for turn in request.turns):
            raise ProviderError("model_not_found")
        yield Text("I shall look.")
        yield ToolCall("1", "current_time", "{}")
        yield End("tool_calls")


async def test_nothing_is_asked_again_after_words_were_shown_before_a_tool_was_called(
    two: House, settings: Settings
) -> None:
    await offered(two, capabilities=["text", "tools"])
    settings.LLM_PROVIDERS = {**settings.LLM_PROVIDERS, "talkative": f"{__name__}.Talkative"}
    settings.DEFAULT_MODEL = "talkative:any"
    await two.db(offer, "talkative", "any", capabilities=["text", "tools"])
    await two.db(lambda: Assistant.objects.create(name="A", tools=["current_time"], is_default=True))

    answer = await two.ask(ANNA, "What time is it?")

    assert answer.startswith("I shall look.")
    assert "broke off here" in answer
    assert asked(two) == []


async def test_chat_can_forbid_another_model(two: House) -> None:
    await offered(two)
    await two.db(Chat.objects.filter(telegram_id=ANNA).update, fallbacks=False)
    two.models.rule(provider="openai", error="404")

    assert "gone" in await two.ask(ANNA, "Hello")

    assert asked(two) == ["openai"]


async def test_open_breaker_passes_the_question_on_at_once(two: House) -> None:
    await offered(two)
    two.models.rule(provider="openai", error="402", times=1)
    await two.ask(ANNA, "one")
    assert await two.db(ProviderState.objects.exclude(paused_until=None).count) == 1
    await two.db(change, MODEL, label="Mini")

    answer = await two.ask(ANNA, "[[text Hello again]]")

    assert "DeepSeek answered" in answer
    assert asked(two) == ["openai", "deepseek", "deepseek"]


async def test_assistants_models_go_before_the_houses(two: House, settings: Settings) -> None:
    await offered(two)
    await two.db(offer, "openai", "gpt-4o-mini", label="Large")
    fallbacks = ["openai:gpt-4o-mini", "gone:model"]
    await two.db(lambda: Assistant.objects.create(name="A", fallbacks=fallbacks, is_default=True))
    two.models.rule(provider="openai", model=MODEL, error="404")

    assert "Large answered" in await two.ask(ANNA, "Hello")


async def test_failure_of_all_is_told_as_the_chosen_models(two: House) -> None:
    await offered(two)
    two.models.rule(provider="openai", error="404")
    two.models.rule(provider="deepseek", error="401")

    assert "gone" in await two.ask(ANNA, "Hello")

    [request] = await two.db(requests)
    assert (request.state, request.error_kind) == ("failed", "model_not_found")
    assert (request.model_ref, request.chosen_ref) == (f"openai:{MODEL}", "")
    assert [step["model"] for step in request.steps] == [f"openai:{MODEL}", REF]


async def test_dialog_too_long_goes_to_a_model_with_a_larger_window(two: House) -> None:
    await offered(two, context_window=64000)
    await two.db(Model.objects.filter(name=MODEL).update, context_window=8000)
    two.models.rule(provider="openai", error="context")

    assert "DeepSeek answered" in await two.ask(ANNA, "Hello")


async def test_dialog_too_long_is_not_given_to_a_smaller_window(two: House) -> None:
    await offered(two, context_window=4000)
    await two.db(Model.objects.filter(name=MODEL).update, context_window=8000)
    two.models.rule(provider="openai", error="context")

    assert "too long" in await two.ask(ANNA, "Hello")

    assert "deepseek" not in asked(two)


async def test_model_that_steps_in_is_told_what_its_window_holds(two: House) -> None:
    await offered(two, context_window=100)
    for number in range(4):
        await two.ask(ANNA, f"[[text {'word ' * 30}]] {number}")
    two.models.rule(provider="openai", error="404")

    await two.ask(ANNA, "[[history]]")

    body = two.models.calls[-1].body
    assert two.models.calls[-1].provider == "deepseek"
    assert [message["content"] for message in body["messages"]][-1] == "[[history]]"
    assert len(body["messages"]) < 4


async def test_stop_ends_the_model_that_stepped_in(two: House) -> None:
    await offered(two)
    two.models.rule(provider="openai", error="404")
    two.say(ANNA, "[[text Once upon a time there was a fox]] [[hold]]")
    await two.until(lambda: two.messages(ANNA))

    two.say(ANNA, "/stop")
    await two.quiet()

    assert two.heard(ANNA)[0].endswith("⏹ Stopped.")
    [request] = await two.db(requests)
    assert (request.state, request.model_ref) == ("stopped", REF)


@pytest.mark.parametrize("kind", ["bad_request", "blocked", "too_large"])
def test_chain_ends_at_an_error_of_the_question(kind: Kind) -> None:
    one = Target("openai", "a", None, "A")
    other = Target("openai", "b", None, "B")

    assert routing.following([other], one, ProviderError(kind), {"text"}) is None
    assert routing.following([one, other], one, ProviderError("server"), {"text"}) is other


def test_model_that_takes_no_pictures_is_passed_over() -> None:
    blind = Target("openai", "a", Model(capabilities=["text"]), "A")
    seeing = Target("openai", "b", Model(capabilities=["text", "image"]), "B")
    chosen = Target("openai", "c", None, "C")

    assert routing.following([blind, seeing], chosen, ProviderError("server"), {"text", "image"}) is seeing


def test_chain_holds_each_model_once_and_replaces_what_is_gone(db: None, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sandbox"
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    offer("openai", "new", "hidden", "old")
    change("hidden", enabled=False)
    change("old", state="retired", replaced_by=Model.objects.get(name="new"))

    refs = ["openai:old", "openai:hidden", "openai:new", "mistral:x", "openai:unlisted"]

    assert [target.ref for target in routing.chain(refs)] == ["openai:new", "openai:unlisted"]


async def test_dearer_model_steps_in_only_while_the_budget_has_room(two: House) -> None:
    await two.db(Model.objects.filter(name=MODEL).update, price_input=1, price_output=1)
    await offered(two, price_input=1000, price_output=1000)
    await two.db(limit, money=1)
    two.models.rule(provider="openai", error="500")

    answer = await two.ask(ANNA, "Hello there")

    assert "failed" in answer
    assert set(asked(two)) == {"openai"}
    [spending] = await two.db(spendings)
    assert (spending.reserved_tokens, spending.reserved_cost, spending.cost) == (0, Decimal(0), Decimal(0))
