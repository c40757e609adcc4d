"""Recordings turned into words, in the form that OpenAI made and Mistral, Groq and others speak."""

from typing import Any

from llm.errors import ProviderError
from llm.providers.base import HTTPProvider, Json, count, mapping
from llm.types import Part, Transcript, Usage

# Servers tell the format by the name's ending, and refuse a recording without one.
ENDINGS = {
    "audio/ogg": "ogg", "audio/opus": "ogg", "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/mp4": "m4a",
    "audio/x-m4a": "m4a", "audio/m4a": "m4a", "audio/aac": "m4a", "audio/wav": "wav", "audio/x-wav": "wav",
    "audio/flac": "flac", "audio/x-flac": "flac", "audio/webm": "webm", "video/mp4": "mp4", "video/webm": "webm",
}  # fmt: skip


def file_name(audio: Part) -> str:
    """A name by which a server knows the recording's format: nothing else of the person's own name for it."""
    ending = ENDINGS.get(audio.mime) or audio.name.rpartition(".")[2].lower()
    return f"recording.{ending}" if ending.isalnum() and ending.isascii() else "recording.ogg"


async def transcribed(provider: HTTPProvider, model: str, audio: Part, language: str) -> Transcript:
    """The words of ``audio`` by ``/audio/transcriptions``, sent as a form. Raises ``ProviderError``."""
    fields = {"model": model} | ({"language": language} if language else {})
    files = {"file": (file_name(audio), audio.data, audio.mime or "application/octet-stream")}
    url = f"{provider.base_url}/audio/transcriptions"
    async with provider.send("POST", url, data=fields, files=files) as response:
        body = await provider.read_json(response)
    if not isinstance(text := body.get("text"), str):
        raise ProviderError("server", "The transcript has no text.")
    said = mapping(body.get("usage"))
    return Transcript(
        text.strip(),
        str(body.get("language") or ""),
        _seconds(said.get("prompt_audio_seconds"), said.get("seconds"), body.get("duration")),
        read_usage(said),
        str(body.get("model") or model),
    )


def _seconds(*said: Any) -> float | None:
    return next((float(n) for n in said if isinstance(n, int | float) and not isinstance(n, bool) and n > 0), None)


def read_usage(said: Json) -> Usage:
    """Tokens; a recording's own are only part of Mistral's total, and whisper counts none."""
    output = _first(said, "output_tokens", "completion_tokens")
    total, entered = _first(said, "total_tokens"), _first(said, "input_tokens", "prompt_tokens")
    if total is not None and output is not None:
        entered = max(total - output, entered or 0)
    return Usage(entered, None, output, None)


def _first(said: Json, *names: str) -> int | None:
    return next((n for name in names if (n := count(said.get(name))) is not None), None)
