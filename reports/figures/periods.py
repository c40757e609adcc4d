"""Which days a report is about. Days are Moscow's, as Avito counts them; pure functions, the clock is passed in.

period_for(rule, planned_at, zone)      what a schedule reports of when it falls due
check_range(first, last, now)           days that a person chose; PeriodError says what to choose instead
read_range(text, now)                   the same, as a person writes it
comparison(period, now)                 what it is compared with, None when Avito does not know those days any more
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery.clocks import wall_at
from delivery.schedule import Daily, Monthly, Rule, Weekly, zone_of

# Statistics have Moscow's days: samples in Avito's API description begin at Moscow's midnight.
AVITO_ZONE = ZoneInfo("Europe/Moscow")
# Avito tells of no day before this many days ago ("Avito's API description", items.json, statistics).
MOST_DAYS_BACK = 270
# So many days up to the last one a chart shows at least, against as many before.
TREND = 14
DAY = timedelta(days=1)


class PeriodError(ValueError):
    """Days that cannot be reported of; the text says to a person which ones can, in the active language."""


@dataclass(frozen=True, order=True)
class Period:
    """Whole days from ``first`` to ``last``, both within."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def dates(self) -> Iterator[date]:
        return (self.first + DAY * n for n in range(self.days))

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def is_month(self) -> bool:
        """It is one whole month of the calendar."""
        return self == month_of(self.first)

    @property
    def is_week(self) -> bool:
        """It is one whole week, Monday to Sunday."""
        return self.days == 7 and self.first.weekday() == 0

    def before(self) -> "Period":
        """As many days right before it; of a whole month the month before, however long that is."""
        if self.is_month:
            return month_of(self.first - DAY)
        return Period(self.first - DAY * self.days, self.first - DAY)


def month_of(day: date) -> Period:
    """The whole month that ``day`` is in."""
    return Period(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def week_of(day: date) -> Period:
    """The whole week that ``day`` is in, Monday to Sunday."""
    monday = day - DAY * day.weekday()
    return Period(monday, monday + DAY * 6)


def ending(last: date, days: int) -> Period:
    """``days`` days, of which ``last`` is the last."""
    return Period(last - DAY * (days - 1), last)


def today_at_avito(now: datetime) -> date:
    """The day that Avito counts at ``now`` (aware)."""
    return wall_at(now, AVITO_ZONE).date()


def oldest_day(now: datetime) -> date:
    """The first day that Avito still tells of."""
    return today_at_avito(now) - DAY * MOST_DAYS_BACK


def comparison(period: Period, now: datetime) -> Period | None:
    """The period before. None when a part of it is older than Avito remembers; and of today alone, of which a whole
    day before it says nothing."""
    if period.first == today_at_avito(now):
        return None
    before = period.before()
    return before if before.first >= oldest_day(now) else None


def period_for(rule: Rule, planned_at: datetime, zone: str) -> Period:
    """What is reported when ``rule`` falls due at ``planned_at`` (aware) in ``zone``: days that are over in Moscow.

    Daily: yesterday, or as many last days as lie between two reports. Weekly: the last whole week; on several
    weekdays the days since the one before. Monthly: the last whole month. Of any other rule: yesterday.
    """
    today = today_at_avito(planned_at)
    yesterday = today - DAY
    match rule:
        case Daily(every=every):
            return ending(yesterday, every)
        case Weekly(days=days) if len(days) == 1:
            return week_of(today - DAY * 7)
        case Weekly(days=days):
            return ending(yesterday, _since_chosen(days, wall_at(planned_at, zone_of(zone)).weekday()))
        case Monthly():
            return month_of(today.replace(day=1) - DAY)
        case _:
            return Period(yesterday, yesterday)


def _since_chosen(days: frozenset[int], weekday: int) -> int:
    """How many days before ``weekday`` the last of ``days`` was: 1 to 7."""
    return min((weekday - day - 1) % 7 + 1 for day in days)


def check_range(first: date, last: date, now: datetime) -> Period:
    """The days that a person asks for; today is among them at most as the last. Raises PeriodError."""
    today = today_at_avito(now)
    if last < first:
        text = _("The period ends before it begins: %(first)s is after %(last)s. Swap the two dates.")
        raise PeriodError(text % {"first": day_words(first), "last": day_words(last)})
    if last > today:
        text = _("%(day)s has not come yet. Choose days up to today, %(today)s (Avito counts days by Moscow time).")
        raise PeriodError(text % {"day": day_words(last), "today": day_words(today)})
    if first < oldest_day(now):
        text = _("Avito remembers only the last 270 days. Choose days from %(oldest)s on.")
        raise PeriodError(text % {"oldest": day_words(oldest_day(now))})
    return Period(first, last)


def day_words(day: date) -> str:
    """``22 November 2026``: no order of numbers to misread."""
    return date_format(day, "j E Y")


# --- as a person writes it ------------------------------------------------------------------------------------------

MONTHS = (
    ("янв", "jan"), ("фев", "feb"), ("мар", "mar"), ("апр", "apr"), ("май", "мая", "мае", "may"), ("июн", "jun"),
    ("июл", "jul"), ("авг", "aug"), ("сен", "sep"), ("окт", "oct"), ("ноя", "nov"), ("дек", "dec"),
)  # fmt: skip
NAMED = r"(?P<{0}word>[а-яa-z]{{3,10}})\.?"
DATE = (
    r"(?:(?P<{0}iso>\d{{4}}-\d\d-\d\d)"
    r"|(?P<{0}day>\d{{1,2}})(?:\.(?P<{0}month>\d{{1,2}})| "
    + NAMED
    + r")(?:[. ](?P<{0}year>\d{{4}}|\d\d))?)(?: ?г\b| года)?\.?"
)
DASH = r" ?(?:-|–|—|\.\.\.?|…|по\b|до\b|to\b|till\b) ?"
ONE = re.compile(DATE.format(""))
TWO = re.compile(f"(?:с |со |from )?{DATE.format('a')}{DASH}{DATE.format('b')}")
# «1–15 ноября», «1-15.11.2026»: the month is said once.
SHORT = re.compile(f"(?:с |from )?(?P<from>\\d{{1,2}}){DASH}{DATE.format('b')}")
MONTH = re.compile(NAMED.format("") + r"(?: (?P<year>\d{4}))?")
LAST_DAYS = re.compile(r"(?:последн\w+ |last |past )?(?P<count>\d{1,4}) ?(?:дн\w*|день|сут\w+|days?)")
LEADING = re.compile(r"^(?:за|for|the) ")


def read_range(text: str, now: datetime) -> Period:
    """``01.11.2026 - 15.11.2026``, «1–15 ноября», one day, «вчера», «прошлая неделя», «октябрь 2026», «14 дней»;
    a year that is left out is the latest that is not ahead. Raises PeriodError."""
    said = LEADING.sub("", " ".join(text.casefold().replace("ё", "е").replace("/", ".").split()))
    today = today_at_avito(now)
    found = _in_words(said, today) or _in_dates(said, today)
    if found is None:
        sentence = _(
            "I do not understand this period. Write it like 01.11.2026 - 15.11.2026, or “yesterday”, “last week”, "
            "“last month”, “30 days”."
        )
        raise PeriodError(sentence)
    return check_range(*found, now)


def _in_words(said: str, today: date) -> tuple[date, date] | None:
    yesterday, week, month = today - DAY, week_of(today), month_of(today)
    match said:
        case "сегодня" | "today":
            return today, today
        case "вчера" | "yesterday":
            return yesterday, yesterday
        case "позавчера" | "day before yesterday":
            return yesterday - DAY, yesterday - DAY
        case "неделя" | "неделю" | "week":
            return _ends(ending(yesterday, 7))
        case "эта неделя" | "эту неделю" | "this week":
            return week.first, today
        case "прошлая неделя" | "прошлую неделю" | "last week":
            return _ends(week.before())
        case "позапрошлая неделя" | "позапрошлую неделю" | "week before last":
            return _ends(week.before().before())
        case "месяц" | "month":
            return _ends(ending(yesterday, 30))
        case "этот месяц" | "this month":
            return month.first, today
        case "прошлый месяц" | "last month":
            return _ends(month.before())
        case "позапрошлый месяц" | "month before last":
            return _ends(month.before().before())
    return _counted(said, today)


def _ends(period: Period) -> tuple[date, date]:
    return period.first, period.last


def _counted(said: str, today: date) -> tuple[date, date] | None:
    """The last so many full days, or a month by its name; a month that is not over ends today."""
    if (found := LAST_DAYS.fullmatch(said)) and (count := int(found["count"])):
        return _ends(ending(today - DAY, count))
    if (found := MONTH.fullmatch(said)) and (number := _month_number(found["word"])):
        year = int(found["year"]) if found["year"] else today.year - (number > today.month)
        whole = month_of(_date(year, number, 1))
        return whole.first, min(whole.last, today) if whole.first <= today else whole.last
    return None


def _month_number(word: str) -> int | None:
    return next((n for n, stems in enumerate(MONTHS, 1) if word.startswith(stems)), None)


def _in_dates(said: str, today: date) -> tuple[date, date] | None:
    if (found := ONE.fullmatch(said)) and (one := _parts(found, "")):
        day = _resolved(one, today)
        return day, day
    if (found := SHORT.fullmatch(said)) and (end := _parts(found, "b")):
        last = _resolved(end, today)
        return _date(last.year, last.month, int(found["from"])), last
    if (found := TWO.fullmatch(said)) and (start := _parts(found, "a")) and (end := _parts(found, "b")):
        last = _resolved(end, today)
        return _before(start, last), last
    return None


def _parts(found: "re.Match[str]", which: str) -> tuple[int | None, int, int] | None:
    """(year or None, month, day) as they are written; None when the month's name is not one."""
    if iso := found[which + "iso"]:
        year, month, day = map(int, iso.split("-"))
        return year, month, day
    written, word = found[which + "month"], found[which + "word"]
    number = int(written) if written else _month_number(word)
    if number is None:
        return None
    said = found[which + "year"]
    return (int(said) + (2000 if len(said) == 2 else 0) if said else None), number, int(found[which + "day"])


def _resolved(parts: tuple[int | None, int, int], today: date) -> date:
    year, month, day = parts
    if year is not None:
        return _date(year, month, day)
    this = _date(today.year, month, day)
    return this if this <= today else _date(today.year - 1, month, day)


def _before(parts: tuple[int | None, int, int], last: date) -> date:
    """The beginning of what ends at ``last``; «25.12 - 05.01» and «25.12 - 05.01.2027» begin in the year before."""
    year, month, day = parts
    first = _date(last.year if year is None else year, month, day)
    if year is not None or first <= last:
        return first
    earlier = _date(last.year - 1, month, day)
    return earlier if (last - earlier).days <= MOST_DAYS_BACK else first


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        text = _("There is no such day: %(day)s. Write the period like 01.11.2026 - 15.11.2026.")
        raise PeriodError(text % {"day": f"{day:02}.{month:02}.{year}"}) from error
