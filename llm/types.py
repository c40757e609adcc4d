"""What goes to a model and what comes back: one shape for every provider.

A stream yields, in order: ``Reasoning*``, ``Text*``, ``ToolCall*``, at most one ``Usage``, exactly one ``End``;
or it raises ``ProviderError``. Reasoning, text, images and tool calls may alternate where a provider does so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Role = Literal["user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "blocked", "error", "unknown"]
Effort = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that lies with a provider: its address or id there, until when (aware), and its name for deletion."""

    provider: str
    uri: str
    expires_at: datetime | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message: ``text``, or bytes (``image``, ``document``, ``audio``) with their MIME type.

    ``ref`` stands for the bytes where the provider asked has them already.
    """

    kind: Literal["text", "image", "document", "audio"]
    text: str = ""
    data: bytes = b""
    mime: str = ""
    name: str = ""
    ref: FileRef | None = None


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
class Image:
    """A picture that the model made. Whoever keeps it replays it as an ``image`` part of the assistant's turn."""

    data: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. ``input`` includes ``cached``, ``output`` includes ``reasoning``; null: the provider did not say."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None


def added(one: Usage | None, other: Usage) -> Usage:
    """The sum of two calls; what either did not say of its input or output is not known of both."""
    one = one or Usage()
    whole = (
        None if a is None or b is None else a + b for a, b in ((one.input, other.input), (one.output, other.output))
    )
    part = (
        None if a is None and b is None else (a or 0) + (b or 0)
        for a, b in ((one.cached, other.cached), (one.reasoning, other.reasoning))
    )
    read, said = whole
    cached, reasoning = part
    return Usage(read, cached, said, reasoning)


@dataclass(frozen=True, slots=True)
class End:
    """The answer is over. ``raw`` is the assistant's message in the provider's own form, for replay."""

    finish: Finish
    raw_finish: str = ""
    model: str = ""
    raw: Mapping[str, Any] | None = None


Event = Reasoning | Text | Image | ToolCall | Usage | End


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, the sum of a stream."""

    text: str
    end: End
    reasoning: str = ""
    tool_calls: Sequence[ToolCall] = ()
    usage: Usage = field(default_factory=Usage)
    images: Sequence[Image] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of a recording. ``language`` as ISO 639-1 and ``seconds`` where the provider says them."""

    text: str
    language: str = ""
    seconds: float | None = None
    usage: Usage = field(default_factory=Usage)
    model: str = ""


@dataclass(frozen=True, slots=True)
class Recognised:
    """The text of a scanned document, in Markdown."""

    text: str
    pages: int
    model: str = ""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a provider's list says of one model. Null or empty: it does not say.

    Capabilities without ``text``: no chat model, but one that only does what is named (``transcription``, ``ocr``).
    """

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
