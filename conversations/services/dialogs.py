"""The dialogs of a place: open, begin anew, choose a model, move on from a retired one."""

import functools
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import translation

from accounts.models import Chat, Role, User
from conversations import retention, words
from conversations.models import Assistant, Conversation, Message
from conversations.services.default import bound_to, defaults, first_assistant
from conversations.services.turns import SOURCE
from core.prepared import Prepared
from core.rows import new
from core.statements import insert
from llm import services as llm
from llm.models import Availability, Model
from llm.services import Target
from telegram_bot import outgoing
from telegram_bot.incoming import Incoming, language_of
from telegram_bot.outgoing import Place

# From the least role up.
RANKS = list(Role)

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
    opened = new(Conversation, chat=chat, thread_id=thread, started_at=now, assistant=first_assistant(chat, thread))
    if not insert([opened], skip_known=True):
        return OPEN(chat.pk, thread)[0]  # a button, which is not behind the line, opened it at the same moment
    opened.is_new = True
    return opened


@functools.cache
def _newest(most: int) -> Prepared[Message]:
    return Prepared(
        2,
        lambda dialog, after: Message.objects.filter(conversation_id=dialog, superseded=False, pk__gt=after).order_by(
            "-id"
        )[:most],
    )


def recent(conversation: Conversation) -> tuple[list[Message], bool]:
    """The newest messages that no summary covers, oldest first, as many as MAX_CONTEXT_MESSAGES lets in beside the
    question; and whether there are older ones."""
    most = settings.MAX_CONTEXT_MESSAGES - 1
    newest = _newest(most + 1)(conversation.pk, conversation.summarised_to or 0)
    return newest[:most][::-1], len(newest) > most


def target_for(conversation: Conversation) -> Target | None:
    """The dialog's choice, else its assistant's, else the default; a replacement stands in for what is gone."""
    return target_of(conversation.model, conversation.assistant)


def target_of(chosen: Model | None, assistant: Assistant | None) -> Target | None:
    """The choice, else the assistant's model, else the default."""
    for model in (chosen, assistant.model if assistant else None):
        if model is not None and (usable := _usable(model)) is not None:
            return llm.target_of(usable)
    return defaults().target


def _usable(model: Model) -> Model | None:
    """``model``, or what replaces it when it is hidden or retired. Asks nothing for a model that is offered."""
    offered = model.enabled and model.state != Availability.RETIRED
    return model if offered else llm.replacement_of(model)


def leave_what_is_withheld(conversation: Conversation, incoming: Incoming) -> None:
    """Choose anew for a dialog whose assistant or model is offered no more, and say so, once: then it is another."""
    _leave_withheld_assistant(conversation, incoming)
    model = conversation.model
    if model is None or (usable := _usable(model)) is model:
        return
    Conversation.objects.filter(pk=conversation.pk).update(model=usable)
    conversation.model = usable
    target = target_for(conversation)
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    text = words.hidden(model.title, target.label if target else "")
    outgoing.say(f"hidden:{incoming.key}", place, text, source=SOURCE)


def _leave_withheld_assistant(conversation: Conversation, incoming: Incoming) -> None:
    """Who may choose no more what they chose once goes on without it. In a group, and where it is the place's own, it
    was chosen for all."""
    assistant = conversation.assistant
    if assistant is None or not incoming.chat.is_private or may_choose(incoming.user, assistant):
        return
    home = first_assistant(incoming.chat, incoming.thread)
    if home is not None and home.pk == assistant.pk:
        return
    Conversation.objects.filter(pk=conversation.pk).update(assistant=home)
    conversation.assistant = home
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    outgoing.say(f"withheld:{incoming.key}", place, words.withheld(str(assistant)), source=SOURCE)


def may_choose(user: User, assistant: Assistant) -> bool:
    """Whether the person's role is the one it is offered to, or a higher one."""
    return RANKS.index(Role(user.role)) >= RANKS.index(Role(assistant.role))


@transaction.atomic
def start_anew(chat: Chat, thread: int, now: datetime) -> bool:
    """Close the open dialog; the chosen model goes along into the next. False when there was none."""
    open_one = Conversation.objects.select_for_update(of=("self",)).filter(chat=chat, thread_id=thread, closed_at=None)
    if (current := open_one.select_related("assistant", "model").first()) is None:
        return False
    current.closed_at = now
    current.save(update_fields=["closed_at"])
    retention.closed(current, now)
    binding = bound_to(chat, thread)
    assistant = binding.assistant if binding else current.assistant
    Conversation.objects.create(chat=chat, thread_id=thread, started_at=now, assistant=assistant, model=current.model)
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
