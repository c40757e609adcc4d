"""The verbs of schedules: plan, pause, resume, change, end. Only these and the tick write them.

Each is one short transaction. What was fired but has not left (queued deliveries of the object) is withdrawn with a
pause, a change or an end; what is being sent at this moment is not called back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from core.statements import insert
from delivery import services
from delivery.models import Delivery, Schedule
from delivery.schedule import Once, Rule, RuleError, from_json, next_after, to_json, zone_of

State = Schedule.State
# A time that passed so short a while ago is meant for now.
TOLERANCE = timedelta(seconds=60)


def plan(
    source: str,
    object_id: str,
    rule: Rule,
    zone: str,
    *,
    now: datetime,
    confirmed: bool = True,
    **limits: Any,
) -> Schedule:
    """Plan ``rule`` for a source's row. Raises ``RuleError`` when nothing would ever run.

    ``confirmed``: False leaves it pending until `confirm`. ``limits``: start_at, end_at, max_runs, grace_seconds,
    catch_up of the row.
    """
    state = State.ACTIVE if confirmed else State.PENDING
    row = Schedule(source=source, object_id=object_id, state=state, created_at=now, updated_at=now, **limits)
    _set_rule(row, rule, zone, now)
    insert([row])
    return row


def first_run(rule: Rule, zone: str, now: datetime, start_at: datetime | None = None) -> datetime | None:
    """When a schedule that is planned now runs first."""
    if isinstance(rule, Once):
        return rule.at if rule.at >= now - TOLERANCE else None
    after = now if start_at is None or start_at <= now else start_at - timedelta(microseconds=1)
    return next_after(rule, after, zone_of(zone))


def _set_rule(row: Schedule, rule: Rule, zone: str, now: datetime) -> None:
    row.rule, row.zone = to_json(rule), str(zone_of(zone))
    row.next_at = _upcoming(row, rule, now)
    if row.next_at is None:
        raise _never()


def _upcoming(row: Schedule, rule: Rule, now: datetime) -> datetime | None:
    if row.max_runs is not None and row.runs >= row.max_runs:
        return None
    first = first_run(rule, row.zone, now, row.start_at)
    return first if first is None or row.end_at is None or first <= row.end_at else None


@transaction.atomic
def confirm(row: Schedule, *, now: datetime) -> bool:
    """Put a pending schedule into force. False when it is not pending. Raises ``RuleError`` when its time is over."""
    return _change(row, now, {State.PENDING}, lambda held: _activate(held, now))


@transaction.atomic
def pause(row: Schedule, *, now: datetime) -> bool:
    """Fire nothing until `resume`. False when it is not pending or active."""

    def stop(held: Schedule) -> None:
        held.paused_from, held.state = held.state, State.PAUSED

    return _change(row, now, {State.ACTIVE, State.PENDING}, stop)


@transaction.atomic
def resume(row: Schedule, *, now: datetime) -> bool:
    """Go on where the rule is now; what would have run during the pause has not. False when it is not paused.

    Raises ``RuleError`` when nothing would run any more.
    """

    def go_on(held: Schedule) -> None:
        if held.paused_from == State.PENDING:
            held.state, held.paused_from = State.PENDING, ""
        else:
            _activate(held, now)

    return _change(row, now, {State.PAUSED}, go_on)


@transaction.atomic
def reschedule(row: Schedule, rule: Rule, zone: str, *, now: datetime, **limits: Any) -> bool:
    """Another rule, zone or limits. False when it is over. Raises ``RuleError``."""

    def replace(held: Schedule) -> None:
        for name, value in limits.items():
            setattr(held, name, value)
        _set_rule(held, rule, zone, now)

    return _change(row, now, {State.PENDING, State.ACTIVE, State.PAUSED}, replace)


@transaction.atomic
def snooze(row: Schedule, until: datetime, *, now: datetime, again: bool = False) -> bool:
    """Run next at ``until``, and go on with the rule from there; what was completed is over again after that run.
    ``again``: it ran already, and of a limited number that run counts once. False when it is not in force and was not
    completed."""

    def put_off(held: Schedule) -> None:
        if held.state == State.COMPLETED and not isinstance(from_json(held.rule), Once):
            held.end_at = until
        if again and held.max_runs is not None:
            held.runs = max(0, held.runs - 1)
        held.state, held.next_at = State.ACTIVE, until

    return _change(row, now, {State.ACTIVE, State.COMPLETED}, put_off)


def tolerate(row: Schedule, grace_seconds: int, catch_up: str) -> None:
    """How late a run may be, and what is made up for; no run moves."""
    Schedule.objects.filter(pk=row.pk).update(grace_seconds=grace_seconds, catch_up=catch_up)
    row.refresh_from_db()


def relabel(row: Schedule, zone: str) -> None:
    """Another zone for the same instants; what was fired goes out as it was."""
    Schedule.objects.filter(pk=row.pk).update(zone=str(zone_of(zone)))
    row.refresh_from_db()


@transaction.atomic
def remove(row: Schedule, *, now: datetime) -> None:
    """Leave no trace of it; what was fired and waits is withdrawn."""
    services.withdraw(deliveries_of(row), now)
    row.delete()


@transaction.atomic
def end(row: Schedule, state: Schedule.State, *, now: datetime) -> bool:
    """Complete or cancel for good. False when it is over already."""

    def finish(held: Schedule) -> None:
        held.state, held.next_at, held.paused_from = state, None, ""

    return _change(row, now, {State.PENDING, State.ACTIVE, State.PAUSED}, finish)


def complete_many(keys: Sequence[int], *, now: datetime) -> int:
    """Complete schedules of which nothing waits to be sent; those that are over stay as they are. One query."""
    rows = Schedule.objects.filter(pk__in=keys).exclude(state__in=Schedule.FINAL)
    changed = {"state": State.COMPLETED, "next_at": None, "paused_from": ""}
    return rows.update(version=F("version") + 1, updated_at=now, **changed)


def _activate(held: Schedule, now: datetime) -> None:
    held.state, held.paused_from = State.ACTIVE, ""
    rule = from_json(held.rule)
    if not isinstance(rule, Once):
        held.next_at = held.next_at if held.next_at and held.next_at > now else _upcoming(held, rule, now)
    elif held.next_at is not None and held.next_at < now - TOLERANCE and held.catch_up == Schedule.CatchUp.NONE:
        raise RuleError("missed", "trigger_at", _("Its time passed meanwhile. Choose a new one."))
    if held.next_at is None and not held.runs:
        raise _never()


def _never() -> RuleError:
    return RuleError("never-fires", "rule", _("Nothing would ever run by this rule within its limits. Change them."))


def _change(row: Schedule, now: datetime, states: set[State], change: Callable[[Schedule], None]) -> bool:
    """``change`` the row as it is now, under its lock, if it is in one of ``states``; ``row`` then shows it."""
    held = Schedule.objects.select_for_update().get(pk=row.pk)
    if held.state not in states:
        return False
    change(held)
    held.version += 1
    held.updated_at = now
    held.save()
    services.withdraw(deliveries_of(held), now)
    row.refresh_from_db()
    return True


def deliveries_of(row: Schedule) -> QuerySet[Delivery]:
    """What was fired for the schedule's object: their keys begin with its name."""
    return services.named(f"{row.source}:{row.object_id}")
