"""What nobody says yes to does not wait for ever."""

from datetime import datetime, timedelta

from reminders.models import Reminder, Status
from reminders.services.changing import cancel

WAITED = timedelta(days=1)
BATCH = 500


def drop_unconfirmed(now: datetime) -> int:
    """Cancel what has waited for a person's yes for a day; housekeeping calls it. What a key made waits for the key."""
    old = Reminder.objects.filter(status=Status.PENDING, by_key=False, updated_at__lt=now - WAITED)
    rows = list(old.select_related("schedule", "user").order_by("updated_at")[:BATCH])
    return sum(cancel(row, by=None, via="bot", now=now, reason="not confirmed") for row in rows)
