"""A period's figures made of its days, against the period before; and several accounts' together. Pure functions.

    summarise(...)      one profile
    total(summaries)    all of them, each account once

What was not told is None and never zero. Sums go over the days that were told; what is divided is divided as sums of
the days that tell both; what stands (active listings) is as on the last day that tells it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from reports.figures.periods import Period
from reports.metrics import BY_NAME, METRICS, Figures, Metric, Section, Sum, Unit

Days = Mapping[date, Figures]
HUNDRED = Decimal(100)
# The kind of AvitoError of a section that such an account does not have: nothing is missing.
NOT_FOR_ACCOUNT = "not_for_account"


@dataclass(frozen=True)
class Line:
    """One figure: of the period, of the period before, and by how many percent it changed.

    ``change`` is None where it means nothing: one of them was not told, or there was nothing before.
    ``incomplete``: in a total, an account that has it did not tell.
    """

    metric: Metric
    value: Decimal | None
    before: Decimal | None = None
    change: Decimal | None = None
    incomplete: bool = False


@dataclass(frozen=True)
class Summary:
    """``days``: figures by day, also around the period where they are known. ``gaps``: what could not be had, and the
    kind of AvitoError. ``as_of``: until when Avito had counted. ``partial``: put together of single listings.

    ``standing``: what is now, by name. ``accounts``: how many a total is made of.
    """

    name: str
    account_id: int | None
    period: Period
    before: Period | None
    lines: tuple[Line, ...]
    days: Days
    gaps: Mapping[Section, str]
    as_of: datetime | None
    partial: bool
    standing: Figures = field(default_factory=dict)
    accounts: int = 1

    def line(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.metric.name == name), None)

    def value(self, name: str) -> Decimal | None:
        """A figure of the period, whether it has a line or not."""
        return value_of(BY_NAME[name], self.days, self.period, self.standing)


def metrics_of(names: Iterable[str]) -> tuple[Metric, ...]:
    """Those that there are, in the order of the table. Unknown names are left out: an older row may hold them."""
    chosen = set(names)
    return tuple(metric for metric in METRICS if metric.name in chosen)


def sections_of(names: Iterable[str]) -> frozenset[Section]:
    """What must be asked for these figures."""
    return frozenset(metric.section for metric in metrics_of(names))


def summarise(
    name: str,
    account_id: int | None,
    period: Period,
    before: Period | None,
    days: Days,
    standing: Figures,
    metrics: Sequence[Metric],
    gaps: Mapping[Section, str],
    as_of: datetime | None,
    partial: bool,
) -> Summary:
    """One profile's period. ``days`` may hold more days than the two periods."""
    lines = tuple(_line(metric, days, standing, period, before) for metric in metrics)
    return Summary(name, account_id, period, before, lines, days, gaps, as_of, partial, standing)


def change_of(value: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Percent, up to 28 digits; None without both, or with nothing before."""
    if value is None or before is None or before == 0:
        return None
    return (value - before) / abs(before) * HUNDRED


def value_of(metric: Metric, days: Days, period: Period, standing: Figures) -> Decimal | None:
    match metric.sum:
        case Sum.NOW:
            return standing.get(metric.name)
        case Sum.LAST:
            told = _told(metric.name, days, period)
            return told[-1] if told else None
        case Sum.RATIO:
            return _divided(metric, _pair(metric, days, period))
        case _:
            told = _told(metric.name, days, period)
            return sum(told, Decimal()) if told else None


def missing_days(summary: Summary, period: Period) -> list[date]:
    """Days of ``period`` of which no statistics were told at all."""
    names = {metric.name for metric in METRICS if metric.section is Section.STATISTICS}
    return [day for day in period.dates() if names.isdisjoint(summary.days.get(day, {}))]


def _line(metric: Metric, days: Days, standing: Figures, period: Period, before: Period | None) -> Line:
    value = value_of(metric, days, period, standing)
    if before is None or metric.sum is Sum.NOW:
        return Line(metric, value)
    earlier = value_of(metric, days, before, standing)
    return Line(metric, value, earlier, change_of(value, earlier))


def _told(name: str, days: Days, period: Period) -> list[Decimal]:
    figures = (days.get(day, {}) for day in period.dates())
    return [told[name] for told in figures if name in told]


def _pair(metric: Metric, days: Days, period: Period) -> tuple[Decimal, Decimal] | None:
    """Both sums, over the days that tell both; None when no day does."""
    over, under = metric.over
    figures = (days.get(day, {}) for day in period.dates())
    both = [(told[over], told[under]) for told in figures if over in told and under in told]
    if not both:
        return None
    return sum((one for one, _other in both), Decimal()), sum((other for _one, other in both), Decimal())


def _divided(metric: Metric, pair: tuple[Decimal, Decimal] | None) -> Decimal | None:
    if pair is None or pair[1] == 0:
        return None
    return pair[0] / pair[1] * (HUNDRED if metric.unit is Unit.PERCENT else 1)


# --- several together -----------------------------------------------------------------------------------------------


def total(summaries: Sequence[Summary]) -> Summary:
    """All of them as one, each account once however many profiles it has; their order does not matter.

    Raises ValueError without summaries, or when they are not about the same days.
    """
    if len({(summary.period, summary.before) for summary in summaries}) != 1:
        raise ValueError("a total needs summaries of the same days")
    accounts = _each_account_once(summaries)
    first = accounts[0]
    shown = metrics_of(line.metric.name for summary in summaries for line in summary.lines)
    # A rating is nobody's sum.
    lines = tuple(_total_line(metric, accounts) for metric in shown if metric.unit is not Unit.SCORE)
    told = [summary.as_of for summary in accounts if summary.as_of is not None]
    now = {line.metric.name: line.value for line in lines if line.metric.sum is Sum.NOW and line.value is not None}
    return Summary(
        name=_("Total"),
        account_id=None,
        period=first.period,
        before=first.before,
        lines=lines,
        days=_days_together(accounts),
        gaps=_gaps_together(accounts),
        as_of=min(told, default=None),
        partial=any(summary.partial for summary in accounts),
        standing=now,
        accounts=len(accounts),
    )


def _each_account_once(summaries: Sequence[Summary]) -> list[Summary]:
    """Of two profiles of an account the one that tells more. A profile whose account nobody knows is one of its own."""
    best: dict[object, Summary] = {}
    for summary in sorted(summaries, key=_fullness, reverse=True):
        best.setdefault(object() if summary.account_id is None else summary.account_id, summary)
    return list(best.values())


def _fullness(summary: Summary) -> tuple[object, ...]:
    """Never a tie but between equals, so that the order of profiles decides nothing."""
    told = sum(len(figures) for figures in summary.days.values()) + len(summary.standing)
    as_of = summary.as_of.timestamp() if summary.as_of else 0.0
    values = [str(line.value) for line in summary.lines]
    return told, not summary.partial, -len(summary.gaps), as_of, values, summary.name


def _total_line(metric: Metric, accounts: Sequence[Summary]) -> Line:
    period, before = accounts[0].period, accounts[0].before
    value = _summed(metric, accounts, period)
    lacking = any(_lacks(metric, summary) for summary in accounts)
    if before is None or metric.sum is Sum.NOW:
        return Line(metric, value, incomplete=lacking)
    earlier = _summed(metric, accounts, before)
    return Line(metric, value, earlier, change_of(value, earlier), lacking)


def _summed(metric: Metric, accounts: Sequence[Summary], period: Period) -> Decimal | None:
    if metric.sum is Sum.RATIO:
        pairs = [pair for summary in accounts if (pair := _pair(metric, summary.days, period))]
        over, under = (sum((pair[n] for pair in pairs), Decimal()) for n in (0, 1))
        return _divided(metric, (over, under)) if pairs else None
    values = [value_of(metric, summary.days, period, summary.standing) for summary in accounts]
    told = [value for value in values if value is not None]
    return sum(told, Decimal()) if told else None


def _lacks(metric: Metric, summary: Summary) -> bool:
    """It did not tell what it should have. A ratio is not lacking where there was nothing to divide by."""
    if summary.gaps.get(metric.section) == NOT_FOR_ACCOUNT:
        return False
    if metric.sum is Sum.RATIO:
        return _pair(metric, summary.days, summary.period) is None
    return value_of(metric, summary.days, summary.period, summary.standing) is None


def _days_together(accounts: Sequence[Summary]) -> dict[date, dict[str, Decimal]]:
    """A day has a figure when all who ever tell it told it: a sum without one of them would look like a fall."""
    telling: dict[str, int] = {}
    for summary in accounts:
        for name in {name for figures in summary.days.values() for name in figures}:
            telling[name] = telling.get(name, 0) + 1
    found: dict[date, dict[str, list[Decimal]]] = {}
    for summary in accounts:
        for day, figures in summary.days.items():
            for name, value in figures.items():
                found.setdefault(day, {}).setdefault(name, []).append(value)
    return {
        day: {name: sum(values, Decimal()) for name, values in figures.items() if len(values) == telling[name]}
        for day, figures in sorted(found.items())
    }


def _gaps_together(accounts: Sequence[Summary]) -> dict[Section, str]:
    """What misses somewhere; what no account has only when it is so everywhere."""
    gaps: dict[Section, str] = {}
    for section in Section:
        kinds = sorted(summary.gaps[section] for summary in accounts if section in summary.gaps)
        missing = [kind for kind in kinds if kind != NOT_FOR_ACCOUNT]
        if missing:
            gaps[section] = missing[0]
        elif kinds and len(kinds) == len(accounts):
            gaps[section] = NOT_FOR_ACCOUNT
    return gaps
