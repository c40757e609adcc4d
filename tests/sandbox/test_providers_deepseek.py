"""DeepSeek's differences from the OpenAI form, read by the OpenAI SDK as DeepSeek recommends."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import APIStatusError, AsyncOpenAI

from tests.sandbox.openai_sdk import openai_sdk
from tests.sandbox.providers_server import KEY, TOOL, Server, events, user

MODEL = "deepseek-flash"
SILENT = {"thinking": {"type": "disabled"}}


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AsyncOpenAI]:
    async with openai_sdk(f"{server.url}/llm/deepseek") as opened:
        yield opened


async def test_models_tell_what_they_can_see(client: AsyncOpenAI) -> None:
    listed = {model.id: model.to_dict() async for model in client.models.list()}
    assert listed[MODEL]["input_modalities"] == ["text", "image"]
    assert listed["deepseek-v4-pro"]["input_modalities"] == ["text"]


async def test_path_with_a_version_is_the_same(server: Server, client: AsyncOpenAI) -> None:
    versioned = client.with_options(base_url=f"{server.url}/llm/deepseek/v1")
    assert [model.id async for model in versioned.models.list()] == [model.id async for model in client.models.list()]


async def test_it_thinks_unless_told_not_to(client: AsyncOpenAI) -> None:
    thinking = await client.chat.completions.create(model=MODEL, messages=user("Hello"))
    silent = await client.chat.completions.create(model=MODEL, messages=user("Hello"), extra_body=SILENT)
    assert thinking.choices[0].message.to_dict()["reasoning_content"]
    assert "reasoning_content" not in silent.choices[0].message.to_dict()


async def test_thoughts_are_streamed_before_the_text(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=user("Hello"), stream=True)
    deltas = [chunk.choices[0].delta.to_dict() async for chunk in stream]
    kinds = ["thought" if delta.get("reasoning_content") else "text" for delta in deltas if any_text(delta)]
    assert kinds == ["thought", "text", "text"]


def any_text(delta: dict[str, Any]) -> bool:
    return bool(delta.get("content") or delta.get("reasoning_content"))


async def test_usage_counts_thoughts_and_the_cache(client: AsyncOpenAI) -> None:
    history = [*user("a " * 200), {"role": "assistant", "content": "b"}, *user("c")]
    answer = await client.chat.completions.create(model=MODEL, messages=history)
    used = answer.usage.to_dict() if answer.usage else {}
    assert used["prompt_cache_hit_tokens"] == 64
    assert used["prompt_tokens"] == 64 + int(str(used["prompt_cache_miss_tokens"]))
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens


async def test_usage_is_null_until_the_last_event(server: Server) -> None:
    response = await server.ask("deepseek", "x", stream=True, stream_options={"include_usage": True})
    used = [event["usage"] for event in events(await response.text())]
    assert used[-1]["total_tokens"] > 0
    assert used[:-1] == [None] * (len(used) - 1)


async def test_stream_begins_with_a_comment(server: Server) -> None:
    response = await server.ask("deepseek", "x", stream=True)
    assert (await response.text()).startswith(": keep-alive\n\n")


async def test_whole_answer_begins_with_empty_lines(server: Server) -> None:
    response = await server.ask("deepseek", "x")
    assert (await response.text()).startswith("\n\n")


async def tool_turn(client: AsyncOpenAI) -> tuple[list[Any], Any]:
    """A question, and the message with the tool call that it got."""
    messages = user("[[tool get_weather {}]]")
    answer = await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    return messages, answer.choices[0].message.to_dict()


async def test_tool_round_trip_passes_the_thoughts_back(client: AsyncOpenAI) -> None:
    messages, called = await tool_turn(client)
    messages += [called, {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "3"}]
    answer = await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert "`3`" in (answer.choices[0].message.content or "")


async def test_thoughts_left_out_of_a_tool_turn_are_missed(client: AsyncOpenAI) -> None:
    messages, called = await tool_turn(client)
    del called["reasoning_content"]
    messages += [called, {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "3"}]
    with pytest.raises(APIStatusError, match="must be passed back") as caught:
        await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert caught.value.status_code == 400


async def test_thinking_eats_the_token_limit_first(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=user("Hello"), max_tokens=4)
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == ("length", "")


async def test_any_finish_reason_can_be_asked_for(client: AsyncOpenAI) -> None:
    prompt = user("[[finish insufficient_system_resource]]")
    answer = await client.chat.completions.create(model=MODEL, messages=prompt)
    assert str(answer.choices[0].finish_reason) == "insufficient_system_resource"


@pytest.mark.parametrize(
    ("kind", "status"), [("auth", 401), ("402", 402), ("422", 422), ("429", 429), ("500", 500), ("503", 503)]
)
async def test_errors_come_as_asked_for(client: AsyncOpenAI, kind: str, status: int) -> None:
    with pytest.raises(APIStatusError) as caught:
        await client.chat.completions.create(model=MODEL, messages=user(f"[[error {kind}]]"))
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"model": "deepseek-chat"}, 400),
        ({"thinking": {"type": "often"}}, 422),
        ({"reasoning_effort": "huge"}, 422),
        ({"messages": []}, 400),
        ({"a_field_nobody_knows": 1}, 200),
    ],
)
async def test_wrong_requests_are_refused_and_unknown_fields_are_not(server: Server, fields: Any, status: int) -> None:
    assert (await server.ask("deepseek", "x", **fields)).status == status


async def test_balance_is_told_to_whoever_has_a_key(server: Server) -> None:
    url = f"{server.url}/llm/deepseek/user/balance"
    good = await server.http.get(url, headers={"Authorization": f"Bearer {KEY}"})
    bad = await server.http.get(url, headers={"Authorization": "Bearer bad-key"})
    assert (await good.json())["is_available"] is True
    assert bad.status == 401
