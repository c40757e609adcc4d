"""What a report says, put together of rows: days and standings that were stored while it was worked on.

One way to it for all that a report becomes: messages, the chart, the e-mail, the call of a webhook. Each of them is put
together when it leaves, and a worker that died in the middle has lost nothing. Four queries, however many parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import translation

from accounts.models import User
from reports.figures.periods import Period, today_at_avito
from reports.figures.summary import Summary, metrics_of, sections_of, summarise, total
from reports.metrics import BY_NAME, USUAL, Section
from reports.models import Report, ReportPart, Snapshot, Standing
from telegram_bot.incoming import language_of

# A chart of a day or two is a dot or two: those before it make a line, and have days to be compared with.
CHARTED = 28

Part = ReportPart.State
Days = dict[date, dict[str, Decimal]]


@dataclass(frozen=True)
class Contents:
    """``failed``: profile's name and the kind of AvitoError of those nothing could be had of. ``total``: of several.
    ``zone`` and ``language`` are the reader's."""

    report: Report
    parts: Sequence[ReportPart]
    summaries: Sequence[Summary]
    failed: Sequence[tuple[str, str]]
    total: Summary | None
    zone: str
    language: str

    @property
    def summary(self) -> Summary | None:
        """Of a report of one profile."""
        return self.summaries[0] if self.summaries else None


def contents_of(key: UUID) -> Contents | None:
    """None: the report, whoever asked for it, or all its profiles are gone."""
    report = report_of(key)
    parts = parts_of(report) if report is not None else []
    if report is None or report.requested_by is None or not parts:
        return None
    done = [part for part in parts if part.state == Part.DONE]
    summaries = _summaries(report, done, _metrics_of(report, parts))
    failed = [(part.profile.name, part.error_kind) for part in parts if part.state == Part.FAILED]
    language = language_of(report.requested_by)
    with translation.override(language):
        whole = together(summaries, len(parts))
    return Contents(report, parts, summaries, failed, whole, zone_of(report), language)


def together(summaries: Sequence[Summary], count: int) -> Summary | None:
    """The total of ``count`` profiles, of which these were had; None where it would say nothing more."""
    return total(summaries) if count > 1 and summaries else None


def report_of(key: UUID) -> Report | None:
    rows = Report.objects.select_related("requested_by", "chat", "task__schedule", "task__profile")
    found: Report | None = rows.defer("task__hook_secret", "task__profile__credentials").filter(pk=key).first()
    return found


def parts_of(report: Report) -> list[ReportPart]:
    """With their profiles and tasks; without what is sealed."""
    rows = ReportPart.objects.filter(report=report).select_related("profile__task").order_by("position")
    return list(rows.defer("profile__credentials", "profile__task__hook_secret"))


def zone_of(report: Report) -> str:
    """By whose clock its moments are said: the plan's, else the person's."""
    if report.kind == Report.Kind.SCHEDULED and report.task is not None:
        return str(report.task.schedule.zone)
    return zone_of_person(report.requested_by)


def zone_of_person(user: User | None) -> str:
    return (user.time_zone if user is not None else "") or str(settings.TIME_ZONE)


def period_of(report: Report) -> Period:
    return Period(report.first, report.last)


def before_of(report: Report) -> Period | None:
    if report.before_first is None or report.before_last is None:
        return None
    return Period(report.before_first, report.before_last)


def window_of(report: Report) -> tuple[date, date]:
    """The days to be known for it: its own, and those it is compared with."""
    return report.before_first or report.first, report.last


# --- figures --------------------------------------------------------------------------------------------------------


def _metrics_of(report: Report, parts: Sequence[ReportPart]) -> tuple[str, ...]:
    """The figures to tell, in the table's order. Of several profiles: all that one of them shows, so that each says
    the same and the total adds up."""
    tasks = [report.task] if report.task is not None else [getattr(part.profile, "task", None) for part in parts]
    chosen = {name for task in tasks if task is not None for name in task.metrics} or set(USUAL)
    return tuple(metric.name for metric in metrics_of(chosen))


def sections_for(report: Report, parts: Sequence[ReportPart]) -> frozenset[Section]:
    """What Avito has to be asked for these figures."""
    return sections_of(_metrics_of(report, parts)) | {Section.STATISTICS}


def _summaries(report: Report, parts: Sequence[ReportPart], metrics: Sequence[str]) -> list[Summary]:
    profiles = [part.profile_id for part in parts]
    days, partial = _days(profiles, report)
    standings = _standings(profiles, report)
    return [_summary(report, part, days, standings, partial, metrics) for part in parts]


def _summary(
    report: Report,
    part: ReportPart,
    days: Mapping[int, Days],
    standings: Mapping[int, Mapping[str, Decimal]],
    partial: set[int],
    metrics: Sequence[str],
) -> Summary:
    profile = part.profile
    gaps = {Section(name): kind for name, kind in part.gaps.items()}
    # What stood there an hour ago does not stand for now.
    standing = {
        name: value for name, value in standings.get(profile.pk, {}).items() if BY_NAME[name].section not in gaps
    }  # fmt: skip
    return summarise(
        profile.name, profile.account_id, period_of(report), before_of(report), days.get(profile.pk, {}), standing,
        metrics_of(metrics), gaps, part.as_of, profile.pk in partial,
    )  # fmt: skip


def _days(profiles: Sequence[int], report: Report) -> tuple[dict[int, Days], set[int]]:
    """The stored days of each profile, and those of which some were put together of listings."""
    first, last = window_of(report)
    first = min(first, last - timedelta(days=CHARTED - 1))
    found: dict[int, Days] = {}
    partial: set[int] = set()
    for row in Snapshot.objects.filter(profile__in=profiles, date__range=(first, last)).order_by("date"):
        found.setdefault(row.profile_id, {})[row.date] = row.values
        if row.partial and report.first <= row.date:
            partial.add(row.profile_id)
    return found, partial


def _standings(profiles: Sequence[int], report: Report) -> dict[int, dict[str, Decimal]]:
    """What stood in each account when the report was made: of days before nothing is passed off as now."""
    since = today_at_avito(report.begun_at or report.created_at)
    rows = Standing.objects.filter(profile__in=profiles, date__gte=since).order_by("date")
    return {row.profile_id: row.values for row in rows}
