"""``/forget``: what would go, and its going, in short transactions that may be begun again at any point."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import services as accounts
from accounts.models import User
from conversations import retention
from conversations.models import Conversation, Message, Request
from conversations.privacy import owned
from core.privacy import in_batches
from delivery import services as delivery
from delivery.models import Delivery
from files import services as files
from files.forgetting import let_go
from telegram_bot import services as inbox
from telegram_bot.models import Update

SMALL = 100


@dataclass(frozen=True)
class Holdings:
    """How much there is of a person that ``/forget`` erases."""

    dialogs: int
    messages: int
    group_messages: int
    requests: int
    files: int

    def __bool__(self) -> bool:
        return any(asdict(self).values())


def holdings(user: User) -> Holdings:
    """What there is to erase now."""
    messages = Message.objects.filter(conversation__in=owned.dialogs(user))
    return Holdings(
        dialogs=messages.values("conversation").distinct().count(),
        messages=messages.count(),
        group_messages=owned.said_in_groups(user).count(),
        requests=_with_words(user).count(),
        files=owned.files(user).count(),
    )


def _with_words(user: User) -> QuerySet[Request]:
    return owned.requests(user).exclude(**retention.NOTHING)


def begin(user: User, now: datetime) -> Holdings:
    """Put on record that it was asked for, before anything goes."""
    found = holdings(user)
    accounts.audit(
        "privacy.forget_asked", by=user, via="bot", **accounts.target_of(user), details=asdict(found), now=now
    )
    return found


def steps(user: User, now: datetime) -> Iterator[Callable[[], int]]:
    """What is to be done, one after another; each may be done again without harm."""
    yield lambda: in_batches(owned.dialogs(user), lambda part: _erase_dialogs(part, now), SMALL)
    yield lambda: in_batches(owned.said_in_groups(user), _blank, SMALL)
    yield lambda: in_batches(_with_words(user), retention.erase_requests, SMALL)
    yield lambda: in_batches(owned.files(user), lambda part: let_go(part, now))
    yield lambda: in_batches(_ended_updates(user), inbox.erase)
    yield lambda: delivery.erase(owned.deliveries(user).exclude(state__in=Delivery.OPEN))


def remove_files(now: datetime) -> int:
    """Take what was let go from the disk too; what cannot be taken now goes with housekeeping."""
    return files.remove_expired(now)


@transaction.atomic
def finish(user: User, erased: Holdings, now: datetime) -> None:
    """Put on record what is gone. The button that asked for it goes only now: a process that died finds it again."""
    owned.buttons(user).delete()
    accounts.audit("privacy.forgotten", by=user, via="bot", **accounts.target_of(user), details=asdict(erased), now=now)


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


def _ended_updates(user: User) -> QuerySet[Update]:
    return owned.updates(user).filter(Q(state=Update.State.DONE) | Q(state=Update.State.DEAD))
