"""What it means that reminders are due: an occurrence each, and the deliveries that follow. Called by the tick, inside
its transaction, for a batch: a handful of statements however many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.utils.translation import gettext as _

from accounts.models import Access, ChatKind
from core.statements import insert, like, loaded
from delivery.models import Delivery, Doubt, Schedule
from delivery.outbox import lane_of
from delivery.tick import Due
from reminders.models import Action, Occurrence, Reminder, Status, Type
from reminders.services import nagging
from reminders.services.firing import busy, event_delivery, key_of
from reminders.services.making import SOURCE, note
from reminders.services.sinks import sinks_of
from reminders.services.wishes import is_known

State = Occurrence.State
BACKEND = "reminder"
# What firing reads of a reminder.
READ = ("id", "type", "action", "nag_minutes", "by_key", "assistant_id", "created_by_key_id", "user_id", "chat_id")
OF_NEIGHBOURS: dict[str, Any] = {
    "may_use": ExpressionWrapper(Q(user__is_active=True, user__status=Access.ACTIVE), BooleanField()),
    "is_let_in": ExpressionWrapper(Q(chat__kind=ChatKind.PRIVATE) | Q(chat__status=Access.ACTIVE), BooleanField()),
    "revoked_at": F("created_by_key__revoked_at"),
    "bot_number": F("chat__bot_id"),
    "chat_number": F("chat__telegram_id"),
}


@dataclass(slots=True)
class Row:
    """A reminder, and of its neighbours no more than firing asks for: whole rows were a fifth of the tick's work.

    ``bot_id`` and ``chat_id`` are Telegram's numbers of its chat.
    """

    reminder: Reminder
    may_use: bool
    is_let_in: bool  # its chat
    revoked_at: datetime | None
    bot_id: int
    chat_id: int


@dataclass
class Batch:
    """What a batch leads to, to be written together."""

    now: datetime
    sinks: dict[UUID, list[str]]
    busy: set[UUID]
    occurrences: list[Occurrence] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    missed: list[tuple[Row, Occurrence]] = field(default_factory=list)
    nagging: list[Reminder] = field(default_factory=list)
    over: list[UUID] = field(default_factory=list)
    stopped: list[tuple[Row, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What the rows of a batch have in common."""
        self.occurrence = Occurrence(fired_at=self.now, created_at=self.now)
        self.delivery = Delivery(backend=BACKEND, source=SOURCE, created_at=self.now)


def fire(due: Sequence[Due]) -> list[Delivery]:
    """Write the occurrences; the deliveries to enqueue. What must stand still is paused instead."""
    rows = _reminders(due)
    batch = Batch(due[0].now, sinks_of([row.reminder for row in rows.values()]), _busy(rows))
    for one in due:
        row = rows.get(one.schedule.pk)
        if row is None:  # its reminder is gone
            one.schedule.state, one.schedule.next_at = Schedule.State.CANCELLED, None
        elif reason := _obstacle(row, batch.sinks):
            _stop(one, row, reason, batch)
        else:
            _one(one, row, batch)
    _write(batch)
    return batch.deliveries


def _reminders(due: Sequence[Due]) -> dict[int, Row]:
    """By the numbers of their schedules, which are cheaper than their own."""
    rows = Reminder.objects.filter(schedule__in=[one.schedule.pk for one in due]).annotate(**OF_NEIGHBOURS)
    found = rows.values_list("schedule_id", *OF_NEIGHBOURS, *READ)
    start = 1 + len(OF_NEIGHBOURS)
    return {row[0]: Row(loaded(Reminder, READ, row[start:]), *row[1:start]) for row in found}


def _busy(rows: dict[int, Row]) -> set[UUID]:
    return busy([row.reminder.pk for row in rows.values() if row.reminder.action != Action.TEXT])


def _obstacle(row: Row, sinks: dict[UUID, list[str]]) -> str:
    """Why nothing may happen any more; empty when it may."""
    reminder = row.reminder
    if not row.may_use:
        return _("This person may not use the bot any more.")
    if not row.is_let_in:
        return _("This group is not approved any more.")
    if reminder.by_key and (reminder.created_by_key_id is None or row.revoked_at is not None):
        return _("The API key that made it is revoked.")
    if reminder.action == Action.TASK and reminder.assistant_id is not None and not is_known(reminder.assistant_id):
        return _("Its assistant is gone.")
    if reminder.action == Action.EVENT and not sinks[reminder.pk]:
        return _("No program hears of it any more: neither REDIS_URL nor a webhook is set.")
    return ""


def _stop(one: Due, row: Row, reason: str, batch: Batch) -> None:
    one.schedule.state, one.schedule.paused_from = Schedule.State.PAUSED, Schedule.State.ACTIVE
    planned = one.planned_at or one.missed_to or one.now
    batch.occurrences.append(
        Occurrence(reminder=row.reminder, planned_at=planned, state=State.SKIPPED, error=reason, created_at=one.now)
    )
    batch.stopped.append((row, reason))


def _one(one: Due, row: Row, batch: Batch) -> None:
    if one.missed:
        _miss(one, row, batch)
    if one.planned_at is not None:
        _happen(one, row, one.planned_at, batch)
    if not one.is_last:
        return
    if row.reminder.type == Type.ONE_TIME and one.planned_at is not None:
        # In force until it is acknowledged.
        one.schedule.state = Schedule.State.ACTIVE
    else:
        batch.over.append(row.reminder.pk)


def _miss(one: Due, row: Row, batch: Batch) -> None:
    """One row for all that was missed, and a word to the person."""
    at = one.missed_from if one.planned_at is not None else one.missed_to
    assert at is not None
    missed = Occurrence(
        reminder=row.reminder, planned_at=at, state=State.MISSED, missed_count=one.missed, created_at=one.now,
        lateness=(one.now - at).total_seconds(),
    )  # fmt: skip
    batch.occurrences.append(missed)
    batch.missed.append((row, missed))


def _happen(one: Due, row: Row, planned_at: datetime, batch: Batch) -> None:
    reminder, sinks = row.reminder, batch.sinks[row.reminder.pk]
    late, waits = max(timedelta(), one.lateness).total_seconds(), bool(sinks)
    occurrence = like(
        batch.occurrence, id=uuid4(), reminder_id=reminder.pk, planned_at=planned_at, lateness=late, awaits_ack=waits
    )
    batch.occurrences.append(occurrence)
    if reminder.pk in batch.busy:
        occurrence.state, occurrence.result, occurrence.awaits_ack = State.SKIPPED, "skipped_overlap", False
        return
    if reminder.action != Action.EVENT:
        is_task = reminder.action == Action.TASK
        batch.deliveries.append(_delivery(batch.delivery, occurrence, is_task, row.bot_id, row.chat_id))
    if reminder.action == Action.TEXT and reminder.nag_minutes:
        batch.nagging.append(reminder)
    if sinks:
        occurrence.reminder = reminder  # it takes as long as all the rest of this
        batch.deliveries += [event_delivery(occurrence, sink, 1) for sink in sinks]


def _delivery(common: Delivery, occurrence: Occurrence, is_task: bool, bot_id: int, chat_id: int) -> Delivery:
    """What is said waits in the chat's line; a task in one of its own, for it takes its time. A task that was cut off
    in the middle is not begun again by itself: what it did until then is done."""
    return like(
        common,
        key=key_of(occurrence),
        bot_id=bot_id,
        chat_id=chat_id,
        lane=f"task:{occurrence.reminder_id}:0" if is_task else lane_of(bot_id, chat_id),
        content={"occurrence": str(occurrence.pk)},
        on_doubt=Doubt.ASK if is_task else Doubt.AGAIN,
    )


# --- writing --------------------------------------------------------------------------------------------------------


def _write(batch: Batch) -> None:
    _supersede(batch.nagging, batch.now)
    insert(batch.occurrences, skip_known=True)
    if batch.over:
        over = Reminder.objects.filter(pk__in=batch.over)
        over.update(status=Status.COMPLETED, updated_at=batch.now)
        lost = [row.reminder.pk for row, _occurrence in batch.missed if row.reminder.type == Type.ONE_TIME]
        over.filter(pk__in=lost).update(status_reason=_("Its time passed while the bot was away."))
    for row, reason in batch.stopped:
        Reminder.objects.filter(pk=row.reminder.pk).update(
            status=Status.PAUSED, status_reason=reason[:200], needs_attention=True, updated_at=batch.now
        )
        note(row.reminder, "paused", by=None, via="bot", now=batch.now, reason=reason)
    batch.deliveries[:0] = _news_of_missed(batch)


def _supersede(rows: Sequence[Reminder], now: datetime) -> None:
    """What nags is not said twice over: the new time takes the place of the earlier one."""
    if not rows:
        return
    open_ones = Occurrence.objects.filter(reminder__in=rows, state__in=Occurrence.OPEN, awaits_ack=False)
    earlier = list(open_ones.only("pk"))
    nagging.end_many(earlier, now)
    open_ones.filter(pk__in=[row.pk for row in earlier]).update(state=State.SKIPPED, result="superseded")


def _news_of_missed(batch: Batch) -> list[Delivery]:
    """One message a chat for all that was missed there."""
    of_chat: dict[int, list[tuple[Row, Occurrence]]] = {}
    for row, occurrence in batch.missed:
        of_chat.setdefault(row.reminder.chat_id, []).append((row, occurrence))
    return [_one_news(found, batch.now) for found in of_chat.values()]


def _one_news(found: list[tuple[Row, Occurrence]], now: datetime) -> Delivery:
    row, first = found[0]
    return Delivery(
        key=f"missed:{row.reminder.chat_id}:{first.pk}",
        backend=BACKEND,
        bot_id=row.bot_id,
        chat_id=row.chat_id,
        lane=lane_of(row.bot_id, row.chat_id),
        source=SOURCE,
        content={"missed": [str(occurrence.pk) for _row, occurrence in found]},
        created_at=now,
    )


# --- until it is done -----------------------------------------------------------------------------------------------


def nag(due: Sequence[Due]) -> list[Delivery]:
    """Occurrences that nobody answered for are said again, and once more after that."""
    wanted = Occurrence.objects.filter(pk__in=[UUID(one.schedule.object_id) for one in due])
    rows = wanted.filter(state__in=Occurrence.OPEN, reminder__status__in=(Status.ACTIVE, Status.COMPLETED))
    rows = rows.filter(reminder__user__is_active=True, reminder__user__status=Access.ACTIVE)
    rows = rows.filter(Q(reminder__chat__kind=ChatKind.PRIVATE) | Q(reminder__chat__status=Access.ACTIVE))
    open_ones = {row.pk: row for row in rows.select_related("reminder__chat").defer("reminder__payload")}
    deliveries = []
    for one in due:
        row = open_ones.get(UUID(one.schedule.object_id))
        if row is None or row.reminder.nag_minutes is None or one.planned_at is None:
            continue
        deliveries.append(_nagging(row, one.planned_at, one.now))
        again = one.now + timedelta(minutes=row.reminder.nag_minutes)
        if one.schedule.end_at is None or again <= one.schedule.end_at:
            one.schedule.next_at, one.schedule.state = again, Schedule.State.ACTIVE
    return deliveries


def _nagging(row: Occurrence, planned_at: datetime, now: datetime) -> Delivery:
    chat, is_task = row.reminder.chat, row.reminder.action == Action.TASK
    common = Delivery(backend=BACKEND, source=SOURCE, created_at=now)
    said = _delivery(common, row, is_task, chat.bot_id, chat.telegram_id)
    said.key = f"{nagging.SOURCE}:{row.pk}:{planned_at.isoformat()}"
    said.content = {"occurrence": str(row.pk), "again": True}
    return said
