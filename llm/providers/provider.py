"""What an adapter is: the calls that the rest of the application knows of a provider."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from llm.errors import ProviderError
from llm.types import Answer, ChatRequest, Event, FileRef, ModelInfo, Part, Recognised, Transcript


@dataclass(frozen=True, slots=True)
class Lesson:
    """Options to ask again with; ``lasting`` ones are worth remembering for the model."""

    options: Mapping[str, Any]
    lasting: bool = True


class Provider(Protocol):
    """One provider. Every call may raise ``ProviderError`` and nothing else that is not a bug."""

    name: str

    @classmethod
    def from_settings(cls, name: str) -> "Provider | None":
        """The provider as the settings describe it, or None when it is not configured."""

    async def list_models(self) -> list[ModelInfo]:
        """Its models that converse or transcribe."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """The answer as it is written; closing the iterator closes the connection."""

    async def chat(self, request: ChatRequest) -> Answer:
        """The answer in one piece, by one call that is not streamed."""

    async def check_key(self) -> None:
        """Ask something cheap that needs the key."""

    async def transcribe(self, model: str, audio: Part, language: str = "") -> Transcript:
        """The words of a recording; ``language`` (ISO 639-1) is what they are probably said in.

        A provider that transcribes nothing raises bad_request with the param ``audio``.
        """

    async def ocr(self, model: str, document: Part) -> Recognised:
        """The text of a scanned document or picture; bad_request where a provider does not read."""

    uploads: frozenset[str] = frozenset()  # kinds of parts that `upload` takes

    async def upload(self, part: Part) -> FileRef:
        """Leave a file with the provider, ready to be referred to."""

    async def forget(self, ref: FileRef) -> None:
        """Delete a file that was uploaded."""

    async def count_tokens(self, request: ChatRequest) -> int | None:
        """How long a request is, by the provider's own count; None where there is no call for it."""

    def learn(self, request: ChatRequest, error: ProviderError) -> Lesson | None:
        """How to ask again after ``error``, when the request's peculiarities and not its matter were refused."""

    async def close(self) -> None:
        """Close the connections."""
