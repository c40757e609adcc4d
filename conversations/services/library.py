"""The dialogs of a place, those that ended too: list, reopen, rename, erase. Only the place's own can be had.

In a group everybody who is let in sees its dialogs, for all of them were there; only an admin of the bot, or who alone
asked in a dialog, may erase it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.dateparse import parse_datetime

from accounts.models import Chat, User
from conversations import retention, words_dialogs
from conversations.models import Attachment, Conversation, Message, Request
from conversations.services.dialogs import open_conversation
from conversations.services.turns import State
from delivery import services as delivery
from delivery.models import Delivery
from files.forgetting import let_go
from files.models import StoredFile
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import Part
from telegram_bot.models import Button, Update
from telegram_bot.outgoing import Place

# `Delivery.source` of what names dialogs (menus, notices), so that a title can be erased there too.
TITLES = "dialogs"
TITLE_LENGTH = 60
# How long the next message is taken for a title.
NAMING = timedelta(minutes=10)
# Actions of the buttons under "May I do this?".
ASKED = ("tool.yes", "tool.no")


class Busy(Exception):
    """An answer is being written in the dialog."""


@dataclass(frozen=True)
class Entry:
    """A dialog as its list shows it: what to call it (empty: there are no words), how many messages, and when last."""

    dialog: Conversation
    title: str
    said: int
    said_at: datetime


def shelf(chat: Chat, thread: int) -> "QuerySet[Conversation, Any]":
    """The dialogs of this place in which something was said, the one of the newest message first; see `entry`."""
    return _rows().filter(chat=chat, thread_id=thread)


def _rows() -> "QuerySet[Conversation, Any]":
    said = Message.objects.filter(conversation=OuterRef("pk"), superseded=False).order_by("-id")
    first = said.filter(role=Message.Role.USER).exclude(content="").order_by("id")
    dialogs = Conversation.objects.select_related("chat", "model").annotate(
        said_at=Subquery(said.values("created_at")[:1]),
        first_words=Subquery(first.values("content")[:1]),
        said=Count("messages", filter=Q(messages__superseded=False)),
    )
    return dialogs.exclude(said_at=None).order_by("-said_at", "-pk")


def entry(row: Any) -> Entry:
    """What to show of a row of `shelf`; its title, else its first question, cut at a word."""
    return Entry(row, row.title or cut_at_word(row.first_words or ""), row.said, row.said_at)


def entry_of(dialog_id: int) -> Entry | None:
    """Any dialog in which something was said; who asks makes sure that it may be seen."""
    row = _rows().filter(pk=dialog_id).first()
    return entry(row) if row is not None else None


def one_of(chat: Chat, thread: int, dialog_id: int) -> Entry | None:
    """That dialog, if it is one of this place's."""
    row = shelf(chat, thread).filter(pk=dialog_id).first()
    return entry(row) if row is not None else None


def zone_of(user: User) -> ZoneInfo:
    """Where the person's clock is."""
    return ZoneInfo(user.time_zone or settings.TIME_ZONE)


def cut_at_word(text: str, length: int = TITLE_LENGTH) -> str:
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    whole = line[:length].rpartition(" ")[0]
    return (whole or line[: length - 1]).rstrip(" ,.;:–—-") + "…"


def reopen(chat: Chat, thread: int, dialog_id: int, now: datetime) -> Conversation | None:
    """Let the dialog go on; the one that is open ends. None when there is no such dialog here."""
    try:
        return _reopen(chat, thread, dialog_id, now)
    except IntegrityError:
        # A question opened another at the same moment: it is there now, and ends.
        return _reopen(chat, thread, dialog_id, now)


@transaction.atomic
def _reopen(chat: Chat, thread: int, dialog_id: int, now: datetime) -> Conversation | None:
    found = one_of(chat, thread, dialog_id)
    if found is None or found.dialog.closed_at is None:
        return found.dialog if found else None
    open_instead(found.dialog, now)
    return found.dialog


def open_instead(dialog: Conversation, now: datetime) -> None:
    """Open ``dialog`` and end the one that is open in its place. Inside the transaction that chose it."""
    ended = list(Conversation.objects.filter(chat=dialog.chat, thread_id=dialog.thread_id, closed_at=None))
    for other in ended:
        Conversation.objects.filter(pk=other.pk).update(closed_at=now, waiting={})
    dialog.closed_at, dialog.waiting = None, {}
    dialog.save(update_fields=["closed_at", "waiting"])
    # Only now: what both have belongs to an open dialog, and stays.
    for other in ended:
        retention.closed(other, now)


# --- a new title ----------------------------------------------------------------------------------------------------


@transaction.atomic
def await_title(incoming: Incoming, dialog_id: int, under: int | None, now: datetime) -> Entry | None:
    """Take the person's next message here for the dialog's title; in a group, only a reply to the bot's message
    ``under``. None when there is no such dialog here."""
    found = one_of(incoming.chat, incoming.thread, dialog_id)
    if found is not None:
        waiting = {"title_of": dialog_id, "by": incoming.user.pk, "under": under, "until": (now + NAMING).isoformat()}
        current = open_conversation(incoming.chat, incoming.thread, now)
        Conversation.objects.filter(pk=current.pk).update(waiting=waiting)
    return found


def forget_title(chat: Chat, thread: int, user: User) -> None:
    """The person's next message is a question again."""
    waiting = Conversation.objects.filter(chat=chat, thread_id=thread, closed_at=None, waiting__by=user.pk)
    waiting.update(waiting={})


def took_title(conversation: Conversation, text: str, incoming: Incoming, now: datetime) -> bool:
    """Whether ``text`` was the title that the open dialog waits for, and no question; then it is taken, and said.

    Inside the transaction that would begin a turn: the update is done with it, or it would come again as a question.
    """
    waiting = conversation.waiting
    if waiting.get("by") != incoming.user.pk:
        return False
    if not incoming.chat.is_private and incoming.replied_to != waiting.get("under"):
        return False
    Conversation.objects.filter(pk=conversation.pk).update(waiting={})
    until, title = parse_datetime(str(waiting.get("until"))), " ".join(text.split())
    if until is None or now > until or not title:
        return False
    if one_of(incoming.chat, incoming.thread, waiting["title_of"]) is None:
        return False  # it was deleted meanwhile
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    kept = rename(waiting["title_of"], title)
    outgoing.say(f"title:{incoming.key}", place, [Part(words_dialogs.renamed(kept))], source=TITLES)
    inbox.finish(incoming.ids, now)
    incoming.finished = True
    return True


def rename(dialog_id: int, title: str) -> str:
    """The title as it is kept."""
    kept = cut_at_word(title, 200)
    Conversation.objects.filter(pk=dialog_id).update(title=kept)
    return kept


# --- erasing --------------------------------------------------------------------------------------------------------


def may_erase(dialog: Conversation, user: User) -> bool:
    """In a private chat its person; in a group an admin, or who alone asked there."""
    if dialog.chat.is_private or user.is_bot_admin:
        return True
    asked = Request.objects.filter(conversation=dialog, kind=Request.Kind.ANSWER)
    return asked.filter(user=user).exists() and not asked.exclude(user=user).exists()


@transaction.atomic
def erase(chat: Chat, thread: int, dialog_id: int, user: User, now: datetime) -> bool:
    """Erase what was said in a dialog: messages, files, the contents of its requests, its title in menus. Who asked
    when, with which model and for how much stays. False when there is no such dialog here, or it is not this person's.

    Raises Busy while an answer is written in it.
    """
    found = one_of(chat, thread, dialog_id)
    if found is None or not may_erase(found.dialog, user):
        return False
    dialog = found.dialog
    requests = Request.objects.filter(conversation=dialog)
    alive = now - timedelta(seconds=settings.LLM_TURN_TIMEOUT_SEC)
    if requests.filter(state=State.RUNNING, created_at__gt=alive).exists():
        raise Busy
    _erase_traces(requests)
    _erase_asked(chat, requests)
    _erase_menus(chat)
    retention.erase_requests(requests)
    _let_files_go(dialog, now)
    Message.objects.filter(conversation=dialog).delete()
    Conversation.objects.filter(pk=dialog.pk).update(title="", summary="", summarised_to=None, waiting={})
    Conversation.objects.filter(pk=dialog.pk, closed_at=None).update(closed_at=now)
    return True


def _erase_traces(requests: "QuerySet[Request]") -> None:
    """What the inbox and the outbox still hold of what was asked and answered."""
    traces = requests.exclude(trace_id="").values("trace_id")
    delivery.erase_traces(traces)
    inbox.erase(_ended(Update.objects.filter(trace_id__in=traces)))


def _erase_asked(chat: Chat, requests: "QuerySet[Request]") -> None:
    """Buttons that hold what a model wanted to do."""
    keys = set(requests.values_list("pk", flat=True))
    asked = Button.objects.filter(chat_id=chat.telegram_id, action__in=ASKED)
    asked.filter(pk__in=[button.pk for button in asked if button.data.get("request") in keys]).delete()


def _erase_menus(chat: Chat) -> None:
    """What names dialogs of this chat, with the presses and the words that led to it. A branch's notice came with a
    question of that branch, which stays."""
    named = Delivery.objects.filter(
        bot_id=chat.bot_id, chat_id=chat.telegram_id, message_id__isnull=False, source=TITLES
    ).exclude(state__in=Delivery.OPEN)
    led = named.exclude(trace_id="").exclude(key__startswith="branch:")
    inbox.erase(_ended(Update.objects.filter(trace_id__in=led.values("trace_id"))))
    delivery.erase(named)


def _ended(updates: "QuerySet[Update]") -> "QuerySet[Update]":
    return updates.filter(state__in=(Update.State.DONE, Update.State.DEAD))


def _let_files_go(dialog: Conversation, now: datetime) -> None:
    """Files that no other dialog has are forgotten; the links to all of them go."""
    here = Q(request__conversation=dialog) | Q(message__conversation=dialog)
    of_file = Attachment.objects.filter(file=OuterRef("pk"))
    let_go(StoredFile.objects.filter(Exists(of_file.filter(here)), ~Exists(_elsewhere(of_file, dialog))), now)
    Attachment.objects.filter(here).delete()


def _elsewhere(attachments: "QuerySet[Attachment]", dialog: Conversation) -> "QuerySet[Attachment]":
    others = Q(message__isnull=False) & ~Q(message__conversation=dialog)
    asked = Q(message__isnull=True) & ~Q(request__conversation=dialog)
    return attachments.filter(others | asked)
