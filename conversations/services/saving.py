"""The one place where a turn is saved: the answer, what it cost, and what the person reads."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from conversations import as_file, attachments, figures, file_words, words
from conversations.limits import KINDS, Refused, charge
from conversations.models import Conversation, Message, Request
from conversations.retention import kept
from conversations.services.turns import EDITED, SOURCE, Outcome, State, Turn
from core.rows import new
from core.statements import insert, update
from files.forgetting import let_go
from files.models import StoredFile
from llm import services as llm
from llm.tokens import estimate
from llm.types import Usage
from telegram_bot import fleeting, outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Place


def remember_preview(request: Request, message_id: int) -> None:
    Request.objects.filter(pk=request.pk).update(preview_message_id=message_id)


@transaction.atomic(savepoint=False)
def save(turn: Turn, outcome: Outcome, incoming: Incoming, now: datetime) -> None:
    """Save the answer, what it cost, the messages to send, and that the update is done: all or nothing, and once."""
    if save_request(turn, outcome, now):
        save_messages(turn, outcome, now)
        _say(turn, outcome, incoming)
        _warn_once(turn, outcome, incoming, now)
    elif outcome.pictures:
        # Everything of the person was erased meanwhile; what an earlier try has saved is linked.
        let_go(StoredFile.objects.filter(pk__in=[file.pk for file in outcome.pictures], attachments=None), now)
    inbox.finish(incoming.ids, now)
    incoming.finished = True


def _say(turn: Turn, outcome: Outcome, incoming: Incoming) -> None:
    if turn.refused is not None and turn.refused.kind in KINDS:
        _refuse(turn, turn.refused, incoming)
        return
    place = Place(
        incoming.bot_id,
        incoming.chat_id,
        incoming.thread,
        reply_to=None if incoming.chat.is_private else turn.request.question_message_id,
        edit=outcome.preview_id or turn.request.preview_message_id,
    )
    if outcome.finish == EDITED and not outcome.text and place.edit is None:
        return  # nothing was seen of it: the next answer is the answer
    text, keyboard = _shown(turn, outcome)
    outgoing.say(f"turn:{turn.request.pk}", place, text, keyboard, owner=incoming.user, source=SOURCE)
    for number, picture in enumerate(outcome.pictures):
        outgoing.photo(f"turn:{turn.request.pk}:photo:{number}", place, picture.pk, SOURCE)


def _refuse(turn: Turn, refused: Refused, incoming: Incoming) -> None:
    """In a group it is a word of service: for whoever asked, and not for long."""
    key, shown = f"turn:{turn.request.pk}", turn.request.preview_message_id
    fleeting.say(key, incoming, refused.text, refused.keyboard, edit=shown, source=SOURCE)


def save_messages(turn: Turn, outcome: Outcome, now: datetime) -> None:
    """An unanswered question stays out of the history: the next one must not follow it without an answer."""
    if not outcome.text and not outcome.pictures:
        return
    request, conversation = turn.request, turn.conversation
    question = new(
        Message,
        conversation=conversation,
        request=request,
        role=Message.Role.USER,
        content=request.prompt,
        tokens=estimate(request.prompt),
        files=len(turn.files),
        message_id=request.question_message_id,
        created_at=request.created_at,
    )
    answer = new(
        Message,
        conversation=conversation,
        request=request,
        role=Message.Role.ASSISTANT,
        content=outcome.text,
        raw=outcome.raw,
        raw_model=request.model_ref if outcome.raw else "",
        tokens=estimate(outcome.text),
        files=len(outcome.pictures),
        created_at=now,
    )
    insert([question, answer])
    if turn.files:
        attachments.link_message(question, request)
    attachments.link_pictures(answer, outcome.pictures)


def save_request(turn: Turn, outcome: Outcome, now: datetime) -> bool:
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
    values |= _way(turn, outcome)
    charge(turn, values, now)
    saved = update(Request, turn.request.pk, kept(values), state=State.RUNNING)
    if saved:
        transaction.on_commit(lambda: figures.count(turn.target.ref if turn.target else "none:", values))
    return saved


def _way(turn: Turn, outcome: Outcome) -> dict[str, Any]:
    """What there is to record of a turn that did not go straight."""
    values: dict[str, Any] = {"steps": outcome.steps} if outcome.steps else {}
    if turn.failed and turn.target is not None:
        model = turn.target.model
        values |= {"model": model.pk if model else None, "model_ref": turn.target.ref}
        values["chosen_ref"] = turn.failed[0][0].ref
    return values


def _counted(turn: Turn, outcome: Outcome) -> tuple[Usage, bool]:
    """The provider's counts; what it did not say is estimated, if it said anything at all."""
    usage = outcome.usage or Usage()
    if not (outcome.text or outcome.usage) or (usage.input is not None and usage.output is not None):
        return usage, False
    counted_in = turn.context_tokens + outcome.further_tokens if usage.input is None else usage.input
    counted_out = estimate(outcome.text) if usage.output is None else usage.output
    return replace(usage, input=counted_in, output=counted_out), True


def _shown(turn: Turn, outcome: Outcome) -> tuple[str, list[list[outgoing.Key]]]:
    """What the person reads: the answer with what there is to say about its end, and a way on."""
    if turn.refused is not None:
        return turn.refused.text, turn.refused.keyboard
    text = outcome.text or file_words.pictured(len(outcome.pictures))
    if outcome.state == State.STOPPED:
        return words.after(text, words.edited() if outcome.finish == EDITED else words.stopped()), []
    if outcome.error_kind:
        kind = outcome.error_kind
        return (words.after(text, words.cut_short(kind)) if text else words.sorry(kind)), [[words.models_key()]]
    if outcome.asked:
        data = {"request": turn.request.pk, "calls": outcome.asked}
        return text, [[words.yes_key(data), words.no_key(data)]]
    if turn.failed and turn.target is not None:
        text = words.after(text, words.stepped_in(turn.target.label, turn.failed[0][0].label))
    if turn.note:
        text = words.after(text, turn.note)
    offered = as_file.keys(turn.request.pk, outcome.text)
    text = words.after(text, words.length_reached()) if outcome.finish == "length" else text
    return text, [offered] if offered else []


def _warn_once(turn: Turn, outcome: Outcome, incoming: Incoming, now: datetime) -> None:
    """The gentle word that a dialog grows long: when it costs, or when the model is told only a part of it."""
    conversation = turn.conversation
    long = turn.shortened or turn.context_tokens + estimate(outcome.text) >= settings.CONTEXT_WARN_TOKENS
    if not long or conversation.warned_at is not None or outcome.state != State.DONE:
        return
    Conversation.objects.filter(pk=conversation.pk).update(warned_at=now)
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    outgoing.say(f"long:{conversation.pk}", place, words.long_dialog(), source=SOURCE)
