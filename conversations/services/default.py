"""What holds for every dialog without a choice of its own."""

import time
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import Chat
from conversations.models import Assistant, Binding
from llm import budgets
from llm import services as llm
from llm.services import Target


@dataclass(frozen=True)
class Defaults:
    """What holds for every dialog without a choice of its own."""

    target: Target | None
    assistant: Assistant | None
    # Chats (their keys) with assistants of their own, so that the others need not be looked up.
    bound: frozenset[int]
    asked_at: float


DEFAULT_SECONDS = 5.0
_defaults: Defaults | None = None


def defaults() -> Defaults:
    """The default model and assistant, a few seconds old at most: they are the same for everybody."""
    known = _defaults
    if known is None or known.target is None or time.monotonic() - known.asked_at > DEFAULT_SECONDS:
        known = ask_defaults()
    return known


def first_assistant(chat: Chat, thread: int) -> Assistant | None:
    """Who a dialog that begins here begins with: the topic's assistant, else the chat's, else everybody's."""
    known = defaults()
    binding = bound_to(chat, thread) if chat.pk in known.bound else None
    return binding.assistant if binding else known.assistant


def bound_to(chat: Chat, thread: int) -> Binding | None:
    """The binding that holds here: the topic's own, else the chat's."""
    found = Binding.objects.filter(Q(thread_id=thread) | Q(thread_id=None), chat=chat)
    rows = found.select_related("assistant__model__provider")
    return max(rows, key=lambda binding: binding.thread_id is not None, default=None)


def ask_defaults() -> Defaults:
    """Ask for the defaults now, and whether there are budgets, and remember them."""
    global _defaults
    budgets.ask_enabled()
    assistant = Assistant.objects.filter(is_default=True).select_related("model__provider").first()
    bound = frozenset(Binding.objects.values_list("chat_id", flat=True).distinct())
    _defaults = Defaults(llm.default_target(), assistant, bound, time.monotonic())
    return _defaults


def forget_default() -> None:
    """Ask for the defaults anew at the next question (the settings or the catalogue changed)."""
    global _defaults
    _defaults = None
    budgets.forget_enabled()
