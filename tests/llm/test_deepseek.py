"""DeepSeek, byte for byte as it answers."""

# ruff: noqa: E501 (what comes over the wire stays on one line)

from typing import Any

import pytest

from llm.providers.deepseek import DeepSeek
from llm.types import End, Part, Reasoning, Text, ToolCall, Turn, Usage, user_says
from tests.llm.conftest import Wire, asks, heard, refused

HEAD = 'data: {"id":"d-1","object":"chat.completion.chunk","created":1795000000,"model":"deepseek-flash","system_fingerprint":"fp_x","choices":[{"index":0,"delta":'
STREAM = (
    ": keep-alive\n\n",
    HEAD + '{"role":"assistant","content":null,"reasoning_content":""},"logprobs":null,"finish_reason":null}],"usage":null}\n\n',
    HEAD + '{"content":null,"reasoning_content":"6x7"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n',
    HEAD + '{"content":"42","reasoning_content":null},"logprobs":null,"finish_reason":null}],"usage":null}\n\n',
    HEAD + '{"content":"","reasoning_content":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":30,"total_tokens":50,"prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":24},"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":4}}\n\n',
    "data: [DONE]\n\n",
)  # fmt: skip
CALL = ToolCall("call_0", "get_weather", '{"city":"Oslo"}')
WIRE_CALL = {
    "id": "call_0",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
}
ANSWER = Turn("tool", (Part("text", '{"temp":3}'),), tool_call_id="call_0", tool_name="get_weather")


async def test_thoughts_words_and_counts_are_told_apart(wire: Wire, deepseek: DeepSeek) -> None:
    wire.says(*STREAM)
    raw = {"role": "assistant", "content": "42", "reasoning_content": "6x7"}
    assert await heard(deepseek) == [
        Reasoning("6x7"),
        Text("42"),
        Usage(20, 16, 30, 24),
        End("stop", "stop", "deepseek-flash", raw),
    ]


@pytest.mark.parametrize(
    ("effort", "expected"),
    [
        (None, {"thinking": {"type": "disabled"}}),
        ("none", {"thinking": {"type": "disabled"}}),
        ("low", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
        ("medium", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
    ],
)
async def test_choice_of_thinking_is_always_sent(wire: Wire, deepseek: DeepSeek, effort: Any, expected: Any) -> None:
    wire.says(*STREAM)
    await heard(deepseek, asks(effort=effort))
    sent = wire.seen[0].body
    assert {name: sent[name] for name in ("thinking", "reasoning_effort") if name in sent} == expected


async def test_request_has_its_own_name_for_the_user(wire: Wire, deepseek: DeepSeek) -> None:
    wire.says(*STREAM)
    await heard(deepseek, asks("6*7?", system="Be brief.", max_output=4096, effort="low", user="u_7f3a"))
    assert wire.seen[0].body == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 4096,
        "thinking": {"type": "enabled"},
        "reasoning_effort": "low",
        "user_id": "u_7f3a",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "6*7?"}],
    }


async def test_tool_turn_goes_back_with_its_reasoning(wire: Wire, deepseek: DeepSeek) -> None:
    wire.says(*STREAM)
    raw = {"role": "assistant", "content": "", "reasoning_content": "need weather", "tool_calls": [WIRE_CALL]}
    asked = Turn("assistant", tool_calls=[CALL], raw=raw, raw_model="deepseek:m")
    await heard(deepseek, asks(turns=[user_says("Oslo?"), asked, ANSWER]))
    assert wire.seen[0].body["messages"][1:] == [
        {"role": "assistant", "content": "", "reasoning_content": "need weather", "tool_calls": [WIRE_CALL]},
        {"role": "tool", "tool_call_id": "call_0", "content": '{"temp":3}'},
    ]


async def test_tool_turn_of_another_model_has_empty_reasoning(wire: Wire, deepseek: DeepSeek) -> None:
    wire.says(*STREAM)
    await heard(deepseek, asks(turns=[user_says("Oslo?"), Turn("assistant", tool_calls=[CALL]), ANSWER]))
    assert wire.seen[0].body["messages"][1]["reasoning_content"] == ""


async def test_plain_turn_goes_back_without_reasoning(wire: Wire, deepseek: DeepSeek) -> None:
    wire.says(*STREAM)
    raw = {"role": "assistant", "content": "42", "reasoning_content": "6x7"}
    turn = Turn("assistant", (Part("text", "42"),), raw=raw, raw_model="deepseek:m")
    await heard(deepseek, asks(turns=[user_says("6*7?"), turn, user_says("Sure?")]))
    assert wire.seen[0].body["messages"][1] == {"role": "assistant", "content": "42"}


async def test_whole_answer_may_begin_with_empty_lines(wire: Wire, deepseek: DeepSeek) -> None:
    body = '\n\n\n{"model":"deepseek-flash","choices":[{"message":{"content":"42"},"finish_reason":"stop"}]}'
    wire.says(body, content_type="application/json")
    assert (await deepseek.chat(asks())).text == "42"


async def test_lack_of_resources_is_an_overload(wire: Wire, deepseek: DeepSeek) -> None:
    wire.says(HEAD + '{"content":"4"},"finish_reason":"insufficient_system_resource"}]}\n\n', "data: [DONE]\n\n")
    assert (await refused(deepseek)).kind == "overloaded"


async def test_list_says_who_sees(wire: Wire, deepseek: DeepSeek) -> None:
    effort = {"supported_levels": ["low", "high", "max"], "default_level": "high"}
    wire.says_json({"object": "list", "data": [
        {"id": "deepseek-flash", "object": "model", "owned_by": "deepseek", "name": "DeepSeek-V4.1-Flash", "context_window": 1048576, "max_output_tokens": 393216, "input_modalities": ["text", "image"], "output_modalities": ["text"], "effort": effort},
        {"id": "bare"},
    ]})  # fmt: skip
    flash, bare = await deepseek.list_models()
    assert (flash.label, flash.context_window, flash.max_output) == ("DeepSeek-V4.1-Flash", 1048576, 393216)
    assert flash.capabilities == {"text", "tools", "reasoning", "image"}
    assert (bare.capabilities, bare.context_window) == (frozenset({"text", "tools"}), None)


@pytest.mark.parametrize(
    ("status", "message", "type_", "kind"),
    [
        (401, "Authentication Fails, Your api key: ****1234 is invalid", "authentication_error", "auth"),
        (402, "Insufficient Balance", "unknown_error", "billing"),
        (400, "The reasoning_content in the thinking mode must be passed back to the API.", "invalid_request_error", "bad_request"),
        (400, "Model Not Exist", "invalid_request_error", "model_not_found"),
        (400, "Content Exists Risk", "invalid_request_error", "blocked"),
        (422, "Invalid parameters", "invalid_request_error", "bad_request"),
        (429, "Too many concurrent requests", "rate_limit_error", "rate_limited"),
        (500, "Internal server error", "server_error", "server"),
        (503, "The server is overloaded", "service_unavailable_error", "overloaded"),
    ],
)  # fmt: skip
async def test_refusal_is_decided_by_status(
    wire: Wire, deepseek: DeepSeek, status: int, message: str, type_: str, kind: str
) -> None:
    error = {"message": message, "type": type_, "param": None, "code": "invalid_request_error"}
    wire.says_json({"error": error}, status=status)
    assert (await refused(deepseek)).kind == kind
