"""What could not be delivered, or not be fired, as its reminder sees it."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from delivery.models import Delivery, Schedule
from delivery.signals import delivery_ended_badly, schedule_broke
from reminders.models import Occurrence
from reminders.services import changing, firing
from reminders.services.making import SOURCE

# After these nothing said in the chat would arrive.
CLOSED = ("forbidden", "topic")


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
    closed = delivery.error_kind in CLOSED
    reason = _("Telegram does not let me write there any more.") if closed else ""
    error = f"{delivery.error_kind}: {delivery.error}" if delivery.state == Delivery.State.FAILED else "unknown"
    firing.gave_up(occurrence, error, timezone.now(), pauses=reason)


def on_broken(schedule: Schedule, error: Exception, **_kwargs: Any) -> None:
    """The tick has put its schedule aside."""
    if schedule.source == SOURCE:
        reason = _("It could not be fired: %(error)s") % {"error": type(error).__name__}
        changing.put_aside(UUID(schedule.object_id), reason, timezone.now())
