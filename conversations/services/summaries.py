"""Summaries of a dialog's older turns: claimed as a row before a model is asked, kept with the dialog afterwards.

The row's ``update_key`` names the dialog and where the part begins, so a part is summarised by one process at a time
and counted once. What goes wrong costs no answer: a question then finds the dialog cut, as without summaries.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from conversations import context, limits, summary, words
from conversations.models import Conversation, Message, Request
from conversations.retention import kept
from conversations.services.dialogs import target_for
from conversations.services.turns import SOURCE, Outcome, State, Turn
from core.statements import insert, update
from core.trace import current_trace
from llm import budgets
from llm import services as llm
from llm.services import Target
from llm.tokens import estimate
from llm.types import Answer, ChatRequest, Usage
from telegram_bot import outgoing
from telegram_bot.markdown import plain
from telegram_bot.outgoing import Place

# Longer than any summary takes (`conversations.summarising.PATIENCE`): a row that still runs then belongs to a process
# that died.
LEASE = timedelta(minutes=3)
# After a failure the dialog is left alone for a while; a person's button asks at once.
PAUSE = timedelta(minutes=10)
# Request.error_kind of a summary whose process died: no reason to leave the dialog alone.
CRASH = "crash"
# A dialog's rows that are looked at for one summary; what is beyond waits for the next one.
MOST_MESSAGES = 2000


class NoBudget(Exception):
    """A budget that the summary would count against has no room for it."""


@dataclass
class Job:
    """One summary on its way: the part it covers (after message ``after`` up to ``upto``) and the call for it.

    ``limit``: tokens that the next question may have, of which the summary gets a share.
    """

    conversation: Conversation
    request: Request
    target: Target
    call: ChatRequest
    after: int | None
    upto: int
    messages: int
    limit: int

    @property
    def budget_key(self) -> str:
        return f"{self.request.update_key}:{self.request.attempts}"


def nearly_full(turn: Turn, outcome: Outcome) -> bool:
    """Whether the next question will come near what its model takes, or this one was told only a part of the dialog.
    Asks nothing of the database."""
    if not settings.SUMMARISE_AT or outcome.state != State.DONE or turn.target is None:
        return False
    tokens = turn.context_tokens + estimate(outcome.text)
    return tokens >= context.limit_of(turn.target) * settings.SUMMARISE_AT or _is_cut(turn)


def _is_cut(turn: Turn) -> bool:
    """Whether messages were left out for their length: fewer go along than MAX_CONTEXT_MESSAGES lets in (of which the
    oldest may be an answer without its question, which is left out too)."""
    told = len(turn.call.turns) - turn.told_rounds
    return turn.shortened and told < settings.MAX_CONTEXT_MESSAGES - 1


def give_back(now: datetime) -> int:
    """What an earlier process was at when it died is free for the next answer; at the start, when there is no other
    process. What ran longer ago is free by its lease. How many there were."""
    begun = Request.objects.filter(created_at__gt=now - LEASE, kind=Request.Kind.SUMMARY, state=State.RUNNING)
    return begun.update(state=State.FAILED, error_kind=CRASH, finished_at=now)


@transaction.atomic
def begin_summary(
    conversation_id: int, user: User, now: datetime, *, most: int | None = None, room: int | None = None
) -> Job | None:
    """Claim the summary of the dialog's older turns. None: there are none, or it is being made already.

    ``most``: messages that stay word for word; a person asked for it. None: as many as leave room enough, of what the
    dialog's model takes, or of ``room`` tokens where that is less. Raises NoBudget.
    """
    rows = Conversation.objects.select_related("chat", "model__provider", "assistant__model__provider")
    conversation = rows.filter(pk=conversation_id).first()
    target = _target(conversation) if conversation is not None else None
    if conversation is None or target is None:
        return None
    limit = context.limit_of(target)
    left = min(limit, room or limit)
    told = summary.readable(summary.older(unsummarised(conversation), left, most), limit)
    by_person = most is not None or room is not None
    request = _claimed(conversation, target, user, now, at_once=by_person) if told else None
    if request is None:
        return None
    call = summary.request_for(target, conversation.summary, told, limit, context.opaque(user))
    job = Job(conversation, request, target, call, conversation.summarised_to, told[-1].pk, len(told), left)
    _set_aside(job, user, now)
    return job


def _set_aside(job: Job, user: User, now: datetime) -> None:
    if not budgets.any_enabled():
        return
    tokens, cost = budgets.foreseen(job.target.model, context.tokens_of(job.call))
    if budgets.reserve(job.budget_key, user, job.conversation.chat, tokens, cost, now) is not None:
        raise NoBudget


def unsummarised(conversation: Conversation) -> list[Message]:
    """The dialog's messages that no summary covers, oldest first."""
    rows = Message.objects.filter(conversation=conversation, superseded=False)
    return list(rows.filter(pk__gt=conversation.summarised_to or 0).order_by("id")[:MOST_MESSAGES])


def _target(conversation: Conversation) -> Target | None:
    """SUMMARY_MODEL where it is set and known, else the dialog's own."""
    chosen = llm.find_model(settings.SUMMARY_MODEL) if settings.SUMMARY_MODEL else None
    return llm.target_of(chosen) if chosen is not None else target_for(conversation)


def _claimed(conversation: Conversation, target: Target, user: User, now: datetime, *, at_once: bool) -> Request | None:
    key = f"summary:{conversation.pk}:{conversation.summarised_to or 0}"
    request = Request(
        kind=Request.Kind.SUMMARY,
        conversation=conversation,
        user=user,
        model=target.model,
        model_ref=target.ref,
        update_key=key,
        trace_id=current_trace(),
        created_at=now,
    )
    if insert([request], skip_known=True):
        return request
    ended = Q() if at_once else Q(error_kind=CRASH) | Q(created_at__lt=now - PAUSE)
    free = ended & Q(state=State.FAILED) | Q(state=State.RUNNING, created_at__lt=now - LEASE)
    taken = Request.objects.filter(free, update_key=key).update(
        state=State.RUNNING, attempts=F("attempts") + 1, created_at=now, user=user, model=target.model,
        model_ref=target.ref, trace_id=current_trace(), error_kind="", error="",
    )  # fmt: skip
    return Request.objects.get(update_key=key) if taken else None


@transaction.atomic
def keep_summary(job: Job, answer: Answer, ms: int, now: datetime, tell: Place | None = None) -> bool:
    """Put what the model said into the dialog, and on record what it cost. False when it said nothing of use.

    ``tell``: where to say so in one line.
    """
    text = summary.shortened(plain(answer.text).strip(), int(job.limit * summary.SUMMARY_SHARE))
    good = bool(text) and answer.end.finish in ("stop", "unknown")
    usage, estimated = _counted(job, answer)
    values = {
        "state": State.DONE if good else State.FAILED,
        "answer": text,
        "finish": answer.end.finish,
        "error_kind": "" if good else "empty",
        "input_tokens": usage.input,
        "cached_tokens": usage.cached,
        "output_tokens": usage.output,
        "reasoning_tokens": usage.reasoning,
        "estimated": estimated,
        "cost": llm.cost_of(job.target.model, usage),
        "total_ms": ms,
        "finished_at": now,
    }
    if not update(Request, job.request.pk, kept(values), state=State.RUNNING):
        return False
    tokens = (usage.input or 0) + (usage.output or 0)
    limits.settle(job.request, job.budget_key, tokens, llm.cost_of(job.target.model, usage), estimated, now)
    if not good or not _put(job, text):
        return False
    if tell is not None:
        key = f"summary:{job.request.pk}:{job.request.attempts}"
        outgoing.say(key, tell, words.summarised(), source=SOURCE)
    return True


def _put(job: Job, text: str) -> bool:
    """False when the dialog was erased meanwhile: there is nothing left to be summarised."""
    if not Message.objects.filter(pk=job.upto, superseded=False).exists():
        return False
    dialog = Conversation.objects.filter(pk=job.conversation.pk, summarised_to=job.after)
    if job.after is None:
        dialog = Conversation.objects.filter(pk=job.conversation.pk, summarised_to__isnull=True)
    return bool(dialog.update(summary=text, summarised_to=job.upto))


def _counted(job: Job, answer: Answer) -> tuple[Usage, bool]:
    usage = answer.usage
    if usage.input is not None and usage.output is not None:
        return usage, False
    counted_in = context.tokens_of(job.call) if usage.input is None else usage.input
    counted_out = estimate(answer.text) if usage.output is None else usage.output
    return replace(usage, input=counted_in, output=counted_out), True


def fail_summary(job: Job, kind: str, error: str, ms: int, now: datetime) -> None:
    """Put on record that no summary came of it; the dialog stays as it is."""
    values = {
        "state": State.FAILED, "error_kind": kind, "error": error[:500], "total_ms": ms, "finished_at": now,
    }  # fmt: skip
    if not update(Request, job.request.pk, kept(values), state=State.RUNNING):
        return
    # The model was at work on it, though nobody got a word.
    tokens = context.tokens_of(job.call) if kind == "timeout" else 0
    cost = llm.cost_of(job.target.model, Usage(input=tokens, output=0))
    limits.settle(job.request, job.budget_key, tokens, cost, True, now)
