"""What we answer: rows as programs see them. The classes describe it in the OpenAPI, the functions make it."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from pydantic import Field

from accounts.models import AuditEntry
from core.sealed import Unreadable
from delivery.schedule import Cron, Once, Run, next_after, preview, to_json
from delivery.schedule import zone_of as zone_named
from reminders.models import Occurrence, Reminder
from rest.answers import PageOut, Shape, note
from rest.times import written

OWNER = "owner"  # as a timezone: the person's own, whichever it is at the time
SHOWN_RUNS = 5
MOST_COUNTED = 1000
MICROSECOND = datetime.resolution


States = Literal["queued", "claimed", "acked", "retry_wait", "dead", "missed", "skipped", "withdrawn"]


class RunOut(Shape):
    at: datetime
    local: Annotated[str, note("the same where the reminder is")]
    remark: Annotated[str | None, note("what is odd about it, such as a switch of the clock")]


class OccurrenceOut(Shape):
    event_id: str
    reminder_id: str
    planned_at: datetime
    state: States
    attempts: Annotated[int, note("how often it went out to a consumer")]
    fired_at: datetime | None
    lateness: Annotated[float, note("seconds between the plan and the firing")]
    missed_count: Annotated[int, note("a missed one stands for so many")]
    lease_until: Annotated[datetime | None, note("until when a consumer has it")]
    acked_at: datetime | None
    result: str
    error: str


class ReminderOut(Shape):
    id: str
    user_id: int | None
    assistant_id: str | None
    created_by_assistant_id: str | None
    type: Literal["one_time", "recurring"]
    trigger_at: datetime | None
    cron_expression: str | None
    rule: Annotated[dict[str, Any], note("when, as it was planned; one_time: kind once")]
    timezone: Annotated[str, note("IANA name, or `owner`")]
    effective_timezone: Annotated[str, note("IANA name, also where `timezone` says owner")]
    title: str
    payload: Annotated[str | None, note("a JSON object as a text; null: the key it was sealed with is gone")]
    status: Annotated[
        Literal["pending", "active", "paused", "completed", "cancelled"],
        note("pending: not confirmed yet, or `start_at` is ahead; active: will fire, or fired and is not done yet"),
    ]
    status_reason: Annotated[str, note("why it is paused, if it was not asked for; why its payload is null")]
    needs_attention: Annotated[bool, note("an event was given up, or it was paused by itself")]
    next_run_at: datetime | None
    last_triggered_at: datetime | None
    run_count: int
    start_at: datetime | None
    end_at: datetime | None
    max_runs: int | None
    grace_seconds: int
    catch_up: Literal["none", "last"]
    nag_minutes: int | None
    version: Annotated[int, note("counts changes; the ETag")]
    created_at: datetime
    updated_at: datetime


class FullReminderOut(ReminderOut):
    next_runs: list[RunOut]
    last_occurrence: OccurrenceOut | None


class DryRunOut(Shape):
    next_runs: list[RunOut]


class FireOut(Shape):
    reminder_id: str
    user_id: int | None
    assistant_id: str | None
    type: Literal["one_time", "recurring"]
    title: str
    status: Literal["pending", "active"]
    at: datetime


class EntryOut(Shape):
    id: int
    at: datetime
    action: str
    reminder_id: str
    actor: str
    actor_user_id: int | None
    via: str
    details: dict[str, Any]


class RemindersOut(PageOut):
    items: list[ReminderOut]


class OccurrencesOut(PageOut):
    items: list[OccurrenceOut]


class EntriesOut(PageOut):
    items: list[EntryOut]


class WindowOut(PageOut):
    items: list[FireOut]
    from_: datetime = Field(alias="from")
    to: datetime
    truncated: Annotated[bool, note("more fires in the window than is shown")]


def reminder(row: Reminder, now: datetime) -> dict[str, Any]:
    """``row`` with its schedule and person loaded."""
    plan, rule, payload = row.schedule, row.rule, _payload(row)
    trigger_at = written(rule.at) if isinstance(rule, Once) else None
    return {
        "id": str(row.pk),
        "user_id": row.user.telegram_id,
        "assistant_id": _text(row.assistant_id),
        "created_by_assistant_id": _text(row.created_by_assistant),
        "type": row.type,
        "trigger_at": trigger_at,
        "cron_expression": rule.expression if isinstance(rule, Cron) else None,
        "rule": {"kind": "once", "at": trigger_at} if trigger_at else to_json(rule),
        "timezone": OWNER if row.zone_of_owner else plan.zone,
        "effective_timezone": plan.zone,
        "title": row.title,
        "payload": payload,
        "status": str(row.status_at(now)),
        "status_reason": row.status_reason if payload else f"{row.status_reason} {key_is_gone()}".strip(),
        "needs_attention": row.needs_attention,
        "next_run_at": written(row.next_run_at),
        "last_triggered_at": written(plan.last_at),
        "run_count": plan.runs,
        "start_at": written(plan.start_at),
        "end_at": written(plan.end_at),
        "max_runs": plan.max_runs,
        "grace_seconds": plan.grace_seconds,
        "catch_up": plan.catch_up,
        "nag_minutes": row.nag_minutes,
        "version": row.version,
        "created_at": written(row.created_at),
        "updated_at": written(row.updated_at),
    }


def _payload(row: Reminder) -> str | None:
    try:
        return json.dumps(row.payload, ensure_ascii=False)
    except Unreadable:
        return None


def key_is_gone() -> str:
    return _("Its payload cannot be opened: the key of it is gone from FIELD_ENCRYPTION_KEYS.")


def _text(value: object) -> str | None:
    return str(value) if value is not None else None


def full_reminder(row: Reminder, now: datetime, last: Occurrence | None) -> dict[str, Any]:
    zone = zone_named(row.schedule.zone)
    runs = [run(one, zone) for one in runs_ahead(row, SHOWN_RUNS)]
    return {**reminder(row, now), "next_runs": runs, "last_occurrence": last and occurrence(last)}


def run(one: Run, zone: ZoneInfo) -> dict[str, Any]:
    return {"at": written(one.at), "local": one.at.astimezone(zone).isoformat(), "remark": one.remark}


def runs_ahead(row: Reminder, most: int) -> list[Run]:
    """The next runs, the first of them as the schedule has it (it may have been put off)."""
    first, zone, plan = row.next_run_at, zone_named(row.schedule.zone), row.schedule
    if first is None:
        return []
    most = most if plan.max_runs is None else min(most, max(plan.max_runs - plan.runs, 0))
    runs = preview(row.rule, first - MICROSECOND, zone, most)
    if not runs or runs[0].at != first:
        runs = [Run(first), *preview(row.rule, first, zone, most - 1)][:most]
    return [one for one in runs if plan.end_at is None or one.at <= plan.end_at]


def fires(row: Reminder, since: datetime, until: datetime) -> Iterator[datetime]:
    """When it fires from ``since`` to ``until``, one after another."""
    plan, zone = row.schedule, zone_named(row.schedule.zone)
    last = until if plan.end_at is None else min(until, plan.end_at)
    left = None if plan.max_runs is None else max(plan.max_runs - plan.runs, 0)
    # Runs before the window are counted only where they matter, and so many only.
    skip_to = since - MICROSECOND if left is None or left > MOST_COUNTED else None
    for at in islice(_from(row, zone, skip_to), left):
        if at > last:
            return
        if at >= since:
            yield at


def _from(row: Reminder, zone: ZoneInfo, skip_to: datetime | None) -> Iterator[datetime]:
    at = row.next_run_at
    while at is not None:
        yield at
        at = next_after(row.rule, at if skip_to is None else max(at, skip_to), zone)


def occurrence(row: Occurrence) -> dict[str, Any]:
    return {
        "event_id": str(row.pk),
        "reminder_id": str(row.reminder_id),
        "planned_at": written(row.planned_at),
        "state": row.state,
        "attempts": row.attempts,
        "fired_at": written(row.fired_at),
        "lateness": row.lateness,
        "missed_count": row.missed_count,
        "lease_until": written(row.lease_until),
        "acked_at": written(row.acked_at),
        "result": row.result,
        "error": row.error,
    }


def entry(row: AuditEntry) -> dict[str, Any]:
    return {
        "id": row.pk,
        "at": written(row.at),
        "action": row.action,
        "reminder_id": row.target.partition(":")[2],
        "actor": row.actor_label,
        "actor_user_id": row.actor.telegram_id if row.actor else None,
        "via": row.via,
        "details": row.details,
    }
