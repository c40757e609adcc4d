"""The verbs of dialogs: begin a turn, save it, start anew, choose a model. Each is one short transaction."""

from conversations.services.assistants import (
    bind,
    choose_assistant,
    make_default,
    offered_assistants,
    problem_of,
    restore_version,
    save_assistant,
)
from conversations.services.beginning import begin
from conversations.services.consent import settle
from conversations.services.default import DEFAULT_SECONDS, Defaults, ask_defaults, bound_to, defaults, forget_default
from conversations.services.dialogs import (
    choose_model,
    move_retired,
    open_conversation,
    recent,
    start_anew,
    target_for,
)
from conversations.services.handover import fallbacks, final, hand_over, next_after, told
from conversations.services.planned import begin_task, knows, save_task
from conversations.services.saving import remember_preview, save
from conversations.services.turns import EDITED, OWN_KINDS, SOURCE, Outcome, Question, State, Turn, trim

__all__ = [
    "DEFAULT_SECONDS", "EDITED", "OWN_KINDS", "SOURCE", "Defaults", "Outcome", "Question", "State", "Turn",
    "ask_defaults", "begin", "begin_task", "bind", "bound_to", "choose_assistant", "choose_model", "defaults",
    "fallbacks", "final", "forget_default", "hand_over", "knows", "make_default", "move_retired", "next_after",
    "offered_assistants", "open_conversation", "problem_of", "recent", "remember_preview", "restore_version", "save",
    "save_assistant", "save_task", "settle", "start_anew", "target_for", "told", "trim",
]  # fmt: skip
