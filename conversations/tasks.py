"""Planned tasks, done by an assistant without anybody asking (settings.ASSISTANT_TASKS).

As with an answer: load, talk, save. What there is to tell is said through the outbox, in the transaction that records
what it cost; so a run that is done again says nothing twice.
"""

from collections.abc import Callable

import structlog
from django.utils import timezone, translation

from conversations import attachments, services, turn, web, words
from conversations.services import Outcome, State, Turn
from conversations.standups import plan, rounds
from conversations.talking import Talk, judged, listen
from core.db import in_db, in_db_first
from llm.errors import TRANSIENT, ProviderError
from llm.tasks import Done, Task, TaskFailed
from telegram_bot.incoming import language_of

log = structlog.get_logger(__name__)

# What may pass by itself until the next attempt; a silent model may find words then.
PASSING = TRANSIENT | {"empty"}


async def perform(task: Task) -> Done:
    """Do ``task`` and say what there is to tell. Raises TaskFailed; then nothing was said."""
    with translation.override(language_of(task.user)):
        if not task.user.may_use:
            raise TaskFailed("no_access", words.no_access(), permanent=True)
        return await _standup(task) if task.payload.get("task") == plan.NAME else await do(task)


async def _standup(task: Task) -> Done:
    """Its members are asked now or later; the answers are summed up when it ends (conversations/standups)."""
    try:
        return Done("", result=await in_db_first(rounds.begin, task, timezone.now()))
    except plan.BadPlan as error:
        raise TaskFailed("bad_plan", str(error), permanent=True) from error


async def do(task: Task, *, frame: Callable[[str], str] | None = None, with_tools: bool = True) -> Done:
    """Let an assistant do it. ``frame``: makes of its answer what the chat reads. Raises TaskFailed."""
    material = await web.material_of(task.payload)
    begun = await in_db_first(services.begin_task, task, material, timezone.now(), with_tools=with_tools)
    if isinstance(begun, Done):
        return begun
    outcome = await _talk(begun, task)
    if outcome.images:
        outcome.pictures = await in_db(attachments.keep_pictures, outcome.images, task.user, timezone.now())
    done = await turn.saved(begun, outcome, lambda now: services.save_task(begun, outcome, now, frame))
    log.info("task done", request=begun.request.pk, state=outcome.state, error_kind=outcome.error_kind)
    if outcome.state != State.DONE:
        text = begun.refused.text if begun.refused is not None else words.task_failed(outcome.error_kind)
        raise TaskFailed(outcome.error_kind, text, permanent=outcome.error_kind not in PASSING)
    return done


async def _talk(begun: Turn, task: Task) -> Outcome:
    if begun.refused is not None:
        return Outcome(State.FAILED, error_kind=begun.refused.kind)
    if begun.target is None:
        return Outcome(State.FAILED, error_kind="no_model")
    talk = Talk(turn.client(), begun, task, Outcome(), show=lambda _words: None)
    outcome = talk.outcome
    try:
        await listen(talk)
    except ProviderError as error:
        outcome.state, outcome.error_kind, outcome.error = State.FAILED, error.kind, str(error)
    except Exception as error:
        await turn.broke(outcome, error)
    outcome.total_ms = talk.ms
    return judged(outcome)
