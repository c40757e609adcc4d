"""A question on its way to an answer, and what became of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conversations import context
from conversations.limits import Refused
from conversations.models import Conversation, Request
from conversations.pieces import Piece
from files.models import StoredFile
from llm.errors import ProviderError
from llm.services import Target
from llm.tasks import Task
from llm.types import ChatRequest, Image, Tool, Usage
from llm.types import Turn as Said

State = Request.State

# Whose words these are, on record with every message that is sent.
SOURCE = "conversations"
# `Outcome.finish` of an answer that was ended because its question was edited.
EDITED = "edited"
# Kinds of error that are not a provider's (llm.errors.Kind): nobody to ask, an answer without a word, our own fault.
OWN_KINDS = ("no_model", "empty", "bug")

# After a task's key, in the keys of the deliveries that say its answer.
ANSWER = ":answer"


def request_key(task_key: str) -> str:
    """Under which a task's request is on record (``Request.update_key``), whatever the length of its key."""
    return f"task:{hashlib.sha256(task_key.encode()).hexdigest()[:40]}"


@dataclass
class Turn:
    """A question on its way: what was loaded for it, all that ``talk`` needs without the database.

    ``shortened``: the dialog has more than the model is told.
    ``tools``: what the assistant may use, whether or not the model that is asked can.
    ``failed``: the models that could not answer, the chosen one first; ``rest``: who may step in, once asked for.
    ``rounds``: what the model has called so far and what it was told.
    """

    conversation: Conversation
    request: Request
    target: Target | None
    call: ChatRequest
    context_tokens: int
    shortened: bool = False
    # No model is asked: a budget or a limit is reached, or the model can take none of the files.
    refused: Refused | None = None
    # The question's files, and what is to be said of them under the answer.
    files: Sequence[Piece] = ()
    note: str = ""
    tools: Sequence[Tool] = ()
    # The call as it was before a model found it too long.
    whole: ChatRequest | None = None
    failed: list[tuple[Target, ProviderError]] = field(default_factory=list)
    rest: list[Target] | None = None
    rounds: list[Said] = field(default_factory=list)
    # How many of them the call holds, at its end.
    told_rounds: int = 0
    trimmed: bool = False
    # What was planned; None: a person asks.
    task: Task | None = None


@dataclass
class Outcome:
    """What became of a question. ``text`` is the answer as far as it came."""

    state: Request.State = State.DONE
    text: str = ""
    finish: str = ""
    error_kind: str = ""
    error: str = ""
    usage: Usage | None = None
    raw: dict[str, Any] | None = None
    first_token_ms: int | None = None
    total_ms: int = 0
    preview_id: int | None = None
    # What happened on the way, for Request.steps.
    steps: list[dict[str, Any]] = field(default_factory=list)
    # Pictures that the model made, and where they are kept.
    images: list[Image] = field(default_factory=list)
    pictures: list[StoredFile] = field(default_factory=list)
    # What waits for the person's Yes: [{"name", "arguments"}].
    asked: list[dict[str, Any]] = field(default_factory=list)
    # What the rounds before the one that is read cost.
    spent: Usage | None = None
    # Of the rounds after the first, as estimated: each tells the model all of it once more.
    further_tokens: int = 0


@dataclass
class Question:
    """What a person asks: the text, its message, and whether it is an earlier question, edited (with its old files).

    ``note``: what is to be said of its files under the answer; ``heard``: what of the text was spoken.
    """

    text: str
    message_id: int
    edited: bool = False
    files: Sequence[Piece] = ()
    note: str = ""
    heard: str = ""


def trim(turn: Turn) -> bool:
    """Leave the older half of the history out, for a model that found it too long. False: there is none, or it was."""
    turns = turn.call.turns
    asked = max(place for place, said in enumerate(turns) if said.role == "user")
    if turn.trimmed or asked == 0:
        return False
    turn.call = replace(turn.call, turns=[*context.newer_half(turns[: asked + 1]), *turns[asked + 1 :]])
    turn.context_tokens = context.tokens_of(turn.call)
    turn.shortened = turn.trimmed = True
    return True
