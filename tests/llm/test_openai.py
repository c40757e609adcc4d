"""The OpenAI form, byte for byte as servers send it."""

# ruff: noqa: E501 (what comes over the wire stays on one line)

import json
from typing import Any

import pytest

from llm.errors import ProviderError
from llm.providers.openai import OpenAI
from llm.types import End, Part, Reasoning, Text, Tool, ToolCall, Turn, Usage, user_says
from tests.llm.conftest import KEY, Wire, asks, heard, refused

TOOL_STREAM = (
    'data: {"id":"c-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null}],"usage":null}\n\n',
    'data: {"id":"c-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"city\\":\\"Oslo\\"}"}}]},"finish_reason":null}],"usage":null}\n\n',
    'data: {"id":"c-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-x","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":null}\n\n',
    'data: {"id":"c-1","object":"chat.completion.chunk","created":1795000000,"model":"gpt-x","choices":[],"usage":{"prompt_tokens":50,"completion_tokens":17,"total_tokens":67,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}\n\n',
    "data: [DONE]\n\n",
)  # fmt: skip
OPENROUTER_ERROR = 'data: {"id":"g-1","object":"chat.completion.chunk","created":1795000000,"model":"m","provider":"p","error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
VLLM_ERROR = (
    'data: {"object":"error","message":"The temperature is wrong","type":"BadRequestError","param":null,"code":400}\n\n'
)
WEATHER = Tool("get_weather", "Weather now", {"type": "object", "properties": {"city": {"type": "string"}}})


def says(text: str = "42", finish: str = "stop") -> tuple[str, ...]:
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
    end = json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return f"data: {chunk}\n\n", f"data: {end}\n\n", "data: [DONE]\n\n"


async def test_fragments_of_a_tool_call_are_joined(wire: Wire, openai: OpenAI) -> None:
    wire.says(*TOOL_STREAM)
    call = ToolCall("call_a", "get_weather", '{"city":"Oslo"}')
    raw = {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": call.arguments}}
        ],
    }
    assert await heard(openai) == [call, Usage(50, 0, 17, 0), End("tool_calls", "tool_calls", "gpt-x", raw)]


async def test_tool_turn_goes_back_with_its_ids(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    call = ToolCall("call_a", "get_weather", '{"city":"Oslo"}')
    answer = Turn("tool", (Part("text", '{"temp": 3}'),), tool_call_id="call_a", tool_name="get_weather")
    await heard(openai, asks(turns=[user_says("Oslo?"), Turn("assistant", tool_calls=[call]), answer], tools=[WEATHER]))
    assert wire.seen[0].body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": '{"temp": 3}'},
    ]


async def test_calls_without_an_index_are_told_apart_by_id(wire: Wire, openai: OpenAI) -> None:
    calls = (
        '[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":{"x":1}}}]'
    )
    wire.says(f'data: {{"choices":[{{"delta":{{"tool_calls":{calls}}},"finish_reason":"stop"}}]}}\n\n')
    events = await heard(openai)
    assert events[:2] == [ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"x": 1}')]
    assert isinstance(events[-1], End)
    assert events[-1].finish == "tool_calls"


async def test_request_asks_for_a_stream_with_usage(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    await heard(openai, asks("6*7?", system="Be brief.", max_output=100, temperature=0.5))
    assert wire.seen[0].path == "/chat/completions"
    assert wire.seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert wire.seen[0].body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "6*7?"}],
        "stream": True,
        "max_tokens": 100,
        "temperature": 0.5,
        "stream_options": {"include_usage": True},
    }


async def test_server_without_a_key_gets_no_authorization(wire: Wire) -> None:
    wire.says(*says())
    provider = OpenAI("openai", wire.url, "")
    try:
        await heard(provider)
    finally:
        await provider.close()
    assert "Authorization" not in wire.seen[0].headers


async def test_images_documents_and_audio_go_along(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    parts = (
        Part("text", "What is this?"),
        Part("image", data=b"\x89PNG", mime="image/png"),
        Part("document", data=b"%PDF-", mime="application/pdf", name="t.pdf"),
        Part("audio", data=b"RIFF", mime="audio/wav"),
    )
    await heard(openai, asks(turns=[Turn("user", parts)]))
    assert wire.seen[0].body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "file", "file": {"filename": "t.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]


@pytest.mark.parametrize(
    "delta",
    [
        '{"reasoning_content":"6x7","content":null}',
        '{"reasoning":"6x7","reasoning_content":""}',
        '{"reasoning_details":[{"type":"reasoning.text","text":"6x"},{"type":"reasoning.text","text":"7"}]}',
    ],
)
async def test_thoughts_are_found_under_every_name(wire: Wire, openai: OpenAI, delta: str) -> None:
    wire.says(f'data: {{"choices":[{{"delta":{delta}}}]}}\n\n', *says())
    assert (await heard(openai))[:2] == [Reasoning("6x7"), Text("42")]


async def test_think_tags_are_text_unless_switched_on(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says("<think>6x7</think>42"))
    assert (await heard(openai))[0] == Text("<think>6x7</think>42")


async def test_think_tags_are_split_off_when_switched_on(wire: Wire, openai: OpenAI) -> None:
    pieces = ["<thi", "nk>6", "x7</th", "ink>\\n", "42 <b>"]
    deltas = [f'data: {{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}\n\n' for piece in pieces]
    wire.says(*deltas, *says("!"))
    events = await heard(openai, asks(options={"think_tags": True}))
    assert "".join(event.text for event in events if isinstance(event, Reasoning)) == "6x7"
    assert "".join(event.text for event in events if isinstance(event, Text)) == "42 <b>!"


async def test_error_of_openrouter_within_a_stream_is_raised(wire: Wire, openai: OpenAI) -> None:
    wire.says(OPENROUTER_ERROR)
    error = await refused(openai)
    assert (error.kind, error.message) == ("server", "Provider disconnected")


async def test_error_of_vllm_within_a_stream_is_raised(wire: Wire, openai: OpenAI) -> None:
    wire.says(VLLM_ERROR)
    assert (await refused(openai)).kind == "bad_request"


async def test_text_before_an_error_in_the_same_packet_is_kept(wire: Wire, openai: OpenAI) -> None:
    wire.says(says("4")[0] + OPENROUTER_ERROR)
    stream = openai.stream(asks())
    assert await anext(stream) == Text("4")
    with pytest.raises(ProviderError, match="Provider disconnected"):
        await anext(stream)


@pytest.mark.parametrize(
    ("chunks", "kind"), [((says()[0],), "network"), ((), "server"), ((": keep-alive\n\n",), "server")]
)
async def test_answer_without_an_end_is_no_answer(
    wire: Wire, openai: OpenAI, chunks: tuple[str, ...], kind: str
) -> None:
    wire.says(*chunks)
    assert (await refused(openai)).kind == kind


async def test_connection_cut_in_the_middle_is_a_network_error(wire: Wire, openai: OpenAI) -> None:
    wire.says(says()[0], ending="cut")
    assert (await refused(openai)).kind == "network"


async def test_done_without_a_finish_reason_ends_the_answer(wire: Wire, openai: OpenAI) -> None:
    wire.says(says()[0], "data: [DONE]\n\n")
    assert (await heard(openai))[-1] == End("unknown", "", "", {"role": "assistant", "content": "42"})


async def test_counts_that_are_no_counts_are_unknown(wire: Wire, openai: OpenAI) -> None:
    wire.says('data: {"choices":[],"usage":{"prompt_tokens":1e999,"completion_tokens":-1}}\n\n', *says())
    assert (await heard(openai))[1] == Usage()


async def test_unknown_finish_reason_is_no_error(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says(finish="brand_new"))
    end = (await heard(openai))[-1]
    assert isinstance(end, End)
    assert (end.finish, end.raw_finish) == ("unknown", "brand_new")


async def test_body_held_open_after_done_ends_all_the_same(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says(), ending="hang")
    assert isinstance((await heard(openai))[-1], End)


async def test_connection_is_used_again(wire: Wire, openai: OpenAI) -> None:
    for _ in range(3):
        wire.says(*says(), ending="late")
        await heard(openai)
    assert len({seen.peer for seen in wire.seen}) == 1


async def test_server_that_ignores_stream_is_understood(wire: Wire, openai: OpenAI) -> None:
    wire.says_json({"model": "m", "choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]})
    assert await heard(openai) == [Text("42"), End("stop", "stop", "m", {"role": "assistant", "content": "42"})]


async def test_whole_answer_is_read_like_a_stream(wire: Wire, openai: OpenAI) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    wire.says_json({"model": "m", "choices": [{"message": {"content": "42"}, "finish_reason": "stop"}], "usage": usage})
    answer = await openai.chat(asks())
    assert (answer.text, answer.end.finish, answer.usage) == ("42", "stop", Usage(3, None, 2, None))
    assert wire.seen[0].body["stream"] is False
    assert "stream_options" not in wire.seen[0].body


async def test_raw_message_of_another_model_is_not_replayed(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    raw = {"role": "assistant", "content": "secret form", "reasoning_details": [{"text": "x"}]}
    turn = Turn("assistant", (Part("text", "plain"),), raw=raw, raw_model="openai:other")
    await heard(openai, asks(turns=[user_says("?"), turn, user_says("!")]))
    assert wire.seen[0].body["messages"][1] == {"role": "assistant", "content": "plain"}


async def test_raw_message_of_the_same_model_is_replayed(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    raw = {"role": "assistant", "content": "42", "reasoning_content": "thought", "reasoning_details": [{"text": "x"}]}
    turn = Turn("assistant", (Part("text", "42"),), raw=raw, raw_model="openai:m")
    await heard(openai, asks(turns=[user_says("?"), turn, user_says("!")]))
    expected = {"role": "assistant", "content": "42", "reasoning_details": [{"text": "x"}]}
    assert wire.seen[0].body["messages"][1] == expected


async def test_marks_on_a_tool_call_come_back_with_it(wire: Wire, openai: OpenAI) -> None:
    marked = '{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}}'
    wire.says(f'data: {{"choices":[{{"delta":{{"tool_calls":[{marked}]}},"finish_reason":"tool_calls"}}]}}\n\n')
    events = await heard(openai)
    end, call = events[-1], events[0]
    assert isinstance(end, End)
    assert isinstance(call, ToolCall)
    turn = Turn("assistant", tool_calls=[call], raw=end.raw, raw_model="openai:m")
    wire.says(*says())
    await heard(openai, asks(turns=[user_says("?"), turn, Turn("tool", (Part("text", "1"),), tool_call_id="a")]))
    sent = wire.seen[1].body["messages"][1]["tool_calls"][0]
    assert sent["extra_content"] == {"google": {"thought_signature": "S"}}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"reasoning_param": "reasoning_effort"}, {"reasoning_effort": "low"}),
        ({"reasoning_param": "reasoning.effort"}, {"reasoning": {"effort": "low"}}),
        ({"reasoning_param": "reasoning_effort", "effort": "none"}, {"reasoning_effort": "none"}),
        ({}, {}),
    ],
)
async def test_effort_is_named_as_the_server_wants(
    wire: Wire, openai: OpenAI, options: dict[str, str], field: dict[str, object]
) -> None:
    wire.says(*says())
    await heard(openai, asks(effort="low", options=options))
    sent = wire.seen[0].body
    assert {name: sent[name] for name in sent if name.startswith("reasoning")} == field


async def test_neighbours_of_one_role_are_joined_for_strict_servers(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    await heard(openai, asks(turns=[user_says("a"), user_says("b")], options={"strict_alternation": True}))
    assert wire.seen[0].body["messages"] == [{"role": "user", "content": "a\n\nb"}]


async def test_model_speaks_between_a_tool_and_a_person_for_strict_servers(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    call = ToolCall("a", "f", "{}")
    answer = Turn("tool", (Part("text", "3"),), tool_call_id="a")
    turns = [user_says("?"), Turn("assistant", tool_calls=[call]), answer, user_says("!")]
    await heard(openai, asks(turns=turns, options={"strict_alternation": True}))
    roles = [message["role"] for message in wire.seen[0].body["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


async def test_server_that_does_not_see_gets_no_images(openai: OpenAI) -> None:
    picture = Turn("user", (Part("image", data=b"x", mime="image/png"),))
    error = await refused(openai, asks(turns=[picture], options={"vision": False}))
    assert (error.kind, error.param) == ("bad_request", "content")


async def test_headers_of_the_operator_are_sent(wire: Wire, openai: OpenAI) -> None:
    wire.says(*says())
    await heard(openai, asks(options={"extra_headers": {"X-Title": "Sekretar"}}))
    assert wire.seen[0].headers["X-Title"] == "Sekretar"


async def test_list_of_openrouter_is_read_in_full(wire: Wire, openai: OpenAI) -> None:
    entry = {
        "id": "vendor/model-1",
        "name": "Vendor: Model 1",
        "context_length": 200_000,
        "architecture": {"input_modalities": ["text", "image", "file"], "output_modalities": ["text"]},
        "pricing": {"prompt": "0.0000015", "completion": "0.000006", "input_cache_read": "-1"},
        "top_provider": {"max_completion_tokens": 8192},
        "supported_parameters": ["tools", "reasoning", "temperature"],
        "expiration_date": "2027-01-15",
    }
    drawing = {"id": "vendor/draws", "architecture": {"output_modalities": ["image"]}}
    wire.says_json({"data": [entry, drawing, {"id": "embed-large"}, {"nonsense": 1}, {"id": "off", "active": False}]})
    (info,) = await openai.list_models()
    assert (info.name, info.label, info.context_window, info.max_output) == (
        "vendor/model-1",
        "Vendor: Model 1",
        200_000,
        8192,
    )
    assert info.capabilities == {"text", "image", "document", "tools", "reasoning"}
    assert (info.price_input, info.price_output, info.price_cached) == ("1.5", "6", "")
    assert info.retires_at == "2027-01-15T00:00:00"


async def test_list_that_says_only_names_is_enough(wire: Wire, openai: OpenAI) -> None:
    wire.says_json([{"id": "llama3:8b"}])
    (info,) = await openai.list_models()
    assert (info.name, info.capabilities, info.context_window) == ("llama3:8b", frozenset({"text"}), None)


def test_openai_itself_lists_more_than_chat_models() -> None:
    provider = OpenAI("openai", "https://api.openai.com/v1", KEY)
    names = ["gpt-5.4-mini", "gpt-5.4-pro", "text-embedding-3-small", "whisper-1", "gpt-4o-transcribe", "o3"]
    assert [name for name in names if provider._chats({"id": name})] == ["gpt-5.4-mini", "o3"]


async def test_missing_list_is_no_wrong_key(wire: Wire, openai: OpenAI) -> None:
    wire.says("<html>not here</html>", status=404, content_type="text/html")
    await openai.check_key()
    assert wire.seen[0].path == "/models"


def test_provider_is_there_for_a_key_or_an_address(settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "", "https://api.openai.com/v1"
    assert OpenAI.from_settings("openai") is None
    settings.OPENAI_BASE_URL = "http://127.0.0.1:11434/v1"
    assert OpenAI.from_settings("openai") is not None


def test_key_is_not_in_the_representation() -> None:
    assert KEY not in repr(OpenAI("openai", "http://127.0.0.1", KEY))


async def test_key_is_not_in_an_error(wire: Wire, openai: OpenAI) -> None:
    wire.says_json({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401)
    error = await refused(openai)
    assert error.kind == "auth"
    assert KEY not in str(error)
    assert KEY not in repr(error)
