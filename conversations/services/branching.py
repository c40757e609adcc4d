"""A reply to an older answer goes on from there: as a dialog of its own that holds what was said up to that answer."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from conversations import words_dialogs as words
from conversations.models import Attachment, Conversation, Message, Request
from conversations.services.library import TITLES, entry_of, open_instead, reopen
from conversations.services.turns import ANSWER, request_key
from delivery.models import Delivery
from telegram_bot import outgoing
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import Part
from telegram_bot.outgoing import Place


def follow_reply(incoming: Incoming, now: datetime) -> None:
    """Before a question is asked: if it replies to an older answer, let the dialog go on from there, and say so.

    A repeated update finds the branch open already, with that answer as its newest, and changes nothing.
    """
    message_id = incoming.replied_to
    request = _request_of(incoming, message_id) if message_id is not None else None
    if request is not None:
        _go_on_from(incoming, request, now)


@transaction.atomic
def _go_on_from(incoming: Incoming, request: Request, now: datetime) -> None:
    chat, thread = incoming.chat, incoming.thread
    current = Conversation.objects.filter(chat=chat, thread_id=thread, closed_at=None).first()
    if current is not None and _newest_request(current) == request.pk:
        return
    source = _holding(current, request)
    if source is None:
        return
    if _newest_request(source) == request.pk:
        # The last word of a dialog that ended: nothing to branch off, it goes on as it is.
        if reopen(chat, thread, source.pk, now) is not None:
            _tell(incoming, words.went_on(_title(source)))
        return
    title = _title(source)
    open_instead(_branch(source, request, now), now)
    _tell(incoming, words.branched(title))


def _request_of(incoming: Incoming, message_id: int) -> Request | None:
    """The request whose answer that message is part of, asked here."""
    rows = Delivery.objects.filter(bot_id=incoming.bot_id, chat_id=incoming.chat_id, message_id=message_id)
    of_answers = rows.filter(Q(key__startswith="turn:") | Q(key__contains=f"{ANSWER}:"))
    key = of_answers.values_list("key", flat=True).first() or ""
    here = Request.objects.filter(conversation__chat=incoming.chat, conversation__thread_id=incoming.thread)
    asked, request_id = here.select_related("conversation"), key.split(":")[1] if key.startswith("turn:") else ""
    if ANSWER in key:
        return asked.filter(update_key=request_key(key.partition(ANSWER)[0])).first()
    return asked.filter(pk=request_id).first() if request_id.isdecimal() else None


def _holding(current: Conversation | None, request: Request) -> Conversation | None:
    """The dialog that still has the answer: the open one (perhaps a branch with a copy of it), else its own."""
    for dialog in (current, request.conversation):
        if dialog is not None and _answer_in(dialog, request) is not None:
            return dialog
    return None


def _answer_in(dialog: Conversation, request: Request) -> Message | None:
    said = Message.objects.filter(conversation=dialog, request=request, superseded=False)
    return said.filter(role=Message.Role.ASSISTANT).order_by("-id").first()


def _newest_request(dialog: Conversation) -> int | None:
    said = Message.objects.filter(conversation=dialog, superseded=False).order_by("-id")
    return said.values_list("request", flat=True).first()


def _title(dialog: Conversation) -> str:
    found = entry_of(dialog.pk)
    return found.title if found is not None else ""


def _tell(incoming: Incoming, text: str) -> None:
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    outgoing.say(f"branch:{incoming.key}", place, [Part(text)], source=TITLES)


def _branch(source: Conversation, request: Request, now: datetime) -> Conversation:
    """A new dialog, not open yet, with what ``source`` holds up to the answer to ``request``; its summary too, where
    that covers no more."""
    answer = _answer_in(source, request)
    assert answer is not None
    branch = Conversation.objects.create(
        chat=source.chat,
        thread_id=source.thread_id,
        assistant=source.assistant,
        model=source.model,
        title=source.title,
        branched_from=source,
        started_at=now,
        closed_at=now,
    )
    kept = Message.objects.filter(conversation=source, superseded=False, pk__lte=answer.pk).order_by("id")
    copies = _copied(list(kept), branch)
    covered = source.summarised_to
    if source.summary and covered is not None and covered <= answer.pk and covered in copies:
        branch.summary, branch.summarised_to = source.summary, copies[covered].pk
        branch.save(update_fields=["summary", "summarised_to"])
    return branch


def _copied(messages: list[Message], branch: Conversation) -> dict[int, Message]:
    """Copies in ``branch``, by the key of their original. They belong to the same requests: nothing is asked twice."""
    copies = {message.pk: _copy(message, conversation=branch) for message in messages}
    Message.objects.bulk_create(copies.values(), batch_size=200)
    attached = Attachment.objects.filter(message__in=messages).order_by("id")
    Attachment.objects.bulk_create(
        _copy(link, message=copies[link.message_id], request=None) for link in attached if link.message_id is not None
    )
    return copies


def _copy(row: Any, **changed: Any) -> Any:
    fields = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    fresh = type(row)(**fields)
    for name, value in changed.items():
        setattr(fresh, name, value)
    return fresh
