"""A planned task that was given up: its person is told, where it would have spoken.

Once for each; of a series that goes on failing once an hour at most, and when it is paused for that.
"""

from datetime import datetime, timedelta

from delivery import planning
from delivery import services as delivery
from delivery.models import Delivery
from delivery.outbox import lane_of
from reminders.models import Action, Occurrence, Reminder, Status
from reminders.services.firing import key_of
from reminders.services.making import SOURCE

BACKEND = "reminder"
ENDING = ":failed"
QUIET = timedelta(hours=1)


def apologize(occurrence: Occurrence, why: str, now: datetime) -> bool:
    """Tell ``why``, a sentence in the person's language, if it was a task. False when there is nobody to tell, or they
    heard it lately. What the task is called is put in when it leaves. Inside the transaction that gives it up."""
    row = Reminder.objects.select_related("schedule", "chat", "user").defer("payload").get(pk=occurrence.reminder_id)
    if row.action != Action.TASK or not (row.user.may_use and row.chat.allowed) or _heard_lately(row, now):
        return False
    apology = Delivery(
        key=f"{key_of(occurrence)}{ENDING}",
        backend=BACKEND,
        bot_id=row.chat.bot_id,
        chat_id=row.chat.telegram_id,
        lane=lane_of(row.chat.bot_id, row.chat.telegram_id),
        source=SOURCE,
        content={"failed": str(occurrence.pk), "why": why},
        created_at=now,
    )
    delivery.enqueue([apology])
    return True


def _heard_lately(row: Reminder, now: datetime) -> bool:
    """That it stands still from now on is told in any case."""
    earlier = planning.deliveries_of(row.schedule).filter(key__endswith=ENDING, created_at__gt=now - QUIET)
    return row.status != Status.PAUSED and earlier.exists()
