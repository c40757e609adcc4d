"""Yes, no, and other words for a reminder: under its card, or in reply to what has come."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import services as accounts
from delivery.planning import TOLERANCE
from delivery.schedule import Once
from reminders import services
from reminders.chat import cards, place, talk
from reminders.chat.cards import Menu
from reminders.chat.wishes import Wish, changed
from reminders.models import FINAL, Reminder, Status
from reminders.services import NotNow
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key

VIA = "chat"


@transaction.atomic
def confirm(incoming: Incoming, row: Reminder, edit: int | None, now: datetime) -> None:
    """Yes: it is in force from now on, unless its time passed meanwhile; then another one is asked for."""
    if row.status == Status.PENDING and _has_passed(row, now):
        _ask_another_time(incoming, row, edit, now)
    else:
        place.say(incoming, _after_yes(incoming, row, now), about=row, edit=edit)
    place.finish(incoming, now)


def _has_passed(row: Reminder, now: datetime) -> bool:
    return isinstance(row.rule, Once) and row.rule.at < now - TOLERANCE


def _ask_another_time(incoming: Incoming, row: Reminder, edit: int | None, now: datetime) -> None:
    passed = _("Its time passed before you said yes. When shall it be now?")
    group = "" if incoming.chat.is_private else _("Reply to this message.")
    keys = [[Key("✖️ " + _("No"), "remind.no", {"id": str(row.pk)})]]
    menu = cards.titled("❔ " + cards.text_of(row), passed, group), keys
    asked = place.say(incoming, menu, about=row, edit=edit)
    wish = Wish(reminder=str(row.pk), asked="time")
    expecting.expect(incoming, talk.WORDS, wish.as_json(), asked, now)


def _after_yes(incoming: Incoming, row: Reminder, now: datetime) -> Menu:
    try:
        services.confirm(row, by=incoming.user, via=VIA, now=now)
    except NotNow as why_not:
        return cards.card(row, incoming.user, now, note=why_not.text)
    if row.status == Status.ACTIVE:
        return cards.confirmed(row, now, mark="✅")
    if row.status == Status.CANCELLED:
        told = _("It will not come. Write it once more: /remind")
        return cards.said(f"{row.status_reason} {told}".strip()), ()
    return cards.card(row, incoming.user, now)


@transaction.atomic
def refuse(incoming: Incoming, row: Reminder, edit: int | None, now: datetime) -> None:
    """No: nothing will come."""
    menu = cards.card(row, incoming.user, now)
    if row.status == Status.PENDING:
        services.cancel(row, by=incoming.user, via=VIA, now=now)
        expecting.forget(incoming)
        menu = cards.said("✖️ " + _("Good, no reminder.")), ()
    place.say(incoming, menu, about=row, edit=edit)
    place.finish(incoming, now)


@transaction.atomic
def forget(incoming: Incoming, edit: int | None, now: datetime) -> None:
    """Cancel under a question."""
    expecting.forget(incoming)
    place.say(incoming, (cards.said(_("Good, I leave it at that.")), ()), edit=edit)
    place.finish(incoming, now)


# --- other words ----------------------------------------------------------------------------------------------------


@transaction.atomic
def ask_change(incoming: Incoming, row: Reminder, data: dict[str, object], edit: int | None, now: datetime) -> None:
    """The next words change it."""
    asked = place.say(
        incoming, cards.changing(row, now, data, group=not incoming.chat.is_private), about=row, edit=edit
    )
    expecting.expect(incoming, talk.WORDS, Wish(reminder=str(row.pk)).as_json(), asked, now)
    place.finish(incoming, now)


@transaction.atomic
def reply(incoming: Incoming, words: str, now: datetime) -> bool:
    """New words in reply to a card, or to a reminder that has come. False when they are for somebody else."""
    found = place.replied_about(incoming)
    if found is None or not cards.may_change(found[1], incoming.user):
        return False
    kind, row = found
    wish = Wish(reminder=str(row.pk))
    question = changed(wish, words, place.said_at(incoming, now), cards.zone_of(row), incoming.language)
    # Without a time, words under what has come, or is over, are talk.
    if not question and wish.when is None and (kind != "card" or row.status in FINAL):
        return False
    if not question and (row.status in FINAL or (kind != "card" and isinstance(wish.when, Once))):
        wish = _anew(incoming, row, wish, now)
    talk.ask_or_propose(incoming, wish, question, now)
    place.finish(incoming, now)
    return True


def _anew(incoming: Incoming, row: Reminder, wish: Wish, now: datetime) -> Wish:
    """It came already: once more, as a reminder of its own. A series goes on as it was."""
    if not incoming.user.time_zone:
        accounts.set_time_zone(incoming.user, row.schedule.zone)
        accounts.follow_zone(incoming.user, "", now)
    return Wish(wish.text or row.text, wish.rule, wish.nag, wish.assumed)
