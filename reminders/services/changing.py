"""What becomes of reminders by people, keys and assistants: confirm, change, pause, resume, put off, end.

Each is one short transaction that locks the schedule first and the reminder after it, as the tick does. What was fired
and nobody has taken yet is withdrawn by each of them, but for a change that leaves the time and the kind of action
alone; who has it already may finish.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ApiKey, User
from core.sealed import Unreadable
from delivery import planning
from delivery.models import Schedule
from delivery.schedule import RuleError, zone_of
from llm.tasks import series_cancelled
from reminders.models import FINAL, Occurrence, Reminder, Status, Type
from reminders.services import nagging
from reminders.services.making import note
from reminders.services.sinks import forget
from reminders.services.wishes import Draft, Problem, Refused, action_of, wrong_with

State = Occurrence.State
OF_RUNS = ("rule", "zone", "start_at", "end_at", "max_runs")
OF_LATENESS = ("grace_seconds", "catch_up")
OF_TIME = (*OF_RUNS, *OF_LATENESS)
OF_ROW = ("title", "payload", "zone_of_owner", "nag_minutes", "assistant_id")
# What may still change when all is over.
ALWAYS = {"title"}


class NotNow(Exception):
    """The reminder does not allow it as it stands: ``code`` for programs, the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Stale(Exception):
    """Somebody changed it after it was read."""


def lock(row: Reminder) -> Reminder:
    """The reminder as it is now, locked, after its schedule. A payload that no key opens stays closed."""
    Schedule.objects.select_for_update().get(pk=row.schedule_id)
    rows = Reminder.objects.select_for_update(of=("self",)).select_related("schedule", "user", "created_by_key")
    try:
        held: Reminder = rows.get(pk=row.pk)
    except Unreadable:
        held = rows.defer("payload").get(pk=row.pk)
    return held


def lock_many(keys: Iterable[UUID]) -> dict[UUID, Reminder]:
    """As `lock`, of many, without their payloads; in one order, so that two who do it do not wait for each other."""
    wanted = set(keys)
    numbers = Reminder.objects.filter(pk__in=wanted).values_list("schedule_id", flat=True)
    schedules = Schedule.objects.select_for_update().order_by("pk").in_bulk(list(numbers))
    rows = Reminder.objects.select_for_update(of=("self",)).filter(pk__in=wanted).defer("payload")
    found = {row.pk: row for row in rows.order_by("schedule_id")}
    for row in found.values():
        row.schedule = schedules[row.schedule_id]
    return found


def _store(row: Reminder, held: Reminder, now: datetime) -> None:
    """Save ``held``; ``row`` then shows it."""
    held.version += 1
    held.updated_at = now
    held.save()
    closed = held.get_deferred_fields()
    for field in Reminder._meta.concrete_fields:
        if field.attname not in closed:
            setattr(row, field.attname, getattr(held, field.attname))
    row.schedule = held.schedule


def withdraw_open(row: Reminder, now: datetime) -> None:
    """Take back what was fired and nobody works on; the deliveries go with the schedule's change."""
    waiting = Occurrence.objects.filter(reminder=row, state__in=(State.QUEUED, State.RETRY_WAIT))
    forget(waiting.filter(awaits_ack=True).values_list("pk", flat=True))
    waiting.update(state=State.WITHDRAWN)
    nagging.end_all(row, now)


# --- changes --------------------------------------------------------------------------------------------------------


@transaction.atomic
def change(
    row: Reminder,
    *,
    by: User | None,
    via: str,
    now: datetime,
    key: ApiKey | None = None,
    version: int | None = None,
    **changes: Any,
) -> Reminder:
    """Other values for names of OF_TIME and OF_ROW; what is not named stays. ``version``: only if it is this one.

    Raises Refused, NotNow (it is over), Stale.
    """
    held = lock(row)
    if version is not None and held.version != version:
        raise Stale
    changes = {name: value for name, value in changes.items() if value != _current(held, name)}
    if not changes:
        return row
    if held.status in FINAL and not set(changes) <= ALWAYS:
        raise NotNow("invalid-transition", _("It is over. Make a new one."))
    draft = _as_wished(held, changes)
    _check_wish(draft, set(changes), now)
    for name in OF_ROW:
        setattr(held, name, getattr(draft, name))
    before = held.action
    held.action, held.type = action_of(draft.payload, draft.assistant_id), draft.type
    if set(changes) & set(OF_RUNS):
        _replan(held, draft, now)
    elif set(changes) & set(OF_LATENESS):
        planning.tolerate(held.schedule, draft.grace_seconds, draft.catch_up)
    if set(changes) & set(OF_RUNS) or held.action != before:
        withdraw_open(held, now)
    note(held, "changed", by=by, via=via, now=now, fields=", ".join(sorted(changes)), **_named(key))
    _store(row, held, now)
    return row


def _current(held: Reminder, name: str) -> Any:
    if name == "rule":
        return held.rule
    return getattr(held.schedule if name in OF_TIME else held, name)


def _as_wished(held: Reminder, changes: dict[str, Any]) -> Draft:
    values = {name: _current(held, name) for name in (*OF_TIME, *OF_ROW)} | changes
    values |= {"created_by_key": held.created_by_key, "created_by_assistant": held.created_by_assistant}
    return Draft(user=held.user, chat=held.chat, thread=held.thread_id, **values)


def _check_wish(draft: Draft, changed: set[str], now: datetime) -> None:
    """Refuse what is wrong with the change. What stood before and is in the past or empty by now is no fault of it."""
    problems = wrong_with(draft, now)
    if not changed & {"payload", "assistant_id"}:
        problems = [one for one in problems if one.field not in ("payload", "assistant_id")]
    if not changed & set(OF_RUNS):
        problems = [one for one in problems if one.field not in ("trigger_at", "end_at", "max_runs")]
    if problems:
        raise Refused(problems)


def _replan(held: Reminder, draft: Draft, now: datetime) -> None:
    try:
        planning.reschedule(held.schedule, draft.rule, draft.zone, now=now, **draft.limits)
    except RuleError as error:
        field = "trigger_at" if draft.type == Type.ONE_TIME else "cron_expression"
        raise Refused([Problem(field, error.code, str(error))]) from error
    held.needs_attention = False


def _named(key: ApiKey | None) -> dict[str, str]:
    return {"key": key.prefix} if key is not None else {}


@transaction.atomic
def follow_zone(user: User, now: datetime, *, via: str = "bot") -> int:
    """The person is in another zone: what follows it runs by its clock from now on. How many moved.

    One-time reminders keep their instant.
    """
    moved = 0
    rows = Reminder.objects.filter(user=user, zone_of_owner=True).exclude(status__in=FINAL)
    for row in rows.select_related("schedule", "user", "created_by_key"):
        if row.schedule.zone != user.time_zone and user.time_zone:
            moved += _follow(row, str(zone_of(user.time_zone)), now, via)
    return moved


def _follow(row: Reminder, zone: str, now: datetime, via: str) -> bool:
    held = lock(row)
    before = held.schedule.zone
    moves = held.type == Type.RECURRING and _move(held, zone, now)
    if not moves:
        planning.relabel(held.schedule, zone)
    note(held, "zone_followed", by=held.user, via=via, now=now, old=before, new=zone)
    _store(row, held, now)
    return moves


def _move(held: Reminder, zone: str, now: datetime) -> bool:
    """Plan a series by the clock of ``zone``. False when nothing of it would run any more: it is paused, and past its
    end."""
    try:
        planning.reschedule(held.schedule, held.rule, zone, now=now)
    except RuleError:
        return False
    withdraw_open(held, now)
    return True


# --- in and out of force --------------------------------------------------------------------------------------------


@transaction.atomic
def confirm(row: Reminder, *, by: User | None, via: str, now: datetime, key: ApiKey | None = None) -> bool:
    """Put a pending reminder into force. False when it is not pending. Raises NotNow when its time passed."""

    def put(held: Reminder) -> bool:
        return held.status == Status.PENDING and planning.confirm(held.schedule, now=now)

    return _turn(row, "confirmed", put, by=by, via=via, now=now, key=key)


@transaction.atomic
def pause(
    row: Reminder, *, by: User | None, via: str, now: datetime, key: ApiKey | None = None, reason: str = ""
) -> bool:
    """Fire nothing until `resume`. False when it is paused already. Raises NotNow when it is over."""

    def stop(held: Reminder) -> bool:
        if held.status in FINAL:
            raise NotNow("invalid-transition", _("It is over, so it cannot be paused."))
        return planning.pause(held.schedule, now=now)

    return _turn(row, "paused", stop, by=by, via=via, now=now, key=key, reason=reason)


@transaction.atomic
def put_aside(key: UUID, reason: str, now: datetime) -> None:
    """The tick has paused a schedule that it could not fire; its reminder stands still with it."""
    row = (
        Reminder.objects.filter(pk=key, status=Status.ACTIVE).select_related("created_by_key").defer("payload").first()
    )
    if row is not None:
        row.status, row.status_reason, row.needs_attention, row.updated_at = Status.PAUSED, reason[:200], True, now
        row.version += 1
        row.save(update_fields=["status", "status_reason", "needs_attention", "updated_at", "version"])
        note(row, "paused", by=None, via="bot", now=now, reason=reason)


@transaction.atomic
def resume(row: Reminder, *, by: User | None, via: str, now: datetime, key: ApiKey | None = None) -> bool:
    """Go on. False when it is not paused. Raises NotNow: it is over, or its only time passed meanwhile."""

    def go_on(held: Reminder) -> bool:
        if held.status in FINAL:
            raise NotNow("invalid-transition", _("It is over. Make a new one."))
        resumed = planning.resume(held.schedule, now=now)
        if resumed and _was_taken_back(held):
            _make_up(held, now)
        return resumed

    return _turn(row, "resumed", go_on, by=by, via=via, now=now, key=key)


def _was_taken_back(held: Reminder) -> bool:
    """Whether its only time has come and nobody got it, or works on it."""
    came = held.type == Type.ONE_TIME and held.schedule.next_at is None
    return came and not Occurrence.objects.filter(reminder=held, state=State.CLAIMED).exists()


def _make_up(held: Reminder, now: datetime) -> None:
    if held.schedule.catch_up == Schedule.CatchUp.NONE:
        raise NotNow("missed", _("Its time passed meanwhile. Choose a new one."))
    planning.snooze(held.schedule, now, now=now)


@transaction.atomic
def cancel(
    row: Reminder, *, by: User | None, via: str, now: datetime, key: ApiKey | None = None, reason: str = ""
) -> bool:
    """Take it out for good; its history stays. False when it is over already."""

    def finish(held: Reminder) -> bool:
        return held.status not in FINAL and planning.end(held.schedule, Schedule.State.CANCELLED, now=now)

    cancelled = _turn(row, "cancelled", finish, by=by, via=via, now=now, key=key, reason=reason)
    if cancelled:
        series_cancelled.send(sender=Reminder, reminder_id=row.pk, now=now)
    return cancelled


@transaction.atomic
def complete(
    row: Reminder, *, by: User | None, via: str, now: datetime, key: ApiKey | None = None, reason: str = ""
) -> bool:
    """It is done, the whole series. False when it is over already."""

    def finish(held: Reminder) -> bool:
        return held.status not in FINAL and planning.end(held.schedule, Schedule.State.COMPLETED, now=now)

    return _turn(row, "completed", finish, by=by, via=via, now=now, key=key, reason=reason)


def _turn(
    row: Reminder,
    what: str,
    turn: Callable[[Reminder], bool],
    *,
    by: User | None,
    via: str,
    now: datetime,
    key: ApiKey | None,
    reason: str = "",
) -> bool:
    """Do it to the reminder as it is now; whether that changed something."""
    held = lock(row)
    try:
        changed = turn(held)
    except RuleError as error:
        raise NotNow(error.code, str(error)) from error
    if changed:
        held.status, held.status_reason = Status(held.schedule.state), reason[:200]
        held.needs_attention = bool(reason) and held.status == Status.PAUSED
        held.failures = 0
        withdraw_open(held, now)
        note(held, what, by=by, via=via, now=now, **({"reason": reason} if reason else {}), **_named(key))
        _store(row, held, now)
    else:
        row.refresh_from_db()
    return changed


@transaction.atomic
def snooze(
    row: Reminder,
    until: datetime,
    *,
    by: User | None,
    via: str,
    now: datetime,
    occurrence: Occurrence | None = None,
) -> bool:
    """Once more at ``until``, then as the rule says; ``occurrence`` is what is put off. False when it is cancelled,
    paused or not confirmed, or when its words are not kept any more."""
    held = lock(row)
    if held.erased or held.status not in (Status.ACTIVE, Status.COMPLETED):
        return False
    if not planning.snooze(held.schedule, until, now=now, again=occurrence is not None):
        return False
    withdraw_open(held, now)
    if occurrence is not None:
        put_off = Occurrence.objects.filter(pk=occurrence.pk, reminder=held)
        put_off.update(state=State.ACKED, acked_at=now, result="snoozed", lease_until=None)
    held.status, held.status_reason = Status.ACTIVE, ""
    note(held, "snoozed", by=by, via=via, now=now, until=until.isoformat(timespec="seconds"))
    _store(row, held, now)
    return True
