"""The buttons under a reminder that has come: Done, 10 min, 1 h, tomorrow.

The callback names the verb and the occurrence (reminders/words.py): no row of a button, which would be old one day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from reminders.chat import cards, place
from reminders.models import Occurrence, Status
from reminders.services import pressing
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import MESSAGE_UNITS, Part, units
from telegram_bot.outgoing import Key

CALLBACK = r"^r:(done|s10|s60|tom):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
LATER = {"s10": timedelta(minutes=10), "s60": timedelta(hours=1)}


@dataclass(frozen=True)
class Pressed:
    """What to toast; ``alert``: it must be read."""

    toast: str
    alert: bool = False


@transaction.atomic
def press(incoming: Incoming, data: str, edit: int | None, now: datetime) -> Pressed:
    """Do it, once, and write under the message what became of it."""
    _name, verb, key = data.split(":")
    row = _occurrence(incoming, UUID(key))
    if row is None:
        return Pressed(_("This reminder is gone. /reminders lists those that are left."))
    if verb != "done" and not cards.may_change(row.reminder, incoming.user):
        return Pressed(_("Only %(name)s or an admin may put it off.") % {"name": row.reminder.user.name}, alert=True)
    if verb == "done":
        changed = pressing.done(row, by=incoming.user, now=now)
        became = _done_by(incoming)
    else:
        until = pressing.tomorrow(row, now) if verb == "tom" else now + LATER[verb]
        changed = pressing.put_off(row, until.replace(microsecond=0), by=incoming.user, via="chat", now=now)
        became = "⏰ " + _again(row, until, now)
    if not changed:
        return Pressed(_known(row))
    _write_under(incoming, row, became, edit)
    place.finish(incoming, now)
    return Pressed(became)


def _occurrence(incoming: Incoming, key: UUID) -> Occurrence | None:
    """Only where it was said: in its chat; in private to its person."""
    rows = Occurrence.objects.select_related("reminder__schedule", "reminder__chat", "reminder__user")
    row = rows.filter(pk=key, reminder__chat=incoming.chat).first()
    if row is not None and incoming.chat.is_private and row.reminder.user_id != incoming.user.pk:
        return None
    return row


def _done_by(incoming: Incoming) -> str:
    if incoming.chat.is_private:
        return "✅ " + _("Done.")
    return "✅ " + _("Done: %(name)s.") % {"name": incoming.user.name}


def _again(row: Occurrence, at: datetime, now: datetime) -> str:
    """Today the hour is enough."""
    zone = cards.zone_of(row.reminder)
    when = cards.short_day(at, zone, now)
    if at.astimezone(zone).date() == now.astimezone(zone).date():
        return _("Again at %(time)s.") % {"time": when}
    return _("Again on %(day)s.") % {"day": when}


def _known(row: Occurrence) -> str:
    """What became of it before this press."""
    if row.result == "snoozed":
        return _("It was put off already.")
    if row.reminder.status == Status.CANCELLED:
        return _("It was deleted meanwhile.")
    if row.reminder.status == Status.PAUSED:
        return _("It is paused: /reminders.")
    return _("It was done already.") if row.result == "done" else _("That is settled already.")


def _write_under(incoming: Incoming, row: Occurrence, became: str, edit: int | None) -> None:
    """The message as it stood, with what became of it; its buttons go, but for one that opens the card."""
    message: dict[str, Any] = incoming.update.raw["callback_query"].get("message") or {}
    text = str(message.get("text") or cards.text_of(row.reminder))
    part = Part(f"{text}\n\n{became}", list(message.get("entities") or []))
    if units(part.text) > MESSAGE_UNITS:  # the last part of a text that needed several
        part = Part(became)
    more = [Key("⚙️ " + _("More"), "remind.show", {"id": str(row.reminder_id)})]
    keys = [more] if cards.may_change(row.reminder, incoming.user) else []
    place.say(incoming, ([part], keys), about=row.reminder, edit=edit)
