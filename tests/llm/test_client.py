"""Retries, deadlines, the breaker and what servers teach, over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.dispatch import Signal
from django.utils import timezone
from structlog.testing import capture_logs

from core.db import in_db
from llm import signals
from llm.client import Client
from llm.errors import ProviderError
from llm.models import Model, ProviderState
from llm.providers.gemini import Gemini
from llm.providers.openai import OpenAI
from llm.services import Target, default_target
from llm.types import ChatRequest, End, Event, Part, Text, Tool, ToolCall, Turn, user_says
from tests.llm.conftest import KEY, Wire, asks
from tests.llm.test_openai import says

pytestmark = pytest.mark.django_db(transaction=True)
DOWN: dict[str, Any] = {"error": {"message": "The server had an error."}}


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[Client]:
    made = Client({"openai": OpenAI("openai", wire.url, KEY), "gemini": Gemini("gemini", wire.url, KEY)}, backoff=0.001)
    yield made
    await made.close()


def target(provider: str = "openai", **more: Any) -> Target:
    return Target(provider, "m", None, "M", **more)


async def ask(client: Client, to: Target | None = None, request: ChatRequest | None = None) -> list[Event]:
    return [event async for event in client.stream(to or target(), request or asks())]


async def fails(client: Client, to: Target | None = None, request: ChatRequest | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ask(client, to, request)
    return caught.value


async def state(name: str = "openai") -> ProviderState | None:
    return await in_db(ProviderState.objects.filter(name=name).first)


async def open_until(name: str, until: datetime, kind: str = "auth") -> None:
    await in_db(ProviderState.objects.create, name=name, paused_until=until, last_error_kind=kind, failures=5)


async def test_two_failures_are_survived(wire: Wire, client: Client) -> None:
    wire.says_json(DOWN, status=500).says_json(DOWN, status=503).says(*says())
    assert (await ask(client))[0] == Text("42")
    assert len(wire.seen) == 3


async def test_third_failure_is_told(wire: Wire, client: Client) -> None:
    wire.says_json(DOWN, status=500).says_json(DOWN, status=500).says_json(DOWN, status=500)
    assert (await fails(client)).kind == "server"
    assert len(wire.seen) == 3


async def test_wrong_request_is_not_repeated(wire: Wire, client: Client) -> None:
    wire.says_json({"error": {"message": "Your input is bad."}}, status=400)
    assert (await fails(client)).kind == "bad_request"
    assert len(wire.seen) == 1


async def test_field_that_was_refused_stands_in_the_log(wire: Wire, client: Client) -> None:
    wire.says_json({"error": {"message": "no", "param": "messages"}}, status=400)
    with capture_logs() as logged:
        await fails(client)
    facts = {"provider": "openai", "model": "m", "kind": "bad_request", "status": 400, "param": "messages"}
    assert logged == [{"event": "llm_failed", "log_level": "info"} | facts]


async def test_nothing_is_repeated_once_words_were_shown(wire: Wire, client: Client) -> None:
    wire.says(says()[0], ending="cut")
    events = client.stream(target(), asks())
    assert await anext(events) == Text("42")
    with pytest.raises(ProviderError):
        await anext(events)
    assert len(wire.seen) == 1


async def test_cut_before_the_first_word_is_repeated(wire: Wire, client: Client) -> None:
    wire.says(": keep-alive\n\n", ending="cut").says(*says())
    assert (await ask(client))[0] == Text("42")


async def test_short_wait_is_waited(wire: Wire, client: Client) -> None:
    wire.says_json({"error": {"message": "slow down"}}, status=429, **{"Retry-After": "0.2"}).says(*says())
    began = asyncio.get_running_loop().time()
    await ask(client)
    assert asyncio.get_running_loop().time() - began >= 0.2


async def test_long_wait_is_told_at_once(wire: Wire, client: Client) -> None:
    wire.says_json({"error": {"message": "slow down"}}, status=429, **{"Retry-After": "21"})
    error = await fails(client)
    assert (error.kind, error.retry_after) == ("rate_limited", 21)
    assert len(wire.seen) == 1


async def test_daily_quota_is_believed_after_one_more_try(wire: Wire, client: Client) -> None:
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Please retry in 0.01s.", "details": [
        {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}  # fmt: skip
    wire.says_json(body, status=429).says_json(body, status=429)
    assert (await fails(client, target("gemini"))).kind == "quota_daily"
    assert len(wire.seen) == 2


async def test_silence_before_the_first_word_is_a_timeout(wire: Wire, client: Client, settings: Any) -> None:
    settings.LLM_FIRST_TOKEN_TIMEOUT_SEC = 0.5
    for _ in range(3):
        wire.says(": keep-alive\n\n", ending="hang")
    with capture_logs() as logged:
        assert (await fails(client)).kind == "timeout"
    assert retries(logged) == 2


def retries(logged: list[Any]) -> int:
    """How often it was tried again. A busy machine may not get to the server within so short a patience."""
    return [entry["event"] for entry in logged].count("llm_retry")


async def test_silence_in_the_middle_is_a_timeout(wire: Wire, client: Client, settings: Any) -> None:
    settings.LLM_READ_TIMEOUT_SEC = 0.3
    wire.says(says()[0], ": keep-alive\n\n", ending="hang")
    assert (await fails(client)).kind == "timeout"
    await asyncio.wait_for(wire.gone.wait(), 60)


async def test_second_attempt_has_the_patience_of_the_first(wire: Wire, client: Client, settings: Any) -> None:
    settings.LLM_FIRST_TOKEN_TIMEOUT_SEC = 0.3
    fragment = '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}'
    wire.says(f"data: {fragment}\n\n", ending="cut")
    for _ in range(2):
        wire.says(": keep-alive\n\n", ending="hang")
    async with asyncio.timeout(60):
        with capture_logs() as logged:
            assert (await fails(client)).kind == "timeout"
    assert retries(logged) == 2


async def test_whole_turn_has_a_deadline(wire: Wire, client: Client, settings: Any) -> None:
    settings.LLM_TURN_TIMEOUT_SEC = 0.5
    wire.says(says()[0], ending="hang")
    with capture_logs() as logged:
        assert (await fails(client)).kind == "timeout"
    assert retries(logged) == 0


async def test_slow_reader_is_no_timeout(wire: Wire, client: Client, settings: Any) -> None:
    settings.LLM_READ_TIMEOUT_SEC = 0.3
    wire.says(*says())
    heard = []
    async for event in client.stream(target(), asks()):
        await asyncio.sleep(0.5)  # a reader that takes its time is what is tested
        heard.append(event)
    assert isinstance(heard[-1], End)


async def test_closing_the_stream_closes_the_connection(wire: Wire, client: Client) -> None:
    wire.says(says()[0], ending="hang")
    async with aclosing(client.stream(target(), asks())) as events:
        assert await anext(events) == Text("42")
    await asyncio.wait_for(wire.gone.wait(), 60)


async def test_cancelling_the_task_closes_the_connection(wire: Wire, client: Client) -> None:
    wire.says(": wait\n\n", ending="hang")
    task = asyncio.create_task(ask(client))
    await asyncio.wait_for(wire.arrived.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(wire.gone.wait(), 60)


async def test_whole_answer_is_the_sum_of_the_stream(wire: Wire, client: Client) -> None:
    wire.says(*says("42"))
    answer = await client.chat(target(), asks())
    assert (answer.text, answer.end.finish) == ("42", "stop")


async def test_provider_that_is_not_configured_is_an_auth_error(client: Client) -> None:
    assert (await fails(client, target("mistral"))).kind == "auth"


@pytest.mark.parametrize(
    ("status", "message", "signal"),
    [(429, "Limit reached for requests per day", signals.quota_reached), (404, "no such", signals.model_unknown)],
)
async def test_refusal_that_the_operator_can_mend_is_told(
    wire: Wire, client: Client, status: int, message: str, signal: Signal
) -> None:
    told: list[tuple[str, str]] = []

    def on_told(name: str, model: str, **_: Any) -> None:
        told.append((name, model))

    signal.connect(on_told)
    wire.says_json({"error": {"message": message}}, status=status)
    await fails(client)
    signal.disconnect(on_told)
    assert told == [("openai", "m")]


# What servers teach


async def test_name_of_the_token_limit_is_learned_and_remembered(wire: Wire, client: Client) -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}}  # fmt: skip  # noqa: E501
    wire.says_json(refusal, status=400).says(*says()).says(*says())
    await ask(client, request=asks(max_output=10))
    await ask(client, request=asks(max_output=10))
    assert [("max_tokens" in seen.body, "max_completion_tokens" in seen.body) for seen in wire.seen] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    saved = await state()
    assert saved is not None
    assert saved.switches == {"m": {"max_tokens_field": "max_completion_tokens"}}


async def test_switches_of_the_row_are_used(wire: Wire, client: Client) -> None:
    wire.says(*says())
    await ask(client, target(switches={"send_temperature": False}), asks(temperature=1))
    assert "temperature" not in wire.seen[0].body


async def test_optional_field_is_left_out_once_refused(wire: Wire, client: Client) -> None:
    refusal = {"error": {"message": "Only the default (1) value is supported.", "param": "temperature"}}
    wire.says_json(refusal, status=400).says(*says())
    await ask(client, request=asks(temperature=0.2))
    assert ["temperature" in seen.body for seen in wire.seen] == [True, False]
    saved = await state()
    assert saved is not None
    assert saved.switches == {"m": {"drop": ["temperature"]}}


async def test_lesson_that_did_not_help_is_not_remembered(wire: Wire, client: Client) -> None:
    refusal = {"error": {"message": "no", "param": "temperature"}}
    wire.says_json(refusal, status=400).says_json({"error": {"message": "still no"}}, status=400)
    assert (await fails(client, request=asks(temperature=0.2))).message == "still no"
    assert await state() is None


async def test_tools_win_over_effort(wire: Wire, client: Client) -> None:
    refusal = {"error": {"message": "Function tools with reasoning_effort are not supported for m in /v1/chat/completions.", "type": "invalid_request_error", "param": "reasoning_effort", "code": None}}  # fmt: skip  # noqa: E501
    wire.says_json(refusal, status=400).says(*says())
    to = target(switches={"reasoning_param": "reasoning_effort"})
    await ask(client, to, asks(effort="high", tools=[Tool("f", "", {})]))
    assert [seen.body["reasoning_effort"] for seen in wire.seen] == ["high", "none"]


@pytest.mark.parametrize(("known", "expected"), [(None, 8192), (128_000, 8192), (4096, 4096)])
async def test_window_that_a_refusal_names_is_kept(
    wire: Wire, client: Client, known: int | None, expected: int
) -> None:
    provider = await in_db(ProviderState.objects.create, name="openai")
    model = await in_db(Model.objects.create, provider=provider, name="m", context_window=known)
    wire.says_json({"error": {"message": "This model's maximum context length is 8192 tokens."}}, status=400)
    assert (await fails(client)).kind == "context_too_long"
    await in_db(model.refresh_from_db)
    assert model.context_window == expected


@pytest.mark.parametrize(
    ("sentence", "roles"),
    [
        ("Conversation roles must alternate user/assistant/user/assistant/...", ["system", "user"]),
        ("System role not supported", ["user"]),
    ],
)
async def test_order_of_messages_is_learned(wire: Wire, client: Client, sentence: str, roles: list[str]) -> None:
    wire.says_json({"error": {"message": sentence}}, status=400).says(*says())
    await ask(client, request=asks(turns=[user_says("a"), user_says("b")], system="Be brief."))
    assert [message["role"] for message in wire.seen[1].body["messages"]] == roles


async def test_missing_signature_tells_the_tools_in_words(wire: Wire, client: Client) -> None:
    refusal = {"error": {"code": 400, "message": "Function call is missing a thought_signature in functionCall parts. …", "status": "INVALID_ARGUMENT"}}  # fmt: skip  # noqa: E501
    wire.says_json(refusal, status=400)
    wire.says('data: {"candidates":[{"content":{"parts":[{"text":"3"}]},"finishReason":"STOP"}]}\n\n')
    turns = [
        user_says("?"),
        Turn("assistant", tool_calls=[ToolCall("a", "f", "{}")]),
        Turn("tool", (Part("text", "3"),), tool_call_id="a", tool_name="f"),
    ]
    await ask(client, target("gemini"), asks(turns=turns))
    assert wire.seen[1].body["contents"] == [{"role": "user", "parts": [{"text": "?"}, {"text": "f: 3"}]}]
    assert await state("gemini") is None


async def test_unknown_way_to_think_is_left_out(wire: Wire, client: Client) -> None:
    refusal = {"error": {"code": 400, "message": "Thinking level is not supported for this model.", "status": "INVALID_ARGUMENT"}}  # fmt: skip  # noqa: E501
    wire.says_json(refusal, status=400)
    wire.says('data: {"candidates":[{"content":{"parts":[{"text":"3"}]},"finishReason":"STOP"}]}\n\n')
    await ask(client, target("gemini"), asks(effort="low", max_output=5))
    assert wire.seen[1].body["generationConfig"] == {"maxOutputTokens": 5}


async def test_temperature_that_gemini_refuses_is_left_out(wire: Wire, client: Client) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "generation_config.temperature", "description": "out of range"}]}]  # fmt: skip  # noqa: E501
    refusal = {"error": {"code": 400, "message": "Out of range.", "status": "INVALID_ARGUMENT", "details": details}}
    wire.says_json(refusal, status=400)
    wire.says('data: {"candidates":[{"content":{"parts":[{"text":"3"}]},"finishReason":"STOP"}]}\n\n')
    await ask(client, target("gemini"), asks(temperature=2, max_output=5))
    assert wire.seen[1].body["generationConfig"] == {"maxOutputTokens": 5}


# The breaker


async def test_rejected_key_pauses_the_provider(wire: Wire, client: Client) -> None:
    wire.says_json({"error": {"message": "Incorrect API key"}}, status=401)
    assert (await fails(client)).kind == "auth"
    saved = await state()
    assert saved is not None
    assert saved.paused_until is not None
    assert timedelta(minutes=9) < saved.paused_until - timezone.now() <= timedelta(minutes=10)


async def test_paused_provider_is_not_asked(wire: Wire, client: Client) -> None:
    until = timezone.now() + timedelta(minutes=5)
    error = await fails(client, target(paused_until=until, pause_kind="billing"))
    assert error.kind == "billing"
    assert error.retry_after is not None
    assert (until - timezone.now()).total_seconds() <= error.retry_after <= 300
    assert wire.seen == []


async def test_first_call_after_a_pause_closes_the_breaker(wire: Wire, client: Client) -> None:
    until = timezone.now() - timedelta(seconds=1)
    await open_until("openai", until)
    wire.says(*says())
    await ask(client, target(paused_until=until, pause_kind="auth", failures=5))
    saved = await state()
    assert saved is not None
    assert (saved.paused_until, saved.failures) == (None, 0)


async def test_others_wait_while_one_tries(wire: Wire, client: Client) -> None:
    until = timezone.now() - timedelta(seconds=1)
    await open_until("openai", until)
    seen = target(paused_until=until, pause_kind="auth")
    wire.says(": thinking\n\n", ending="hang")
    trial = asyncio.create_task(ask(client, seen))
    await asyncio.wait_for(wire.arrived.wait(), 60)
    assert (await fails(client, seen)).kind == "auth"
    trial.cancel()
    await asyncio.wait([trial])
    assert len(wire.seen) == 1


async def test_blocked_answer_clears_the_failures_too(wire: Wire, client: Client) -> None:
    await open_until("openai", timezone.now() - timedelta(seconds=1))
    wire.says_json({"error": {"message": "no", "code": "content_policy_violation"}}, status=400)
    row = await state()
    assert row is not None
    assert (await fails(client, target(paused_until=row.paused_until, failures=5))).kind == "blocked"
    saved = await state()
    assert saved is not None
    assert saved.paused_until is None


async def test_success_clears_the_failures_that_this_process_saw(wire: Wire, client: Client) -> None:
    for _ in range(3):
        wire.says_json(DOWN, status=500)
    await fails(client)
    wire.says(*says())
    await ask(client)
    saved = await state()
    assert saved is not None
    assert saved.failures == 0


async def test_default_model_is_asked_before_any_refresh(wire: Wire, client: Client, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.DEFAULT_MODEL = KEY, "openai:brand-new"
    to = await in_db(default_target)
    assert to is not None
    wire.says(*says())
    await ask(client, to)
    assert wire.seen[0].body["model"] == "brand-new"
