"""Pictures that models make: read, kept small, sent back where they stood."""

import base64
from typing import Any

import pytest

from llm.client import Client
from llm.models import Model
from llm.providers.base import collect
from llm.providers.gemini import Gemini
from llm.providers.openai import OpenAI
from llm.services import Target
from llm.types import Image, Part, Reasoning, Text, Turn, user_says
from tests.llm.conftest import KEY, Wire, asks, heard
from tests.llm.test_openai import says
from tests.llm.test_sandbox import World, world  # noqa: F401 (a fixture)

PNG = b"\x89PNG\r\n\x1a\n"
DATA = base64.b64encode(PNG).decode()
BLOB = {"mimeType": "image/png", "data": DATA}


def painted(*parts: Any) -> Any:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}]}


async def test_gemini_paints_and_its_answer_stays_small(wire: Wire, gemini: Gemini) -> None:
    wire.says_json(painted({"text": "Here:"}, {"inlineData": BLOB, "thoughtSignature": "c2ln"}))
    answer = await gemini.chat(asks())
    assert (answer.text, answer.images) == ("Here:", (Image(PNG, "image/png"),))
    kept = {"inlineData": {"mimeType": "image/png"}, "thoughtSignature": "c2ln"}
    assert answer.end.raw == {"role": "model", "parts": [{"text": "Here:"}, kept]}


async def test_picture_goes_back_to_its_place_with_its_signature(wire: Wire, gemini: Gemini) -> None:
    raw = {"parts": [{"inlineData": {"mimeType": "image/png"}, "thoughtSignature": "c2ln"}, {"text": "Here."}]}
    kept = Part("image", data=PNG, mime="image/png")
    turn = Turn("assistant", (Part("text", "Here."), kept), raw=raw, raw_model="gemini:m")
    wire.says_json(painted({"text": "ok"})).says_json(painted({"text": "ok"}))
    await gemini.chat(asks(turns=[user_says("Draw"), turn, user_says("Bluer")]))
    forgot = Turn("assistant", (Part("text", "Here."),), raw=raw, raw_model="gemini:m")
    await gemini.chat(asks(turns=[user_says("Draw"), forgot, user_says("Bluer")]))
    assert wire.seen[0].body["contents"][1]["parts"] == [
        {"inlineData": BLOB, "thoughtSignature": "c2ln"},
        {"text": "Here."},
    ]
    assert wire.seen[1].body["contents"][1]["parts"] == [{"text": "Here."}]


async def test_sketches_of_a_thinking_painter_are_not_shown(wire: Wire, gemini: Gemini) -> None:
    sketch = {"thought": True, "inlineData": BLOB, "thoughtSignature": "c2ln"}
    wire.says_json(painted({"thought": True, "text": "hm"}, sketch, {"inlineData": BLOB}))
    answer = await gemini.chat(asks())
    assert (answer.reasoning, len(answer.images)) == ("hm", 1)
    assert answer.end.raw == {"role": "model", "parts": [{"inlineData": {"mimeType": "image/png"}}]}


@pytest.mark.parametrize("blob", [{"mimeType": "audio/wav", "data": DATA}, {"mimeType": "image/png", "data": "%%"}])
async def test_what_is_no_picture_is_none(wire: Wire, gemini: Gemini, blob: Any) -> None:
    wire.says_json(painted({"text": "Here:"}, {"inlineData": blob}))
    assert (await gemini.chat(asks())).images == ()


async def test_painters_are_listed_with_what_they_can_do(wire: Wire, gemini: Gemini, openai: OpenAI) -> None:
    chat = ["generateContent"]
    names = ("gemini-3.1-flash-image", "nano-banana-pro-preview", "gemini-2.5-pro-preview-tts")
    wire.says_json({"models": [{"name": f"models/{name}", "supportedGenerationMethods": chat} for name in names]})
    both = {"input_modalities": ["text", "image"], "output_modalities": ["image", "text"]}
    wire.says_json({"data": [{"id": "vendor/paints-and-talks", "architecture": both}]})
    listed = {model.name: model.capabilities for model in await gemini.list_models()}
    assert listed == {name: {"text", "image", "image_out"} for name in names[:2]}
    (painter,) = await openai.list_models()
    assert painter.capabilities == {"text", "image", "image_out"}


async def test_pictures_of_the_chat_form_are_read_once(wire: Wire, openai: OpenAI) -> None:
    image = f'{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{DATA}"}}}}'
    elsewhere = '{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}'
    wire.says(
        f'data: {{"choices":[{{"delta":{{"content":"Here","images":[{image},{elsewhere}]}}}}]}}\n\n',
        f'data: {{"choices":[{{"delta":{{"images":[{image}]}},"finish_reason":"stop"}}]}}\n\n',
        "data: [DONE]\n\n",
    )
    events = await heard(openai)
    assert events[:2] == [Text("Here"), Image(PNG, "image/png")]
    assert len(events) == 3
    assert collect(events).end.raw == {"role": "assistant", "content": "Here"}


@pytest.mark.parametrize(
    ("name", "field"),
    [("openai", {"modalities": ["image", "text"]}), ("gemini", {"responseModalities": ["TEXT", "IMAGE"]})],
)
@pytest.mark.django_db(transaction=True)
async def test_painter_is_asked_for_pictures(wire: Wire, name: str, field: dict[str, Any]) -> None:
    client = Client({"openai": OpenAI("openai", wire.url, KEY), "gemini": Gemini("gemini", wire.url, KEY)})
    wire.says(*says()) if name == "openai" else wire.says_json(painted({"text": "42"}))
    row = Model(provider_id=name, name="m", capabilities=["image_out", "text"])
    assert (await client.chat(Target(name, "m", row, "M"), asks())).text == "42"
    await client.close()
    body = wire.seen[0].body
    assert field.items() <= (body if name == "openai" else body["generationConfig"]).items()


@pytest.mark.parametrize("effort", [None, "low"])
async def test_sandbox_paints_when_it_is_asked(world: World, effort: Any) -> None:  # noqa: F811
    world.models.catalogues["openai"].add("painter", architecture={"output_modalities": ["image", "text"]})
    for name, model in (("openai", "painter"), ("gemini", "gemini-3.1-flash-image")):
        request = asks("Кот [[image 2]][[text Вот.]]", model=model, effort=effort, options={"image_out": True})
        events = await heard(world.providers[name], request)
        images = [event for event in events if isinstance(event, Image)]
        assert len(images) == 2
        assert images[0].data.startswith(PNG)
        assert "".join(event.text for event in events if isinstance(event, Text)) == "Вот."
        assert (await world.providers[name].chat(request)).images == tuple(images)
        assert not any(isinstance(event, Reasoning) and "image" in event.text for event in events)
