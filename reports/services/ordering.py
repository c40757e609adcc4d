"""Reports as rows: ordered, worked on, ended. Only this module writes Report and ReportPart.

A report is a row before anything is asked: the delivery of the key ``report:<id>`` works on it (reports/running.py) in
a lane of its own, as often as Avito makes it wait. Each function is one short transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Chat, User
from delivery import services as delivery
from delivery.models import Delivery
from reports.avito.errors import Kind as Refusal
from reports.figures.periods import Period
from reports.metrics import Section
from reports.models import AvitoProfile, Report, ReportPart, ReportTask
from reports.services import tasks, watching
from reports.services.rows import SOURCE

BACKEND = "report"
# Planned reports in a row that the keys are refused for, until the plan is paused.
MOST_REFUSALS = 3

State, Kind = Report.State, Report.Kind
Part = ReportPart.State


@dataclass(frozen=True)
class Wanted:
    """A report somebody wants. ``before``: what it is compared with; ``progress_key``: of the delivery whose message
    shows how far it is."""

    kind: Report.Kind
    profiles: Sequence[AvitoProfile]
    period: Period
    before: Period | None
    chat: Chat | None
    thread: int
    by: User
    task: ReportTask | None = None
    planned_at: datetime | None = None
    progress_key: str = ""


def order(
    kind: Report.Kind,
    profiles: Sequence[AvitoProfile],
    period: Period,
    before: Period | None,
    *,
    chat: Chat | None,
    thread: int,
    by: User,
    task: ReportTask | None = None,
    planned_at: datetime | None = None,
    now: datetime,
    progress_key: str = "",
) -> Report:
    """One report of ``profiles``, put on its way."""
    wanted = Wanted(kind, profiles, period, before, chat, thread, by, task, planned_at, progress_key)
    return order_many([wanted], now)[0]


@transaction.atomic
def order_many(wanted: Sequence[Wanted], now: datetime) -> list[Report]:
    """As `order`; three statements however many there are."""
    rows = [_report(one, now) for one in wanted]
    parts = [
        ReportPart(report=row, profile=profile, position=number)
        for row, one in zip(rows, wanted, strict=True)
        for number, profile in enumerate(one.profiles)
    ]
    Report.objects.bulk_create(rows)
    ReportPart.objects.bulk_create(parts)
    delivery.enqueue([_work(row) for row in rows])
    return rows


def _report(wanted: Wanted, now: datetime) -> Report:
    before = wanted.before
    return Report(
        kind=wanted.kind,
        task=wanted.task,
        requested_by=wanted.by,
        chat=wanted.chat,
        thread_id=wanted.thread,
        first=wanted.period.first,
        last=wanted.period.last,
        before_first=before.first if before else None,
        before_last=before.last if before else None,
        progress_key=wanted.progress_key,
        planned_at=wanted.planned_at,
        created_at=now,
    )


def _work(report: Report) -> Delivery:
    """What a worker claims. The lane ends in 0, for it is no chat's."""
    return Delivery(
        key=key_of(report.pk),
        backend=BACKEND,
        lane=f"task:report:{report.pk}:0",
        source=SOURCE,
        content={"report": str(report.pk)},
        created_at=report.created_at,
    )


def key_of(report: UUID) -> str:
    """The root of the keys of all that one report causes."""
    return f"{SOURCE}:{report}"


def at_work(user: User, kinds: Collection[Report.Kind]) -> "QuerySet[Report]":
    """Of what the person ordered, what is being worked on."""
    return Report.objects.filter(requested_by=user, state=State.QUEUED, kind__in=kinds)


def asked_here(chat: Chat, thread: int, period: Period) -> "QuerySet[Report]":
    """Reports of a whole chat about that period that are being worked on for the same place."""
    rows = Report.objects.filter(chat=chat, thread_id=thread, state=State.QUEUED, kind=Kind.STATS)
    return rows.filter(first=period.first, last=period.last)


@transaction.atomic
def cancel(report: Report, *, by: User, now: datetime) -> bool:
    """Nobody needs it any more. False when it has ended, or is somebody else's."""
    mine = Report.objects.filter(pk=report.pk, state=State.QUEUED, requested_by=by)
    if not mine.update(state=State.CANCELLED, finished_at=now):
        return False
    delivery.withdraw(Delivery.objects.filter(key=key_of(report.pk)), now)
    return True


def drop(report: Report, now: datetime) -> bool:
    """Whoever wanted it may not have it any more."""
    return _end(report, State.CANCELLED, now)


# --- at work --------------------------------------------------------------------------------------------------------


def begin(report: Report, now: datetime) -> bool:
    """Somebody works on it. False when nobody needs it any more."""
    if report.begun_at is None:
        Report.objects.filter(pk=report.pk, begun_at=None).update(begun_at=now)
        report.begun_at = now
    return report.state == State.QUEUED


def hold(key: UUID) -> bool:
    """Whether it is still at work. Nobody cancels or ends it until the transaction is over, so its end is said last."""
    return bool(Report.objects.select_for_update().filter(pk=key, state=State.QUEUED).values_list("pk"))


def part_done(part: ReportPart, gaps: Mapping[Section, str], as_of: datetime | None) -> None:
    """Its figures are stored; ``gaps``: sections that are missing, with the kind of AvitoError that says why."""
    told = {str(section): str(kind) for section, kind in gaps.items()}
    _set(part, state=Part.DONE, gaps=told, as_of=as_of, ready_at=None)


def part_failed(part: ReportPart, kind: str) -> None:
    """Nothing could be had of it; ``kind`` of AvitoError says why."""
    _set(part, state=Part.FAILED, error_kind=str(kind), ready_at=None)


def part_put_off(part: ReportPart, seconds: float, now: datetime, *, counts: bool) -> None:
    """Again in so many seconds. ``counts``: Avito itself asked for the pause, or was down."""
    _set(part, ready_at=now + timedelta(seconds=seconds), pauses=part.pauses + counts)


def _set(part: ReportPart, **values: Any) -> None:
    """While it waits: another worker may have been quicker. ``part`` then shows it."""
    if ReportPart.objects.filter(pk=part.pk, state=Part.WAITING).update(**values):
        for name, value in values.items():
            setattr(part, name, value)


# --- ended ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def finish(report: Report, parts: Sequence[ReportPart], now: datetime) -> bool:
    """All that could be had is there, or nothing could. False when it was cancelled or ended before."""
    failed = bool(parts) and all(part.state == Part.FAILED for part in parts)
    if not _end(report, State.FAILED if failed else State.DONE, now):
        return False
    if report.kind == Kind.SCHEDULED:
        for part in parts:
            _count_refusals(report, part, now)
    return True


def give_up(report: Report, now: datetime) -> bool:
    """An error of ours ended it. False when it had ended."""
    return _end(report, State.FAILED, now)


def _end(report: Report, state: Report.State, now: datetime) -> bool:
    ended = Report.objects.filter(pk=report.pk, state=State.QUEUED).update(state=state, finished_at=now)
    if ended:
        report.state, report.finished_at = state, now
    return bool(ended)


def _count_refusals(report: Report, part: ReportPart, now: datetime) -> None:
    """Keys that are refused again and again do not get better by asking: the plan stands still until there are new
    ones. One that works begins the count anew."""
    if part.error_kind != Refusal.BAD_CREDENTIALS:
        AvitoProfile.objects.filter(pk=part.profile_id).exclude(refusals=0).update(refusals=0)
    elif watching.refused(part.profile, now) >= MOST_REFUSALS and report.task is not None:
        tasks.pause_for_keys(report.task, part.error_kind, now=now)
