"""The OpenAI form as the official SDK reads it; DeepSeek, which is nearly the same, is in its own file."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, RateLimitError
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.sandbox.openai_sdk import openai_sdk
from tests.sandbox.providers_server import TOOL, Server, events, user

MODEL = "gpt-4o-mini"
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AsyncOpenAI]:
    async with openai_sdk(f"{server.url}/llm/openai/v1") as opened:
        yield opened


async def test_models_are_listed_with_some_that_do_not_chat(client: AsyncOpenAI) -> None:
    ids = [model.id async for model in client.models.list()]
    assert MODEL in ids
    assert "text-embedding-3-small" in ids


async def test_model_is_retrieved_by_its_id(client: AsyncOpenAI) -> None:
    assert (await client.models.retrieve(MODEL)).owned_by == "openai"


async def test_greeting_in_russian_is_answered_in_russian_with_the_models_name(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=user("Привет!"))
    assert answer.choices[0].message.content is not None
    assert answer.choices[0].message.content.startswith("Привет!")
    assert MODEL in answer.choices[0].message.content


async def test_echo_quotes_the_question_and_counts_earlier_turns(client: AsyncOpenAI) -> None:
    history = [*user("one"), {"role": "assistant", "content": "1"}, *user("two")]
    answer = await client.chat.completions.create(model=MODEL, messages=history)
    assert "> two" in (answer.choices[0].message.content or "")
    assert "**1**" in (answer.choices[0].message.content or "")


async def test_usage_adds_up(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=user("Hello"))
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_stream_says_what_the_whole_answer_says(client: AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model=MODEL, messages=user("Как дела?"))
    stream = await client.chat.completions.create(model=MODEL, messages=user("Как дела?"), stream=True)
    said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert said == whole.choices[0].message.content


async def test_usage_chunk_comes_only_when_asked_for(client: AsyncOpenAI) -> None:
    plain = await client.chat.completions.create(model=MODEL, messages=user("x"), stream=True)
    assert not [chunk async for chunk in plain if chunk.usage]
    asked = await client.chat.completions.create(
        model=MODEL, messages=user("x"), stream=True, stream_options={"include_usage": True}
    )
    with_usage = [chunk async for chunk in asked if chunk.usage]
    assert [chunk.choices for chunk in with_usage] == [[]]


async def test_every_chunk_fits_the_sdks_types(server: Server) -> None:
    response = await server.ask("openai", "Hello", stream=True, stream_options={"include_usage": True})
    chunks = events(await response.text())
    assert len(chunks) == 5
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)


async def test_whole_answer_fits_the_sdks_types(server: Server) -> None:
    answer = await (await server.ask("openai", "Hello")).json()
    assert ChatCompletion.model_validate(answer, strict=True).choices[0].finish_reason == "stop"


async def test_tool_round_trip_ends_in_words_about_the_result(client: AsyncOpenAI) -> None:
    messages = user('Погода? [[tool get_weather {"city": "Осло"}]]')
    first = await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert first.choices[0].finish_reason == "tool_calls"
    called = (first.choices[0].message.tool_calls or [])[0]
    assert called.type == "function"
    assert called.function.arguments == '{"city": "Осло"}'
    messages += [
        first.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": called.id, "content": '{"temp": 3}'},
    ]
    second = await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert '{"temp": 3}' in (second.choices[0].message.content or "")


async def test_streamed_tool_arguments_arrive_in_fragments(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model=MODEL, messages=user('[[tool get_weather {"city": "Oslo"}]]'), tools=[TOOL], stream=True
    )
    deltas = [call for chunk in stream_chunks(await collect(stream)) for call in chunk.delta.tool_calls or []]
    assert [delta.function.name for delta in deltas if delta.function] == ["get_weather", None, None]
    fragments = [delta.function.arguments for delta in deltas if delta.function]
    assert "".join(fragment or "" for fragment in fragments) == '{"city": "Oslo"}'


async def collect(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


def stream_chunks(chunks: list[Any]) -> list[Any]:
    return [choice for chunk in chunks for choice in chunk.choices]


async def test_tools_are_called_together_and_again_when_told_so(client: AsyncOpenAI) -> None:
    prompt = "[[tool get_weather]] [[tool get_weather {}]] [[rounds 2]]"
    messages = user(prompt)
    for _ in range(2):
        answer = await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
        calls = answer.choices[0].message.tool_calls or []
        assert len(calls) == 2
        messages.append(answer.choices[0].message.model_dump(exclude_none=True))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "1"} for call in calls]
    last = await client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert last.choices[0].finish_reason == "stop"


async def test_no_tool_is_called_when_none_was_offered(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=user("[[tool get_weather]]"))
    assert answer.choices[0].finish_reason == "stop"


async def test_broken_tool_arguments_can_be_asked_for(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model=MODEL, messages=user('[[tool get_weather {"city": ]]'), tools=[TOOL]
    )
    called: Any = (answer.choices[0].message.tool_calls or [])[0]
    assert called.function.arguments == '{"city":'


@pytest.mark.parametrize(
    ("form", "field"),
    [("", "reasoning_content"), ("reasoning", "reasoning"), ("details", "reasoning_details")],
)
async def test_thoughts_come_in_the_field_asked_for(server: Server, form: str, field: str) -> None:
    response = await server.ask("openai", f"Hi [[reasoning {form}]]", stream=True)
    deltas = [event["choices"][0]["delta"] for event in events(await response.text())]
    assert [delta[field] for delta in deltas if field in delta]


async def test_thoughts_can_stand_in_the_text(server: Server) -> None:
    response = await server.ask("openai", "Hi [[reasoning think]]", stream=True)
    said = "".join(event["choices"][0]["delta"].get("content") or "" for event in events(await response.text()))
    assert said.startswith("<think>First")
    assert said.count("</think>Hello!") == 1


async def test_json_is_answered_when_json_was_asked_for(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model=MODEL, messages=user("Hello"), response_format={"type": "json_object"}
    )
    assert (answer.choices[0].message.content or "").startswith('{"answer":"Hello!')


async def test_answer_is_cut_at_the_token_limit(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model=MODEL, messages=user("[[words 50]]"), max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert len(answer.choices[0].message.content or "") == 20


async def refused(client: AsyncOpenAI, **request: Any) -> Any:
    """The error body that a request gets."""
    with pytest.raises(APIStatusError) as caught:
        await client.chat.completions.create(**({"model": MODEL, "messages": user("x")} | request))
    return caught.value


async def test_model_that_wants_max_completion_tokens_refuses_max_tokens(client: AsyncOpenAI) -> None:
    error = await refused(client, model="gpt-6-luna", max_tokens=10)
    assert (error.status_code, error.param, error.code) == (400, "max_tokens", "unsupported_parameter")
    fine = await client.chat.completions.create(model="gpt-6-luna", messages=user("x"), max_completion_tokens=100)
    assert fine.choices[0].message.content


@pytest.mark.parametrize(
    ("request_fields", "param"),
    [
        ({"model": "gpt-6-luna", "temperature": 0.2}, "temperature"),
        ({"model": "gpt-6.1-sol", "tools": [TOOL], "reasoning_effort": "low"}, "reasoning_effort"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"extra_body": {"thinking": {"type": "enabled"}}}, "thinking"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content"),
        (
            {"messages": [*user("x"), {"role": "tool", "tool_call_id": "1", "content": "x"}]},
            "messages.[1].role",
        ),
    ],
)
async def test_wrong_request_names_the_parameter(client: AsyncOpenAI, request_fields: Any, param: str) -> None:
    error = await refused(client, **request_fields)
    assert (error.status_code, error.param) == (400, param)


async def test_tool_call_without_an_answer_is_refused(client: AsyncOpenAI) -> None:
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call]}
    error = await refused(client, messages=[*user("x"), turn, *user("y")])
    assert "call_a" in error.message


@pytest.mark.parametrize(
    ("quirk", "messages"),
    [
        ("no_system", [{"role": "system", "content": "s"}, *user("x")]),
        ("alternation", [*user("x"), *user("y")]),
        ("no_vision", [{"role": "user", "content": [IMAGE]}]),
    ],
)
async def test_quirks_of_compatible_servers_can_be_given_to_a_model(
    server: Server, client: AsyncOpenAI, quirk: str, messages: Any
) -> None:
    server.models.catalogues["openai"].add("local", quirks={quirk})
    assert (await refused(client, model="local", messages=messages)).status_code == 400


async def test_unknown_model_is_not_found(client: AsyncOpenAI) -> None:
    error = await refused(client, model="gpt-2")
    assert (error.status_code, error.code) == (404, "model_not_found")


async def test_prompt_beyond_the_window_is_refused(server: Server, client: AsyncOpenAI) -> None:
    server.models.catalogues["openai"].add("tiny", window=50)
    error = await refused(client, model="tiny", messages=user("слово " * 60))
    assert error.code == "context_length_exceeded"


async def test_wrong_key_is_refused(client: AsyncOpenAI) -> None:
    error = await refused(client.with_options(api_key="bad-key"))
    assert (error.status_code, error.code) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("auth", 401, "invalid_api_key"),
        ("billing", 429, "credit_balance_exhausted"),
        ("credits", 402, "402"),
        ("413", 413, None),
        ("500", 500, None),
        ("503", 503, None),
    ],
)
async def test_errors_come_as_asked_for(client: AsyncOpenAI, kind: str, status: int, code: str | None) -> None:
    error = await refused(client, messages=user(f"[[error {kind}]]"))
    assert (error.status_code, error.code) == (status, code)


async def test_rate_limit_says_when_to_come_back_only_if_told_to(client: AsyncOpenAI) -> None:
    with pytest.raises(RateLimitError) as silent:
        await client.chat.completions.create(model=MODEL, messages=user("[[error 429]]"))
    with pytest.raises(RateLimitError) as told:
        await client.chat.completions.create(model=MODEL, messages=user("[[error 429 7]]"))
    assert "retry-after" not in silent.value.response.headers
    assert told.value.response.headers["retry-after"] == "7"


async def test_gateways_error_inside_a_stream_ends_the_choice(server: Server) -> None:
    response = await server.ask("openai", "Hi [[error stream]]", stream=True)
    last = events(await response.text())[-1]
    assert response.status == 200
    assert (last["error"]["code"], last["choices"][0]["finish_reason"]) == (502, "error")


async def test_vllms_error_inside_a_stream_is_a_bare_object(server: Server) -> None:
    response = await server.ask("openai", "Hi [[error vllm]]", stream=True)
    assert events(await response.text())[-1]["object"] == "error"


async def test_cut_connection_is_noticed_after_the_first_words(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=user("[[text abcd]] [[cut]]"), stream=True)
    first, second = await anext(stream), await anext(stream)
    assert (first.choices[0].delta.content, second.choices[0].delta.content) == ("", "ab")
    with pytest.raises(APIConnectionError):
        await anext(stream)


async def test_connection_cut_before_the_answer_is_a_connection_error(client: AsyncOpenAI) -> None:
    with pytest.raises(APIConnectionError):
        await client.chat.completions.create(model=MODEL, messages=user("[[cut 0]]"))


async def test_image_is_seen_as_an_attachment(client: AsyncOpenAI) -> None:
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "Что это?"}, IMAGE]}]
    answer = await client.chat.completions.create(model=MODEL, messages=messages)
    assert "Вложений: **1** (image)" in (answer.choices[0].message.content or "")


async def test_whisper_counts_seconds_and_the_newer_ones_tokens(client: AsyncOpenAI) -> None:
    voice = ("v.ogg", "OggS[[text Купи хлеб.]]".encode())
    whisper = await client.audio.transcriptions.create(model="whisper-1", file=voice, language="ru")
    newer: Any = await client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=voice)
    assert (whisper.text, newer.text) == ("Купи хлеб.", "Купи хлеб.")
    assert (newer.usage.type, newer.usage.input_tokens) == ("tokens", 10)


@pytest.mark.parametrize(("name", "content"), [("v.txt", b"OggS"), ("v.ogg", b"")])
async def test_recording_that_is_none_is_refused(client: AsyncOpenAI, name: str, content: bytes) -> None:
    with pytest.raises(APIStatusError) as caught:
        await client.audio.transcriptions.create(model="whisper-1", file=(name, content))
    assert caught.value.status_code == 400


async def test_chat_model_does_not_transcribe(client: AsyncOpenAI) -> None:
    with pytest.raises(APIStatusError) as caught:
        await client.audio.transcriptions.create(model=MODEL, file=("v.ogg", b"OggS"))
    assert caught.value.status_code == 404
