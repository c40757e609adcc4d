"""What a person's next words in a place are for, when the bot asked something: as a button says what a press means.

It is a row, so a restart forgets nothing; a command, another question or some minutes end it. `telegram_bot.bot` hands
the words to who asked (application.on_answer), before anybody else takes them for a question.
"""

from datetime import datetime, timedelta
from typing import Any

from accounts import services as accounts
from core.privacy import delete_in_batches
from delivery.models import Delivery
from telegram_bot.incoming import Incoming
from telegram_bot.models import Expectation

LIFE = timedelta(minutes=15)


def expect(incoming: Incoming, action: str, data: dict[str, Any], asked: str, now: datetime) -> None:
    """Take the person's next words here for an answer to the message of the delivery ``asked`` (its key); in a group
    only a reply to it. What was expected of them before is forgotten. Inside the transaction that asks.
    """
    until = now + LIFE
    values = {"action": action, "data": data, "asked": asked, "expires_at": until}
    Expectation.objects.update_or_create(
        user=incoming.user, chat=incoming.chat, thread_id=incoming.thread, defaults=values
    )
    accounts.await_words(incoming.chat, until)


def is_asked(incoming: Incoming, now: datetime) -> bool:
    """Whether somebody was asked something in that chat. Asks nothing of the database: this runs for each message."""
    until = incoming.chat.awaits_until
    return until is not None and until > now


def may_be_expected(incoming: Incoming, now: datetime) -> bool:
    """Whether it is worth a look."""
    return is_asked(incoming, now) and (incoming.chat.is_private or incoming.replied_to is not None)


def expected(incoming: Incoming, now: datetime) -> Expectation | None:
    """What the words of ``incoming`` are awaited for."""
    row: Expectation | None = _of(incoming).filter(expires_at__gt=now).first()
    if row is None or incoming.chat.is_private:
        return row
    replied = Delivery.objects.filter(
        bot_id=incoming.bot_id, chat_id=incoming.chat_id, message_id=incoming.replied_to, key=row.asked
    )
    return row if replied.exists() else None


def forget(incoming: Incoming) -> bool:
    """The person's next words here are a question again; whether something else was expected."""
    return bool(_of(incoming).delete()[0])


def end(incoming: Incoming) -> str | None:
    """As `forget`; the action of what was expected."""
    action: str | None = _of(incoming).values_list("action", flat=True).first()
    return action if forget(incoming) else None


def _of(incoming: Incoming) -> Any:
    return Expectation.objects.filter(user=incoming.user, chat=incoming.chat, thread_id=incoming.thread)


def forget_old(now: datetime) -> int:
    """Remove what nobody answered in time; housekeeping calls it."""
    return delete_in_batches(Expectation.objects.filter(expires_at__lt=now))
