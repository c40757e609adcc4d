"""The adapters against the sandbox's model servers. No test here may touch the database: answers need none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from llm.client import Client
from llm.errors import ProviderError
from llm.providers.base import HTTPProvider
from llm.providers.deepseek import DeepSeek
from llm.providers.gemini import Gemini
from llm.providers.mistral import Mistral
from llm.providers.openai import OpenAI
from llm.services import Target
from llm.types import Answer, ChatRequest, Part, Tool, Turn, user_says
from sandbox.providers.routes import add_routes
from sandbox.providers.state import Models
from tests.llm.conftest import KEY, refused

PLACES: dict[str, tuple[type[HTTPProvider], str, str]] = {
    "openai": (OpenAI, "/llm/openai/v1", "gpt-4o-mini"),
    "deepseek": (DeepSeek, "/llm/deepseek", "deepseek-flash"),
    "mistral": (Mistral, "/llm/mistral", "mistral-small-2603"),
    "gemini": (Gemini, "/llm/gemini", "gemini-3.8-flash"),
}
WEATHER = Tool("weather", "Weather now", {"type": "object", "properties": {"city": {"type": "string"}}})
everybody = pytest.mark.parametrize("name", PLACES)


class World:
    """The model servers, a client to all four, and one question at a time."""

    def __init__(self, url: str, models: Models, key: str = KEY) -> None:
        self.url, self.models = url, models
        self.providers = {name: kind(name, url + path, key) for name, (kind, path, _) in PLACES.items()}
        self.client = Client(self.providers, backoff=0.001)

    async def ask(self, name: str, text: str, **fields: object) -> Answer:
        request = ChatRequest(**({"model": "", "turns": [user_says(text)]} | fields))  # type: ignore[arg-type]
        return await self.client.chat(Target(name, PLACES[name][2], None, name), request)

    async def refused(self, name: str, text: str) -> ProviderError:
        return await refused(self.providers[name], ChatRequest(PLACES[name][2], [user_says(text)]))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    app, models = web.Application(), Models(pace=0)
    add_routes(app, models)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = World("http://{}:{}".format(*runner.addresses[0][:2]), models)
    yield made
    await made.client.close()
    await runner.cleanup()


@everybody
async def test_answer_comes_with_its_counts(world: World, name: str) -> None:
    answer = await world.ask(name, "[[text Сорок два. 👋]]", system="Be brief.", max_output=500, temperature=1.0)
    assert (answer.text, answer.end.finish) == ("Сорок два. 👋", "stop")
    assert answer.usage.input is not None
    assert answer.usage.output is not None
    assert answer.end.model


@everybody
async def test_dripping_bytes_and_comments_change_nothing(world: World, name: str) -> None:
    assert (await world.ask(name, "[[text Привет, 👨‍👩‍👧‍👦!]][[drip]][[keepalive]]")).text == "Привет, 👨‍👩‍👧‍👦!"


@everybody
async def test_tool_is_called_answered_and_told(world: World, name: str) -> None:
    question = user_says('[[tool weather {"city": "Oslo"}]] Погода?')
    first = await world.ask(name, "", turns=[question], tools=[WEATHER], effort="low")
    assert first.end.finish == "tool_calls"
    (call,) = first.tool_calls
    assert (call.name, call.arguments.replace(" ", "")) == ("weather", '{"city":"Oslo"}')
    model = f"{name}:{PLACES[name][2]}"
    asked = Turn("assistant", tool_calls=first.tool_calls, raw=first.end.raw, raw_model=model)
    answered = Turn("tool", (Part("text", '{"temp": 3}'),), tool_call_id=call.id, tool_name="weather")
    second = await world.ask(name, "", turns=[question, asked, answered], tools=[WEATHER], effort="low")
    assert "temp" in second.text
    assert second.end.finish == "stop"


@everybody
async def test_thoughts_are_apart_from_the_answer(world: World, name: str) -> None:
    answer = await world.ask(name, "[[reasoning]][[text 42]]", effort="low")
    assert answer.text == "42"
    assert answer.reasoning


@everybody
async def test_image_is_seen(world: World, name: str) -> None:
    picture = Part("image", data=b"\x89PNG\r\n\x1a\n", mime="image/png")
    turn = Turn("user", (Part("text", "What is this?"), picture))
    assert "1" in (await world.ask(name, "", turns=[turn])).text


@pytest.mark.parametrize(
    ("name", "model"),
    [("openai", "whisper-1"), ("mistral", "voxtral-mini-latest"), ("gemini", "gemini-3.8-flash")],
)
async def test_recording_is_written_down(world: World, name: str, model: str) -> None:
    voice = "OggS\x00[[text Купи хлеб.]]".encode()
    said = await world.client.transcribe(Target(name, model, None, name), voice, "audio/ogg", language="ru")
    assert said.text == "Купи хлеб."


@everybody
async def test_long_answer_is_cut_with_length(world: World, name: str) -> None:
    assert (await world.ask(name, "[[words 200]][[length 20]]")).end.finish == "length"


@everybody
@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("[[error auth]]", {"auth"}),
        ("[[error billing]]", {"billing"}),
        ("[[error region]]", {"forbidden_region", "auth"}),  # Mistral's 403 does not say why
        ("[[error model]]", {"model_not_found"}),
        ("[[error context]]", {"context_too_long"}),
        ("[[error too_large]]", {"too_large"}),
        ("[[error rate]]", {"rate_limited"}),
        ("[[error quota]]", {"quota_daily"}),
        ("[[error server]]", {"server"}),
        ("[[error overloaded]]", {"overloaded"}),
        ("[[error stream]]", {"server", "overloaded", "rate_limited"}),
        ("[[error 422]]", {"bad_request"}),
        ("[[html]]", {"server"}),
        ("[[cut 0]]", {"network"}),
        ("[[cut]]", {"network"}),
        ("[[malformed]]", {"server"}),
        ("[[empty]]", {"server"}),
    ],
)
async def test_every_failure_has_its_kind(world: World, name: str, said: str, kinds: set[str]) -> None:
    assert (await world.refused(name, said)).kind in kinds


@everybody
async def test_wait_is_understood(world: World, name: str) -> None:
    assert (await world.refused(name, "[[error rate 7]]")).retry_after == 7


@everybody
async def test_list_holds_the_model_and_no_embeddings(world: World, name: str) -> None:
    models = await world.providers[name].list_models()
    names = {model.name for model in models}
    assert PLACES[name][2] in names
    assert not any("embed" in found for found in names)


@everybody
async def test_key_is_checked(world: World, name: str) -> None:
    await world.providers[name].check_key()
    stranger = World(world.url, world.models, "bad-key")
    with pytest.raises(ProviderError) as caught:
        await stranger.providers[name].check_key()
    await stranger.client.close()
    assert caught.value.kind == "auth"


@everybody
async def test_leaving_closes_the_connection(world: World, name: str) -> None:
    task = asyncio.create_task(world.ask(name, "[[words 50]][[hold]]"))
    await world.models.until(lambda: bool(world.models.calls) and world.models.calls[-1].first_byte is not None)
    task.cancel()
    await asyncio.wait([task])
    await world.models.until(lambda: world.models.calls[-1].duration is not None)
    assert world.models.calls[-1].outcome == "gone"
