"""How long what leaves by other ways than Telegram is tried: mail servers and webhooks may be away for hours, and a
report is still wanted then; the next day's makes it stale."""

from datetime import datetime, timedelta

from delivery.errors import DeliveryError
from delivery.models import Delivery

# Up to which age of the delivery, how many seconds until the next attempt.
PAUSES = (
    (timedelta(minutes=1), 10.0),
    (timedelta(minutes=10), 60.0),
    (timedelta(hours=1), 300.0),
    (timedelta(hours=8), 1200.0),
)


def again(row: Delivery, kind: str, message: str, now: datetime) -> DeliveryError:
    """To be raised: later again; when it is too old for that, given up."""
    age = now - row.created_at
    pause = next((seconds for until, seconds in PAUSES if age < until), None)
    return DeliveryError(kind, message, retry_after=pause, permanent=pause is None)
