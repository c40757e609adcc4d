"""Mistral's form as its own SDK reads it, the strictest judge of the four."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError
from mistralai.client.models import CompletionChunk, File, TextChunk, ThinkChunk

from tests.sandbox.providers_server import KEY, TOOL, Server, events, user

MODEL = "mistral-small-latest"


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Mistral]:
    with httpx2.Client(verify=False) as idle:  # clients that read no certificates begin ten times faster
        async with httpx2.AsyncClient(verify=False) as http:
            base = f"{server.url}/llm/mistral"
            yield Mistral(api_key=KEY, server_url=base, client=idle, async_client=http)


async def streamed(client: Mistral, **request: Any) -> list[CompletionChunk]:
    stream = await client.chat.stream_async(model=MODEL, **request)
    return [event.data async for event in stream]


async def test_models_are_listed_with_what_they_can_do(client: Mistral) -> None:
    models: Any = (await client.models.list_async()).data
    listed = {model.id: model for model in models}
    assert listed["mistral-small-2603"].capabilities.completion_chat
    assert listed["mistral-small-2603"].aliases == [MODEL]
    assert not listed["mistral-embed-2312"].capabilities.completion_chat
    assert listed["ft:ministral-8b-2512:c4ed3c41"].archived is True


async def test_ended_model_names_its_replacement_and_refuses(server: Server, client: Mistral) -> None:
    ended: Any = await client.models.retrieve_async(model_id="magistral-medium-2509")
    assert ended.deprecation.year == 2026
    assert ended.deprecation_replacement_model == "mistral-medium-3-5"
    response = await server.ask("mistral", "x", model="magistral-medium-2509")
    assert (await response.json())["code"] == "1500"


async def test_alias_is_answered_by_the_model_behind_it(client: Mistral) -> None:
    answer = await client.chat.complete_async(model=MODEL, messages=user("Привет"))
    assert answer.model == "mistral-small-2603"
    assert "Привет" in str(answer.choices[0].message and answer.choices[0].message.content)


async def test_stream_says_what_the_whole_answer_says(client: Mistral) -> None:
    whole = await client.chat.complete_async(model=MODEL, messages=user("Как дела?"))
    chunks = await streamed(client, messages=user("Как дела?"))
    said = "".join(str(chunk.choices[0].delta.content) for chunk in chunks)
    assert whole.choices[0].message is not None
    assert said == whole.choices[0].message.content


async def test_usage_comes_unasked_with_the_finish(client: Mistral) -> None:
    chunks = await streamed(client, messages=user("Hello"))
    assert [chunk.usage is not None for chunk in chunks] == [False, False, False, True]
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_content_is_a_list_with_thoughts_when_effort_is_asked_for(client: Mistral) -> None:
    answer = await client.chat.complete_async(model=MODEL, messages=user("Hello"), reasoning_effort="high")
    assert answer.choices[0].message is not None
    kinds = [type(chunk) for chunk in answer.choices[0].message.content or []]
    assert kinds == [ThinkChunk, TextChunk]


async def test_last_streamed_thought_is_closed_and_followed_by_text(client: Mistral) -> None:
    chunks = await streamed(client, messages=user("Hello [[words 9]]"), reasoning_effort="high")
    contents = [chunk.choices[0].delta.content for chunk in chunks]
    closing = next(content for content in contents if isinstance(content, list) and len(content) == 2)
    assert isinstance(closing[0], ThinkChunk)
    assert closing[0].closed is True
    assert isinstance(closing[1], TextChunk)


async def test_tool_call_is_whole_in_the_finishing_chunk(client: Mistral) -> None:
    request = user('Погода? [[tool get_weather {"city": "Осло"}]]')
    last = (await streamed(client, messages=request, tools=[TOOL]))[-1].choices[0]
    assert last.finish_reason == "tool_calls"
    assert last.delta.tool_calls
    assert last.delta.tool_calls[0].function.arguments == '{"city": "Осло"}'
    assert len(last.delta.tool_calls[0].id or "") == 9


async def test_tool_round_trip_ends_in_words_about_the_result(client: Mistral) -> None:
    messages = user("[[tool get_weather {}]]")
    first = await client.chat.complete_async(model=MODEL, messages=messages, tools=[TOOL])
    said: Any = first.choices[0].message
    answer = {"role": "tool", "tool_call_id": said.tool_calls[0].id, "name": "get_weather", "content": "3"}
    turn = {"role": "assistant", "content": "", "tool_calls": [said.tool_calls[0].model_dump()]}
    del turn["tool_calls"][0]["index"]
    second = await client.chat.complete_async(model=MODEL, messages=[*messages, turn, answer], tools=[TOOL])
    assert second.choices[0].message is not None
    assert "`3`" in str(second.choices[0].message.content)


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"max_completion_tokens": 100}, ["body", "max_completion_tokens"]),
        ({"stream_options": {"include_usage": True}}, ["body", "stream_options"]),
        ({"user": "u"}, ["body", "user"]),
        (
            {"messages": [{"role": "user", "content": "x", "name": "Anna"}]},
            ["body", "messages", 0, "user", "name"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "video_url"}]}]},
            ["body", "messages", 0, "user", "content", 0],
        ),
        ({"temperature": 1.9}, ["body", "temperature"]),
        ({"messages": []}, ["body", "messages"]),
    ],
)
async def test_what_is_not_known_is_refused_with_its_place(server: Server, fields: Any, loc: Any) -> None:
    response = await server.ask("mistral", "x", **fields)
    body = await response.json()
    assert response.status == 422
    assert body["object"] == "error"
    assert body["message"]["detail"][0]["loc"] == loc


CALL = {"id": "D681PevKs", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "D681PevKs", "name": "f", "content": "1"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([*user("x"), CALLED, ANSWER, *user("y")], "3230"),
        ([*user("x"), {"role": "assistant", "content": "y"}], "3230"),
        ([*user("x"), CALLED, *user("y")], "3230"),
        ([*user("x"), CALLED | {"tool_calls": [CALL | {"id": "call_a"}]}, ANSWER], "3280"),
        ([*user("x"), {"role": "assistant", "content": ""}, *user("y")], "3240"),
    ],
)
async def test_messages_out_of_order_are_refused(server: Server, messages: Any, code: str) -> None:
    response = await server.ask("mistral", "x", messages=messages)
    assert (response.status, (await response.json())["code"]) == (400, code)


@pytest.mark.parametrize(
    "messages",
    [
        [*user("x"), *user("y")],
        [*user("x"), {"role": "assistant", "content": "y", "prefix": True}],
        [*user("x"), CALLED, ANSWER],
        [{"role": "system", "content": "s"}, *user("x"), {"role": "assistant", "content": "a"}, *user("y")],
    ],
)
async def test_messages_in_order_are_served(server: Server, messages: Any) -> None:
    assert (await server.ask("mistral", "x", messages=messages)).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "fragment"),
    [
        ("auth", 401, '{"detail":"Unauthorized"}'),
        ("402", 402, "Payment required"),
        ("429", 429, '"raw_status_code":429'),
        ("rate_short", 429, '{"message":"Requests rate limit exceeded"}'),
        ("capacity", 429, '"code":"3505"'),
        ("503", 503, '"code":"3505"'),
        ("order", 400, '"code":"3230"'),
        ("500", 500, "internal_server_error"),
    ],
)
async def test_every_shape_of_error_comes_as_asked_for(client: Mistral, kind: str, status: int, fragment: str) -> None:
    with pytest.raises(SDKError) as caught:
        await client.chat.complete_async(model=MODEL, messages=user(f"[[error {kind}]]"))
    assert caught.value.status_code == status
    assert fragment in caught.value.body


async def test_sdk_reads_the_validation_error(client: Mistral) -> None:
    with pytest.raises(HTTPValidationError):
        await client.chat.complete_async(model=MODEL, messages=user("[[error 422]]"))


async def test_wrong_key_is_refused(server: Server) -> None:
    response = await server.ask("mistral", "x", key="bad-key")
    assert (response.status, await response.json()) == (401, {"detail": "Unauthorized"})


async def test_error_can_come_inside_a_stream(server: Server) -> None:
    response = await server.ask("mistral", "x [[error stream]]", stream=True)
    assert events(await response.text())[-1]["object"] == "error"


async def test_uploaded_file_is_recognised_by_its_id(client: Mistral) -> None:
    uploaded = await client.files.upload_async(
        file=File(file_name="t.pdf", content=b"%PDF-1.7", content_type="application/pdf"), purpose="ocr"
    )
    assert (uploaded.size_bytes, uploaded.purpose, uploaded.filename) == (8, "ocr", "t.pdf")
    read = await client.ocr.process_async(model="mistral-ocr-latest", document={"type": "file", "file_id": uploaded.id})
    assert read.usage_info.doc_size_bytes == 8
    assert read.pages[0].markdown.startswith("# t.pdf")


async def test_document_in_a_data_url_is_recognised(client: Mistral) -> None:
    url = "data:application/pdf;base64,JVBERi0="
    read = await client.ocr.process_async(
        model="mistral-ocr-latest", document={"type": "document_url", "document_url": url}
    )
    assert (read.model, read.usage_info.doc_size_bytes) == ("mistral-ocr-4-0", 5)


async def test_model_that_cannot_read_documents_does_not(client: Mistral) -> None:
    with pytest.raises(SDKError, match="Invalid model"):
        await client.ocr.process_async(
            model=MODEL, document={"type": "image_url", "image_url": "data:image/png;base64,iVBORw0KGgo="}
        )


async def test_deleted_file_is_gone(client: Mistral) -> None:
    uploaded = await client.files.upload_async(file=File(file_name="a.pdf", content=b"x"), purpose="ocr")
    assert (await client.files.list_async()).total == 1
    assert (await client.files.delete_async(file_id=uploaded.id)).deleted is True
    with pytest.raises(SDKError, match="404"):
        await client.files.retrieve_async(file_id=uploaded.id)


async def test_recording_says_what_it_is_marked_with(client: Mistral) -> None:
    voice = File(file_name="v.ogg", content="OggS[[text Купи хлеб.]]".encode())
    heard = await client.audio.transcriptions.complete_async(model="voxtral-mini-latest", file=voice)
    assert heard.text == "Купи хлеб."


async def test_voice_is_transcribed(client: Mistral) -> None:
    heard = await client.audio.transcriptions.complete_async(
        model="voxtral-mini-latest", file=File(file_name="v.ogg", content=b"OggS" * 2000), language="ru"
    )
    assert heard.text.startswith("Это расшифровка")
    assert heard.usage.prompt_audio_seconds == 2
