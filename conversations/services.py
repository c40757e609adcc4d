"""The verbs of dialogs: begin a turn, save it, start anew, choose a model. Each is one short transaction."""

import functools
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation

from accounts.models import Chat
from conversations import context, words
from conversations.models import Assistant, Conversation, Message, Request
from core.prepared import Prepared
from core.statements import insert, update
from core.trace import current_trace
from llm import services as llm
from llm.models import Availability, Model
from llm.services import Target
from llm.tokens import estimate
from llm.types import ChatRequest, Usage
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming, language_of
from telegram_bot.markdown import MESSAGE_UNITS, units
from telegram_bot.outgoing import Place

State = Request.State

SOURCE = "conversations"
# `Outcome.finish` of an answer that was ended because its question was edited.
EDITED = "edited"
# Kinds of error that are not a provider's (llm.errors.Kind): nobody to ask, an answer without a word, our own fault.
OWN_KINDS = ("no_model", "empty", "bug")


@dataclass
class Turn:
    """A question on its way: what was loaded for it, all that ``talk`` needs without the database.

    ``shortened``: the dialog has more than the model is told.
    """

    conversation: Conversation
    request: Request
    target: Target | None
    call: ChatRequest
    context_tokens: int
    shortened: bool = False


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


@dataclass
class Question:
    """What a person asks: the text, its message, and whether it is an earlier question, edited."""

    text: str
    message_id: int
    edited: bool = False


@transaction.atomic
def begin(incoming: Incoming, question: Question, now: datetime) -> Turn | None:
    """Load the dialog and put the request on record before anybody is asked.

    None when there is nothing to do: the answer to this update is saved already, or the edit asks nothing new.
    """
    conversation = open_conversation(incoming.chat, incoming.thread, now)
    again = _earlier_attempt(incoming)
    if again is not None and again.state != State.RUNNING:
        return None
    if question.edited and again is None and not _supersede(conversation, question, incoming):
        return None
    history, older = ([], False) if conversation.is_new else recent(conversation)
    _leave_hidden_model(conversation, incoming)
    target = target_for(conversation)
    request = again or Request(
        conversation=conversation,
        user=incoming.user,
        update_key=incoming.key,
        question_message_id=question.message_id,
        trace_id=current_trace(),
        created_at=now,
    )
    request.model, request.model_ref = (target.model, target.ref) if target else (None, "")
    request.prompt = question.text
    if again is None:
        insert([request])
    else:
        request.save()
    call, tokens = context.request_for(target, conversation.assistant, history, question.text, incoming.user)
    shortened = len(call.turns) > 1 and (older or len(call.turns) <= len(history))
    return Turn(conversation, request, target, call, tokens, shortened)


def _earlier_attempt(incoming: Incoming) -> Request | None:
    """The request of this very update, when a process died while it ran."""
    if incoming.update.attempts <= 1:
        return None
    request = Request.objects.filter(update_key=incoming.key).first()
    if request is not None:
        request.attempts += 1
    return request


OPEN = Prepared(
    2,
    lambda chat, thread: Conversation.objects.filter(chat_id=chat, thread_id=thread, closed_at=None).select_related(
        "model__provider", "assistant__model__provider"
    ),
)


def open_conversation(chat: Chat, thread: int, now: datetime) -> Conversation:
    """The open dialog of this place, or a new one. One query when it is there."""
    if found := OPEN(chat.pk, thread):
        return found[0]
    try:
        with transaction.atomic():
            opened = Conversation.objects.create(
                chat=chat, thread_id=thread, started_at=now, assistant=defaults().assistant
            )
    except IntegrityError:
        return OPEN(chat.pk, thread)[0]  # a button, which is not behind the line, opened it at the same moment
    opened.is_new = True
    return opened


def _supersede(conversation: Conversation, question: Question, incoming: Incoming) -> bool:
    """Take the last turn out of the history if it is this question in other words, answered or not."""
    last = Request.objects.filter(conversation=conversation).order_by("-id").first()
    if last is None or last.question_message_id != question.message_id or last.prompt == question.text:
        return False
    if units(last.prompt) > MESSAGE_UNITS:
        # It came in several messages; one of them with other words is not the question.
        place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
        outgoing.say(f"paste:{incoming.key}", place, words.part_edited(), source=SOURCE)
        return False
    Message.objects.filter(request=last).update(superseded=True)
    return True


@functools.cache
def _newest(most: int) -> Prepared[Message]:
    return Prepared(
        1, lambda dialog: Message.objects.filter(conversation_id=dialog, superseded=False).order_by("-id")[:most]
    )


def recent(conversation: Conversation) -> tuple[list[Message], bool]:
    """The newest messages, oldest first, as many as MAX_CONTEXT_MESSAGES lets in beside the question; and whether
    there are older ones."""
    most = settings.MAX_CONTEXT_MESSAGES - 1
    newest = _newest(most + 1)(conversation.pk)
    return newest[:most][::-1], len(newest) > most


def target_for(conversation: Conversation) -> Target | None:
    """The dialog's choice, else its assistant's, else the default; a replacement stands in for what is gone."""
    assistant = conversation.assistant
    for model in (conversation.model, assistant.model if assistant else None):
        if model is not None and (usable := _usable(model)) is not None:
            return llm.target_of(usable)
    return defaults().target


def _usable(model: Model) -> Model | None:
    """``model``, or what replaces it when it is hidden or retired. Asks nothing for a model that is offered."""
    offered = model.enabled and model.state != Availability.RETIRED
    return model if offered else llm.replacement_of(model)


def _leave_hidden_model(conversation: Conversation, incoming: Incoming) -> None:
    """Choose anew for a dialog whose model is offered no more, and say so; once, for then it is another."""
    model = conversation.model
    if model is None or (usable := _usable(model)) is model:
        return
    Conversation.objects.filter(pk=conversation.pk).update(model=usable)
    conversation.model = usable
    target = target_for(conversation)
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    text = words.hidden(model.title, target.label if target else "")
    outgoing.say(f"hidden:{incoming.key}", place, text, source=SOURCE)


@dataclass(frozen=True)
class Defaults:
    """What holds for every dialog without a choice of its own."""

    target: Target | None
    assistant: Assistant | None
    asked_at: float


DEFAULT_SECONDS = 5.0
_defaults: Defaults | None = None


def defaults() -> Defaults:
    """The default model and assistant, asked anew after a few seconds: they are the same for everybody."""
    global _defaults
    known = _defaults
    if known is None or known.target is None or time.monotonic() - known.asked_at > DEFAULT_SECONDS:
        assistant = Assistant.objects.filter(is_default=True).select_related("model__provider").first()
        known = _defaults = Defaults(llm.default_target(), assistant, time.monotonic())
    return known


def forget_default() -> None:
    """Ask for the defaults anew at the next question (the settings or the catalogue changed)."""
    global _defaults
    _defaults = None


def trim(turn: Turn) -> bool:
    """Leave the older half of the history out, for a model that found it too long. False: there is none."""
    if len(turn.call.turns) < 2:
        return False
    turn.call = replace(turn.call, turns=context.newer_half(turn.call.turns))
    turn.context_tokens = context.tokens_of(turn.call)
    turn.shortened = True
    return True


def remember_preview(request: Request, message_id: int) -> None:
    Request.objects.filter(pk=request.pk).update(preview_message_id=message_id)


@transaction.atomic
def save(turn: Turn, outcome: Outcome, incoming: Incoming, now: datetime) -> None:
    """Save the answer, what it cost, the messages to send, and that the update is done: all or nothing, and once."""
    if _save_request(turn, outcome, now):
        _save_messages(turn, outcome, now)
        _say(turn, outcome, incoming)
        _warn_once(turn, outcome, incoming, now)
    inbox.finish(incoming.ids, now)
    incoming.finished = True


def _say(turn: Turn, outcome: Outcome, incoming: Incoming) -> None:
    place = Place(
        incoming.bot_id,
        incoming.chat_id,
        incoming.thread,
        reply_to=None if incoming.chat.is_private else turn.request.question_message_id,
        edit=outcome.preview_id or turn.request.preview_message_id,
    )
    if outcome.finish == EDITED and not outcome.text and place.edit is None:
        return  # nothing was seen of it: the next answer is the answer
    text, keyboard = _shown(outcome)
    outgoing.say(f"turn:{turn.request.pk}", place, text, keyboard, owner=incoming.user, source=SOURCE)


def _save_messages(turn: Turn, outcome: Outcome, now: datetime) -> None:
    """An unanswered question stays out of the history: the next one must not follow it without an answer."""
    if not outcome.text:
        return
    request, conversation = turn.request, turn.conversation
    question = Message(
        conversation=conversation,
        request=request,
        role=Message.Role.USER,
        content=request.prompt,
        tokens=estimate(request.prompt),
        message_id=request.question_message_id,
        created_at=request.created_at,
    )
    answer = Message(
        conversation=conversation,
        request=request,
        role=Message.Role.ASSISTANT,
        content=outcome.text,
        raw=outcome.raw,
        raw_model=request.model_ref if outcome.raw else "",
        tokens=estimate(outcome.text),
        created_at=now,
    )
    insert([question, answer])


def _save_request(turn: Turn, outcome: Outcome, now: datetime) -> bool:
    """False when it is saved already: the connection broke between an earlier commit and its confirmation."""
    usage, estimated = _counted(turn, outcome)
    model = turn.target.model if turn.target else None
    values = {
        "state": outcome.state,
        "answer": outcome.text,
        "finish": outcome.finish[:20],
        "error_kind": outcome.error_kind,
        "error": outcome.error[:500],
        "input_tokens": usage.input,
        "cached_tokens": usage.cached,
        "output_tokens": usage.output,
        "reasoning_tokens": usage.reasoning,
        "estimated": estimated,
        "cost": llm.cost_of(model, usage),
        "first_token_ms": outcome.first_token_ms,
        "total_ms": outcome.total_ms,
        "finished_at": now,
    }
    return update(Request, turn.request.pk, values, state=State.RUNNING)


def _counted(turn: Turn, outcome: Outcome) -> tuple[Usage, bool]:
    """The provider's counts; what it did not say is estimated, if it said anything at all."""
    usage = outcome.usage or Usage()
    if not (outcome.text or outcome.usage) or (usage.input is not None and usage.output is not None):
        return usage, False
    counted_in = turn.context_tokens if usage.input is None else usage.input
    counted_out = estimate(outcome.text) if usage.output is None else usage.output
    return replace(usage, input=counted_in, output=counted_out), True


def _shown(outcome: Outcome) -> tuple[str, list[list[outgoing.Key]]]:
    """What the person reads: the answer with what there is to say about its end, and a way on."""
    text, models = outcome.text, [[words.models_key()]]
    if outcome.state == State.STOPPED:
        return words.after(text, words.edited() if outcome.finish == EDITED else words.stopped()), []
    if outcome.error_kind:
        kind = outcome.error_kind
        return (words.after(text, words.cut_short(kind)) if text else words.sorry(kind)), models
    return (words.after(text, words.length_reached()) if outcome.finish == "length" else text), []


def _warn_once(turn: Turn, outcome: Outcome, incoming: Incoming, now: datetime) -> None:
    """The gentle word that a dialog grows long: when it costs, or when the model is told only a part of it."""
    conversation = turn.conversation
    long = turn.shortened or turn.context_tokens + estimate(outcome.text) >= settings.CONTEXT_WARN_TOKENS
    if not long or conversation.warned_at is not None or outcome.state != State.DONE:
        return
    Conversation.objects.filter(pk=conversation.pk).update(warned_at=now)
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    outgoing.say(f"long:{conversation.pk}", place, words.long_dialog(), source=SOURCE)


@transaction.atomic
def start_anew(chat: Chat, thread: int, now: datetime) -> bool:
    """Close the open dialog; the chosen model goes along into the next. False when there was none."""
    current = Conversation.objects.filter(chat=chat, thread_id=thread, closed_at=None).first()
    if current is None:
        return False
    current.closed_at = now
    current.save(update_fields=["closed_at"])
    Conversation.objects.create(
        chat=chat, thread_id=thread, started_at=now, assistant=current.assistant, model=current.model
    )
    return True


@transaction.atomic
def choose_model(chat: Chat, thread: int, model: Model, now: datetime) -> None:
    """The dialog's model from now on."""
    conversation = open_conversation(chat, thread, now)
    Conversation.objects.filter(pk=conversation.pk).update(model=model)


@transaction.atomic
def move_retired(model: Model, replacement: Model | None) -> int:
    """Open dialogs with a retired model go on with its replacement (else the default), and are told. How many."""
    moved = list(Conversation.objects.filter(model=model, closed_at=None).select_related("chat__person"))
    for conversation in moved:
        Conversation.objects.filter(pk=conversation.pk).update(model=replacement)
        with translation.override(language_of(conversation.chat.person)):
            text = words.moved(model.title, replacement.title if replacement else "")
        place = Place(conversation.chat.bot_id, conversation.chat.telegram_id, conversation.thread_id)
        outgoing.say(f"retired:{model.pk}:{conversation.pk}", place, text, source=SOURCE)
    return len(moved)
