"""Signs of life: one row a process, written every few seconds, so that the web side knows of the bot's process."""

from datetime import datetime
from typing import Any

from delivery.models import Heartbeat

BEAT_SECONDS = 5.0
# A process that said nothing for so long counts as gone.
SILENT_SECONDS = 20.0

BOT = "bot"


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
