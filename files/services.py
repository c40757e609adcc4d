"""Stored files' verbs: what is past its time goes, from the disk first, so that no row forgets a file that stays."""

from datetime import datetime
from pathlib import Path

from django.conf import settings

from files.models import StoredFile


def remove_expired(now: datetime) -> int:
    """Remove files whose time is over; housekeeping calls it."""
    expired = list(StoredFile.objects.filter(expires_at__lt=now))
    for stored in expired:
        (Path(settings.FILES_DIR) / stored.path).unlink(missing_ok=True)
        stored.delete()
    return len(expired)
