"""The verbs of dialogs: begin a turn, save it, start anew, choose a model. Each is one short transaction."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation

from accounts.models import Chat, User
from conversations import words
from conversations.models import Conversation, Message, Request
from core.trace import current_trace
from llm import services as llm
from llm.models import Model
from llm.services import Target
from llm.tokens import estimate
from llm.types import ChatRequest, Part, Usage, user_says
from llm.types import Turn as Said
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming, language_of
from telegram_bot.outgoing import Place

State = Request.State

SOURCE = "conversations"
# Tokens that every message costs besides its text (roles, separators); providers differ, 4 is usual.
MESSAGE_TOKENS = 4


@dataclass
class Turn:
    """A question on its way: what was loaded for it, all that ``talk`` needs without the database."""

    conversation: Conversation
    request: Request
    target: Target | None
    call: ChatRequest
    context_tokens: int


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
    quote: str = field(default="")


@transaction.atomic
def begin(incoming: Incoming, question: Question, now: datetime) -> Turn | None:
    """Load the dialog and put the request on record before anybody is asked.

    None when there is nothing to do: the answer to this update is saved already, or an old message was edited.
    """
    conversation = open_conversation(incoming.chat, incoming.thread, now)
    again = _earlier_attempt(incoming)
    if again is not None and again.state != State.RUNNING:
        return None
    if question.edited and again is None and not _supersede(conversation, question):
        return None
    history = recent(conversation)
    target = target_for(conversation)
    request = again or Request(
        conversation=conversation,
        user=incoming.user,
        model=target.model if target else None,
        model_ref=f"{target.provider}:{target.name}" if target else "",
        update_key=incoming.key,
        prompt=question.text,
        question_message_id=question.message_id,
        trace_id=current_trace(),
        created_at=now,
    )
    request.save()
    call, tokens = _call(conversation, target, history, question, incoming.user)
    return Turn(conversation, request, target, call, tokens)


def _earlier_attempt(incoming: Incoming) -> Request | None:
    """The request of this very update, when a process died while it ran."""
    if incoming.update.attempts <= 1:
        return None
    request = Request.objects.filter(update_key=incoming.key).first()
    if request is not None:
        request.attempts += 1
    return request


def open_conversation(chat: Chat, thread: int, now: datetime) -> Conversation:
    """The open dialog of this place, or a new one. One query when it is there."""
    found = (
        Conversation.objects.filter(chat=chat, thread_id=thread, closed_at=None)
        .select_related("model__provider", "assistant__model__provider")
        .first()
    )
    return found or Conversation.objects.create(
        chat=chat, thread_id=thread, started_at=now, assistant=_default_assistant()
    )


def _default_assistant() -> Any:
    from conversations.models import Assistant

    return Assistant.objects.filter(is_default=True).select_related("model__provider").first()


def _supersede(conversation: Conversation, question: Question) -> bool:
    """Take the last turn out of the history if it is this question with other words."""
    last = (
        Message.objects.filter(conversation=conversation, superseded=False, role=Message.Role.USER)
        .order_by("-id")
        .first()
    )
    if last is None or last.message_id != question.message_id or last.content == question.text:
        return False
    return bool(Message.objects.filter(request=last.request_id).update(superseded=True))


def recent(conversation: Conversation) -> list[Message]:
    """The newest messages, oldest first, as many as MAX_CONTEXT_MESSAGES lets in beside the question."""
    newest = Message.objects.filter(conversation=conversation, superseded=False).order_by("-id")
    return list(newest[: max(0, settings.MAX_CONTEXT_MESSAGES - 1)])[::-1]


def target_for(conversation: Conversation) -> Target | None:
    """The dialog's choice, else its assistant's, else the default."""
    assistant = conversation.assistant
    model = conversation.model or (assistant.model if assistant else None)
    return llm.target_of(model) if model is not None else default_target()


_default: tuple[float, Target | None] = (0.0, None)
DEFAULT_SECONDS = 5.0


def default_target() -> Target | None:
    """``llm.default_target``, asked anew after a few seconds: it is the same for everybody."""
    global _default
    asked_at, target = _default
    if time.monotonic() - asked_at > DEFAULT_SECONDS or target is None:
        target = llm.default_target()
        _default = (time.monotonic(), target)
    return target


def forget_default() -> None:
    """Ask for the default anew at the next question (the settings or the catalogue changed)."""
    global _default
    _default = (0.0, None)


def _call(
    conversation: Conversation, target: Target | None, history: Sequence[Message], question: Question, user: User
) -> tuple[ChatRequest, int]:
    assistant = conversation.assistant
    system = assistant.prompt if assistant else ""
    tokens = estimate(system) + estimate(question.text) + MESSAGE_TOKENS
    kept, tokens = fit(history, tokens)
    turns = [_said(message) for message in kept]
    call = ChatRequest(
        model=target.name if target else "",
        turns=[*turns, user_says(question.text)],
        system=system,
        temperature=assistant.temperature if assistant else None,
        user=_opaque(user),
    )
    return call, tokens


def fit(history: Sequence[Message], tokens: int) -> tuple[list[Message], int]:
    """The newest messages that fit into MAX_CONTEXT_TOKENS beside ``tokens``, whole turns only; and the sum."""
    kept: list[Message] = []
    for message in reversed(history):
        cost = message.tokens + MESSAGE_TOKENS
        if tokens + cost > settings.MAX_CONTEXT_TOKENS:
            break
        tokens += cost
        kept.append(message)
    kept.reverse()
    while kept and kept[0].role != Message.Role.USER:
        tokens -= kept.pop(0).tokens + MESSAGE_TOKENS
    return kept, tokens


def _said(message: Message) -> Said:
    role = "user" if message.role == Message.Role.USER else "assistant"
    return Said(role, (Part("text", message.content),), raw=message.raw, raw_model=message.raw_model)  # type: ignore[arg-type]


def _opaque(user: User) -> str:
    """A name for the provider's abuse detection that says nothing about the person."""
    return hashlib.sha256(f"{settings.SECRET_KEY}:{user.pk}".encode()).hexdigest()[:16]


def remember_preview(request: Request, message_id: int) -> None:
    Request.objects.filter(pk=request.pk).update(preview_message_id=message_id)


@transaction.atomic
def save(turn: Turn, outcome: Outcome, incoming: Incoming, now: datetime) -> None:
    """Save the answer, what it cost, the messages to send, and that the update is done: all or nothing."""
    _save_messages(turn, outcome, now)
    _save_request(turn, outcome, now)
    place = Place(
        incoming.bot_id,
        incoming.chat_id,
        incoming.thread,
        reply_to=None if incoming.chat.is_private else turn.request.question_message_id,
        edit=outcome.preview_id or turn.request.preview_message_id,
    )
    text, keyboard = _shown(outcome)
    outgoing.say(f"turn:{turn.request.pk}", place, text, keyboard, owner=incoming.user, source=SOURCE)
    _warn_once(turn, outcome, incoming, now)
    inbox.finish(incoming.ids, now)
    incoming.finished = True


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
    Message.objects.bulk_create([question, answer])


def _save_request(turn: Turn, outcome: Outcome, now: datetime) -> None:
    usage, estimated = outcome.usage, False
    if usage is None or usage.input is None or usage.output is None:
        estimated = bool(outcome.text or usage)
        usage = Usage(input=turn.context_tokens, output=estimate(outcome.text)) if estimated else Usage()
    model = turn.target.model if turn.target else None
    Request.objects.filter(pk=turn.request.pk).update(
        state=outcome.state,
        answer=outcome.text,
        finish=outcome.finish[:20],
        error_kind=outcome.error_kind,
        error=outcome.error[:500],
        input_tokens=usage.input,
        cached_tokens=usage.cached,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        estimated=estimated,
        cost=llm.cost_of(model, usage),
        first_token_ms=outcome.first_token_ms,
        total_ms=outcome.total_ms,
        finished_at=now,
    )


def _shown(outcome: Outcome) -> tuple[str, list[list[outgoing.Key]]]:
    """What the person reads: the answer with what there is to say about its end, and a way on."""
    models = [[words.models_key()]]
    if outcome.state == State.STOPPED:
        return (f"{outcome.text}\n\n{words.stopped()}" if outcome.text else words.stopped()), []
    if outcome.error_kind and outcome.text:
        return outcome.text + words.cut_short(outcome.error_kind), models
    if outcome.error_kind:
        return words.sorry(outcome.error_kind), models
    return outcome.text + (words.length_reached() if outcome.finish == "length" else ""), []


def _warn_once(turn: Turn, outcome: Outcome, incoming: Incoming, now: datetime) -> None:
    conversation = turn.conversation
    grown = turn.context_tokens + estimate(outcome.text)
    if conversation.warned_at is not None or grown < settings.CONTEXT_WARN_TOKENS or outcome.error_kind:
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
