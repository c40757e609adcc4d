"""DeepSeek: the chat form with thinking that is on unless it is switched off.

Facts from its API reference, autumn 2026: ``max_tokens`` covers thinking too; a tool turn must come back with its
``reasoning_content``, even empty; ``code`` in its errors says nothing, the status does.
"""

from llm.providers.base import Json, count
from llm.providers.chatform import ChatProvider, entries, image_part, text_part
from llm.types import ChatRequest, ModelInfo

# Its own levels are low, high and max.
EFFORT = {"low": "low", "medium": "high", "high": "high"}


class DeepSeek(ChatProvider):
    """``https://api.deepseek.com``."""

    preset = {"replay_reasoning": True, "send_user": True}
    parts = {"text": text_part, "image": image_part}

    def effort(self, request: ChatRequest, switches: Json) -> Json:
        level = EFFORT.get(switches["effort"] or request.effort or "none")
        if level is None:
            return {"thinking": {"type": "disabled"}}
        return {"thinking": {"type": "enabled"}, "reasoning_effort": level}

    def extras(self, request: ChatRequest, switches: Json) -> Json:
        return {"user_id": request.user} if request.user and switches["send_user"] else {}

    async def list_models(self) -> list[ModelInfo]:
        return [describe(entry) for entry in entries(await self.get_json("/models"))]


def describe(entry: Json) -> ModelInfo:
    """One model of the list; every field but ``id`` may be absent."""
    able = {"text", "tools"}
    if entry.get("effort"):
        able.add("reasoning")
    if "image" in (entry.get("input_modalities") or ()):
        able.add("image")
    return ModelInfo(
        entry["id"],
        label=str(entry.get("name") or ""),
        capabilities=frozenset(able),
        context_window=count(entry.get("context_window")),
        max_output=count(entry.get("max_output_tokens")),
    )
