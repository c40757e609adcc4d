"""What becomes of each planned time: fired, taken, acknowledged, tried again, given up.

    due ─▶ queued ─▶ (claimed ─▶) acked           said to the person, done by the assistant, acknowledged by a consumer
              └────▶ retry_wait ─▶ queued … ─▶ dead       no acknowledgement in 60 s, or a no: again after RETRIES
    missed, skipped, withdrawn                    too late, left out, taken back

A consumer is who takes events: a program at the Redis list, or behind a webhook. ``who`` names one:
"redis:<name>", "key:<prefix>", "webhook"; a person is "person:<id>".
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core import metrics
from delivery import planning
from delivery import services as delivery
from delivery.models import Delivery
from reminders.models import Action, Occurrence, Reminder, Status, Type
from reminders.services import changing, nagging
from reminders.services.making import SOURCE, note
from reminders.services.sinks import REDIS, WEBHOOK, forget, lane_of, sinks_of

State = Occurrence.State

LEASE_SECONDS = 60
MOST_LEASE = 3600
# Seconds before the second, third … attempt; after the last one the event is dead.
RETRIES = (10, 60, 300, 1800)
ATTEMPTS = len(RETRIES) + 1
ASSISTANT = "assistant"  # who works on a task here
# How the names of those begin who take events.
OUTSIDE = (f"{REDIS}:", "key:", WEBHOOK)
# Of this many in a row the reminder is paused.
MOST_FAILURES = 5


class Taken(Exception):
    """Another consumer has this event."""


def event_delivery(occurrence: Occurrence, sink: str, attempt: int, not_before: datetime | None = None) -> Delivery:
    """An event on its way to a sink; what it says is put together when it leaves."""
    content = {"occurrence": str(occurrence.pk), "sink": sink, "attempt": attempt}
    return Delivery(
        key=f"{key_of(occurrence)}:event:{sink}:{attempt}",
        backend="event",
        lane=lane_of(sink, occurrence.reminder),
        source=SOURCE,
        content=content,
        not_before=not_before,
    )


def key_of(occurrence: Occurrence) -> str:
    """The root of the keys of all deliveries that one planned time causes."""
    return f"{SOURCE}:{occurrence.reminder_id}:{occurrence.planned_at.isoformat()}"


# --- consumers ------------------------------------------------------------------------------------------------------


@transaction.atomic
def take(occurrence: Occurrence, *, who: str, seconds: int = LEASE_SECONDS, now: datetime) -> bool:
    """A consumer has it for ``seconds``. False when it is over, or withdrawn."""
    open_ones = Occurrence.objects.filter(pk=occurrence.pk, state__in=Occurrence.OPEN)
    taken = open_ones.update(state=State.CLAIMED, claimed_by=who[:80], lease_until=now + timedelta(seconds=seconds))
    _show(occurrence)
    return bool(taken)


def _show(occurrence: Occurrence) -> None:
    """The row as it is now, if it is there: its person may have had everything erased meanwhile."""
    with suppress(Occurrence.DoesNotExist):
        occurrence.refresh_from_db()


def take_many(attempts: dict[UUID, int], *, who: str, seconds: int = LEASE_SECONDS, now: datetime) -> int:
    """As `take`, of those of which this is the attempt (occurrence → attempt); how many. A query an attempt."""
    count = 0
    for attempt in set(attempts.values()):
        ids = [key for key, number in attempts.items() if number == attempt]
        rows = Occurrence.objects.filter(pk__in=ids, attempts=attempt, state__in=Occurrence.OPEN)
        count += rows.update(state=State.CLAIMED, claimed_by=who[:80], lease_until=now + timedelta(seconds=seconds))
    return count


@transaction.atomic
def extend(occurrence: Occurrence, *, who: str, seconds: int = LEASE_SECONDS, now: datetime) -> bool:
    """The consumer needs ``seconds`` more from now on. False when it is over. Raises Taken."""
    _check_holder(occurrence, who)
    return take(occurrence, who=who, seconds=min(seconds, MOST_LEASE), now=now)


def _check_holder(occurrence: Occurrence, who: str) -> None:
    """Two keys are two consumers; the list's consumers have no keys, so nothing is known of those."""
    holder = occurrence.claimed_by
    if who.startswith("key:") and holder.startswith("key:") and holder != who:
        raise Taken


@transaction.atomic
def acknowledge(occurrence: Occurrence, *, who: str, result: str = "", now: datetime) -> bool:
    """It is done. False when that was known, or it was never to be done. Raises Taken.

    Also after the lease, and after it was given up: done is done.
    """
    _check_holder(occurrence, who)
    changed = acknowledge_many({occurrence.pk: result}, who=who, now=now)
    _show(occurrence)
    return bool(changed)


@transaction.atomic
def acknowledge_many(results: Mapping[UUID, str], *, who: str, now: datetime) -> int:
    """As `acknowledge`, of many at once that nobody else holds: occurrence → what is said of it. How many it changed.
    As many statements as for one."""
    reminders = changing.lock_many(Occurrence.objects.filter(pk__in=results).values_list("reminder_id", flat=True))
    done = list(Occurrence.objects.filter(pk__in=results, state__in=(*Occurrence.OPEN, State.DEAD)))
    for row in done:
        row.reminder = reminders[row.reminder_id]
        is_cancelled = row.reminder.status == Status.CANCELLED
        row.state, row.acked_at, row.claimed_by = State.ACKED, now, who[:80]
        row.result = "cancelled" if is_cancelled else _clean(results[row.pk]) or "done"
        row.lease_until, row.error = None, ""
    _save_acknowledged(done)
    _withdraw_events(done, now)
    if not who.startswith(f"{REDIS}:"):
        forget([row.pk for row in done if row.awaits_ack])
    nagging.end_many(done, now)
    _are_well({row.reminder_id: row.reminder for row in done}, now)
    metrics.OCCURRENCES.labels("acked").inc(len(done))
    return len(done)


def _save_acknowledged(rows: Sequence[Occurrence]) -> None:
    """A statement for each result: most are alike."""
    for result in {row.result for row in rows}:
        alike = [row for row in rows if row.result == result]
        Occurrence.objects.filter(pk__in=[row.pk for row in alike]).update(
            state=State.ACKED, acked_at=alike[0].acked_at, claimed_by=alike[0].claimed_by, result=result,
            lease_until=None, error="",
        )  # fmt: skip


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()[:500]


def _withdraw_events(rows: Sequence[Occurrence], now: datetime) -> None:
    """No sink needs to hear of them any more. Attempts count from 1, and the next one may be on its way."""
    keys = [
        f"{key_of(row)}:event:{sink}:{attempt}"
        for row in rows
        if row.awaits_ack
        for sink in (REDIS, WEBHOOK)
        for attempt in range(1, max(row.attempts, 1) + 2)
    ]
    if keys:
        delivery.withdraw(Delivery.objects.filter(key__in=keys), now)


def _are_well(rows: Mapping[UUID, Reminder], now: datetime) -> None:
    """Those that fire once are over with their acknowledgement, unless they were put off."""
    Reminder.objects.filter(pk__in=rows).update(failures=0, needs_attention=False, updated_at=now)
    once = [row for row in rows.values() if row.type == Type.ONE_TIME and row.status == Status.ACTIVE]
    over = [row for row in once if row.schedule.next_at is None]
    planning.complete_many([row.schedule_id for row in over], now=now)
    Reminder.objects.filter(pk__in=[row.pk for row in over]).update(status=Status.COMPLETED)


@transaction.atomic
def nack(occurrence: Occurrence, *, who: str, error: str, now: datetime) -> bool:
    """The consumer could not do it: again later, or dead. False when it is over. Raises Taken."""
    _check_holder(occurrence, who)
    row = _locked(occurrence)
    open_one = Occurrence.objects.filter(pk=occurrence.pk, state__in=Occurrence.OPEN).first()
    if row is not None and open_one is not None:
        open_one.reminder = row
        _again(open_one, WEBHOOK if who == WEBHOOK else REDIS, error, now)
    _show(occurrence)
    return open_one is not None


def _locked(occurrence: Occurrence) -> Reminder | None:
    """Its reminder, without the payload, which nothing here reads and whose key may be gone. None: it was erased."""
    return changing.lock_many([occurrence.reminder_id]).get(occurrence.reminder_id)


def _again(occurrence: Occurrence, sink: str, error: str, now: datetime) -> None:
    """Let it go out once more, to ``sink`` or where else it may go, or give it up."""
    attempt = max(occurrence.attempts, 1)
    sinks = sinks_of([occurrence.reminder])[occurrence.reminder_id]
    if attempt % ATTEMPTS == 0 or not sinks:
        die(occurrence, error, now)
        return
    pause = timedelta(seconds=RETRIES[attempt % ATTEMPTS - 1] * random.uniform(0.9, 1.1))  # noqa: S311
    _set(occurrence, State.RETRY_WAIT, error)
    again = event_delivery(occurrence, sink if sink in sinks else sinks[0], attempt + 1, now + pause)
    delivery.enqueue([again])


def _set(occurrence: Occurrence, state: Occurrence.State, error: str) -> None:
    occurrence.state, occurrence.error, occurrence.lease_until = state, _clean(error), None
    occurrence.save(update_fields=["state", "error", "lease_until"])


def handed_over(attempts: dict[UUID, int]) -> None:
    """Events went out: occurrence → which attempt it was."""
    for attempt in set(attempts.values()):
        ids = [key for key, number in attempts.items() if number == attempt]
        rows = Occurrence.objects.filter(pk__in=ids, state__in=(State.QUEUED, State.RETRY_WAIT))
        rows.update(state=State.QUEUED, attempts=attempt)


def release_expired(now: datetime, most: int = 500) -> int:
    """What consumers took and never answered for goes out again, or is given up; how many."""
    rows = list(Occurrence.objects.filter(state=State.CLAIMED, awaits_ack=True, lease_until__lt=now)[:most])
    for row in rows:
        nack(row, who=row.claimed_by if row.claimed_by == WEBHOOK else REDIS, error="no acknowledgement", now=now)
    return len(rows)


# --- ends -----------------------------------------------------------------------------------------------------------


def die(occurrence: Occurrence, error: str, now: datetime) -> None:
    """Give it up; after MOST_FAILURES in a row the reminder itself is paused."""
    row = _locked(occurrence)
    if row is None:
        return
    _set(occurrence, State.DEAD, error)
    metrics.OCCURRENCES.labels("dead").inc()
    row.failures, row.needs_attention, row.updated_at = row.failures + 1, True, now
    row.save(update_fields=["failures", "needs_attention", "updated_at"])
    if row.failures >= MOST_FAILURES and row.status == Status.ACTIVE:
        values = {"count": row.failures, "error": error}
        reason = _("Failed %(count)d times in a row.") % values
        changing.pause(row, by=None, via="bot", now=now, reason=reason)
        # The error may quote somebody's words: they go with the reminder, the record stays.
        told = _("Failed %(count)d times in a row. The last time: %(error)s") % values
        Reminder.objects.filter(pk=row.pk, status_reason=reason).update(status_reason=told[:200])


@transaction.atomic
def gave_up(occurrence: Occurrence, error: str, now: datetime, *, pauses: str = "") -> bool:
    """Its message or its task did not come through. False when nobody waited for it any more. ``pauses``: why the
    reminder stands still from now on."""
    row = _locked(occurrence)
    current = Occurrence.objects.filter(pk=occurrence.pk).first()
    if row is None or current is None:
        return False
    if current.awaits_ack:
        _release(current)
    elif current.state in Occurrence.OPEN:
        die(current, error, now)
    if pauses and row.status in (Status.ACTIVE, Status.PENDING):
        changing.pause(row, by=None, via="bot", now=now, reason=pauses)
    return current.state in (*Occurrence.OPEN, State.DEAD) or is_done_elsewhere(current)


@transaction.atomic
def said(occurrence: Occurrence, now: datetime) -> None:
    """The message is with the person. Done with that, unless somebody must acknowledge it or it nags."""
    row = occurrence.reminder
    if row.nag_minutes is not None and row.action == Action.TEXT:
        if Occurrence.objects.filter(pk=occurrence.pk, state__in=Occurrence.OPEN).exists():
            nagging.begin(occurrence, row.nag_minutes, now)
    elif not occurrence.awaits_ack:
        acknowledge(occurrence, who="bot", result="sent", now=now)


def is_done_elsewhere(occurrence: Occurrence) -> bool:
    """A program outside was quicker; what is to happen here happens all the same."""
    return occurrence.state == State.ACKED and occurrence.claimed_by.startswith(OUTSIDE)


def begin(occurrence: Occurrence, now: datetime) -> bool:
    """Our assistant works on it from now on. False when it is over."""
    return is_done_elsewhere(occurrence) or take(occurrence, who=ASSISTANT, seconds=MOST_LEASE, now=now)


@transaction.atomic
def performed(occurrence: Occurrence, result: str, now: datetime, *, note: str = "") -> None:
    """Our assistant did its task, and leaves ``note`` to the next run. If a program outside must acknowledge it as
    well, it waits for that one."""
    if note:
        Occurrence.objects.filter(pk=occurrence.pk).update(note=note)
    if not occurrence.awaits_ack:
        acknowledge(occurrence, who=ASSISTANT, result=result, now=now)
        return
    if result:
        Occurrence.objects.filter(pk=occurrence.pk).update(result=_clean(result))
    _release(occurrence)


def _release(occurrence: Occurrence) -> None:
    """Our assistant works on it no more; a program outside may take it."""
    held = Occurrence.objects.filter(pk=occurrence.pk, state=State.CLAIMED, claimed_by=ASSISTANT)
    held.update(state=State.QUEUED, claimed_by="", lease_until=None)


@transaction.atomic
def replay(occurrence: Occurrence, *, by: User | None, via: str, now: datetime) -> bool:
    """What was given up goes out again. False when it was not. Raises NotNow: what is paused says nothing."""
    row = changing.lock(occurrence.reminder)
    if row.status == Status.PAUSED and not occurrence.awaits_ack:
        raise changing.NotNow("invalid-transition", _("It is paused. Resume it first."))
    dead = Occurrence.objects.filter(pk=occurrence.pk, state=State.DEAD)
    if row.status == Status.CANCELLED or not dead.update(state=State.QUEUED, error=""):
        return False
    occurrence.refresh_from_db()
    if occurrence.awaits_ack:
        # Where nobody is to hear of it any more, the sink gives it up again and says why.
        sinks = sinks_of([row])[row.pk] or [WEBHOOK if row.created_by_key_id else REDIS]
        delivery.enqueue([event_delivery(occurrence, sink, occurrence.attempts + 1) for sink in sinks])
    else:
        for failed in Delivery.objects.filter(key=key_of(occurrence)):
            delivery.retry(failed, now=now)
    note(row, "replayed", by=by, via=via, now=now, event=str(occurrence.pk))
    return True


def skip(due: Iterable[Occurrence], reason: str) -> None:
    """Leave planned times out, and say why on record."""
    for row in due:
        row.state, row.result = State.SKIPPED, reason


def busy(reminders: Sequence[UUID]) -> set[UUID]:
    """Those of which an earlier run is being worked on at this moment."""
    working = Occurrence.objects.filter(reminder__in=reminders, state=State.CLAIMED)
    return set(working.values_list("reminder_id", flat=True))
