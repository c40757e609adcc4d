"""/reminders: the list in pages, and what the buttons of a card do."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reminders import services
from reminders.chat import cards, deciding, place
from reminders.chat.cards import Menu
from reminders.chat.insisting import USUAL_MINUTES
from reminders.models import FINAL, Reminder
from reminders.services import NotNow, Refused
from telegram_bot import expecting
from telegram_bot.incoming import Incoming

PAGE = 7
VIA = "chat"
Data = dict[str, Any]


def page(incoming: Incoming, number: int, now: datetime) -> Menu:
    """One page of what is still to come here, the next one first."""
    rows = place.reminders_here(incoming).exclude(status__in=FINAL).in_order()
    pages = max(1, -(-rows.count() // PAGE))
    number = min(max(0, number), pages - 1)
    shown = list(rows[number * PAGE : (number + 1) * PAGE])
    return cards.shelf(shown, number, pages, incoming.user, now, group=not incoming.chat.is_private)


@transaction.atomic
def show_page(incoming: Incoming, number: int, edit: int | None, now: datetime) -> None:
    place.say(incoming, page(incoming, number, now), edit=edit)
    place.finish(incoming, now)


@transaction.atomic
def press(incoming: Incoming, what: str, data: Data, edit: int | None, now: datetime) -> str:
    """Do what a card's button says and show what came of it; why it is not done, if it is not this person's."""
    row = place.one_here(incoming, data["id"])
    if row is None:
        place.say(incoming, cards.gone(), edit=edit)
    elif what != "show" and not cards.may_change(row, incoming.user):
        return _("Only %(name)s or an admin may do this.") % {"name": row.user.name}
    elif what in DECIDED:
        DECIDED[what](incoming, row, edit, now)
        return ""
    elif what == "change":
        deciding.ask_change(incoming, row, data, edit, now)
        return ""
    else:
        place.say(incoming, _menu(incoming, row, what, data, now), about=row, edit=edit)
    place.finish(incoming, now)
    return ""


DECIDED = {"yes": deciding.confirm, "no": deciding.refuse}


def _menu(incoming: Incoming, row: Reminder, what: str, data: Data, now: datetime) -> Menu:
    """What the message shows after the press."""
    if what == "show":
        expecting.forget(incoming)  # it may have been asked how to change it
        return _shown(incoming, row, data, now)
    if what == "later":
        return cards.later(row, data)
    if what == "ask":
        return cards.deleting(row, data)
    try:
        note = VERBS[what](incoming, row, data, now)
    except (NotNow, Refused) as why_not:
        note = str(why_not)
    if what == "nag" and data.get("ask"):
        return cards.asking(row, now)
    return _shown(incoming, row, data, now, note)


def _shown(incoming: Incoming, row: Reminder, data: Data, now: datetime, note: str = "") -> Menu:
    return cards.card(row, incoming.user, now, page=data.get("page"), note=note)


# --- what changes something; each gives a word about it ------------------------------------------------------------


def _pause(incoming: Incoming, row: Reminder, _data: Data, now: datetime) -> str:
    services.pause(row, by=incoming.user, via=VIA, now=now)
    return ""


def _resume(incoming: Incoming, row: Reminder, _data: Data, now: datetime) -> str:
    services.resume(row, by=incoming.user, via=VIA, now=now)
    return ""


def _done(incoming: Incoming, row: Reminder, _data: Data, now: datetime) -> str:
    services.complete(row, by=incoming.user, via=VIA, now=now)
    return ""


def _delete(incoming: Incoming, row: Reminder, _data: Data, now: datetime) -> str:
    services.cancel(row, by=incoming.user, via=VIA, now=now)
    return ""


def _snooze(incoming: Incoming, row: Reminder, data: Data, now: datetime) -> str:
    """Later than planned, this time."""
    planned = row.next_run_at.isoformat() if row.next_run_at else ""
    if data.get("planned", planned) != planned:
        return _("It was put off already.")
    later = timedelta(minutes=data.get("minutes", 0), days=data.get("days", 0))
    until = max(row.next_run_at or now, now) + later
    if not services.snooze(row, until, by=incoming.user, via=VIA, now=now):
        return _("It is not in force, so it cannot be put off.")
    return _("Put off to %(when)s.") % {"when": cards.day_and_time(until, cards.zone_of(row))}


def _insist(incoming: Incoming, row: Reminder, data: Data, now: datetime) -> str:
    minutes = USUAL_MINUTES if data.get("on") else None
    services.change(row, by=incoming.user, via=VIA, now=now, nag_minutes=minutes)
    return ""


VERBS = {
    "pause": _pause,
    "resume": _resume,
    "done": _done,
    "delete": _delete,
    "snooze": _snooze,
    "nag": _insist,
}
