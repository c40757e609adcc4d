"""What nobody says yes to does not wait for ever."""

from datetime import datetime, timedelta

from django.utils import translation
from django.utils.translation import gettext as _

from reminders.models import Reminder, Status
from reminders.services.changing import cancel
from telegram_bot.incoming import language_of

WAITED = timedelta(days=1)
BATCH = 500


def drop_unconfirmed(now: datetime) -> int:
    """Cancel what has waited for a person's yes for a day; housekeeping calls it. What a key made waits for the key."""
    old = Reminder.objects.filter(status=Status.PENDING, by_key=False, updated_at__lt=now - WAITED)
    rows = old.select_related("schedule", "user").defer("payload").order_by("updated_at")
    return sum(_drop(row, now) for row in rows[:BATCH])


def _drop(row: Reminder, now: datetime) -> bool:
    with translation.override(language_of(row.user)):
        return cancel(row, by=None, via="bot", now=now, reason=_("Nobody confirmed it."))
