"""What the four wire formats share: a request as a `Turn`, an answer as a `Plan`, a refusal as a `Reply`.

Token counts are an estimate (a token is four characters), the same everywhere, so that sums in usage agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from .state import Models

Json = dict[str, Any]


def tokens(text: str) -> int:
    """How many tokens the text counts as."""
    return (len(text) + 3) // 4


def words(text: str) -> tuple[str, ...]:
    """The words of a text, each once, in their order: long tables of names are written so."""
    return tuple(dict.fromkeys(text.split()))


def dumps(value: object) -> str:
    """JSON as the services write it: characters as they are, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer that is not a model's: a refusal, an error page."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The request cannot be served; carries the `Reply` the service would give."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply


@dataclass(slots=True)
class ToolCall:
    """One call the model asks for; `arguments` is JSON text, not always valid."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class Said:
    """One message of the request, whatever the wire called it.

    `role` is system, user, assistant or tool; `calls` is how many tools an assistant called in it.
    """

    role: str
    text: str
    attachments: list[str] = field(default_factory=list)
    calls: int = 0


def count_tokens(said: Sequence[Said]) -> int:
    """What messages cost: their text, 4 for each of them, 258 for each attachment."""
    return sum(tokens(one.text) + 4 + 258 * len(one.attachments) for one in said)


@dataclass(slots=True)
class Turn:
    """A request for an answer.

    `reported` is the model's own id when an alias was asked; `users` are the user's messages in order;
    `results` and `rounds` count what tools answered, and how often they were called, since the last of them.
    """

    provider: str
    model: str
    reported: str
    stream: bool
    said: list[Said]
    number: int = 0
    tools: list[str] = field(default_factory=list)
    max_tokens: int | None = None
    thinking: bool = False
    show_thoughts: bool = False
    as_json: bool = False
    paints: bool = False
    options: Json = field(default_factory=dict)
    created: int = 0

    @property
    def users(self) -> list[str]:
        return [said.text for said in self.said if said.role == "user"]

    @property
    def system(self) -> str:
        return "\n\n".join(said.text for said in self.said if said.role == "system")

    @property
    def last_user(self) -> str:
        return next((said.text for said in reversed(self.said) if said.role == "user"), "")

    def since_last_user(self) -> list[Said]:
        """The messages after the user's last one, oldest first."""
        tail: list[Said] = []
        for said in reversed(self.said):
            if said.role == "user":
                break
            tail.append(said)
        return tail[::-1]

    @property
    def results(self) -> list[str]:
        return [said.text for said in self.since_last_user() if said.role == "tool"]

    @property
    def rounds(self) -> int:
        return sum(1 for said in self.since_last_user() if said.calls)

    @property
    def attachments(self) -> list[str]:
        for said in reversed(self.said):
            if said.role == "user":
                return said.attachments
        return []

    @property
    def prompt_tokens(self) -> int:
        return count_tokens(self.said)


@dataclass(slots=True)
class Plan:
    """What is going to be answered, and how well the connection will behave.

    `images` is how many pictures go before the text.
    `seconds` is how long the answer takes from its first byte, `delay` how long that byte takes.
    `finish` is stop, length, tool_calls, blocked or any raw word. `fault` is one of `script.CONNECTION`.
    """

    text: str = ""
    reasoning: str = ""
    show_reasoning: bool = False
    reasoning_form: str = ""
    images: int = 0
    tools: list[ToolCall] = field(default_factory=list)
    finish: str = "stop"
    delay: float = 0.0
    seconds: float = 0.0
    fault: str = ""
    fault_arg: str = ""
    error: Reply | None = None
    stream_error: str = ""
    keepalive: int = 0
    drip: bool = False
    crlf: bool = False
    hold: str = ""

    @property
    def output_tokens(self) -> int:
        called = sum(tokens(call.name + call.arguments) for call in self.tools)
        return tokens(self.text) + tokens(self.reasoning) + called


Piece = tuple[str, str]  # ("reasoning" | "text", what is said)


class Wire(Protocol):
    """One provider's wire format, as a module gives it.

    `read` raises `RefusedError`; `frames` gives the stream's writes in order: a beginning, the pieces, an end;
    `TAIL` is how many of them follow the text. `whole` gives the JSON body of an answer that is not
    streamed; `BLANK` stands before that body.
    """

    @property
    def NAME(self) -> str: ...  # noqa: N802
    @property
    def BLANK(self) -> bytes: ...  # noqa: N802
    @property
    def TAIL(self) -> int: ...  # noqa: N802
    def check_key(self, request: web.Request) -> None: ...
    def read(self, models: Models, body: Json, request: web.Request) -> Turn: ...
    def frames(self, turn: Turn, plan: Plan, pieces: Sequence[Piece]) -> list[bytes]: ...
    def whole(self, turn: Turn, plan: Plan) -> Any: ...
    def error_body(self, turn: Turn, kind: str) -> Any: ...


def bearer(request: web.Request) -> str:
    """The key of an `Authorization: Bearer` header, or an empty string."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def sse(body: object) -> bytes:
    """One `data:` event."""
    return f"data: {dumps(body)}\n\n".encode()


DONE = b"data: [DONE]\n\n"
