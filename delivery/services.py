"""The outbox's verbs. Only these write deliveries."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from core.claims import WORKER
from core.privacy import GRACE, contents_stay, delete_in_batches, in_batches, older_than
from core.statements import insert, update_many
from core.trace import current_trace
from delivery import engine
from delivery.errors import DeliveryError
from delivery.models import Delivery, Doubt, JobRequest
from delivery.signals import delivery_called_off, delivery_ended_badly

State = Delivery.State

MAX_ATTEMPTS = 10
LONGEST_PAUSE = 600.0  # seconds
# The content of a message that is not kept; none that can be sent looks so.
ERASED: dict[str, Any] = {"erased": True}


@dataclass(frozen=True)
class Sent:
    """What a backend brings home: the id of the message, and whatever else it wants kept."""

    message_id: int | None = None
    result: dict[str, Any] = field(default_factory=dict)


def enqueue(rows: Sequence[Delivery]) -> None:
    """Put ``rows`` into the outbox, in order; a key that is already there changes nothing. One query."""
    trace = current_trace()
    for row in rows:
        row.trace_id = row.trace_id or trace
    insert(rows, skip_known=True)
    for lane, count in Counter(row.lane for row in rows).items():
        engine.wake_on_commit(lane, count)


Record = tuple[Delivery, Sent, datetime]


SETTLED = ("state", "message_id", "result", "finished_at", "error", "error_kind")


@transaction.atomic
def record_sent(records: Sequence[Record]) -> list[None]:
    """Record messages as sent: which, what the backend brought home, when. One query."""
    for delivery, sent, now in records:
        delivery.state, delivery.message_id, delivery.result = State.SENT, sent.message_id, sent.result
        delivery.finished_at, delivery.error, delivery.error_kind = now, "", ""
    names: Sequence[str] = SETTLED
    if not contents_stay():
        names = (*SETTLED, "content")
        for delivery, *_rest in records:
            delivery.content = ERASED
    update_many([delivery for delivery, *_rest in records], names, state=State.SENDING, worker=WORKER)
    return [None] * len(records)


def record_all_sent(deliveries: Sequence[Delivery], now: datetime) -> int:
    """As ``record_sent``, for many of which nothing is to be kept. One query."""
    return _all_held(deliveries).update(state=State.SENT, finished_at=now, error="", error_kind="")


def record_all_needless(deliveries: Sequence[Delivery], now: datetime) -> int:
    """They were claimed when nobody needed them any more. One query."""
    return _all_held(deliveries).update(state=State.CANCELLED, finished_at=now)


def put_back(deliveries: Sequence[Delivery], pause: float, now: datetime) -> int:
    """Not an attempt: there was nobody to send to. Again in ``pause`` seconds. One query."""
    later = now + timedelta(seconds=pause)
    return _all_held(deliveries).update(state=State.QUEUED, attempts=F("attempts") - 1, not_before=later)


def record_refused(delivery: Delivery, kind: str, error: str, now: datetime) -> None:
    """It arrived and was refused; what follows is another delivery, so nobody is told."""
    refused = {"error_kind": kind[:30], "error": error[:500]}
    _held(delivery).update(state=State.FAILED, finished_at=now, **refused)


def _all_held(deliveries: Sequence[Delivery]) -> QuerySet[Delivery]:
    keys = [delivery.pk for delivery in deliveries]
    return Delivery.objects.filter(pk__in=keys, state=State.SENDING, worker=WORKER)


def record_error(
    delivery: Delivery, error: DeliveryError, now: datetime, *, pauses: Sequence[float] | None = None
) -> None:
    """Settle a failed attempt: wait and try again, give up, or leave the doubt to a person. ``pauses``: the seconds
    before each next attempt, instead of those of `backoff`."""
    most = MAX_ATTEMPTS if pauses is None else len(pauses) + 1
    noted: dict[str, Any] = {"error_kind": error.kind, "error": str(error)[:500]}
    if error.retry_after is not None:
        pause = timedelta(seconds=error.retry_after)
        _held(delivery).update(state=State.QUEUED, attempts=F("attempts") - 1, not_before=now + pause, **noted)
    elif error.doubt and delivery.on_doubt == Doubt.ASK:
        _end(_held(delivery), delivery, State.UNKNOWN, now, noted)
    elif error.permanent or delivery.attempts >= most:
        _end(_held(delivery), delivery, State.FAILED, now, noted)
    else:
        repeated = delivery.repeated or error.doubt
        wait = timedelta(seconds=backoff(delivery.attempts) if pauses is None else pauses[delivery.attempts - 1])
        _held(delivery).update(state=State.QUEUED, repeated=repeated, not_before=now + wait, **noted)


def backoff(attempts: int) -> float:
    """Seconds before the next attempt: 1, 2, 4 … 600, with jitter so that a crowd does not return at once."""
    return min(LONGEST_PAUSE, 2.0 ** (attempts - 1)) * random.uniform(0.8, 1.2)  # noqa: S311


def _held(delivery: Delivery) -> Any:
    return Delivery.objects.filter(pk=delivery.pk, state=State.SENDING, worker=WORKER)


@transaction.atomic
def _end(rows: Any, delivery: Delivery, state: Delivery.State, now: datetime, noted: dict[str, Any]) -> None:
    """Settle ``delivery`` while it is among ``rows``, and say so."""
    if rows.update(state=state, finished_at=now, **noted):
        delivery.state = state
        delivery.error_kind, delivery.error = noted["error_kind"], noted["error"]
        delivery_ended_badly.send(sender=Delivery, delivery=delivery)


@transaction.atomic
def return_abandoned(ids: Sequence[int], now: datetime) -> None:
    """Settle rows whose worker died between the call and the record: again, marked; or left to a person.

    What its worker died of MAX_ATTEMPTS times has failed, or it would take every process down for ever.
    """
    held = Delivery.objects.filter(pk__in=ids, state=State.SENDING)
    again = held.filter(on_doubt=Doubt.AGAIN, attempts__lt=MAX_ATTEMPTS)
    again.update(state=State.QUEUED, repeated=True, not_before=None)
    noted = {"error_kind": "crash", "error": "The process died while sending."}
    for delivery in held:
        state = State.UNKNOWN if delivery.on_doubt == Doubt.ASK else State.FAILED
        _end(held.filter(pk=delivery.pk), delivery, state, now, noted)
    for lane in Delivery.objects.filter(pk__in=ids, state=State.QUEUED).values_list("lane", flat=True):
        engine.wake_on_commit(lane)


@transaction.atomic
def cancel(delivery: Delivery, *, now: datetime) -> bool:
    """Take a message back that has not left yet. False when it is being sent or has ended."""
    return bool(
        Delivery.objects.filter(pk=delivery.pk, state=State.QUEUED).update(state=State.CANCELLED, finished_at=now)
    )


@transaction.atomic
def call_off(delivery: Delivery, *, now: datetime) -> bool:
    """As `cancel`, by an operator: whose message it is hears of it first, and locks its own rows before this one."""
    delivery_called_off.send(sender=Delivery, delivery=delivery)
    called_off = cancel(delivery, now=now)
    if not called_off:
        transaction.set_rollback(True)
    return called_off


@transaction.atomic
def retry(delivery: Delivery, *, now: datetime) -> bool:
    """Queue an ended message again (failed, unknown or cancelled). False when it is open, was sent or is erased."""
    ended = Delivery.objects.filter(pk=delivery.pk, state__in=(State.FAILED, State.UNKNOWN, State.CANCELLED))
    ended = ended.exclude(content=ERASED)
    repeated = delivery.repeated or delivery.state == State.UNKNOWN
    changed = ended.update(state=State.QUEUED, attempts=0, not_before=now, finished_at=None, repeated=repeated)
    if changed:
        engine.wake_on_commit(delivery.lane)
    return bool(changed)


def request_job(job_id: str, by: str, now: datetime) -> JobRequest:
    """Ask the process that leads the scheduler to run a fixed job now."""
    return JobRequest.objects.create(job_id=job_id, requested_by=by[:150], requested_at=now)


def forget_old_deliveries(now: datetime) -> int:
    """Remove ended deliveries past KEEP_DELIVERIES_DAYS; housekeeping calls it."""
    before = older_than(settings.KEEP_DELIVERIES_DAYS, now)
    return delete_in_batches(_ended().filter(created_at__lt=before)) if before else 0


def erase_deliveries(now: datetime) -> int:
    """Where contents do not stay: empty what was sent, and a day later what ended badly; housekeeping calls it."""
    if contents_stay():
        return 0
    return erase(_ended().filter(Q(state=State.SENT) | Q(finished_at__lt=now - GRACE)))


def erase(deliveries: QuerySet[Delivery]) -> int:
    """Empty ``deliveries`` of what they say; where, when and what became of them stays."""
    return in_batches(deliveries.exclude(content=ERASED), lambda part: part.update(content=ERASED, error=""))


def erase_traces(traces: Iterable[str] | QuerySet[Any, Any]) -> int:
    """Empty what was said under ``traces`` and has ended."""
    return erase(_ended().filter(trace_id__in=traces))


def withdraw(deliveries: QuerySet[Delivery], now: datetime) -> int:
    """Take back what of ``deliveries`` still waits, and empty it, and what is being sent at this moment."""
    open_ones = deliveries.filter(state__in=Delivery.OPEN)
    waiting = open_ones.filter(state=State.QUEUED)
    taken = waiting.update(state=State.CANCELLED, finished_at=now, content=ERASED, error="")
    return taken + open_ones.update(content=ERASED, error="")


def named(stem: str) -> QuerySet[Delivery]:
    """Those whose keys begin with ``stem`` and a colon, found by an index on every database.

    PostgreSQL keeps one for beginnings, and sorts by its language, where a range of characters means nothing. SQLite's
    LIKE heeds no case and so no index; it compares bytes, and ";" comes after ":".
    """
    if connection.vendor == "sqlite":
        return Delivery.objects.filter(key__gt=f"{stem}:", key__lt=f"{stem};")
    return Delivery.objects.filter(key__startswith=f"{stem}:")


def _ended() -> QuerySet[Delivery]:
    return Delivery.objects.exclude(state__in=Delivery.OPEN)
