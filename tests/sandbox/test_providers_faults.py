"""Broken, slow and hostile connections, the same for all four providers."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.sandbox.providers_server import (
    KEY,
    MODEL,
    PATHS,
    Server,
    events,
    everywhere,
    method,
    serve_models,
    text_of,
)

both = pytest.mark.parametrize("stream", [True, False])


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve_models(max_body=10_000) as running:
        yield running


@everywhere
@both
async def test_connection_is_cut_halfway(server: Server, provider: str, stream: bool) -> None:
    response = await server.ask(provider, "Hello [[cut]]", stream=stream)
    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()
    assert (await server.finished()).outcome == "broken"


@everywhere
async def test_connection_is_cut_before_any_byte(server: Server, provider: str) -> None:
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await server.ask(provider, "[[cut 0]]")


@everywhere
@both
async def test_body_may_be_empty(server: Server, provider: str, stream: bool) -> None:
    response = await server.ask(provider, "[[empty]]", stream=stream)
    assert (response.status, await response.read()) == (200, b"")


@everywhere
async def test_answer_may_have_no_text(server: Server, provider: str) -> None:
    response = await server.ask(provider, "[[empty answer]]", stream=True)
    assert text_of(provider, events(await response.text())) == ""


@everywhere
async def test_stream_may_break_into_nonsense_after_some_text(server: Server, provider: str) -> None:
    body = await (await server.ask(provider, "Hello [[malformed]]", stream=True)).text()
    good, _, bad = body.strip().rpartition("\n\n")
    assert text_of(provider, events(good))
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(bad.removeprefix("data: "))


@everywhere
async def test_whole_answer_may_be_half_of_one(server: Server, provider: str) -> None:
    body = await (await server.ask(provider, "Hello [[malformed]]")).text()
    with pytest.raises(ValueError, match=r"."):
        json.loads(body)


@everywhere
async def test_proxy_may_answer_with_its_own_page(server: Server, provider: str) -> None:
    response = await server.ask(provider, "[[html]]")
    assert (response.status, response.content_type) == (502, "text/html")
    assert "<h1>502 Bad Gateway</h1>" in await response.text()


@everywhere
@both
async def test_dripping_answer_is_whole_at_the_end(server: Server, provider: str, stream: bool) -> None:
    response = await server.ask(provider, "[[text Ёж 👨‍👩‍👧‍👦]] [[drip]]", stream=stream)
    text = await response.text()
    assert text_of(provider, events(text) if stream else [json.loads(text)]) == "Ёж 👨‍👩‍👧‍👦"


async def test_dripping_answer_splits_characters_between_reads(server: Server) -> None:
    response = await server.ask("openai", "[[text ЁЁЁЁ]] [[drip]]", stream=True)
    chunks = [chunk async for chunk, _ in response.content.iter_chunks()]
    assert {len(chunk) for chunk in chunks if chunk} == {1}


@everywhere
async def test_lines_may_end_with_cr_lf(server: Server, provider: str) -> None:
    body = await (await server.ask(provider, "[[text hi]] [[crlf]]", stream=True)).read()
    assert body.count(b"\n") == body.count(b"\r\n") > 2
    assert text_of(provider, events(body.decode())) == "hi"


@everywhere
async def test_comments_come_before_and_between_the_pieces(server: Server, provider: str) -> None:
    body = await (await server.ask(provider, "[[text hi]] [[keepalive 3]]", stream=True)).text()
    assert body.startswith(": keep-alive\n\n" * 3)
    assert body.count(": keep-alive") > 3
    assert text_of(provider, events(body)) == "hi"


@everywhere
async def test_blank_lines_come_before_a_whole_answer(server: Server, provider: str) -> None:
    body = await (await server.ask(provider, "[[text hi]] [[keepalive 3]]")).text()
    assert body.startswith("\n\n\n")
    assert text_of(provider, [json.loads(body)]) == "hi"


@both
async def test_client_that_waits_no_longer_ends_a_hanging_call_without_a_traceback(
    server: Server, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    asking = asyncio.create_task(server.ask("openai", "[[hang]]", stream=stream))
    await server.models.until(lambda: server.models.active == 1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await server.models.until(lambda: server.models.calls[-1].outcome == "gone")
    await asyncio.sleep(0)  # the handler's last step
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    assert server.models.active == 0


@everywhere
async def test_stream_may_fall_silent_halfway(server: Server, provider: str) -> None:
    response = await server.ask(provider, "Hello [[hang mid]]", stream=True)
    first = await response.content.readuntil(b"}\n\n")
    assert first
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await response.content.read()
    response.close()


@both
async def test_only_fillers_may_come(server: Server, stream: bool) -> None:
    response = await server.ask("deepseek", "[[hang keepalive]]", stream=stream)
    filler = b": keep-alive\n\n" if stream else b"\n"
    received = b""
    while len(received) < 3 * len(filler):
        received += await response.content.readany()
    assert received == filler * (len(received) // len(filler))
    response.close()


async def test_held_answer_goes_on_when_released(server: Server) -> None:
    asked = asyncio.create_task(server.ask("mistral", "Hello [[hold a]]", stream=True))
    await server.models.until(lambda: any(call.outcome == "held" for call in server.models.calls))
    assert server.models.active == 1
    server.models.release("a")
    assert "[DONE]" in await (await asked).text()


async def test_held_answer_is_released_over_http(server: Server) -> None:
    asked = asyncio.create_task(server.ask("openai", "Hello [[hold]]"))
    await server.models.until(lambda: any(call.outcome == "held" for call in server.models.calls))
    await server.http.post(f"{server.url}/_sandbox/llm/release")
    assert (await (await asked).json())["object"] == "chat.completion"


async def test_peak_counts_answers_at_the_same_time(server: Server) -> None:
    asked = [asyncio.create_task(server.ask("openai", "Hello [[hold]]")) for _ in range(5)]
    await server.models.until(lambda: sum(call.outcome == "held" for call in server.models.calls) == 5)
    server.models.release()
    await asyncio.gather(*asked)
    await server.models.until(lambda: server.models.active == 0)
    assert server.models.peak == 5


@everywhere
async def test_request_that_is_too_long_is_refused(server: Server, provider: str) -> None:
    assert (await server.ask(provider, "x" * 11_000)).status == 413


@everywhere
async def test_request_that_is_no_json_is_refused(server: Server, provider: str) -> None:
    url = server.url + PATHS[provider].format(model=MODEL[provider], method=method(False))
    headers = {"x-goog-api-key": KEY} | ({} if provider == "gemini" else {"Authorization": f"Bearer {KEY}"})
    assert (await server.http.post(url, data=b"{", headers=headers)).status == 400


@everywhere
@pytest.mark.parametrize("kind", ["401", "404", "429", "500", "503", "context", "html"])
async def test_kind_of_error_exists_everywhere(server: Server, provider: str, kind: str) -> None:
    response = await server.ask(provider, f"[[error {kind}]]", stream=True)
    assert response.status >= 400
    assert response.status != 501


async def test_unknown_kind_of_error_says_so(server: Server) -> None:
    response = await server.ask("openai", "[[error nonsense]]")
    assert response.status == 501
    assert "nonsense" in await response.text()


async def test_server_that_closes_lets_nobody_hang() -> None:
    async with serve_models() as server:
        asked = asyncio.create_task(server.ask("openai", "[[hang]]"))
        await server.models.until(lambda: server.models.active == 1)
    with pytest.raises(aiohttp.ClientError):
        await asked
