"""What goes to a model and what comes back: one shape for every provider.

A stream yields, in order: ``Reasoning*``, ``Text*``, ``ToolCall*``, at most one ``Usage``, exactly one ``End``;
or it raises ``ProviderError``. Reasoning, text and tool calls may alternate where a provider does so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "blocked", "error", "unknown"]
Effort = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message: ``text``, or bytes (``image``, ``document``, ``audio``) with their MIME type."""

    kind: Literal["text", "image", "document", "audio"]
    text: str = ""
    data: bytes = b""
    mime: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a function. ``arguments`` is JSON text as the model wrote it, possibly invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a dialog. ``raw`` is the provider's own message.

    It is used only when ``raw_model`` is the model asked, written ``provider:name`` (``Target.ref``).
    """

    role: Role
    parts: Sequence[Part] = ()
    tool_calls: Sequence[ToolCall] = ()
    tool_call_id: str = ""
    tool_name: str = ""
    raw: Mapping[str, Any] | None = None
    raw_model: str = ""

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if part.kind == "text")


def user_says(text: str) -> Turn:
    return Turn("user", (Part("text", text),))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function a model may call. ``parameters`` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call. ``max_output`` in tokens, null: the provider's default. ``user`` is opaque, never a name or an id."""

    model: str
    turns: Sequence[Turn]
    system: str = ""
    max_output: int | None = None
    temperature: float | None = None
    tools: Sequence[Tool] = ()
    effort: Effort | None = None
    user: str = ""
    # What is known of this server (``ProviderState.switches`` and what was learned since); the client fills it in.
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. ``input`` includes ``cached``, ``output`` includes ``reasoning``; null: the provider did not say."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The answer is over. ``raw`` is the assistant's message in the provider's own form, for replay."""

    finish: Finish
    raw_finish: str = ""
    model: str = ""
    raw: Mapping[str, Any] | None = None


Event = Reasoning | Text | ToolCall | Usage | End


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, the sum of a stream."""

    text: str
    end: End
    reasoning: str = ""
    tool_calls: Sequence[ToolCall] = ()
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a provider's list says of one chat model. Null or empty: it does not say."""

    name: str
    label: str = ""
    capabilities: frozenset[str] = frozenset({"text"})
    context_window: int | None = None
    max_output: int | None = None
    aliases: tuple[str, ...] = ()
    retires_at: str = ""  # ISO 8601
    replacement: str = ""
    # US dollars per million tokens as decimal text, where the list carries prices.
    price_input: str = ""
    price_output: str = ""
    price_cached: str = ""
