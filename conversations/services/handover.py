"""From a model that cannot answer to the next one that may."""

from dataclasses import replace

from django.conf import settings
from django.utils import timezone

from accounts.models import Chat, User
from conversations import context
from conversations.models import Assistant
from conversations.services.turns import Outcome, Turn
from llm import routing, toolbox
from llm.errors import ProviderError
from llm.services import Target


def equipped(turn: Turn, user: User, chat: Chat) -> Turn:
    """Give the turn its assistant's tools, as far as this person may use them; the model is told if it can call any."""
    names = tools_of(turn.request.assistant, in_task=turn.task is not None)
    if names and turn.target is not None:
        turn.tools = [tool.spec() for tool in toolbox.offered(names, user, chat, turn.task is not None)]
        if "tools" in routing.abilities(turn.target):
            turn.call = replace(turn.call, tools=turn.tools)
    return turn


def tools_of(assistant: Assistant | None, in_task: bool = False) -> list[str]:
    """The names of what is offered: to an assistant its own, to a dialog without one the house's, to a task what every
    task needs as well."""
    own = assistant.tools if assistant is not None else settings.DIALOG_TOOLS
    return list(dict.fromkeys([*own, *(settings.TASK_TOOLS if in_task else ())]))


def told(turn: Turn, outcome: Outcome) -> None:
    """Make the next round's call: all of it once more, with what the tools said."""
    tools = turn.tools if turn.call.tools else ()
    kept = turn.call.turns[: len(turn.call.turns) - turn.told_rounds]
    turn.call = replace(turn.call, turns=[*kept, *turn.rounds], tools=tools)
    turn.told_rounds = len(turn.rounds)
    outcome.further_tokens += context.tokens_of(turn.call)


def fallbacks(turn: Turn, chat: Chat) -> list[Target]:
    """Who may answer in place of the chosen model: the assistant's models, then the house's; nobody where the chat
    forbids it."""
    if not chat.fallbacks:
        return []
    assistant = turn.request.assistant
    return routing.chain([*(assistant.fallbacks if assistant else ()), *settings.FALLBACK_MODELS])


def next_after(turn: Turn, error: ProviderError) -> Target | None:
    """Who of the rest is asked after this error; nobody twice."""
    assert turn.target is not None
    tried = {target.ref for target, _error in turn.failed}
    rest = [target for target in turn.rest or () if target.ref not in tried]
    needs = {part.kind for said in turn.call.turns for part in said.parts}
    return routing.following(rest, turn.target, error, needs)


def hand_over(turn: Turn, outcome: Outcome, target: Target, error: ProviderError) -> None:
    """Let ``target`` be asked: with its own window, its own tools, its own price."""
    note_failure(turn, outcome, error)
    assert turn.target is not None
    turn.failed.append((turn.target, error))
    whole = turn.whole or turn.call
    call = replace(whole, turns=[*whole.turns, *turn.rounds])
    turn.call, turn.trimmed = context.fitted(call, target, turn.tools), False
    turn.told_rounds = len(turn.rounds)
    turn.shortened = turn.shortened or len(turn.call.turns) < len(call.turns)
    turn.context_tokens = context.tokens_of(turn.call)
    _ask(turn, target)


def final(turn: Turn, outcome: Outcome, error: ProviderError) -> ProviderError:
    """What is told when nobody answered: why the chosen model did not, unless the question itself was refused."""
    if not turn.failed or error.kind not in routing.PASSING_ON:
        return error
    note_failure(turn, outcome, error)
    target, first = turn.failed[0]
    _ask(turn, target)
    turn.failed.clear()
    return first


def note_failure(turn: Turn, outcome: Outcome, error: ProviderError) -> None:
    assert turn.target is not None
    at = timezone.now().isoformat(timespec="seconds")
    outcome.steps.append({"at": at, "kind": "fallback", "model": turn.target.ref, "error": error.kind})


def _ask(turn: Turn, target: Target) -> None:
    turn.target = target
    turn.request.model, turn.request.model_ref = target.model, target.ref
