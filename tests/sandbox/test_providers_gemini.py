"""Gemini's form as Google's SDK reads it, and what it refuses."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import puremagic
import pytest
from google import genai
from google.genai import errors, types

from sandbox.providers.gemini import SIGNATURE
from tests.sandbox.providers_server import KEY, Server, events

MODEL = "gemini-3.8-flash"
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="Weather now",
            parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
        )
    ]
)
THOUGHTS = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Any]:
    """The SDK's asynchronous side, on httpx: its own aiohttp session warns of a deprecation in aiohttp.

    Clients that read no certificates begin ten times faster.
    """
    with httpx.Client(verify=False) as idle:
        async with httpx.AsyncClient(verify=False) as http:
            options = types.HttpOptions(
                base_url=f"{server.url}/llm/gemini",
                api_version="v1beta",
                httpx_client=idle,
                httpx_async_client=http,
            )
            yield genai.Client(api_key=KEY, http_options=options).aio


async def test_models_come_in_pages_with_some_that_do_not_chat(server: Server, client: Any) -> None:
    listed = {model.name: model async for model in await client.models.list(config={"page_size": 1000})}
    assert len(listed) == len(server.models.catalogues["gemini"].models) > 8
    assert "generateContent" in listed[f"models/{MODEL}"].supported_actions
    assert listed["models/gemini-embedding-001"].supported_actions[0] == "embedContent"


async def test_page_size_asked_for_is_an_upper_bound(server: Server) -> None:
    url = f"{server.url}/llm/gemini/v1beta/models?pageSize=3"
    page = await (await server.http.get(url, headers={"x-goog-api-key": KEY})).json()
    assert len(page["models"]) == 3
    assert page["nextPageToken"]


async def test_foreign_page_token_is_refused(server: Server) -> None:
    url = f"{server.url}/llm/gemini/v1beta/models?pageToken=zzz"
    assert (await server.http.get(url, headers={"x-goog-api-key": KEY})).status == 400


async def test_first_version_of_the_api_is_served_too(server: Server) -> None:
    body = {"contents": [{"parts": [{"text": "[[text hi]]"}]}]}
    url = f"{server.url}/llm/gemini/v1/models/{MODEL}:generateContent"
    answer = await (await server.http.post(url, json=body, headers={"x-goog-api-key": KEY})).json()
    assert answer["candidates"][0]["content"]["parts"][0]["text"] == "hi"


async def test_model_is_retrieved_by_its_name(client: Any) -> None:
    assert (await client.models.get(model=MODEL)).input_token_limit == 1_048_576


async def test_greeting_is_answered_and_usage_adds_up(client: Any) -> None:
    answer = await client.models.generate_content(model=MODEL, contents="Привет!")
    used = answer.usage_metadata
    assert answer.text.startswith("Привет!")
    assert answer.candidates[0].finish_reason == "STOP"
    total = used.prompt_token_count + used.candidates_token_count + used.thoughts_token_count
    assert used.total_token_count == total


async def test_stream_says_what_the_whole_answer_says(client: Any) -> None:
    whole = await client.models.generate_content(model=MODEL, contents="Как дела?")
    stream = await client.models.generate_content_stream(model=MODEL, contents="Как дела?")
    assert "".join([chunk.text async for chunk in stream]) == whole.text


async def test_stream_has_growing_usage_and_no_closing_mark(server: Server) -> None:
    response = await server.ask("gemini", "Hello", stream=True)
    body = await response.text()
    totals = [event["usageMetadata"]["totalTokenCount"] for event in events(body)]
    assert "[DONE]" not in body
    assert totals == sorted(totals)
    assert totals[0] < totals[-1]


async def test_stream_without_events_is_one_json_array(server: Server) -> None:
    url = f"{server.url}/llm/gemini/v1beta/models/{MODEL}:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": "Hello"}]}]}
    response = await server.http.post(url, json=body, headers={"x-goog-api-key": KEY})
    assert len(json.loads(await response.text())) == 2


async def test_thoughts_are_shown_when_asked_for(client: Any) -> None:
    silent = await client.models.generate_content(model=MODEL, contents="Hello")
    loud = await client.models.generate_content(model=MODEL, contents="Hello", config=THOUGHTS)
    assert [part.thought for part in silent.candidates[0].content.parts] == [None]
    assert [part.thought for part in loud.candidates[0].content.parts] == [True, None]


async def test_no_thinking_budget_means_no_thoughts(client: Any) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(thinking_budget=0))
    answer = await client.models.generate_content(model=MODEL, contents="Hello", config=config)
    assert answer.usage_metadata.thoughts_token_count is None


async def call_weather(client: Any, prompt: str = '[[tool get_weather {"city": "Oslo"}]]') -> list[Any]:
    """The contents after the model has called its tool."""
    contents = [types.Content(role="user", parts=[types.Part(text=prompt)])]
    config = types.GenerateContentConfig(tools=[WEATHER])
    answer = await client.models.generate_content(model=MODEL, contents=contents, config=config)
    assert answer.function_calls[0].args == {"city": "Oslo"}
    return [*contents, answer.candidates[0].content]


def responses(called: Any) -> Any:
    parts = [
        types.Part(
            function_response=types.FunctionResponse(id=part.function_call.id, name="get_weather", response={"temp": 3})
        )
        for part in called.parts
    ]
    return types.Content(role="user", parts=parts)


async def test_tool_round_trip_ends_in_words_about_the_result(client: Any) -> None:
    contents = await call_weather(client)
    contents.append(responses(contents[-1]))
    answer = await client.models.generate_content(model=MODEL, contents=contents)
    assert '{"temp":3}' in answer.text


async def test_call_without_its_signature_is_refused(client: Any) -> None:
    contents = await call_weather(client)
    contents[-1].parts[0].thought_signature = None
    contents.append(responses(contents[-1]))
    with pytest.raises(errors.ClientError, match="thought_signature"):
        await client.models.generate_content(model=MODEL, contents=contents)


async def test_signature_of_an_earlier_turn_is_not_missed(client: Any) -> None:
    contents = await call_weather(client)
    contents[-1].parts[0].thought_signature = None
    model = types.Content(role="model", parts=[types.Part(text="3 degrees")])
    again = types.Content(role="user", parts=[types.Part(text="thanks")])
    contents += [responses(contents[-1]), model, again]
    assert (await client.models.generate_content(model=MODEL, contents=contents)).text


async def test_only_the_first_of_parallel_calls_is_signed(client: Any) -> None:
    prompt = '[[tool get_weather {"city": "Oslo"}]] [[tool get_weather {"city": "Rome"}]]'
    contents = await call_weather(client, prompt)
    assert [part.thought_signature is not None for part in contents[-1].parts] == [True, False]
    contents.append(responses(contents[-1]))
    assert (await client.models.generate_content(model=MODEL, contents=contents)).text


async def test_answers_must_be_as_many_as_calls(client: Any) -> None:
    contents = await call_weather(client)
    with pytest.raises(errors.ClientError, match="number of function response parts"):
        await client.models.generate_content(model=MODEL, contents=contents)


async def test_streamed_call_finishes_with_stop(client: Any) -> None:
    config = types.GenerateContentConfig(tools=[WEATHER])
    stream = await client.models.generate_content_stream(model=MODEL, contents="[[tool get_weather {}]]", config=config)
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].function_calls[0].name == "get_weather"
    assert chunks[-1].candidates[0].finish_reason == "STOP"


async def test_refused_prompt_has_feedback_and_no_candidates(client: Any) -> None:
    answer = await client.models.generate_content(model=MODEL, contents="[[blocked prompt]]")
    assert answer.candidates is None
    assert answer.prompt_feedback.block_reason == "PROHIBITED_CONTENT"


async def test_refused_answer_has_a_candidate_without_content(client: Any) -> None:
    answer = await client.models.generate_content(model=MODEL, contents="[[blocked]]")
    assert answer.candidates[0].finish_reason == "SAFETY"
    assert answer.candidates[0].content is None


async def test_answer_eaten_by_thinking_has_a_role_only(client: Any) -> None:
    config = types.GenerateContentConfig(max_output_tokens=4)
    answer = await client.models.generate_content(model=MODEL, contents="Hello", config=config)
    assert answer.candidates[0].finish_reason == "MAX_TOKENS"
    assert answer.candidates[0].content.parts is None


async def test_both_cases_of_names_are_accepted(server: Server) -> None:
    snake: Any = {
        "system_instruction": {"parts": [{"text": "s"}]},
        "generation_config": {"max_output_tokens": 9000},
    }
    camel: Any = {"systemInstruction": {"parts": [{"text": "s"}]}, "generationConfig": {"maxOutputTokens": 9000}}
    one, two = [await (await server.ask("gemini", "[[system]]", **body)).json() for body in (snake, camel)]
    assert one["candidates"] == two["candidates"]
    assert one["candidates"][0]["content"]["parts"] == [{"text": "s", "thoughtSignature": SIGNATURE}]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"max_tokens": 5}, 400),
        ({"generationConfig": {"max_tokens": 5}}, 400),
        ({"contents": []}, 400),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, 400),
        ({"contents": [{"role": "user", "parts": []}]}, 400),
        (
            {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]},
            400,
        ),
        ({"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "http://x/files/none"}}]}]}, 403),
    ],
)
async def test_wrong_requests_are_refused(server: Server, fields: Any, status: int) -> None:
    response = await server.ask("gemini", "x", **fields)
    assert response.status == status
    assert (await response.json())["error"]["code"] == status


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"x-goog-api-key": "bad-key"}, 400, "API_KEY_INVALID"),
        ({"Authorization": "Bearer x"}, 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ],
)
async def test_wrong_credentials_name_the_reason(server: Server, headers: Any, status: int, reason: str) -> None:
    response = await server.http.get(f"{server.url}/llm/gemini/v1beta/models", headers=headers)
    assert response.status == status
    assert (await response.json())["error"]["details"][0]["reason"] == reason


async def test_model_that_cannot_chat_is_not_found(client: Any) -> None:
    with pytest.raises(errors.ClientError, match="404"):
        await client.models.generate_content(model="gemini-embedding-001", contents="x")


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        ("429 36", 429, "RESOURCE_EXHAUSTED"),
        ("402", 402, "RESOURCE_EXHAUSTED"),
        ("region", 400, "FAILED_PRECONDITION"),
        ("500", 500, "INTERNAL"),
        ("503", 503, "UNAVAILABLE"),
        ("503 list", 503, "UNAVAILABLE"),
    ],
)
async def test_errors_come_as_asked_for(client: Any, kind: str, status: int, name: str) -> None:
    with pytest.raises(errors.APIError) as caught:
        await client.models.generate_content(model=MODEL, contents=f"[[error {kind}]]")
    assert (caught.value.code, caught.value.status) == (status, name)


async def test_rate_limit_tells_the_delay_among_its_details(server: Server) -> None:
    body = await (await server.ask("gemini", "[[error 429 36]]")).json()
    assert body["error"]["details"][1]["retryDelay"] == "36s"
    assert body["error"]["message"].endswith("Please retry in 36s.")


async def test_daily_quota_is_told_from_the_minutes(server: Server) -> None:
    body = await (await server.ask("gemini", "[[error quota list]]")).json()
    assert "PerDay" in body[0]["error"]["details"][0]["violations"][0]["quotaId"]


async def test_tokens_are_counted(client: Any) -> None:
    counted = await client.models.count_tokens(model=MODEL, contents="x" * 40)
    assert counted.total_tokens == 14


async def test_uploaded_file_can_be_asked_about_and_deleted(server: Server, client: Any, tmp_path: Any) -> None:
    path = tmp_path / "t.pdf"
    path.write_bytes(b"%PDF-1.7")
    file = await client.files.upload(file=path, config={"display_name": "t.pdf", "mime_type": "application/pdf"})
    assert (file.state, file.size_bytes, file.display_name) == ("ACTIVE", 8, "t.pdf")
    assert file.uri.startswith(server.url)
    answer = await client.models.generate_content(model=MODEL, contents=["Что это?", file])
    assert "application/pdf" in answer.text
    await client.files.delete(name=file.name)
    with pytest.raises(errors.ClientError, match="403"):
        await client.files.get(name=file.name)


async def test_video_is_processed_before_it_is_active(client: Any, tmp_path: Any) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"0" * 100)
    file = await client.files.upload(file=path)
    states = [file.state] + [(await client.files.get(name=file.name)).state for _ in range(2)]
    assert states == ["PROCESSING", "PROCESSING", "ACTIVE"]


async def test_recording_is_written_down_word_for_word(client: Any) -> None:
    voice = types.Part.from_bytes(data="OggS[[text Купи хлеб.]]".encode(), mime_type="audio/ogg")
    scribe = types.GenerateContentConfig(system_instruction="Transcribe it.")
    answer = await client.models.generate_content(model=MODEL, contents=[voice, "What is said?"], config=scribe)
    assert answer.text == "Купи хлеб."


async def test_painter_sends_pictures_that_can_be_opened(client: Any) -> None:
    both = types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"])
    painter = "gemini-3.1-flash-image"
    answer = await client.models.generate_content(model=painter, contents="Кот [[image 2]]", config=both)
    images = [part.inline_data for part in answer.parts if part.inline_data]
    assert [image.mime_type for image in images] == ["image/png"] * 2
    assert images[0].data != images[1].data
    assert puremagic.from_string(images[0].data, mime=True) == "image/png"


async def test_model_that_only_talks_paints_nothing(client: Any) -> None:
    answer = await client.models.generate_content(model=MODEL, contents="[[image]]")
    assert not [part for part in answer.parts if part.inline_data]
    wish = types.GenerateContentConfig(response_modalities=["IMAGE"])
    with pytest.raises(errors.ClientError):
        await client.models.generate_content(model=MODEL, contents="Кот", config=wish)
