"""Recordings: as each provider takes them, as the client asks for them, and which model is asked."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.db import in_db
from llm import services, sync
from llm.client import Client
from llm.errors import ProviderError
from llm.models import Model, ProviderState
from llm.providers.deepseek import DeepSeek
from llm.providers.gemini import Gemini
from llm.providers.mistral import Mistral
from llm.providers.openai import OpenAI
from llm.services import Target
from llm.types import ModelInfo, Part, Usage
from tests.llm.conftest import KEY, Wire

VOICE = Part("audio", data=b"OggS\x00\x02", mime="audio/ogg", name="../voice.exe")
MISTRAL = {
    "model": "voxtral-mini-2602", "text": " Купи хлеб. ", "language": "ru", "segments": [],
    "usage": {"prompt_audio_seconds": 3, "prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 45},
}  # fmt: skip


async def fails(wire: Wire, provider: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.transcribe("m", VOICE)
    return caught.value


async def test_mistral_takes_a_form_and_counts_the_recording(wire: Wire, mistral: Mistral) -> None:
    wire.says_json(MISTRAL)
    heard = await mistral.transcribe("voxtral-mini-latest", VOICE, "ru")
    assert (heard.text, heard.language, heard.seconds, heard.model) == ("Купи хлеб.", "ru", 3.0, "voxtral-mini-2602")
    assert heard.usage == Usage(40, None, 5, None)
    (seen,) = wire.seen
    assert seen.path == "/v1/audio/transcriptions"
    assert seen.headers["Authorization"] == f"Bearer {KEY}"
    assert 'name="model"\r\n\r\nvoxtral-mini-latest' in seen.body
    assert 'name="language"\r\n\r\nru' in seen.body
    assert 'name="file"; filename="recording.ogg"' in seen.body


async def test_name_that_a_person_gave_stays_here(wire: Wire, openai: OpenAI) -> None:
    wire.says_json({"text": "hi"})
    await openai.transcribe("whisper-1", VOICE)
    assert "voice.exe" not in wire.seen[0].body
    assert 'name="language"' not in wire.seen[0].body


async def test_whisper_says_seconds_and_no_tokens(wire: Wire, openai: OpenAI) -> None:
    wire.says_json({"text": "hi", "usage": {"type": "duration", "seconds": 9}})
    heard = await openai.transcribe("whisper-1", VOICE)
    assert (heard.seconds, heard.usage, heard.model) == (9.0, Usage(), "whisper-1")


async def test_answer_without_a_text_is_a_failure(wire: Wire, openai: OpenAI) -> None:
    wire.says_json({"usage": {}})
    assert (await fails(wire, openai)).kind == "server"


async def test_refused_recording_has_its_kind(wire: Wire, mistral: Mistral) -> None:
    wire.says_json({"message": "Request size limit exceeded"}, status=413)
    assert (await fails(wire, mistral)).kind == "too_large"


async def test_gemini_is_asked_to_write_down_what_it_hears(wire: Wire, gemini: Gemini) -> None:
    wire.says_json({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Купи хлеб.\n"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 4}, "modelVersion": "gemini-3.8-flash",
    })  # fmt: skip
    heard = await gemini.transcribe("gemini-3.8-flash", VOICE, "ru")
    assert (heard.text, heard.usage.input, heard.model) == ("Купи хлеб.", 90, "gemini-3.8-flash")
    (content,) = wire.seen[0].body["contents"]
    assert content["parts"][0] == {"inlineData": {"mimeType": "audio/ogg", "data": "T2dnUwAC"}}
    assert "word for word" in wire.seen[0].body["systemInstruction"]["parts"][0]["text"]


async def test_recording_that_gemini_refuses_is_blocked(wire: Wire, gemini: Gemini) -> None:
    wire.says_json({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert (await fails(wire, gemini)).kind == "blocked"


async def test_provider_without_ears_says_so(wire: Wire, deepseek: DeepSeek) -> None:
    error = await fails(wire, deepseek)
    assert (error.kind, error.param) == ("bad_request", "audio")
    assert wire.seen == []


async def test_models_for_recordings_are_listed_as_such(wire: Wire, mistral: Mistral, openai: OpenAI) -> None:
    able = {"audio": True, "audio_transcription": True}
    wire.says_json({"data": [{"id": "voxtral-mini-2602", "capabilities": able}]})
    wire.says_json({"data": [{"id": name} for name in ("whisper-large-v3", "gpt-4o-transcribe-diarize", "m", "tts-1")]})
    (voxtral,) = await mistral.list_models()
    listed = {model.name: model.capabilities for model in await openai.list_models()}
    assert voxtral.capabilities == {"transcription"}
    assert listed["whisper-large-v3"] == {"transcription"}
    assert listed["m"] == {"text"}
    assert "tts-1" not in listed


# The client


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[Client]:
    made = Client({"mistral": Mistral("mistral", wire.url, KEY)}, backoff=0.001)
    yield made
    await made.close()


TO = Target("mistral", "voxtral-mini-latest", None, "Voxtral")


@pytest.mark.django_db(transaction=True)
async def test_failure_is_tried_again(wire: Wire, client: Client) -> None:
    wire.says_json({"message": "down"}, status=500).says_json(MISTRAL)
    assert (await client.transcribe(TO, b"OggS", "audio/ogg", language="ru")).text == "Купи хлеб."
    assert len(wire.seen) == 2


@pytest.mark.django_db(transaction=True)
async def test_server_that_never_answers_is_a_timeout(wire: Wire, client: Client, settings: Any) -> None:
    settings.LLM_FIRST_TOKEN_TIMEOUT_SEC = 0.2
    for _ in range(3):
        wire.says(ending="hang")
    with pytest.raises(ProviderError) as caught, capture_logs() as logged:
        await client.transcribe(TO, b"OggS", "audio/ogg")
    assert caught.value.kind == "timeout"
    assert [entry["event"] for entry in logged].count("llm_retry") == 2  # so short a patience may end on the way there


@pytest.mark.django_db(transaction=True)
async def test_refused_key_opens_the_breaker(wire: Wire, client: Client) -> None:
    wire.says_json({"detail": "Unauthorized"}, status=401)
    with pytest.raises(ProviderError):
        await client.transcribe(TO, b"OggS", "audio/ogg")
    state = await in_db(ProviderState.objects.get, name="mistral")
    assert state.last_error_kind == "auth"


# Which model


@pytest.fixture
def both(db: None, settings: Any) -> None:
    settings.MISTRAL_API_KEY = settings.GEMINI_API_KEY = KEY


def model(name: str, *can: str, provider: str = "gemini", price: str | None = None) -> Model:
    ProviderState.objects.get_or_create(name=provider)
    paid = Decimal(price) if price else None
    return Model.objects.create(provider_id=provider, name=name, capabilities=sorted(can), price_input=paid)


def asked(now: datetime) -> str:
    target = services.transcriber(now)
    return target.ref if target else ""


@pytest.mark.usefixtures("both")
def test_model_made_for_recordings_is_asked_first(now: datetime) -> None:
    model("gemini-3.8-flash", "text", "audio", "transcription", price="0.1")
    model("voxtral", "transcription", provider="mistral")
    assert asked(now) == "mistral:voxtral"


@pytest.mark.usefixtures("both")
def test_cheapest_of_the_models_that_hear_is_asked(now: datetime) -> None:
    model("pro", "text", "transcription", price="2")
    model("a-preview", "text", "transcription")
    model("lite", "text", "transcription", price="0.1")
    assert asked(now) == "gemini:lite"


@pytest.mark.usefixtures("both")
def test_paused_provider_is_asked_for_no_words(now: datetime) -> None:
    model("voxtral", "transcription", provider="mistral")
    model("lite", "text", "transcription")
    ProviderState.objects.filter(name="mistral").update(paused_until=now + timedelta(minutes=1))
    assert asked(now) == "gemini:lite"


@pytest.mark.usefixtures("both")
def test_hidden_model_and_one_without_ears_are_not_asked(now: datetime) -> None:
    services.set_enabled(model("voxtral", "transcription", provider="mistral"), enabled=False)
    model("gemma", "text", "image")
    assert asked(now) == ""


@pytest.mark.usefixtures("both")
def test_model_for_recordings_is_kept_but_never_offered_in_a_chat(now: datetime) -> None:
    found = [ModelInfo("mistral-small"), ModelInfo("voxtral", capabilities=frozenset({"transcription"}))]
    claimed = sync.claim("test", None, now)
    assert claimed is not None
    sync.apply({"mistral": found}, claimed, now)
    assert [row.name for row in services.offered_models()] == ["mistral-small"]
    assert services.find_model("voxtral") is None
    assert asked(now) == "mistral:voxtral"


def test_unknown_model_is_believed_to_read_text_only() -> None:
    sees = Model(name="m", capabilities=["image", "text"])
    assert services.can_take(sees, ["text", "image"])
    assert not services.can_take(sees, ["image", "audio"])
    assert services.can_take(None, ["text"])
    assert not services.can_take(None, ["text", "document"])
