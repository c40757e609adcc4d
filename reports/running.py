"""The work on an ordered report, step by step.

    step(report)    ask Avito for the parts whose time has come  ─▶  each one's outcome on record
                    some wait?  ─▶  the progress is shown, DeliveryError("waiting", retry_after)
                    none?       ─▶  all that it becomes, and that it is done, in one transaction (reports/saying.py)

A step takes less than two minutes. Between two of them the report is a row and nothing else: no slot, no connection, no
memory, so a restart loses nothing. Profiles of different accounts are asked at the same time; those of one account one
after the other, for the second finds the first one's answers.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone, translation

from core.db import in_db, in_db_first
from delivery.errors import WAITING, DeliveryError
from reports import saying
from reports.avito.errors import AvitoError, Kind
from reports.chat import progress
from reports.contents import contents_of, parts_of, report_of, sections_for, window_of
from reports.gathering import Gathered, gather
from reports.metrics import Section
from reports.models import Report, ReportPart
from reports.services import ordering

log = structlog.get_logger(__name__)

# Seconds: after the first no part is begun any more, and none takes longer than the second.
STEP, PART = 60.0, 45.0
# Accounts that are asked at the same time.
TOGETHER = 10
# So often Avito itself may ask for a pause, and so long it may all take, until what is there has to do. Nobody sits and
# waits for a planned report.
MOST_PAUSES = 5
PATIENCE: Mapping[str, timedelta] = {Report.Kind.SCHEDULED: timedelta(minutes=30)}
SHORT_PATIENCE = timedelta(minutes=10)
# Seconds before each next try when Avito is down.
DOWN: Mapping[str, tuple[float, ...]] = {Report.Kind.SCHEDULED: (60.0, 300.0, 900.0)}
SHORT_DOWN = (5.0, 15.0, 40.0)
# Seconds until the next look, when Avito does not say: its limits are by the minute.
UNSAID = 20.0
LONGEST_PAUSE, SHORTEST_PAUSE = 65.0, 0.2
# Between two edits of a progress message.
GLANCE = 15.0

Part = ReportPart.State
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Work:
    """What a step does: ``groups`` are the parts of one account each."""

    report: Report
    first: date
    last: date
    sections: frozenset[Section]
    groups: Sequence[Sequence[ReportPart]]
    clock: Clock


async def step(key: UUID, *, clock: Clock = timezone.now) -> None:
    """Raises DeliveryError while something has to wait."""
    work = await in_db(_load, key, clock)
    if work is None:
        return
    if work.groups:
        await _ask_all(work)
    pause = await in_db_first(settle, key, clock())
    if pause is not None:
        raise DeliveryError(WAITING, "Waits for Avito.", retry_after=pause)


@transaction.atomic
def _load(key: UUID, clock: Clock) -> Work | None:
    """None: nobody needs it any more."""
    report, now = report_of(key), clock()
    if report is None or not ordering.begin(report, now):
        return None
    if report.requested_by is None or not report.requested_by.may_use:
        _drop(report, now)
        return None
    parts = parts_of(report)
    ready = [part for part in parts if part.state == Part.WAITING and (part.ready_at is None or part.ready_at <= now)]
    return Work(report, *window_of(report), sections_for(report, parts), _by_account(ready), clock)


def _drop(report: Report, now: datetime) -> None:
    """Nobody may have it any more, or nothing is left to tell of."""
    if ordering.drop(report, now):
        progress.take_away(report)


def _by_account(parts: Sequence[ReportPart]) -> list[list[ReportPart]]:
    groups: dict[object, list[ReportPart]] = {}
    for part in parts:
        groups.setdefault(part.profile.account_id or part.profile.client, []).append(part)
    return list(groups.values())


# --- asking ---------------------------------------------------------------------------------------------------------


async def _ask_all(work: Work) -> None:
    """What is not begun in time waits for the next step."""
    room, until = asyncio.Semaphore(TOGETHER), asyncio.get_running_loop().time() + STEP
    shown = progress.Pace(work.report)

    async def ask_in_turn(parts: Sequence[ReportPart]) -> None:
        for part in parts:
            async with room:
                if asyncio.get_running_loop().time() >= until:
                    return
                await _ask(work, part)
            if part.ready_at is not None:
                # The limit is the account's, so the others have to wait as long.
                await in_db(_put_off_too, parts, part, work.clock())
                return
            await shown.maybe()

    # To the end of each: what breaks one of them leaves no other behind.
    for broken in await asyncio.gather(*(ask_in_turn(parts) for parts in work.groups), return_exceptions=True):
        if broken is not None:
            raise broken


def _put_off_too(parts: Sequence[ReportPart], waiting: ReportPart, now: datetime) -> None:
    assert waiting.ready_at is not None
    for part in parts[parts.index(waiting) + 1 :]:
        ordering.part_put_off(part, (waiting.ready_at - now).total_seconds(), now, counts=False)


async def _ask(work: Work, part: ReportPart) -> None:
    """One part; whatever comes of it is its own affair and holds up no other."""
    report, now = work.report, work.clock()
    patient = _is_patient(report, part, now)
    try:
        async with asyncio.timeout(PART):
            found = await gather(
                part.profile, work.first, work.last, work.sections, now, wait=patient, began=report.begun_at
            )
    except AvitoError as error:
        await in_db(_trouble, report, part, error, work.clock(), patient=patient)
    except TimeoutError:
        slow = AvitoError(Kind.AVITO_DOWN, "No end within the time of a part.")
        await in_db(_trouble, report, part, slow, work.clock(), patient=patient)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("a part of a report broke", report=str(report.pk), part=part.pk, exc_info=error)
        await in_db(ordering.part_failed, part, Kind.BAD_REQUEST)
    else:
        await in_db(_had, report, part, found, work.clock())


def _is_patient(report: Report, part: ReportPart, now: datetime) -> bool:
    """Whether a limit is waited for; if not, what is there has to do, and what misses is named."""
    waited = now - (report.begun_at or now)
    return part.pauses < MOST_PAUSES and waited <= PATIENCE.get(report.kind, SHORT_PATIENCE)


def _had(report: Report, part: ReportPart, found: Gathered, now: datetime) -> None:
    """A section that is down may be up again in a while."""
    if Kind.AVITO_DOWN in found.gaps.values() and _put_off(report, part, None, now):
        return
    ordering.part_done(part, found.gaps, found.as_of)


def _trouble(report: Report, part: ReportPart, error: AvitoError, now: datetime, *, patient: bool) -> None:
    if error.kind == Kind.RATE_LIMITED and patient:
        # A limit of our own is none of Avito's doing, and its end is known.
        ordering.part_put_off(part, _pause(error.retry_after), now, counts=error.status is not None)
    elif error.kind != Kind.AVITO_DOWN or not _put_off(report, part, error, now):
        ordering.part_failed(part, error.kind)


def _put_off(report: Report, part: ReportPart, error: AvitoError | None, now: datetime) -> bool:
    """Try again later, since Avito is down. False when it was tried often enough."""
    pauses = DOWN.get(report.kind, SHORT_DOWN)
    if part.pauses >= len(pauses):
        return False
    told = error.retry_after if error is not None and error.retry_after else 0.0
    ordering.part_put_off(part, max(pauses[part.pauses], min(told, LONGEST_PAUSE)), now, counts=True)
    return True


def _pause(seconds: float | None) -> float:
    return min(max(UNSAID if seconds is None else seconds, SHORTEST_PAUSE), LONGEST_PAUSE)


# --- what follows ---------------------------------------------------------------------------------------------------


@transaction.atomic
def settle(key: UUID, now: datetime) -> float | None:
    """The end of a step: seconds until the next one; None: it is done, or nobody needs it any more."""
    report = report_of(key) if ordering.hold(key) else None
    if report is None:
        return None
    parts = parts_of(report)
    if not parts:  # its profiles were deleted meanwhile
        _drop(report, now)
        return None
    waiting = [part for part in parts if part.state == Part.WAITING]
    if not waiting:
        _finish(report, parts, now)
        return None
    with translation.override(progress.language(report)):
        progress.show(report, parts, now)
    until = min(part.ready_at or now for part in waiting)
    longest = GLANCE if report.progress_key else LONGEST_PAUSE
    return min(max((until - now).total_seconds(), SHORTEST_PAUSE), longest)


def _finish(report: Report, parts: Sequence[ReportPart], now: datetime) -> None:
    """Done, and all that it becomes: both or neither."""
    if not ordering.finish(report, parts, now):
        return
    contents = contents_of(report.pk)
    if contents is not None:
        with translation.override(contents.language):
            saying.say(contents, now)
