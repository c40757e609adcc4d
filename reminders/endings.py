"""What could not be delivered, or not be fired, as its reminder sees it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from delivery.models import Delivery, Schedule
from delivery.signals import delivery_ended_badly, schedule_broke
from reminders.models import Occurrence
from reminders.services import apologies, changing, firing
from reminders.services.making import SOURCE
from telegram_bot.incoming import language_of

# After these nothing said in the chat would arrive.
CLOSED = ("forbidden", "topic")
# What the outbox calls an error of its own.
OURS = ("bug", "crash")


def connect() -> None:
    delivery_ended_badly.connect(on_delivery, dispatch_uid="reminders.on_delivery")
    schedule_broke.connect(on_broken, dispatch_uid="reminders.on_broken")


def on_delivery(delivery: Delivery, **_kwargs: Any) -> None:
    if delivery.backend != "reminder" or "occurrence" not in delivery.content:
        return
    # Without its reminder: what cannot be read could not be sent either.
    occurrence = Occurrence.objects.filter(pk=UUID(delivery.content["occurrence"])).first()
    if occurrence is None:
        return
    with translation.override(language_of(User.objects.get(reminders=occurrence.reminder_id))):
        _give_up(occurrence, delivery, timezone.now())


def _give_up(occurrence: Occurrence, delivery: Delivery, now: datetime) -> None:
    closed = delivery.error_kind in CLOSED
    reason = _("Telegram does not let me write there any more.") if closed else ""
    error = f"{delivery.error_kind}: {delivery.error}" if delivery.state == Delivery.State.FAILED else "unknown"
    if firing.gave_up(occurrence, error, now, pauses=reason) and not closed:
        apologies.apologize(occurrence, _why(delivery), now)


def _why(delivery: Delivery) -> str:
    """For the person. What an error of ours says is for the admins."""
    if delivery.state != Delivery.State.FAILED:
        return _("I was interrupted while I did it, so please look how far it came.")
    if delivery.error_kind in OURS:
        return _("Something went wrong on my side; the admins know.")
    return delivery.error


def on_broken(schedule: Schedule, error: Exception, **_kwargs: Any) -> None:
    """The tick has put its schedule aside."""
    if schedule.source == SOURCE:
        reason = _("It could not be fired: %(error)s") % {"error": type(error).__name__}
        changing.put_aside(UUID(schedule.object_id), reason, timezone.now())
