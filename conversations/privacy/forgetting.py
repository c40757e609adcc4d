"""``/forget``: what would go, and its going, in short transactions that may be begun again at any point.

It is about all that came before the press of its button. What another process is at with it then cannot be stopped
from here, but it comes to nothing: a waiting update is empty, and an answer is saved only while its request runs.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from accounts import services as accounts
from accounts.models import User
from conversations import retention
from conversations.models import Conversation, Message, Request
from conversations.privacy import owned
from core.privacy import in_batches, own_data
from delivery import services as delivery
from delivery.models import Delivery
from files import services as files
from files.forgetting import let_go
from files.models import StoredFile
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.models import AdminSession, Broadcast, Update

SMALL = 100


@dataclass(frozen=True)
class Holdings:
    """How much there is of a person that ``/forget`` erases."""

    dialogs: int
    messages: int
    group_messages: int
    requests: int
    files: int
    copies: int
    # Of other capabilities (settings.OWN_DATA), by their names.
    others: dict[str, int] = field(default_factory=dict)

    @property
    def counted(self) -> dict[str, int]:
        """All of it, for the record."""
        found: dict[str, Any] = asdict(self)
        return {**found.pop("others"), **found}

    def __bool__(self) -> bool:
        return any(self.counted.values())


def holdings(user: User) -> Holdings:
    """What there is to erase now."""
    messages = Message.objects.filter(conversation__in=owned.dialogs(user))
    return Holdings(
        dialogs=messages.values("conversation").distinct().count(),
        messages=messages.count(),
        group_messages=owned.said_in_groups(user).count(),
        requests=_with_words(user).count(),
        files=owned.files(user).count(),
        copies=_with_text(owned.updates(user)).count(),
        others={name: own.count(user) for name, own in own_data().items()},
    )


def _with_text(updates: QuerySet[Update]) -> QuerySet[Update]:
    """Those that hold a message in a person's words; a bare command, such as the one that asked, is none."""
    words = Q(raw__message__text__isnull=False) & ~Q(raw__message__text__startswith="/")
    return updates.filter(words | Q(raw__message__caption__isnull=False) | Q(raw__edited_message__isnull=False))


def _with_words(user: User) -> QuerySet[Request]:
    return owned.requests(user).exclude(**retention.NOTHING)


@transaction.atomic
def begin(user: User, press: Update, now: datetime) -> Holdings:
    """Put on record that it was asked for, before anything goes, and let nobody begin with what waits in the inbox."""
    found = holdings(user)
    accounts.audit(
        "privacy.forget_asked", by=user, via="bot", **accounts.target_of(user), details=found.counted, now=now
    )
    inbox.erase(owned.updates(user).filter(pk__lt=press.pk, state__in=(Update.State.NEW, Update.State.RUNNING)))
    return found


def is_answered(user: User, press: Update, now: datetime) -> bool:
    """Whether an answer to the person is being written, or is about to be. What runs for longer than any answer may
    belongs to a process that died."""
    alive = now - timedelta(seconds=settings.LLM_TURN_TIMEOUT_SEC)
    running = Request.objects.filter(user=user, state=Request.State.RUNNING, created_at__gt=alive)
    waiting = Update.objects.filter(chat_id=user.telegram_id, state=Update.State.RUNNING, pk__lt=press.pk)
    return running.exists() or waiting.exists()


def is_told(user: User, press: Update, now: datetime) -> bool:
    """Whether a message to the person is on its way."""
    return owned.deliveries(user).filter(state__in=Delivery.OPEN).exclude(not_before__gt=now).exists()


def came_too_late(incoming: Incoming, fetched: Collection[StoredFile], now: datetime) -> bool:
    """Whether the person had everything erased while a question's files were fetched; then these go too."""
    if not Update.objects.filter(pk=incoming.update.pk, raw={}).exists():
        return False
    let_go(StoredFile.objects.filter(pk__in=[file.pk for file in fetched]), now)
    return True


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    """What is to be done, one after another; each may be done again without harm."""
    yield lambda: _close(owned.requests(user), now)
    yield lambda: delivery.withdraw(owned.deliveries(user).filter(content__params__text__isnull=False), now)
    for own in own_data().values():
        yield from own.steps(user, now)
    yield lambda: _forget_summaries(user, now)
    yield lambda: in_batches(owned.dialogs(user), lambda part: _erase_dialogs(part, now), SMALL)
    yield lambda: in_batches(owned.said_in_groups(user), _blank, SMALL)
    yield lambda: in_batches(_with_words(user), _erase_requests, SMALL)
    yield lambda: in_batches(owned.files(user), lambda part: let_go(part, now))
    yield lambda: in_batches(_ended_updates(user), _erase_updates)
    yield lambda: in_batches(owned.quotations(user), lambda part: inbox.take_out(part, owned.QUOTES), SMALL)
    yield lambda: delivery.erase(owned.deliveries(user).exclude(state__in=Delivery.OPEN))


def remove_files(now: datetime) -> int:
    """Take what was let go from the disk too; what cannot be taken now goes with housekeeping."""
    return files.remove_expired(now)


@transaction.atomic
def finish(user: User, erased: Holdings, now: datetime) -> None:
    """Put on record what is gone. The button that asked for it goes only now: a process that died finds it again."""
    owned.buttons(user).delete()
    owned.expectations(user).delete()
    AdminSession.objects.filter(user=user).update(waiting={})
    Broadcast.objects.filter(created_by=user, state=Broadcast.State.DRAFT).delete()
    accounts.audit("privacy.forgotten", by=user, via="bot", **accounts.target_of(user), details=erased.counted, now=now)


def _close(requests: QuerySet[Request], now: datetime) -> int:
    """End what still runs: whoever is at it, in whichever process, saves nothing any more."""
    running = requests.filter(state=Request.State.RUNNING)
    return running.update(state=Request.State.STOPPED, finish="stopped", finished_at=now, **retention.NOTHING)


@transaction.atomic
def _forget_summaries(user: User, now: datetime) -> int:
    """A summary of a group's dialog tells what the person said there: it is made anew, without it."""
    dialogs = list(owned.said_in_groups(user).values_list("conversation", flat=True).distinct())
    summaries = Request.objects.filter(kind=Request.Kind.SUMMARY, conversation__in=dialogs)
    _close(summaries, now)
    retention.erase_requests(summaries)
    # The key names the part that is summarised; the new summary begins with the first part again.
    summaries.update(update_key=Concat(Value("summary:erased:"), Cast("pk", CharField())))
    return Conversation.objects.filter(pk__in=dialogs).update(summary="", summarised_to=None)


def _erase_dialogs(dialogs: QuerySet[Conversation], now: datetime) -> int:
    keys = list(dialogs.values_list("pk", flat=True))
    retention.erase_dialogs(dialogs, now)
    Message.objects.filter(conversation__in=keys).delete()
    Conversation.objects.filter(pk__in=keys, closed_at=None).update(closed_at=now)
    return len(keys)


def _blank(messages: QuerySet[Message]) -> int:
    """Own words in a group. No model is told the turn any more: an answer without its question says nothing."""
    turns = list(messages.values_list("request_id", flat=True))
    blanked = messages.update(content="", raw=None)
    Message.objects.filter(request__in=turns).update(superseded=True)
    return blanked


def _erase_requests(requests: QuerySet[Request]) -> int:
    _erase_said(requests)
    return retention.erase_requests(requests)


def _erase_updates(updates: QuerySet[Update]) -> int:
    _erase_said(updates)
    return inbox.erase(updates)


def _erase_said(causes: "QuerySet[Update] | QuerySet[Request]") -> None:
    """What was said because of them, in groups too: it may repeat their words (the text of a voice message)."""
    traces = [trace for trace in causes.values_list("trace_id", flat=True) if trace]
    delivery.erase_traces(traces)


def _ended_updates(user: User) -> QuerySet[Update]:
    return owned.updates(user).filter(Q(state=Update.State.DONE) | Q(state=Update.State.DEAD))
