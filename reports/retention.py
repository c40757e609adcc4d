"""How reports, figures and exports go with time, and what else is left behind; housekeeping calls all of it.

Chats' words stand in an export's folder only, whatever CONTENT_LOG says, and no longer than the files take to leave.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import translation

from core.privacy import GRACE, delete_in_batches, older_than
from delivery.models import Delivery, Schedule
from reports.export import spool, verbs
from reports.figures.periods import today_at_avito
from reports.models import AvitoProfile, AvitoToken, CallGate, Export, Report, ReportTask, Snapshot, Standing
from reports.services.collecting import SOURCE as COLLECTING
from reports.services.rows import SOURCE
from telegram_bot.incoming import language_of

# An export that nobody works on for so long has lost its delivery.
LOST = timedelta(hours=1)


def forget_old_reports(now: datetime) -> int:
    """Remove reports and exports that ended KEEP_REPORTS_DAYS ago; what was said in the chats stays there."""
    before = older_than(settings.KEEP_REPORTS_DAYS, now)
    if before is None:
        return 0
    reports = Report.objects.exclude(state=Report.State.QUEUED).filter(created_at__lt=before)
    exports = Export.objects.exclude(state=Export.State.QUEUED).filter(created_at__lt=before)
    return delete_in_batches(reports) + delete_in_batches(exports)


def forget_old_figures(now: datetime) -> int:
    """Remove days past KEEP_FIGURES_DAYS, by Avito's calendar."""
    if not settings.KEEP_FIGURES_DAYS:
        return 0
    before = today_at_avito(now) - timedelta(days=settings.KEEP_FIGURES_DAYS)
    return delete_in_batches(Snapshot.objects.filter(date__lt=before)) + delete_in_batches(
        Standing.objects.filter(date__lt=before)
    )


# --- exports --------------------------------------------------------------------------------------------------------


def end_lost_exports(now: datetime) -> int:
    """End exports that no delivery works on any more, and say so: the next press would show them for ever."""
    return sum(_end(export, now) for export in _lost(now))


def _lost(now: datetime) -> Iterator[Export]:
    keys = Export.objects.filter(state=Export.State.QUEUED, created_at__lt=now - LOST).values_list("pk", flat=True)
    for key in list(keys):
        open_ones = Delivery.objects.filter(key=verbs.key_of(key), state__in=Delivery.OPEN)
        found = None if open_ones.exists() else verbs.find(key)
        if found is not None:
            yield found


def _end(export: Export, now: datetime) -> bool:
    with translation.override(language_of(export.requested_by)):
        return verbs.fail(export, "bug", now)


def remove_exports(now: datetime) -> int:
    """Take from the disk what came to nothing, and files a day after they were to leave."""
    removed = 0
    for key in _folders():
        if not _is_needed(key, now):
            spool.remove(key)
            removed += 1
    return removed


def _folders() -> list[uuid.UUID]:
    root = Path(settings.FILES_DIR) / spool.FOLDER
    found = []
    for path in root.iterdir() if root.is_dir() else ():
        try:
            found.append(uuid.UUID(hex=path.name))
        except ValueError:
            continue  # nothing of ours
    return found


def _is_needed(key: uuid.UUID, now: datetime) -> bool:
    export = Export.objects.filter(pk=key).first()
    if export is None or export.state in (Export.State.CANCELLED, Export.State.FAILED):
        return False
    return export.finished_at is None or export.finished_at > now - GRACE


# --- left behind ----------------------------------------------------------------------------------------------------


def remove_lost_schedules(now: datetime) -> int:
    """Schedules of reports and of collections whose profile went with its person."""
    reports = Schedule.objects.filter(source=SOURCE).exclude(Exists(ReportTask.objects.filter(schedule=OuterRef("pk"))))
    keys = AvitoProfile.objects.annotate(key=Cast("pk", CharField())).filter(key=OuterRef("object_id"))
    days = Schedule.objects.filter(source=COLLECTING).exclude(Exists(keys))
    old = Q(created_at__lt=now - LOST)  # one whose profile is about to be saved is none
    return delete_in_batches(reports.filter(old)) + delete_in_batches(days.filter(old))


def remove_left_behind(now: datetime) -> int:
    """Tokens of keys that no profile has any more, and counts of calls that no limit counts any more."""
    tokens = AvitoToken.objects.exclude(Exists(AvitoProfile.objects.filter(client=OuterRef("client"))))
    fetching = Q(fetching_until__gt=now)
    return delete_in_batches(tokens.exclude(fetching)) + delete_in_batches(_idle_gates(now))


def _idle_gates(now: datetime) -> "QuerySet[CallGate]":
    """Few rows, one an account and method; when the last call was stands in JSON, so they are looked through."""
    before = now - GRACE
    idle = [
        gate.pk
        for gate in CallGate.objects.exclude(blocked_until__gt=before).iterator()
        if max(gate.calls, default=0.0) < before.astimezone(UTC).timestamp()
    ]
    return CallGate.objects.filter(pk__in=idle)
