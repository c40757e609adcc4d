"""Any server of the chat form: OpenAI itself, OpenRouter, Groq, Ollama, vLLM and others at ``OPENAI_BASE_URL``.

What differs is preset by the host of the address (`VENDORS`), learned from the server's refusals, and can be
overruled by the operator in the provider's switches.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings

from llm.errors import ProviderError
from llm.providers.base import Json, count, mapping
from llm.providers.chatform import ChatProvider, entries
from llm.providers.speech import transcribed
from llm.types import ModelInfo, Part, Transcript

OFFICIAL = "https://api.openai.com/v1"
# Parts of names, between hyphens and the like, of what is listed beside chat models (or is not served as chat).
NEVER_CHAT = frozenset({"embedding", "embed", "embeddings", "whisper", "tts", "rerank", "reranker", "moderation"})
# Words of the names of models that only write down what is said, and of those that need another form for it.
TRANSCRIBERS = frozenset({"whisper", "transcribe", "transcription"})
NOT_TRANSCRIBED = frozenset({"diarize", "realtime", "live"})
NOT_CHAT = NEVER_CHAT | {
    "dall", "dalle", "babbage", "davinci", "transcribe", "transcription", "realtime", "image", "audio", "sora", "codex",
    "research", "pro", "instruct", "live", "guard", "container", "ocr", "translate",
}  # fmt: skip

VENDORS: dict[str, Json] = {
    "api.openai.com": {
        "max_tokens_field": "max_completion_tokens",
        "reasoning_param": "reasoning_effort",
        "send_user": True,
        "models_filter": NOT_CHAT,
    },
    "openrouter.ai": {"reasoning_param": "reasoning.effort", "send_user": True, "key_path": "/key"},
    "api.groq.com": {
        "max_tokens_field": "max_completion_tokens",
        "reasoning_param": "reasoning_effort",
        "models_filter": NEVER_CHAT | {"guard"},
    },
    "api.deepseek.com": {"replay_reasoning": True},
    "generativelanguage.googleapis.com": {
        "reasoning_param": "reasoning_effort",
        "models_filter": NOT_CHAT - {"pro"},
    },
    "api.mistral.ai": {"send_stream_options": False},
}


class OpenAI(ChatProvider):
    """The server at ``OPENAI_BASE_URL``; without a key no ``Authorization`` is sent."""

    def __init__(self, name: str, base_url: str, key: str) -> None:
        super().__init__(name, base_url, key)
        self.preset = vendor(self.base_url)

    @classmethod
    def from_settings(cls, name: str) -> Self | None:
        """Present when there is a key or an address of one's own."""
        key, base_url = settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL
        return cls(name, base_url, key) if key or base_url != OFFICIAL else None

    async def list_models(self) -> list[ModelInfo]:
        listed = [entry for entry in entries(await self.get_json("/models")) if entry.get("active") is not False]
        return [describe(entry) for entry in listed if transcribes(entry) or self._chats(entry)]

    def _chats(self, entry: Json) -> bool:
        """Whether an entry is a chat model, as far as its list or its name tells."""
        output = mapping(entry.get("architecture")).get("output_modalities")
        if isinstance(output, list) and "text" not in output:
            return False
        return not self.preset.get("models_filter", NEVER_CHAT).intersection(_words(entry))

    async def transcribe(self, model: str, audio: Part, language: str = "") -> Transcript:
        return await transcribed(self, model, audio, language)

    async def check_key(self) -> None:
        """A server without a list of models is no wrong key."""
        try:
            await self.get_json(self.preset.get("key_path", "/models"))
        except ProviderError as error:
            if error.kind != "model_not_found":
                raise


def _words(entry: Json) -> list[str]:
    """A model's name, word by word."""
    name: str = entry["id"].lower()
    return name.replace("/", "-").replace("_", "-").replace(":", "-").split("-")


def transcribes(entry: Json) -> bool:
    """Whether an entry is a model for recordings: no list says so, but their names do."""
    words = _words(entry)
    return bool(TRANSCRIBERS.intersection(words)) and not NOT_TRANSCRIBED.intersection(words)


def vendor(base_url: str) -> Json:
    """The presets for an address."""
    return VENDORS.get(urlsplit(base_url).hostname or "", {})


def describe(entry: Json) -> ModelInfo:
    """One model of the list. Nearly everything is optional: what is absent is unknown."""
    top = mapping(entry.get("top_provider"))
    limits = ("context_length", "context_window", "max_model_len")
    return ModelInfo(
        entry["id"],
        label=_label(entry),
        capabilities=_capabilities(entry),
        context_window=next((n for name in limits if (n := count(entry.get(name)))), None),
        max_output=count(entry.get("max_completion_tokens")) or count(top.get("max_completion_tokens")),
        retires_at=_date(entry.get("shutdown_date") or entry.get("expiration_date")),
        price_input=_price(entry, "prompt"),
        price_output=_price(entry, "completion"),
        price_cached=_price(entry, "input_cache_read"),
    )


def _label(entry: Json) -> str:
    name = entry.get("name")
    return name[:150] if isinstance(name, str) and name != entry["id"] else ""


INPUTS = {"image": "image", "file": "document", "audio": "audio"}
PARAMETERS = {"tools": "tools", "reasoning": "reasoning", "include_reasoning": "reasoning"}


def _capabilities(entry: Json) -> frozenset[str]:
    if transcribes(entry):
        return frozenset({"transcription"})
    inputs = mapping(entry.get("architecture")).get("input_modalities") or ()
    outputs = mapping(entry.get("architecture")).get("output_modalities") or ()
    parameters = entry.get("supported_parameters") or ()
    able = {"text"} | {INPUTS[name] for name in inputs if name in INPUTS}
    able |= {"image_out"} if "image" in outputs else set()
    able |= {PARAMETERS[name] for name in parameters if name in PARAMETERS}
    return frozenset(able)


def _date(value: Any) -> str:
    """ISO 8601 of a date, a date and time, or Unix seconds; empty when it is none."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC).isoformat()
        return datetime.fromisoformat(value).isoformat() if isinstance(value, str) else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _price(entry: Json, what: str) -> str:
    """OpenRouter's price (dollars per token, as text) per million; negative ones mean "it depends"."""
    try:
        price = Decimal(str(mapping(entry.get("pricing"))[what])) * 10**6
    except (KeyError, InvalidOperation):
        return ""
    return f"{price.normalize():f}" if price.is_finite() and price >= 0 else ""
