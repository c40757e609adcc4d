"""What measurements need of the sandbox: many people at once, counts of calls, when a model began to speak."""

import aiohttp

from sandbox.server import Sandbox

from .telegram_clients import Api, Control

QUESTION = {"model": "gpt-4.1-mini", "stream": True, "messages": [{"role": "user", "content": "[[slow 0.3]] hello"}]}


async def test_a_burst_is_everybodys_first_message_before_anybodys_second(control: Control, api: Api) -> None:
    await control("burst", chats=2, per_chat=2, first_id=501, text="no {n} of {chat}")
    said = [update["message"] for update in await api.ok("getUpdates")]
    assert [message["text"] for message in said] == ["no 1 of 501", "no 1 of 502", "no 2 of 501", "no 2 of 502"]
    assert [message["chat"]["id"] for message in said] == [501, 502, 501, 502]


async def test_a_burst_of_no_messages_only_makes_the_people(control: Control, api: Api) -> None:
    await control("burst", chats=1, per_chat=0, first_id=501)
    await api.ok("sendMessage", chat_id=501, text="hello")
    assert await api.ok("getUpdates") == []


async def test_counts_are_of_calls_that_succeeded(control: Control, api: Api) -> None:
    await api.ok("sendMessage", chat_id=101, text="one")
    await api("sendMessage", chat_id=101, text="")
    assert (await control.get("counts"))["sendMessage"] == 1


async def test_counts_begin_anew_when_the_calls_are_forgotten(control: Control, api: Api, sandbox: Sandbox) -> None:
    await api.ok("sendMessage", chat_id=101, text="one")
    sandbox.world.call_log.clear()
    assert await control.get("counts") == {}


async def test_the_moment_of_the_first_words_lies_between_the_first_byte_and_the_end(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": "Bearer sandbox"}
    url = f"{sandbox.url}/llm/openai/v1/chat/completions"
    async with session.post(url, json=QUESTION, headers=headers) as response:
        await response.read()
    await sandbox.models.until(lambda: sandbox.models.calls[-1].duration is not None)
    call = sandbox.models.calls[-1]
    assert call.first_byte is not None
    assert call.first_text is not None
    assert call.duration is not None
    assert call.first_byte < call.first_text < call.duration
