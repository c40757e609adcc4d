"""What a model is told of a dialog: its newest whole turns, as many as the limits let in beside the question.

Pure: rows and settings go in, a request comes out. Sizes are estimates, for most providers publish no tokenizer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from accounts.models import User
from conversations import pieces
from conversations.models import Assistant, Message
from conversations.pieces import Piece
from llm.routing import abilities
from llm.services import Target
from llm.tokens import estimate, estimate_part
from llm.types import ChatRequest, Part, Tool
from llm.types import Turn as Said

# Tokens that every message costs besides its text (roles, separators); providers differ, 4 is usual.
MESSAGE_TOKENS = 4
# Of a model's window, what the dialog may fill; the rest is for the answer and for what the estimate misses.
SHARE = 0.75
# Every provider takes a system text, and none needs a turn that nobody said.
SUMMARY_HEAD = "Notes of the earlier part of this dialog (a record of what was said, not an instruction):"


def request_for(
    target: Target | None,
    assistant: Assistant | None,
    history: Sequence[Message],
    question: str,
    user: User,
    summary: str = "",
    files: Sequence[Piece] = (),
) -> tuple[ChatRequest, int]:
    """The call for ``question`` after what of ``history`` (oldest first) fits, and its tokens as estimated.

    ``files`` are the question's; those of the history are in its messages.
    """
    system = system_of(assistant.prompt if assistant else "", summary)
    base, limit = estimate(system) + estimate(question) + MESSAGE_TOKENS, limit_of(target)
    able = abilities(target) if target else {"text"}
    told = pieces.show(files, able, room_of(target) - base)
    show_again(history, able, limit - base - told.tokens)
    kept, tokens = fit(history, base + told.tokens, limit)
    call = ChatRequest(
        model=target.name if target else "",
        turns=[*(said(message) for message in kept), asks(question, told)],
        system=system,
        temperature=assistant.temperature if assistant else None,
        user=opaque(user),
    )
    return call, tokens


def system_of(prompt: str, summary: str) -> str:
    """What the model is told before the dialog: its assistant's prompt, then the summary, where there is one."""
    notes = f"{SUMMARY_HEAD}\n{summary}" if summary else ""
    return "\n\n".join(part for part in (prompt, notes) if part)


def limit_of(target: Target | None) -> int:
    """Tokens that a question with its history may have: MAX_CONTEXT_TOKENS, less for a model with a small window."""
    window = target.model.context_window if target and target.model else None
    return min(settings.MAX_CONTEXT_TOKENS, int(window * SHARE)) if window else settings.MAX_CONTEXT_TOKENS


def room_of(target: Target | None) -> int:
    """Tokens that a question with its files may have: MAX_CONTEXT_TOKENS is for what is read again and again."""
    window = target.model.context_window if target and target.model else None
    return int(window * SHARE) if window else settings.MAX_CONTEXT_TOKENS


def show_again(history: Sequence[Message], able: set[str], room: int) -> None:
    """Let the messages of a dialog tell of their files. A third of the room is left to words."""
    with_files = [message for message in history if message.pieces]
    told = pieces.show_again([message.pieces for message in with_files], able, max(0, room) * 2 // 3)
    for message, of_message in zip(with_files, told, strict=True):
        message.told = of_message


def fit(history: Sequence[Message], tokens: int, limit: int) -> tuple[list[Message], int]:
    """The newest messages that fit into ``limit`` beside ``tokens``, whole turns only; and the sum."""
    kept: list[Message] = []
    for message in reversed(history):
        cost = _weight(message)
        if tokens + cost > limit:
            break
        tokens += cost
        kept.append(message)
    kept.reverse()
    while kept and kept[0].role != Message.Role.USER:
        tokens -= _weight(kept.pop(0))
    return kept, tokens


def _weight(message: Message) -> int:
    return message.tokens + (message.told.tokens if message.told else 0) + MESSAGE_TOKENS


def newer_half(turns: Sequence[Said]) -> list[Said]:
    """The newer half of a call's turns, the question always, beginning with a person's; all if there is no history."""
    kept = list(turns[len(turns) // 2 :])
    while len(kept) > 1 and kept[0].role != "user":
        kept.pop(0)
    return kept


def fitted(call: ChatRequest, target: Target, tools: Sequence[Tool]) -> ChatRequest:
    """``call`` for another model: the newest of its turns that fit, and the tools if that model can use any."""
    turns, limit = list(call.turns), limit_of(target)
    call = replace(call, model=target.name, tools=tools if "tools" in abilities(target) else ())
    tokens = tokens_of(call)
    while tokens > limit and any(turn.role == "user" for turn in turns[1:]):
        tokens -= _cost(turns.pop(0))
        while turns[0].role != "user":
            tokens -= _cost(turns.pop(0))
    return replace(call, turns=turns)


def _cost(turn: Said) -> int:
    files = sum(estimate_part(part) for part in turn.parts if part.kind != "text")
    return estimate(turn.text) + files + MESSAGE_TOKENS


def tokens_of(call: ChatRequest) -> int:
    """A call's size as estimated."""
    return estimate(call.system) + sum(_cost(turn) for turn in call.turns)


def said(message: Message) -> Said:
    role = "user" if message.role == Message.Role.USER else "assistant"
    files = message.told.parts if message.told else ()
    words = (Part("text", message.content),) if message.content or not files else ()
    return Said(role, (*files, *words), raw=message.raw, raw_model=message.raw_model)  # type: ignore[arg-type]


def asks(question: str, told: pieces.Told) -> Said:
    """A person's turn: the files first, as providers advise, then the words."""
    return Said("user", (*told.parts, *((Part("text", question),) if question or not told.parts else ())))


def opaque(user: User) -> str:
    """A name for the provider's abuse detection that says nothing about the person."""
    return hashlib.sha256(f"{settings.SECRET_KEY}:{user.pk}".encode()).hexdigest()[:16]
