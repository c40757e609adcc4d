"""The page of one profile: what it did, as tiles and charts of stored days; what works, and where reports go.

Nothing is asked of Avito here. A fixed number of queries, whatever the span.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.pages import trail
from core import charts
from core.show import link, nowrap, stamp
from delivery.pages import rule_in_a_list
from reports.figures.periods import Period, today_at_avito
from reports.figures.summary import Line, metrics_of, summarise, value_of
from reports.metrics import BY_NAME, USUAL, Figures, Metric, Sum, Unit
from reports.models import Alert, AvitoProfile, ReportPart, ReportTask
from reports.pages import (
    SECTIONS,
    about_words,
    access_badge,
    figure,
    missing_words,
    next_report,
    report_badge,
    section_badge,
    state_of,
)

SPANS = (7, 30, 90, 270)
USUAL_SPAN = 30
SHOWN = 10
USUAL_METRICS = metrics_of(USUAL)
TILES = ("views", "contacts", "allSpending", "costPerContact")
BLUE, ORANGE = "var(--color-primary-500)", "var(--color-orange-400)"
# (heading, figures of one kind).
CHARTS = (
    (gettext_lazy("Views and favourites"), ("views", "favorites")),
    (gettext_lazy("Contacts and calls"), ("contacts", "calls")),
    (gettext_lazy("Spending, ₽"), ("allSpending", "promoSpending")),
    (gettext_lazy("Cost of a contact, ₽"), ("costPerContact",)),
)


def span_of(asked: str) -> int:
    """How many days are shown; what is asked wrongly is as if it were not."""
    return int(asked) if asked in map(str, SPANS) else USUAL_SPAN


def dashboard_of(profile: AvitoProfile, asked: str, now: datetime, *, readable: bool) -> dict[str, Any]:
    """All that the page's template needs. ``readable``: whether figures may be shown."""
    tasks = ReportTask.objects.filter(profile=profile).select_related("schedule", "chat").defer("hook_secret")
    task = tasks.first()
    shown = {
        "profile": profile,
        "access": access_badge(profile),
        "facts": list(_facts(profile, task)),
        "sections": list(_sections(profile)),
        "alerts": [(alert, about_words(alert.about)) for alert in _open_alerts(profile)],
        "reports": [_reported(part) for part in _parts(profile)],
        "exports": list(profile.exports.select_related("requested_by").order_by("-created_at")[:SHOWN]),
        "record": trail(profile),
        "zone": timezone.get_current_timezone_name(),
    }
    return shown | (_figures(profile, span_of(asked), now) if readable else {})


def _open_alerts(profile: AvitoProfile) -> Any:
    return Alert.objects.filter(profile=profile, over_at=None).order_by("since")


# --- what it did ----------------------------------------------------------------------------------------------------


def _figures(profile: AvitoProfile, span: int, now: datetime) -> dict[str, Any]:
    yesterday = today_at_avito(now) - timedelta(days=1)
    period = Period(yesterday - timedelta(days=span - 1), yesterday)
    before = Period(period.first - timedelta(days=span), period.first - timedelta(days=1))
    rows = list(profile.days.filter(date__gte=before.first, date__lte=yesterday))
    days: dict[date, Figures] = {row.date: row.values for row in rows}
    standing = profile.standings.order_by("-date").first()
    now_figures: Mapping[str, Decimal] = standing.values if standing else {}
    told = summarise(
        profile.name, profile.account_id, period, before, days, now_figures, USUAL_METRICS, {}, None, False
    )
    lines = {line.metric.name: line for line in told.lines}
    dates = list(period.dates())
    return {
        "span": span,
        "spans": SPANS,
        "tiles": [_tile(lines[name]) for name in TILES if name in lines],
        "standing": [(_name(metric), figure(now_figures.get(metric.name), metric.unit)) for metric in _now_metrics()],
        "standing_at": standing.date if standing else None,
        "known": any(day in days for day in dates),
        "missing": sum(day not in days for day in dates),
        "partial": sum(row.partial and row.date in period for row in rows),
        "charts": [(heading, _chart(dates, days, names)) for heading, names in CHARTS],
        "chart_options": charts.options(),
    }


def _now_metrics() -> list[Metric]:
    return [metric for metric in BY_NAME.values() if metric.sum is Sum.NOW]


def _name(metric: Metric) -> str:
    return str(metric.label)


def _tile(line: Line) -> dict[str, Any]:
    change, better = line.change, line.metric.better
    tone = "" if change is None or not better or not change else ("good" if (change > 0) == (better > 0) else "bad")
    return {
        "name": _name(line.metric),
        "value": figure(line.value, line.metric.unit),
        "before": figure(line.before, line.metric.unit),
        "change": "" if change is None else _changed(change),
        "tone": tone,
    }


def _changed(change: Decimal) -> str:
    sign = "+" if change > 0 else "−" if change < 0 else ""
    return f"{sign}{figure(abs(change), Unit.PERCENT)}"


def _chart(dates: Sequence[date], days: Mapping[date, Figures], names: Sequence[str]) -> str | None:
    """None: not one day of it is known."""
    found = [(BY_NAME[name], [_value(BY_NAME[name], days, day) for day in dates]) for name in names]
    told = [(metric, values) for metric, values in found if any(value is not None for value in values)]
    if not told:
        return None
    colours = (BLUE, ORANGE)
    lines = [(_name(metric), values, colours[number]) for number, (metric, values) in enumerate(told)]
    return charts.lines(dates, *lines, bridged=False)


def _value(metric: Metric, days: Mapping[date, Figures], day: date) -> float | None:
    """Of one day; a gap where it was not told or there is nothing to divide by."""
    value = value_of(metric, days, Period(day, day), {})
    return None if value is None else round(float(value), 2)


# --- what it is -----------------------------------------------------------------------------------------------------


def _facts(profile: AvitoProfile, task: ReportTask | None) -> Iterator[tuple[str, SafeString | str]]:
    yield _("owner"), link(profile.owner, profile.owner.name)
    yield _("Avito account"), f"{profile.account_name} {profile.account_id or ''}".strip() or "—"
    yield "API client_id", profile.client_mask
    yield _("report"), state_of(task)
    if task is not None:
        yield _("when"), rule_in_a_list(task.schedule)
        yield _("next report"), nowrap(stamp(next_report(task)))
        yield _("chat"), link(task.chat)
    places = [place.chat for place in profile.places.select_related("chat")]
    yield _("shown in"), ", ".join(map(str, places)) or _("no group")
    yield _("created"), nowrap(stamp(profile.created_at))


def _sections(profile: AvitoProfile) -> Iterator[tuple[str, SafeString, str]]:
    """(name, state, when it was asked last)."""
    for section, name in SECTIONS.items():
        if (state := profile.sections.get(section)) is not None:
            yield str(name), section_badge(state), _moment(state.get("at", ""))


def _moment(text: str) -> str:
    try:
        return stamp(datetime.fromisoformat(text))
    except ValueError:
        return "—"


def _parts(profile: AvitoProfile) -> Any:
    return ReportPart.objects.filter(profile=profile).select_related("report").order_by("-report__created_at")[:SHOWN]


def _reported(part: Any) -> tuple[Any, ...]:
    """(link, kind, period, state, what was missing)."""
    report = part.report
    missing = part.error_kind or missing_words(part.gaps)
    span = nowrap(f"{report.first} – {report.last}")
    return (
        nowrap(link(report, stamp(report.created_at))),
        report.get_kind_display(),
        span,
        report_badge(report),
        missing,
    )
