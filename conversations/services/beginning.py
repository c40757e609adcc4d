"""The one place where a turn begins: what is checked and put on record before a model is asked."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from conversations import attachments, context, file_words, limits, words
from conversations.limits import Refused
from conversations.models import Conversation, Message, Request
from conversations.pieces import Piece
from conversations.retention import question_of
from conversations.services import branching, library
from conversations.services.default import forget_default
from conversations.services.dialogs import leave_what_is_withheld, open_conversation, recent, target_for
from conversations.services.handover import equipped
from conversations.services.turns import SOURCE, Question, State, Turn
from core.rows import new
from core.statements import insert
from core.trace import current_trace
from llm.services import Target
from telegram_bot import outgoing
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import MESSAGE_UNITS, units
from telegram_bot.outgoing import Place


def begin(incoming: Incoming, question: Question, now: datetime) -> Turn | None:
    """Load the dialog and put the request on record before anybody is asked.

    None when there is nothing to do: the answer to this update is saved already, or the edit asks nothing new.
    """
    try:
        return _begin(incoming, question, now)
    except IntegrityError:
        # The default that is remembered here (an assistant, a model) was deleted a moment ago.
        forget_default()
        return _begin(incoming, question, now)


@transaction.atomic(savepoint=False)
def _begin(incoming: Incoming, question: Question, now: datetime) -> Turn | None:
    if not question.edited:
        branching.follow_reply(incoming, now)
    conversation = open_conversation(incoming.chat, incoming.thread, now)
    again = _earlier_attempt(incoming)
    if not _is_asked(conversation, again, question, incoming, now):
        return None
    # An edited question's files are found with its last request, so before there is a new one.
    files = attachments.of_question(conversation, question) if question.edited else question.files
    leave_what_is_withheld(conversation, incoming)
    target = target_for(conversation)
    request = _recorded(conversation, target, again, question, incoming, now)
    turn = _turn(conversation, target, request, files, incoming)
    turn.refused = _with_files(turn, question, incoming) or limits.check(turn, incoming.user, incoming.chat, now)
    return turn


def _is_asked(
    conversation: Conversation, again: Request | None, question: Question, incoming: Incoming, now: datetime
) -> bool:
    """False for what is answered already, for a title that was waited for, and for an edit that asks nothing new."""
    if again is not None:
        return again.state == State.RUNNING
    if conversation.waiting and not question.files and library.took_title(conversation, question.text, incoming, now):
        return False
    return not question.edited or _supersede(conversation, question, incoming)


def _recorded(
    conversation: Conversation,
    target: Target | None,
    again: Request | None,
    question: Question,
    incoming: Incoming,
    now: datetime,
) -> Request:
    """The request on record, before anybody is asked."""
    request = again or new(
        Request,
        conversation=conversation,
        user=incoming.user,
        update_key=incoming.key,
        question_message_id=question.message_id,
        trace_id=current_trace(),
        created_at=now,
    )
    request.model, request.model_ref = (target.model, target.ref) if target else (None, "")
    request.prompt = question.text
    assistant = conversation.assistant
    request.assistant, request.assistant_version = assistant, assistant.version if assistant else None
    if again is None:
        insert([request])
    else:
        request.save()
    return request


def _turn(
    conversation: Conversation, target: Target | None, request: Request, files: Sequence[Piece], incoming: Incoming
) -> Turn:
    """The call for the question: as much of the dialog as fits, the files, the assistant's tools."""
    history, older = ([], False) if conversation.is_new else recent(conversation)
    attachments.recall(history, files)
    call, tokens = context.request_for(
        target, conversation.assistant, history, request.prompt, incoming.user, conversation.summary, files
    )
    shortened = bool(history) and (older or len(call.turns) <= len(history))
    turn = equipped(Turn(conversation, request, target, call, tokens, shortened), incoming.user, incoming.chat)
    turn.files = files
    return turn


def _with_files(turn: Turn, question: Question, incoming: Incoming) -> Refused | None:
    """Put the question's files on record, and see what is to be said of them: under the answer, or in its place when
    the model can take none of them."""
    if not turn.files:
        return None
    attachments.link(turn.request, turn.files)
    if question.heard:
        place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
        outgoing.say(f"heard:{incoming.key}", place, file_words.heard(question.heard), source=SOURCE)
    missed = [piece for piece in turn.files if piece.shown is not None and piece.shown.missing]
    if turn.target is not None and len(missed) == len(turn.files):
        sentences = dict.fromkeys(file_words.unable(piece) for piece in missed)
        return Refused("file", "\n".join(sentences), [[words.models_key()]])
    turn.note = "\n".join(line for line in (file_words.left_out(turn.files), question.note) if line)
    return None


def _earlier_attempt(incoming: Incoming) -> Request | None:
    """The request of this very update, when a process died while it ran."""
    if incoming.update.attempts <= 1:
        return None
    request = Request.objects.filter(update_key=incoming.key).first()
    if request is not None:
        request.attempts += 1
    return request


def _supersede(conversation: Conversation, question: Question, incoming: Incoming) -> bool:
    """Take the last turn out of the history if it is this question in other words, answered or not."""
    last = Request.objects.filter(conversation=conversation, kind=Request.Kind.ANSWER).order_by("-id").first()
    if last is None or last.question_message_id != question.message_id:
        return False
    asked = question_of(last)
    if asked == question.text:
        return False
    if units(asked) > MESSAGE_UNITS:
        # It came in several messages; one of them with other words is not the question.
        place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
        outgoing.say(f"paste:{incoming.key}", place, words.part_edited(), source=SOURCE)
        return False
    Message.objects.filter(request=last).update(superseded=True)
    return True
