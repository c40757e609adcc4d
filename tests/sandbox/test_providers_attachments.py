"""What the fake models take: kinds by model, and bytes that are what they claim to be."""

import base64
from typing import Any

import pytest

from tests.sandbox.providers_server import KEY, Server

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PDF = base64.b64encode(b"%PDF-1.7").decode()
WORDS = base64.b64encode(b"only words").decode()
SOUND = base64.b64encode(b"OggS").decode()


def image(data: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def document(data: str) -> dict[str, Any]:
    return {"type": "document_url", "document_url": f"data:application/pdf;base64,{data}"}


async def told(server: Server, provider: str, model: str, part: dict[str, Any]) -> int:
    messages = [{"role": "user", "content": [{"type": "text", "text": "?"}, part]}]
    return (await server.ask(provider, "", model=model, messages=messages)).status


async def shown(server: Server, model: str, mime: str, data: str) -> int:
    url = f"{server.url}/llm/gemini/v1beta/models/{model}:generateContent"
    body = {"contents": [{"parts": [{"inlineData": {"mimeType": mime, "data": data}}]}]}
    return (await server.http.post(url, json=body, headers={"x-goog-api-key": KEY})).status


@pytest.mark.parametrize(
    ("provider", "sees", "blind"),
    [
        ("mistral", "mistral-small-2603", "codestral-2508"),
        ("deepseek", "deepseek-flash", "deepseek-v4-pro"),
        ("openai", "gpt-4o-mini", "blind"),
    ],
)
async def test_model_of_text_refuses_pictures(server: Server, provider: str, sees: str, blind: str) -> None:
    server.models.catalogues["openai"].add("blind", architecture={"input_modalities": ["text"]})
    assert await told(server, provider, sees, image(PNG)) == 200
    assert await told(server, provider, blind, image(PNG)) == 400


async def test_document_needs_a_model_that_sees_and_pages(server: Server) -> None:
    assert await told(server, "mistral", "mistral-small-2603", document(PDF)) == 200
    assert await told(server, "mistral", "mistral-small-2603", document(WORDS)) == 400
    assert await told(server, "mistral", "codestral-2508", document(PDF)) == 400


async def test_file_that_was_not_uploaded_is_refused(server: Server) -> None:
    server.models.files["f1"] = {"object": "file"}
    assert await told(server, "mistral", "mistral-small-2603", {"type": "file", "file_id": "f1"}) == 200
    assert await told(server, "mistral", "mistral-small-2603", {"type": "file", "file_id": "f2"}) == 400


@pytest.mark.parametrize("data", ["", "%%%", WORDS])
async def test_picture_that_is_none_is_refused_everywhere(server: Server, data: str) -> None:
    for provider, model in (
        ("openai", "gpt-4o-mini"),
        ("mistral", "mistral-small-2603"),
        ("deepseek", "deepseek-flash"),
    ):
        assert await told(server, provider, model, image(data)) == 400
    assert await shown(server, "gemini-3.8-flash", "image/png", data) == 400


async def test_picture_elsewhere_is_not_fetched(server: Server) -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert await told(server, "openai", "gpt-4o-mini", part) == 400


async def test_recording_needs_a_model_that_hears(server: Server) -> None:
    part = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}
    assert await told(server, "openai", "gpt-4o-mini", part) == 400
    server.models.catalogues["openai"].add("gpt-audio-2")
    assert await told(server, "openai", "gpt-audio-2", part) == 200
    assert await shown(server, "gemini-3.8-flash", "audio/ogg", SOUND) == 200
    assert await shown(server, "gemma-4-31b-it", "audio/ogg", SOUND) == 400
