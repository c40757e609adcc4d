"""What a model is told of a dialog: its newest whole turns, as many as the limits let in beside the question.

Pure: rows and settings go in, a request comes out. Sizes are estimates, for most providers publish no tokenizer.
"""

import hashlib
from collections.abc import Sequence

from django.conf import settings

from accounts.models import User
from conversations.models import Assistant, Message
from llm.services import Target
from llm.tokens import estimate
from llm.types import ChatRequest, Part, user_says
from llm.types import Turn as Said

# Tokens that every message costs besides its text (roles, separators); providers differ, 4 is usual.
MESSAGE_TOKENS = 4
# Of a model's window, what the dialog may fill; the rest is for the answer and for what the estimate misses.
SHARE = 0.75


def request_for(
    target: Target | None, assistant: Assistant | None, history: Sequence[Message], question: str, user: User
) -> tuple[ChatRequest, int]:
    """The call for ``question`` after what of ``history`` (oldest first) fits, and its tokens as estimated."""
    system = assistant.prompt if assistant else ""
    kept, tokens = fit(history, estimate(system) + estimate(question) + MESSAGE_TOKENS, limit_of(target))
    call = ChatRequest(
        model=target.name if target else "",
        turns=[*(said(message) for message in kept), user_says(question)],
        system=system,
        temperature=assistant.temperature if assistant else None,
        user=opaque(user),
    )
    return call, tokens


def limit_of(target: Target | None) -> int:
    """Tokens that a question with its history may have: MAX_CONTEXT_TOKENS, less for a model with a small window."""
    window = target.model.context_window if target and target.model else None
    return min(settings.MAX_CONTEXT_TOKENS, int(window * SHARE)) if window else settings.MAX_CONTEXT_TOKENS


def fit(history: Sequence[Message], tokens: int, limit: int) -> tuple[list[Message], int]:
    """The newest messages that fit into ``limit`` beside ``tokens``, whole turns only; and the sum."""
    kept: list[Message] = []
    for message in reversed(history):
        cost = message.tokens + MESSAGE_TOKENS
        if tokens + cost > limit:
            break
        tokens += cost
        kept.append(message)
    kept.reverse()
    while kept and kept[0].role != Message.Role.USER:
        tokens -= kept.pop(0).tokens + MESSAGE_TOKENS
    return kept, tokens


def newer_half(turns: Sequence[Said]) -> list[Said]:
    """The newer half of a call's turns, the question always, beginning with a person's; all if there is no history."""
    kept = list(turns[len(turns) // 2 :])
    while len(kept) > 1 and kept[0].role != "user":
        kept.pop(0)
    return kept


def tokens_of(call: ChatRequest) -> int:
    """A call's size as estimated."""
    return estimate(call.system) + sum(estimate(turn.text) + MESSAGE_TOKENS for turn in call.turns)


def said(message: Message) -> Said:
    role = "user" if message.role == Message.Role.USER else "assistant"
    return Said(role, (Part("text", message.content),), raw=message.raw, raw_model=message.raw_model)  # type: ignore[arg-type]


def opaque(user: User) -> str:
    """A name for the provider's abuse detection that says nothing about the person."""
    return hashlib.sha256(f"{settings.SECRET_KEY}:{user.pk}".encode()).hexdigest()[:16]
