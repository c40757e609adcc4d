"""Rules of time: when something planned runs next. Pure functions; no rows, no clock of their own.

    Rule = Once | Cron | Daily | Weekly | Monthly          each valid once it exists, else RuleError(code, field)

A rule speaks of wall time in a zone, and every answer is an instant in UTC. What the clock does to it:

- a wall time that the clock skips runs at the end of the gap, once;
- a wall time that comes twice runs at its first pass;
- a cron whose minute or hour begins with ``*`` follows the clock instead: it runs in both passes of a
  repeated hour, and not at all in a skipped one (as Debian's cron does);
- days, weeks and months are counted in dates, and only then turned into instants.
"""

import calendar
import functools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from delivery.clocks import instant_of, offset_at, switch_in, wall_at

LONGEST = 100  # characters of a cron expression
MOST_DAYS = 366  # between two runs of Daily
COUNTED = 100  # runs that last_between counts before it stops counting
COMPARED = 61  # runs that smallest_gap looks at: enough for a whole hour of any cron

EPOCH = datetime(2000, 1, 1)  # where a parsed cron starts when only its fields matter
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)

MACROS = {
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
    "@MONTHLY": "0 0 1 * *",
    "@WEEKLY": "0 0 * * 0",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@HOURLY": "0 * * * *",
}

FIELDS = {
    "minute": gettext_lazy("The minute must be 0 to 59, such as `0`, `*/15` or `0,30`."),
    "hour": gettext_lazy("The hour must be 0 to 23, such as `9`, `9-18` or `*/2`."),
    "day": gettext_lazy("The day of the month must be 1 to 31, such as `1`, `1,15` or `L` for the last day."),
    "month": gettext_lazy("The month must be 1 to 12 or JAN to DEC, such as `1-6` or `*/3`."),
    "weekday": gettext_lazy("The weekday must be 0 to 7 (0 and 7: Sunday) or SUN to SAT, such as `1-5` or `MON,THU`."),
}


class RuleError(ValueError):
    """A rule that cannot be; the text says to its author what to do, in the active language.

    ``code`` is for programs: empty, too-long, unknown-macro, six-fields, field-count, bad-field, never-fires,
    too-often, unknown-zone, bad-rule. ``field`` is what to mend.
    """

    def __init__(self, code: str, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.field = field


# --- the rules ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Once:
    """One instant. Kept in UTC, for Python holds a repeated hour of two zones for unequal."""

    at: datetime

    def __post_init__(self) -> None:
        if not isinstance(self.at, datetime) or self.at.tzinfo is None:
            raise RuleError("bad-field", "at", _("The time needs a zone or an offset, such as 2026-04-06T12:00:00Z."))
        try:
            object.__setattr__(self, "at", self.at.astimezone(UTC))
        except OverflowError as error:
            raise RuleError("bad-field", "at", _("This time is beyond the calendar. Choose one nearer.")) from error


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields as crontab means them, in capitals; macros such as @daily are written out."""

    expression: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", _normal(str(self.expression)))


@dataclass(frozen=True, slots=True)
class Daily:
    """Every ``every`` days, counted from the date ``since`` and never before it."""

    at: time
    every: int = 1
    since: date | None = None

    def __post_init__(self) -> None:
        _check_time(self.at)
        if not _whole(self.every, 1, MOST_DAYS):
            raise RuleError("bad-field", "every", _("The number of days must be 1 to %(most)d.") % {"most": MOST_DAYS})
        if self.since is None and self.every > 1:
            raise RuleError("bad-field", "since", _("Say from which date the days are counted."))
        if self.since is not None and (not isinstance(self.since, date) or isinstance(self.since, datetime)):
            raise RuleError("bad-field", "since", _("Write the date like 2026-04-06."))


@dataclass(frozen=True, slots=True)
class Weekly:
    """On chosen weekdays, 0 = Monday … 6 = Sunday."""

    days: frozenset[int]
    at: time

    def __post_init__(self) -> None:
        _check_time(self.at)
        if not isinstance(self.days, frozenset) or not self.days or not all(_whole(day, 0, 6) for day in self.days):
            raise RuleError("bad-field", "days", _("Choose at least one day of the week."))


@dataclass(frozen=True, slots=True)
class Monthly:
    """On a day of each month; a month without it has its last day instead."""

    day: int
    at: time

    def __post_init__(self) -> None:
        _check_time(self.at)
        if not _whole(self.day, 1, 31):
            raise RuleError("bad-field", "day", _("The day of the month must be 1 to 31."))


Rule = Once | Cron | Daily | Weekly | Monthly


def cron(expression: str) -> Cron:
    """The checked rule of a crontab line. Raises ``RuleError``, also for a rule that never fires."""
    return Cron(expression)


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _check_time(at: object) -> None:
    if not isinstance(at, time) or at.tzinfo is not None or at.second or at.microsecond:
        raise RuleError("bad-field", "at", _("Write the time in hours and minutes, like 09:30."))


@functools.lru_cache(maxsize=1024)  # a tick reads the same few rules again and again
def _normal(expression: str) -> str:
    if len(expression) > LONGEST:
        sentence = _("The rule is too long: %(most)d characters at most.") % {"most": LONGEST}
        raise RuleError("too-long", "expression", sentence)
    fields = expression.upper().split()
    if len(fields) == 1 and fields[0].startswith("@"):
        fields = _written_out(fields[0]).split()
    _check_count(fields)
    _check_fields(fields)
    return " ".join(fields)


def _written_out(macro: str) -> str:
    if macro not in MACROS:
        known = ", ".join(MACROS).lower()
        sentence = _("This short form is not known here. Write five fields or one of: %(known)s.") % {"known": known}
        raise RuleError("unknown-macro", "expression", sentence)
    return MACROS[macro]


def _check_count(fields: list[str]) -> None:
    five = _("Write five fields: minute, hour, day, month, weekday; `0 9 * * 1-5` is nine o'clock on weekdays.")
    if len(fields) == 6:
        raise RuleError("six-fields", "expression", _("Seconds and years have no place here.") + " " + five)
    if len(fields) != 5:
        raise RuleError("field-count" if fields else "empty", "expression", five)


def _check_fields(fields: list[str]) -> None:
    for number, (name, sentence) in enumerate(FIELDS.items()):
        alone = ["*"] * 5
        alone[number] = fields[number]
        if not _parses(alone):
            raise RuleError("bad-field", name, str(sentence))
    if not _parses(fields) or next(CronSim(" ".join(fields), EPOCH), None) is None:
        raise RuleError("never-fires", "expression", _("This rule never fires: there is no such day. Change it."))


def _parses(fields: list[str]) -> bool:
    try:
        CronSim(" ".join(fields), EPOCH)
    except CronSimError:
        return False
    return True


# --- zones ----------------------------------------------------------------------------------------------------------


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name, in whatever case. Raises ``RuleError``."""
    known = _zones().get(name.strip().casefold()) if isinstance(name, str) and len(name) <= LONGEST else None
    if known is None:
        raise RuleError("unknown-zone", "zone", _("This time zone is not known. Write one like Europe/Moscow."))
    return ZoneInfo(known)


@functools.cache
def _zones() -> dict[str, str]:
    # These two say what this machine is set to, or nothing.
    names = zoneinfo.available_timezones() - {"localtime", "Factory"}
    return {name.casefold(): name for name in names}


# --- when -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """One coming run (UTC), and what is odd about it."""

    at: datetime
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Elapsed:
    """What was due in a stretch of time: the latest run, how many there were (``count`` or more when ``capped``),
    and the first one after the stretch."""

    last: datetime | None
    count: int
    capped: bool
    next: datetime | None


def next_after(rule: Rule, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first run strictly later than ``after``, in UTC; None when there is none any more."""
    return next((at for at, _wall_time in _runs(rule, after, zone)), None)


def last_between(rule: Rule, after: datetime, until: datetime, zone: ZoneInfo) -> Elapsed:
    """The runs in (after, until]. Counts to ``COUNTED`` and no further, however long the stretch."""
    last, count = None, 0
    for at, _wall_time in _runs(rule, after, zone):
        if at > until:
            return Elapsed(last, count, False, at)
        if count == COUNTED:
            return Elapsed(_latest(rule, at, until, zone), COUNTED, True, next_after(rule, until, zone))
        last, count = at, count + 1
    return Elapsed(last, count, False, None)


def preview(rule: Rule, after: datetime, zone: ZoneInfo, count: int = 5) -> list[Run]:
    """The next ``count`` runs, each with what its reader would otherwise wonder about."""
    return [Run(at, _remark(rule, at, wall, zone)) for at, wall in islice(_runs(rule, after, zone), count)]


def smallest_gap(rule: Rule, after: datetime, zone: ZoneInfo) -> timedelta | None:
    """The shortest time between two of the coming runs; None when fewer than two come."""
    runs = islice(_runs(rule, after, zone), COMPARED)
    return min((later - earlier for (earlier, _w), (later, _v) in pairwise(runs)), default=None)


def check_gap(rule: Rule, after: datetime, least: timedelta) -> None:
    """Raise ``RuleError`` (too-often) for a rule with less than ``least`` between two runs.

    In UTC, so that no switch of a clock decides whether a rule is accepted.
    """
    gap = smallest_gap(rule, after, ZoneInfo("UTC"))
    if gap is not None and gap < least:
        minutes = -(-least // timedelta(minutes=1))
        text = ngettext(
            "This runs too often: leave at least %(count)d minute between two runs.",
            "This runs too often: leave at least %(count)d minutes between two runs.",
            minutes,
        )
        raise RuleError("too-often", "rule", text % {"count": minutes})


def _runs(rule: Rule, after: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """(instant, wall time meant) of each run strictly later than ``after``, strictly increasing, until the
    calendar ends."""
    after = after.astimezone(UTC)
    try:
        if isinstance(rule, Cron) and _follows_clock(rule):
            yield from _on_clock(rule, after, zone)
            return
        for wall in _walls(rule, wall_at(after, zone), zone):
            at = instant_of(wall, zone) if not isinstance(rule, Once) else rule.at
            if at > after:
                yield at, wall
                after = at
    except OverflowError:  # year 10000
        return


def _walls(rule: Rule, start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The wall times of a rule, from about ``start``: never earlier than its day, none left out after it."""
    if isinstance(rule, Once):
        yield wall_at(rule.at, zone)
    elif isinstance(rule, Cron):
        yield from CronSim(rule.expression, start)
    else:
        for day in _days(rule, start.date()):
            yield datetime.combine(day, rule.at)


def _days(rule: Daily | Weekly | Monthly, day: date) -> Iterator[date]:
    if isinstance(rule, Monthly):
        yield from _days_of_months(rule.day, day.year, day.month)
        return
    if isinstance(rule, Daily) and rule.since:
        ahead = (rule.since - day).days
        day += timedelta(days=ahead if ahead > 0 else ahead % rule.every)
    step = timedelta(days=rule.every) if isinstance(rule, Daily) else DAY
    while True:
        if not isinstance(rule, Weekly) or day.weekday() in rule.days:
            yield day
        day += step


def _days_of_months(day: int, year: int, month: int) -> Iterator[date]:
    while year <= MAXYEAR:
        yield date(year, month, min(day, calendar.monthrange(year, month)[1]))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _follows_clock(rule: Cron) -> bool:
    minute, hour, *_rest = rule.expression.split()
    return minute.startswith("*") or hour.startswith("*")


def _on_clock(rule: Cron, after: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Each instant whose wall time fits. Between two switches the offset stands, so there it is plain counting."""
    begin: datetime | None = after.replace(microsecond=0) + SECOND
    while begin:
        offset = offset_at(begin, zone)
        low, begin = begin, None
        for wall in CronSim(rule.expression, low.replace(tzinfo=None) + offset - SECOND):
            at = wall.replace(tzinfo=UTC) - offset
            begin = switch_in(low, at, zone)
            if begin:
                break
            yield at, wall
            low = at


def _latest(rule: Rule, low: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """The last run until ``until``, given one (``low``), by halving the stretch."""
    high = until
    while (at := next_after(rule, low, zone)) is not None and at <= until:
        middle = low + (high - low) / 2
        found = next_after(rule, middle, zone)
        if found is not None and found <= until:
            low = found
        else:
            low, high = at, middle
    return low


def _remark(rule: Rule, at: datetime, wall: datetime, zone: ZoneInfo) -> str | None:
    values = {"time": f"{wall:%H:%M}", "date": date_format(wall, "j E"), "month": date_format(wall, "F")}
    said = []
    if isinstance(rule, Monthly) and wall.day < rule.day:
        said.append(_("%(month)s has %(days)d days: on the last one") % {**values, "days": wall.day})
    shown = at.astimezone(zone)
    if wall_at(at, zone) != wall:
        said.append(_("the clock goes forward: there is no %(time)s on %(date)s") % values)
    elif shown.replace(fold=0).utcoffset() != shown.replace(fold=1).utcoffset():
        second = _("%(time)s comes twice on %(date)s: the second time")
        said.append((second if shown.fold else _("%(time)s comes twice on %(date)s: the first time")) % values)
    return "; ".join(said) or None


# --- as rows keep them ----------------------------------------------------------------------------------------------


def to_json(rule: Rule) -> dict[str, Any]:
    """What a row keeps; ``from_json`` reads it back."""
    match rule:
        case Once(at):
            return {"kind": "once", "at": at.isoformat()}
        case Cron(expression):
            return {"kind": "cron", "expression": expression}
        case Daily(at, every, since):
            return {"kind": "daily", "at": f"{at:%H:%M}", "every": every, "since": since and since.isoformat()}
        case Weekly(days, at):
            return {"kind": "weekly", "days": sorted(days), "at": f"{at:%H:%M}"}
        case Monthly(day, at):
            return {"kind": "monthly", "day": day, "at": f"{at:%H:%M}"}


def from_json(data: object) -> Rule:
    """The rule that ``to_json`` wrote. Raises ``RuleError`` for anything else."""
    try:
        return _read(data)
    except RuleError:
        raise
    except (TypeError, ValueError) as error:
        raise RuleError("bad-rule", "rule", _("This is no rule of time. Plan it anew.")) from error


def _read(data: object) -> Rule:
    match data:
        case {"kind": "once", "at": str(at)}:
            return Once(datetime.fromisoformat(at))
        case {"kind": "cron", "expression": str(expression)}:
            return Cron(expression)
        case {"kind": "daily", "at": str(at), "every": every, "since": since}:
            return Daily(time.fromisoformat(at), every, since and date.fromisoformat(since))
        case {"kind": "weekly", "days": [*days], "at": str(at)}:
            return Weekly(frozenset(days), time.fromisoformat(at))
        case {"kind": "monthly", "day": day, "at": str(at)}:
            return Monthly(day, time.fromisoformat(at))
    raise TypeError(data)
