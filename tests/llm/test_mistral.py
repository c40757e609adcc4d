"""Mistral, byte for byte as it answers."""

# ruff: noqa: E501 (what comes over the wire stays on one line)

import pytest

from llm.errors import ProviderError
from llm.providers.mistral import Mistral
from llm.types import End, Part, Reasoning, Text, Tool, ToolCall, Turn, Usage, user_says
from tests.llm.conftest import Wire, asks, heard, refused

HEAD = 'data: {"id":"5f0c1b","object":"chat.completion.chunk","created":1795000000,"model":"mistral-small-2603","choices":[{"index":0,"delta":'
THINKING = (
    HEAD + '{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
    HEAD + '{"content":[{"type":"thinking","thinking":[{"type":"text","text":"6 times"}]}]},"finish_reason":null}]}\n\n',
    HEAD + '{"content":[{"type":"thinking","thinking":[{"type":"text","text":" 7."}],"closed":true},{"type":"text","text":"42"}]},"finish_reason":null}]}\n\n',
    HEAD + '{"content":"."},"finish_reason":null}]}\n\n',
    HEAD + '{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":41,"total_tokens":59}}\n\n',
    "data: [DONE]\n\n",
)  # fmt: skip
CALLING = 'data: {"id":"7cbd","object":"chat.completion.chunk","created":1795000000,"model":"mistral-small-2603","choices":[{"index":0,"delta":{"content":"","tool_calls":[{"id":"D681PevKs","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\": \\"Oslo\\"}"},"index":0}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":95,"completion_tokens":22,"total_tokens":117}}\n\n'
WHOLE = {
    "id": "5f0c1b",
    "object": "chat.completion",
    "created": 1795000000,
    "model": "mistral-small-2603",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "tool_calls": None,
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "6 times 7."}]},
                    {"type": "text", "text": "42."},
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 18,
        "completion_tokens": 41,
        "total_tokens": 59,
        "prompt_tokens_details": {"cached_tokens": 0},
    },
}
RAW = {
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "6 times 7."}]},
        {"type": "text", "text": "42."},
    ],
}
MODELS = {
    "object": "list",
    "data": [
        {"id": "mistral-small-2603", "object": "model", "created": 1773700000, "owned_by": "mistralai", "capabilities": {"completion_chat": True, "function_calling": True, "reasoning": True, "completion_fim": False, "fine_tuning": False, "vision": True, "ocr": False, "classification": False, "moderation": False, "audio": False, "audio_transcription": False}, "name": "mistral-small-2603", "description": "Mistral Small 4", "max_context_length": 262144, "aliases": ["mistral-small-latest"], "deprecation": None, "deprecation_replacement_model": None, "default_model_temperature": 0.7, "type": "base"},
        {"id": "mistral-small-latest", "capabilities": {"completion_chat": True}, "name": "mistral-small-2603", "aliases": ["mistral-small-2603"]},
        {"id": "magistral-medium-2509", "object": "model", "created": 1758000000, "owned_by": "mistralai", "capabilities": {"completion_chat": True, "function_calling": True, "vision": False}, "max_context_length": 131072, "aliases": ["magistral-medium-latest"], "deprecation": "2026-07-31T12:00:00Z", "deprecation_replacement_model": "mistral-medium-3-5", "type": "base"},
        {"id": "mistral-embed", "capabilities": {"completion_chat": False}},
        {"id": "ft:old", "capabilities": {"completion_chat": True}, "archived": True},
    ],
}  # fmt: skip


async def test_thinking_and_text_come_from_lists_and_strings(wire: Wire, mistral: Mistral) -> None:
    wire.says(*THINKING)
    assert await heard(mistral) == [
        Reasoning("6 times"),
        Reasoning(" 7."),
        Text("42"),
        Text("."),
        Usage(18, None, 41, None),
        End("stop", "stop", "mistral-small-2603", RAW),
    ]


async def test_whole_answer_is_read(wire: Wire, mistral: Mistral) -> None:
    wire.says_json(WHOLE)
    answer = await mistral.chat(asks())
    assert (answer.text, answer.reasoning, answer.usage) == ("42.", "6 times 7.", Usage(18, 0, 41, None))
    assert answer.end.raw == RAW


async def test_own_message_goes_back_with_its_thinking(wire: Wire, mistral: Mistral) -> None:
    wire.says(*THINKING)
    turn = Turn("assistant", (Part("text", "42."),), raw=RAW, raw_model="mistral:m")
    await heard(mistral, asks(turns=[user_says("6*7?"), turn, user_says("Sure?")]))
    assert wire.seen[0].body["messages"][1] == RAW


async def test_tool_call_comes_whole(wire: Wire, mistral: Mistral) -> None:
    wire.says(CALLING)
    events = await heard(mistral)
    assert events[:2] == [ToolCall("D681PevKs", "get_weather", '{"city": "Oslo"}'), Usage(95, None, 22, None)]


async def test_only_fields_that_mistral_knows_are_sent(wire: Wire, mistral: Mistral) -> None:
    wire.says(*THINKING)
    tool = Tool("f", "", {"type": "object"})
    await heard(
        mistral, asks(max_output=9, temperature=0.1, user="u_1", effort="high", tools=[tool], system="Be brief.")
    )
    assert wire.seen[0].path == "/v1/chat/completions"
    assert set(wire.seen[0].body) == {
        "model", "messages", "stream", "max_tokens", "temperature", "tools", "reasoning_effort",
    }  # fmt: skip


async def test_images_and_documents_are_addresses_of_data(wire: Wire, mistral: Mistral) -> None:
    wire.says(*THINKING)
    parts = (
        Part("text", "What is this?"),
        Part("image", data=b"\x89PNG\r\n\x1a\n", mime="image/png"),
        Part("document", data=b"%PDF-", mime="application/pdf", name="t.pdf"),
    )
    await heard(mistral, asks(turns=[Turn("user", parts)]))
    assert wire.seen[0].body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": "data:image/png;base64,iVBORw0KGgo="},
        {"type": "document_url", "document_url": "data:application/pdf;base64,JVBERi0=", "document_name": "t.pdf"},
    ]


async def test_foreign_ids_of_calls_become_nine_letters_and_digits(wire: Wire, mistral: Mistral) -> None:
    wire.says(*THINKING)
    call = ToolCall("call_00_abcdefghijkl", "get_weather", "{}")
    answer = Turn("tool", (Part("text", "3"),), tool_call_id=call.id, tool_name="get_weather")
    await heard(mistral, asks(turns=[user_says("?"), Turn("assistant", tool_calls=[call]), answer]))
    said, answered = wire.seen[0].body["messages"][1:3]
    sent = said["tool_calls"][0]["id"]
    assert len(sent) == 9
    assert sent.isalnum()
    assert answered == {"role": "tool", "tool_call_id": sent, "content": "3", "name": "get_weather"}


async def test_person_never_speaks_right_after_a_tool(wire: Wire, mistral: Mistral) -> None:
    wire.says(*THINKING)
    call = ToolCall("D681PevKs", "f", "{}")
    answer = Turn("tool", (Part("text", "3"),), tool_call_id=call.id, tool_name="f")
    turns = [user_says("a"), Turn("assistant", tool_calls=[call]), answer, user_says("b"), user_says("c")]
    await heard(mistral, asks(turns=turns))
    roles = [message["role"] for message in wire.seen[0].body["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert wire.seen[0].body["messages"][-1]["content"] == "b\n\nc"


async def test_order_that_is_kept_already_is_no_lesson(mistral: Mistral) -> None:
    assert mistral.learn(asks(), ProviderError("bad_request", "Unexpected role 'user' after role 'tool'")) is None


async def test_list_tells_what_ends_and_what_replaces_it(wire: Wire, mistral: Mistral) -> None:
    wire.says_json(MODELS)
    small, magistral = await mistral.list_models()
    assert (small.name, small.label, small.context_window) == ("mistral-small-2603", "Mistral Small 4", 262144)
    assert small.aliases == ("mistral-small-latest",)
    assert small.capabilities == {"text", "tools", "reasoning", "image", "document"}
    assert (magistral.retires_at, magistral.replacement) == ("2026-07-31T12:00:00Z", "mistral-medium-3-5")


@pytest.mark.parametrize(
    ("status", "body", "kind", "param"),
    [
        (401, {"detail": "Unauthorized"}, "auth", ""),
        (422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted", "input": 100}]}, "type": "invalid_request_error", "param": None, "code": None}, "bad_request", "max_completion_tokens"),
        (400, {"object": "error", "message": "Unexpected role 'user' after role 'tool'", "type": "invalid_request_message_order", "param": None, "code": "3230"}, "bad_request", ""),
        (429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": None, "code": "1300", "raw_status_code": 429}, "rate_limited", ""),
        (429, {"message": "Requests rate limit exceeded"}, "rate_limited", ""),
        (429, {"object": "error", "message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded", "param": None, "code": "3505"}, "overloaded", ""),
        (503, {"object": "error", "message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded", "param": None, "code": "3505"}, "overloaded", ""),
        (402, {"object": "error", "message": "Payment required", "type": "invalid_request_error", "param": None, "code": None}, "billing", ""),
        (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "param": None, "code": "1500"}, "model_not_found", ""),
        (404, {"detail": "Not Found"}, "model_not_found", ""),
        (413, {"message": "Request size limit exceeded"}, "too_large", ""),
    ],
)  # fmt: skip
async def test_refusal_is_understood(
    wire: Wire, mistral: Mistral, status: int, body: object, kind: str, param: str
) -> None:
    wire.says_json(body, status=status)
    error = await refused(mistral)
    assert (error.kind, error.param, error.status) == (kind, param, status)


async def test_part_that_mistral_cannot_take_is_refused_here(mistral: Mistral) -> None:
    strange = Turn("user", (Part("video", data=b"x"),))  # type: ignore[arg-type]
    with pytest.raises(ProviderError, match="does not take video"):
        await heard(mistral, asks(turns=[strange]))
