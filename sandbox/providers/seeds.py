"""The models each fake provider starts with: names and sizes of late 2026, one line a model."""

from __future__ import annotations

from typing import Any

from .wire import Json, words

ABSENT: Any = object()  # as a field's value: leave the field out
CREATED = 1773700000
REASONING: Json = {"quirks": {"max_completion_tokens", "fixed_temperature"}, "window": 922_000}


def openai_entry(model_id: str) -> Json:
    """OpenAI's own list says no more than this about a model."""
    return {"id": model_id, "object": "model", "created": CREATED, "owned_by": "openai"}


def deepseek_entry(model_id: str) -> Json:
    """DeepSeek's entry as its API reference shows it."""
    return {
        "id": model_id,
        "object": "model",
        "owned_by": "deepseek",
        "name": model_id,
        "context_window": 1_048_576,
        "max_output_tokens": 393_216,
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "effort": {"supported_levels": ["low", "high", "max"], "default_level": "high"},
    }


def capabilities(*able: str) -> Json:
    """Mistral's capability flags, those named set."""
    flags = words(
        "completion_chat function_calling reasoning completion_fim fine_tuning vision ocr "
        "classification moderation audio audio_transcription"
    )
    return {flag: flag in able for flag in flags}


CHAT = ("completion_chat", "function_calling")


def mistral_entry(model_id: str) -> Json:
    """A base model of Mistral's."""
    return {
        "id": model_id,
        "object": "model",
        "created": CREATED,
        "owned_by": "mistralai",
        "capabilities": capabilities(*CHAT),
        "name": model_id,
        "description": f"{model_id} of the sandbox",
        "max_context_length": 262_144,
        "aliases": [],
        "deprecation": None,
        "deprecation_replacement_model": None,
        "default_model_temperature": 0.7,
        "type": "base",
    }


GENERATE = ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"]


def gemini_entry(model_id: str) -> Json:
    """A Gemini model that converses and thinks."""
    version = next((part for part in model_id.split("-") if part[:1].isdigit()), "001")
    return {
        "name": f"models/{model_id}",
        "version": version,
        "displayName": model_id.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": list(GENERATE),
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def _mistral(model_id: str, able: tuple[str, ...], *aliases: str, **more: Any) -> tuple[str, str, Json]:
    options = {
        "capabilities": capabilities(*able),
        "aliases": list(aliases),
        "chat": "completion_chat" in able,
    }
    return "mistral", model_id, options | {"window": more.get("max_context_length", 262_144)} | more


def _other_gemini(model_id: str, *methods: str) -> tuple[str, str, Json]:
    listed = {"supportedGenerationMethods": list(methods), "thinking": ABSENT, "inputTokenLimit": 8192}
    return "gemini", model_id, listed | {"chat": "generateContent" in methods}


FINE_TUNED = {
    "type": "fine-tuned",
    "job": "c4ed3c41-0e3a-4a6c-9c8e-2f5f5d1f7a11",
    "root": "ministral-8b-2512",
    "archived": True,
    "owned_by": "sandbox",
}
SIGHT = (*CHAT, "vision")

SEEDS: list[tuple[str, str, Json]] = [
    ("openai", "gpt-6.1-sol", REASONING | {"quirks": {*REASONING["quirks"], "no_effort_with_tools"}}),
    ("openai", "gpt-6.1-terra", REASONING),
    ("openai", "gpt-6-luna", REASONING),
    ("openai", "gpt-5.4-mini", REASONING | {"window": 272_000}),
    ("openai", "gpt-5.4-nano", REASONING | {"window": 272_000}),
    ("openai", "gpt-4.1-mini", {"window": 1_047_576}),
    ("openai", "gpt-4o-mini", {"window": 128_000}),
    ("openai", "text-embedding-3-small", {"chat": False}),
    ("openai", "omni-moderation-latest", {"chat": False}),
    ("openai", "whisper-1", {"chat": False, "owned_by": "openai-internal"}),
    ("openai", "gpt-4o-mini-transcribe", {"chat": False, "owned_by": "system"}),
    ("openai", "tts-1-hd", {"chat": False, "owned_by": "openai-internal"}),
    ("openai", "gpt-image-1", {"chat": False, "owned_by": "system"}),
    (
        "deepseek",
        "deepseek-flash",
        {"name": "DeepSeek-V4.1-Flash", "input_modalities": ["text", "image"], "window": 1_048_576},
    ),
    ("deepseek", "deepseek-v4-pro", {"name": "DeepSeek-V4-Pro", "window": 1_048_576}),
    _mistral("mistral-small-2603", (*SIGHT, "reasoning"), "mistral-small-latest", description="Mistral Small 4"),
    _mistral("mistral-medium-3-5", (*SIGHT, "reasoning"), "mistral-medium-latest", description="Mistral Medium 3.5"),
    _mistral("mistral-large-4-0", SIGHT, "mistral-large-latest", max_context_length=1_048_576),
    _mistral("ministral-8b-2512", SIGHT, "ministral-8b-latest"),
    _mistral("codestral-2508", (*CHAT, "completion_fim"), "codestral-latest", max_context_length=128_000),
    _mistral("magistral-medium-2509", CHAT, "magistral-medium-latest", max_context_length=131_072),
    _mistral("pixtral-large-2411", SIGHT, "pixtral-large-latest", max_context_length=131_072),
    _mistral("ft:ministral-8b-2512:c4ed3c41", CHAT, **FINE_TUNED),
    _mistral("mistral-embed-2312", (), "mistral-embed", max_context_length=8192),
    _mistral("mistral-moderation-2411", ("moderation",), "mistral-moderation-latest"),
    _mistral("mistral-ocr-4-0", ("ocr", "vision"), "mistral-ocr-latest", max_context_length=16_384),
    _mistral("voxtral-mini-2602", ("audio", "audio_transcription"), "voxtral-mini-latest"),
    # An ending announced for later, while the model still works, is an ordinary field of the entry
    _mistral(
        "devstral-medium-2512",
        CHAT,
        "devstral-medium-latest",
        deprecation="2027-05-31T12:00:00Z",
        deprecation_replacement_model="mistral-medium-3-5",
    ),
    ("gemini", "gemini-4-argon", {"outputTokenLimit": 1_048_576, "window": 1_048_576}),
    ("gemini", "gemini-3.8-flash", {"window": 1_048_576}),
    ("gemini", "gemini-3.5-flash-lite", {"window": 1_048_576}),
    ("gemini", "gemini-2.5-flash", {"window": 1_048_576}),
    ("gemini", "gemini-flash-latest", {"window": 1_048_576}),
    ("gemini", "gemma-4-31b-it", {"window": 262_144, "inputTokenLimit": 262_144, "thinking": ABSENT}),
    _other_gemini("gemini-embedding-001", "embedContent", "countTextTokens", "countTokens"),
    _other_gemini("gemini-2.5-pro-preview-tts", "generateContent", "countTokens"),
    _other_gemini("gemini-3.1-flash-image", "generateContent", "countTokens"),
    _other_gemini("gemini-2.5-computer-use-preview-10-2025", "generateContent", "countTokens"),
    _other_gemini("gemini-robotics-er-2-preview", "generateContent", "countTokens"),
    _other_gemini("gemini-omni-1.1-flash", "generateContent", "countTokens"),
    _other_gemini("gemini-live-3.5-flash-native-audio", "bidiGenerateContent"),
    _other_gemini("deep-research-preview-04-2026", "generateContent", "countTokens"),
    _other_gemini("aqa", "generateAnswer"),
]
# Listed still, but past its date: provider, model, what replaces it, when it ended
RETIRED = [("mistral", "magistral-medium-2509", "mistral-medium-3-5", "2026-07-31T12:00:00Z")]
