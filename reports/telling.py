"""A summary as a model reads it: each figure with what it was before, what source it has and what misses.

A model quotes these lines and never computes, so differences, percents and averages stand in them.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from reports.figures.periods import DAY, Period
from reports.figures.summary import Line, Summary, value_of
from reports.metrics import Metric, Section, Sum, Unit
from reports.models import Access, AvitoProfile
from reports.services import knowing
from reports.words.alerts import named
from reports.words.numbers import number, percent, written

# Profiles that are told one by one; of more than these only the total. Names that are listed at most.
MOST_PROFILES, MOST_NAMED = 10, 50
# Figures of each.
MOST_BRIEFLY = 6
# Stretches of days that are named; of more only how many.
STRETCHES = 10

RULE = (
    "Tell the person these figures as they are, with the days and the source. Calculate nothing yourself: differences "
    "and percents stand here."
)


def source(summary: Summary, user: User) -> str:
    """Where the figures come from, in the person's language, for the answer."""
    if summary.as_of is None:
        return _("Source: Avito, daily snapshots; for these days none is stored.")
    return _("Source: Avito, daily snapshots, data as of %(at)s.") % {"at": clock(summary.as_of, user)}


def clock(at: datetime | None, user: User) -> str:
    """A moment by the person's clock."""
    zone = ZoneInfo(user.time_zone or settings.TIME_ZONE)
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})" if at else "never"


def about(whole: Summary, profiles: Sequence[AvitoProfile]) -> str:
    """Whose figures they are."""
    if len(profiles) == 1:
        return f"Profile “{profiles[0].name}”."
    names = ", ".join(f"“{profile.name}”" for profile in profiles[:MOST_NAMED])
    same = "" if whole.accounts == len(profiles) else f" ({whole.accounts} accounts, each counted once)"
    return f"Total of {len(profiles)} profiles{same}: {names}."


def spans(summary: Summary) -> list[str]:
    """Which days they are of."""
    lines = [f"Period: {_span(summary.period)}."]
    if summary.before is not None:
        lines.append(f"Compared with: {_span(summary.before)}.")
        if summary.before.days != summary.period.days:
            lines.append("The periods have different lengths: compare the averages a day.")
    return lines


def _span(period: Period) -> str:
    if period.days == 1:
        return f"{period.first} ({period.first:%A})"
    kind = ", Monday to Sunday" if period.is_week else ", a calendar month" if period.is_month else ""
    return f"{period.first} … {period.last} ({period.days} days{kind})"


def told(line: Line, summary: Summary) -> str:
    """``Contacts (contacts): 120; before 100; difference +20; change +20.0 %; a day 17.14, before 14.29``."""
    metric = line.metric
    name = f"{metric.label} ({metric.name})"
    if metric.sum is Sum.NOW:
        return f"{name}: {_value(line.value, metric)}, as it stands now, not of the period"
    parts = [f"{name}: {_value(line.value, metric)}" + (" (incomplete)" if line.incomplete else "")]
    if summary.before is not None:
        parts.append(f"before {_value(line.before, metric)}")
        if line.value is not None and line.before is not None:
            parts.append(f"difference {_difference(line.value - line.before, metric)}")
        if line.change is not None:
            parts.append(f"change {_signed(line.change, percent(line.change))}")
    return "; ".join([*parts, *_a_day(metric, summary)])


def _a_day(metric: Metric, summary: Summary) -> list[str]:
    """Averages over the days that were told; of sums of several days only."""
    if metric.sum is not Sum.ADD or summary.period.days == 1:
        return []
    found = [_average(metric, summary, period) for period in (summary.period, summary.before) if period is not None]
    texts = ["no data" if value is None else _exactly(value, metric) for value in found]
    return [f"a day {', before '.join(texts)}"] if found[0] is not None else []


def _exactly(value: Decimal, metric: Metric) -> str:
    """An average is rarely whole."""
    return number(value, 2) if metric.unit is Unit.COUNT else written(value, metric)


def _average(metric: Metric, summary: Summary, period: Period) -> Decimal | None:
    figures = (summary.days.get(day, {}) for day in period.dates())
    told = [day[metric.name] for day in figures if metric.name in day]
    return sum(told, Decimal()) / len(told) if told else None


def _value(value: Decimal | None, metric: Metric) -> str:
    return "no data" if value is None else written(value, metric)


def _difference(value: Decimal, metric: Metric) -> str:
    if metric.unit is Unit.PERCENT:
        return f"{_signed(value, number(value, 1))} percentage points"
    return _signed(value, written(value, metric))


def _signed(value: Decimal, text: str) -> str:
    return f"+{text}" if value > 0 else text


def one_by_one(summaries: Sequence[Summary]) -> list[str]:
    """Each profile in a line, the first figures of it."""
    lines = ["One by one:"]
    for summary in summaries[:MOST_PROFILES]:
        told = [line for line in summary.lines if line.metric.sum is not Sum.NOW][:MOST_BRIEFLY]
        lines.append(f"“{summary.name}”: " + ", ".join(_briefly(line) for line in told))
    if len(summaries) > MOST_PROFILES:
        lines.append(f"… and {len(summaries) - MOST_PROFILES} more: ask for one by its name.")
    return lines


def _briefly(line: Line) -> str:
    change = f" (before {_value(line.before, line.metric)})" if line.before is not None else ""
    return f"{line.metric.label} {_value(line.value, line.metric)}{change}"


# --- what misses ----------------------------------------------------------------------------------------------------


def caveats(profiles: Sequence[AvitoProfile], whole: Summary, today: date, user: User) -> list[str]:
    """What must be said with the figures, so that nobody takes them for more than they are."""
    lines = [
        f"Not read yet, so not counted: {_dates(days)}."
        for period in (whole.period, whole.before)
        if period is not None and (days := knowing.never_read(profiles, period))
    ]
    if today in whole.period:
        lines.append(f"{today} is today in Moscow and not over.")
    if whole.partial:
        lines.append("Some days were put together of single listings: they may be incomplete.")
    if any(line.incomplete for line in whole.lines):
        lines.append("“incomplete”: an account that should have this figure did not tell it.")
    lines += [
        f"“{profile.name}”: {text}" for profile in profiles[:MOST_NAMED] if (text := _trouble(profile, whole))
    ]  # fmt: skip
    if any(line.metric.sum is Sum.NOW for line in whole.lines):
        lines += _standing_times(profiles[:MOST_PROFILES], user)
    return lines


def _dates(days: Sequence[date]) -> str:
    """Dates, those in a row as a stretch."""
    stretches: list[list[date]] = []
    for day in days:
        if stretches and day - stretches[-1][-1] == DAY:
            stretches[-1].append(day)
        else:
            stretches.append([day])
    texts = [str(days[0]) if len(days) == 1 else f"{days[0]} … {days[-1]}" for days in stretches]
    more = [f"and {len(texts) - STRETCHES} more stretches"] if len(texts) > STRETCHES else []
    return ", ".join([*texts[:STRETCHES], *more])


def _trouble(profile: AvitoProfile, whole: Summary) -> str:
    if profile.access == Access.BAD_KEYS:
        return "Avito refuses its keys, so nothing newer comes; its owner enters new ones with /profiles."
    if profile.access == Access.OTHER_ACCOUNT:
        return "its keys belong to another account now, so nothing newer comes; its owner mends that with /profiles."
    asked = {line.metric.section for line in whole.lines}
    told = {name: told["kind"] for name, told in profile.sections.items() if told["kind"] and Section(name) in asked}
    closed = [name for name, kind in told.items() if kind != "not_for_account"]
    lacks = [name for name, kind in told.items() if kind == "not_for_account"]
    texts = [f"Avito does not show with these keys: {named(closed)}."] if closed else []
    texts += [f"this account has none: {named(lacks)}."] if lacks else []
    return " ".join(texts)


def _standing_times(profiles: Sequence[AvitoProfile], user: User) -> list[str]:
    known = knowing.known_of(profiles)
    times = [(profile.name, known[profile.pk].standing_at) for profile in profiles]
    return [f"“{name}”: what stands in the account was read {clock(at, user)}." for name, at in times]


def row(whole: Summary, day: date, metrics: Sequence[Metric]) -> str:
    """A line of a table by day."""
    values = [value_of(metric, whole.days, Period(day, day), {}) for metric in metrics]
    cells = [_value(value, metric) for value, metric in zip(values, metrics, strict=True)]
    return " | ".join([f"{day} {day:%a}", *cells])
