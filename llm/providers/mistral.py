"""Mistral: the chat form with a closed list of fields, a strict order of messages and contents that may be lists.

Facts from its API reference and its own SDK, autumn 2026: an unknown field is refused (422); after a tool's answer
comes the assistant, never a person; ids of calls are nine letters and digits; usage comes unasked.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

from llm.providers.base import Json, Reader, count, mapping
from llm.providers.chatform import ChatProvider, ChatReader, entries, text_part
from llm.providers.files import forget, recognised, upload_to_mistral
from llm.providers.history import data_url, encoded
from llm.providers.speech import transcribed
from llm.types import ChatRequest, FileRef, ModelInfo, Part, Reasoning, Recognised, Text, ToolCall, Transcript, Turn

FIELDS = frozenset({
    "model", "messages", "max_tokens", "temperature", "top_p", "stream", "stop", "random_seed", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "reasoning_effort", "safe_prompt", "n", "presence_penalty",
    "frequency_penalty", "prompt_cache_key", "metadata", "guardrails", "prediction", "prompt_mode",
})  # fmt: skip
CALL_ID = re.compile(r"[A-Za-z0-9]{9}")
ABLE = {
    "completion_chat": ("text",),
    "function_calling": ("tools",),
    "vision": ("image", "document"),
    "reasoning": ("reasoning",),
    "audio": ("audio",),
    "audio_transcription": ("transcription",),
    "ocr": ("ocr",),
}

# What a model is kept for that does not converse.
SPECIALIST = frozenset({"transcription", "ocr"})


def _document(part: Part) -> Json:
    if part.ref is not None:
        return {"type": "file", "file_id": part.ref.uri}
    return {"type": "document_url", "document_url": data_url(part), "document_name": part.name or "document"}


class MistralReader(ChatReader):
    """Contents may be lists of chunks: thinking, text, and kinds that are no words."""

    def pieces(self, delta: Json) -> Iterator[Reasoning | Text]:
        content = delta.get("content")
        if not isinstance(content, list):
            yield from super().pieces(delta)
            return
        for chunk in map(mapping, content):
            if chunk.get("type") == "thinking":
                thinking = chunk.get("thinking")
                parts = [mapping(part) for part in thinking] if isinstance(thinking, list) else [{"text": thinking}]
                if thought := "".join(str(part.get("text") or "") for part in parts):
                    yield Reasoning(thought)
            elif text := chunk.get("text"):
                yield Text(str(text))

    def message(self, calls: Sequence[ToolCall]) -> Json:
        message = super().message(calls)
        if thoughts := message.pop("reasoning_content", ""):
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
            message["content"] = [thinking, {"type": "text", "text": message["content"]}]
        return message


class Mistral(ChatProvider):
    """``https://api.mistral.ai``; the version is part of the paths."""

    preset = {"send_stream_options": False, "reasoning_param": "reasoning_effort", "strict_alternation": True}
    replayed = ("role", "content")
    uploads = frozenset({"document"})
    parts = {
        "text": text_part,
        "image": lambda part: {"type": "image_url", "image_url": data_url(part)},
        "document": _document,
        "audio": lambda part: {"type": "input_audio", "input_audio": encoded(part)},
    }

    def __init__(self, name: str, base_url: str, key: str) -> None:
        super().__init__(name, base_url.rstrip("/").removesuffix("/v1") + "/v1", key)

    def reader(self, request: ChatRequest) -> Reader:
        return MistralReader(lambda body: self.failure(200, body))

    def body(self, request: ChatRequest, stream: bool) -> Json:
        body = super().body(request, stream)
        return {name: body[name] for name in body if name in FIELDS}

    def tool_answer(self, turn: Turn) -> Json:
        answer = super().tool_answer(turn)
        return answer | {"name": turn.tool_name} if turn.tool_name else answer

    def call_id(self, call_id: str) -> str:
        """Another provider's id as nine letters and digits, always the same ones."""
        return call_id if CALL_ID.fullmatch(call_id) else hashlib.sha256(call_id.encode()).hexdigest()[:9]

    async def list_models(self) -> list[ModelInfo]:
        listed = [entry for entry in entries(await self.get_json("/models")) if _serves(entry)]
        ids = {entry["id"] for entry in listed}
        # An alias is listed once more under its own id, with the name of the model it stands for.
        return [
            describe(entry) for entry in listed if entry.get("name") in (None, entry["id"]) or entry["name"] not in ids
        ]

    async def transcribe(self, model: str, audio: Part, language: str = "") -> Transcript:
        return await transcribed(self, model, audio, language)

    async def ocr(self, model: str, document: Part) -> Recognised:
        return await recognised(self, model, document)

    async def upload(self, part: Part) -> FileRef:
        return await upload_to_mistral(self, part)

    async def forget(self, ref: FileRef) -> None:
        await forget(self, ref)


def _serves(entry: Json) -> bool:
    """Whether a model converses, transcribes or reads scans."""
    able = mapping(entry.get("capabilities"))
    serves = any(able.get(flag) for flag in ("completion_chat", "audio_transcription", "ocr"))
    return serves and entry.get("archived") is not True


def describe(entry: Json) -> ModelInfo:
    """One model of the list. A date of ending, past or to come, goes along with the announced replacement."""
    able = mapping(entry.get("capabilities"))
    names = {name for flag, names in ABLE.items() if able.get(flag) for name in names}
    return ModelInfo(
        entry["id"],
        label=_label(entry),
        capabilities=frozenset(names if "text" in names else names & SPECIALIST),
        context_window=count(entry.get("max_context_length")),
        aliases=tuple(alias for alias in entry.get("aliases") or () if isinstance(alias, str)),
        retires_at=str(entry.get("deprecation") or ""),
        replacement=str(entry.get("deprecation_replacement_model") or ""),
    )


def _label(entry: Json) -> str:
    """Its description where that is a name ("Mistral Small 4") and not a sentence about the id."""
    said = entry.get("description")
    return said if isinstance(said, str) and len(said) <= 40 and entry["id"] not in said else ""
