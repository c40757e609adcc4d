"""Signs of life: one row a process, written every few seconds, so that the web side knows of the bot's process, and
processes that send know of one another: what a living one holds is not taken from it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from core.claims import WORKER, database_now
from delivery.models import Heartbeat

BEAT_SECONDS = 5.0
# A process that said nothing for so long counts as gone.
SILENT_SECONDS = 20.0

# The one that hears Telegram; there is no second.
BOT = "bot"
WORKERS = "worker:"
# This process among those that only send and fire.
WORKER_HERE = f"{WORKERS}{WORKER}"
FORGET = timedelta(hours=1)


def beat(name: str, details: dict[str, Any], now: datetime) -> None:
    """One UPDATE; the first time also an INSERT."""
    if not Heartbeat.objects.filter(name=name).update(at=now, details=details):
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now, "details": details})


def last(name: str) -> Heartbeat | None:
    return Heartbeat.objects.filter(name=name).first()


def locked(name: str) -> dict[str, Any]:
    """The details of a row that only this transaction may write now; empty when there is none."""
    row = Heartbeat.objects.select_for_update().filter(name=name).first()
    return row.details if row else {}


def is_alive(heartbeat: Heartbeat | None, now: datetime) -> bool:
    return heartbeat is not None and (now - heartbeat.at).total_seconds() <= SILENT_SECONDS


def workers() -> set[str]:
    """Who may hold rows at this moment (core.claims.WORKER of each), by the database's clock. One query."""
    rows = Heartbeat.objects.filter(Q(name=BOT) | Q(name__startswith=WORKERS))
    rows = rows.filter(at__gte=database_now() - timedelta(seconds=SILENT_SECONDS))
    return {str(details.get("worker", "")) for details in rows.values_list("details", flat=True)}


def end(name: str) -> None:
    """The process ends in order and holds nothing."""
    Heartbeat.objects.filter(name=name).delete()


def forget_silent(now: datetime) -> int:
    """Remove the rows of workers that ended without a word; housekeeping calls it."""
    return Heartbeat.objects.filter(name__startswith=WORKERS, at__lt=now - FORGET).delete()[0]
