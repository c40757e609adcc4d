"""Events of reminders on their way to other programs: lanes ``event:<sink>`` and ``event:<sink>:<of whom>``.

A row of the outbox holds only which occurrence it is about; the event is put together when it leaves. Events need not
wait for one another, so a sink takes many at once (settings.EVENT_SINKS: name → module with ``drain(lane)``).
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import metrics
from core.claims import claim_many
from core.db import in_db
from core.sealed import Unreadable
from delivery import services as delivery
from delivery.models import Delivery
from delivery.outbox import QUEUE
from reminders.models import Occurrence, Reminder
from reminders.services import firing

log = structlog.get_logger(__name__)

RELEASE_SECONDS = 1.0
# What a consumer said in the last moment of its lease is still on its way to the rows.
GRACE = timedelta(seconds=3)
# Before it is asked again whether the one who has an event is done with it.
IN_HANDS_SECONDS = 10.0
State = Occurrence.State


@dataclass(frozen=True)
class Event:
    """One event on its way: its row in the outbox, what it is about, what it says (JSON)."""

    delivery: Delivery
    occurrence: Occurrence
    attempt: int
    text: str

    @property
    def id(self) -> str:
        return str(self.occurrence.pk)


async def drain(lane: str) -> bool:
    """Send the next few of ``lane``; False when there are none, or none can leave now."""
    sent: bool = await import_module(settings.EVENT_SINKS[lane.split(":")[1]]).drain(lane)
    return sent


def waiting_lanes() -> dict[str, int]:
    """None of its own: delivery.outbox names the lanes of all its rows."""
    return {}


def recover(*, everything: bool) -> int:
    """None of its own, as above: what a dead worker held goes out again, with the same id."""
    return 0


@transaction.atomic
def claim(lane: str, most: int, now: datetime) -> list[Event]:
    """The next events of ``lane``, held by this worker. What was withdrawn or is done is left out, on record; what
    cannot be read is given up.

    That they go out is recorded before they do: a sink that forgets what it got is filled again from these rows.
    """
    rows: list[Delivery] = claim_many(QUEUE, lane, most)
    keys = {row.pk: UUID(row.content["occurrence"]) for row in rows if "occurrence" in row.content}
    open_ones = Occurrence.objects.filter(pk__in=keys.values(), state__in=Occurrence.OPEN)
    found = {one.pk: one for one in readable(open_ones)}
    if len(found) < len(keys):
        for one in open_ones.exclude(pk__in=found):
            firing.die(one, "its payload cannot be read: FIELD_ENCRYPTION_KEYS", now)
    known = [(row, found[keys[row.pk]]) for row in rows if keys.get(row.pk) in found]
    at_work = [row for row, one in known if one.state == State.CLAIMED and row.content["attempt"] > one.attempts]
    delivery.put_back(at_work, IN_HANDS_SECONDS, now)
    ready = [(row, one) for row, one in known if row not in at_work]
    delivery.record_all_needless([row for row in rows if keys.get(row.pk) not in found], now)
    firing.handed_over({one.pk: row.content["attempt"] for row, one in ready})
    return [Event(row, one, row.content["attempt"], text_of(one, row.content["attempt"])) for row, one in ready]


def readable(occurrences: QuerySet[Occurrence]) -> list[Occurrence]:
    """With their reminders and people. A payload whose key is gone costs its own event only."""
    rows = occurrences.select_related("reminder__user")
    try:
        return list(rows)
    except Unreadable:
        return [row for key in occurrences.values_list("pk", flat=True) for row in _readable(rows.filter(pk=key), key)]


def _readable(rows: QuerySet[Occurrence], key: UUID) -> list[Occurrence]:
    try:
        return list(rows)
    except Unreadable as error:
        log.error("event cannot be put together", occurrence=str(key), error=str(error))  # noqa: TRY400  # says it all
        return []


def text_of(occurrence: Occurrence, attempt: int) -> str:
    """The event as the contract writes it; the same at every attempt but for the number of it."""
    row = occurrence.reminder
    event = {
        "assistant_id": str(row.assistant_id) if row.assistant_id else None,
        "event": "reminder_triggered",
        "event_id": str(occurrence.pk),
        "attempt": attempt,
        "payload": _payload(row, occurrence),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _payload(row: Reminder, occurrence: Occurrence) -> dict[str, Any]:
    return {
        "reminder_id": str(row.pk),
        "user_id": row.user.telegram_id,
        "reminder_type": str(row.type),
        "payload": row.payload,
        "triggered_at": written(occurrence.planned_at),
        "created_at": written(row.created_at),
    }


def written(moment: datetime) -> str:
    """2026-04-06T12:00:00Z"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sent(events: Sequence[Event], now: datetime) -> None:
    delivery.record_all_sent([event.delivery for event in events], now)
    metrics.DELIVERIES.labels("sent", "").inc(len(events))


def put_back(events: Sequence[Event], pause: float, now: datetime) -> None:
    delivery.put_back([event.delivery for event in events], pause, now)


@transaction.atomic
def refused(event: Event, sink: str, kind: str, error: str, now: datetime) -> None:
    """This attempt came to nothing: another one follows later, or it is given up."""
    delivery.record_refused(event.delivery, kind, error, now)
    firing.nack(event.occurrence, who=sink, error=error, now=now)
    metrics.DELIVERIES.labels("not sent", kind).inc()


# --- leases that end ------------------------------------------------------------------------------------------------


async def run(stop: asyncio.Event) -> None:
    """Let go out again what was taken and never acknowledged, until ``stop``; each second."""
    while not stop.is_set():
        try:
            if await _all_told():
                await in_db(firing.release_expired, timezone.now() - GRACE)
        except DatabaseError as error:
            log.warning("leases not looked at", error=str(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await stop.wait()


async def _all_told() -> bool:
    """Whether the sinks have told all that consumers said: one that did in time is not asked again."""
    for path in settings.EVENT_SINKS.values():
        if (told := getattr(import_module(path), "all_told", None)) is not None and not await told():
            return False
    return True
