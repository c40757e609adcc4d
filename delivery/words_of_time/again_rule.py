"""The rule that a sentence means when it speaks of what comes again."""

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta

from delivery.schedule import Cron, Daily, Monthly, Rule, Weekly
from delivery.words_of_time.days import month_day, next_month
from delivery.words_of_time.meaning import PART_HOURS, USUAL, Meaning, Unclear
from delivery.words_of_time.pieces import Clock, Hours, OnDates, OnWeekdays, Part, Repeat
from delivery.words_of_time.said import Assumption, Question

MOST_DAYS = 366
WITHIN = {"minute": 60, "hour": 24}  # what a cron's step must divide
LARGER = {"minute": "hour", "hour": "day"}


def again(meaning: Meaning) -> Rule:
    """The rule. Raises ``Unclear`` for what no rule can hold."""
    repeat = _in_largest(meaning.repeat or Repeat(""))
    if meaning.until and (repeat.span in WITHIN or not meaning.until.short):
        raise Unclear(Question.UNTIL)
    if meaning.after:
        raise Unclear(Question.INEXPRESSIBLE)
    if repeat.part and not meaning.part:
        meaning.part = Part(repeat.part)
    if repeat.span in WITHIN:
        return _within_a_day(meaning, repeat)
    if repeat.span == "times" and len(meaning.clocks) < 2:
        raise Unclear(Question.NO_TIME)
    if meaning.hours and not meaning.clocks:
        meaning.clocks = (meaning.hours.first,)
    dates = _dates(meaning, repeat)
    times = _times(meaning)
    match dates:
        case OnWeekdays():
            return _weekly(meaning, dates, times)
        case OnDates():
            return _on_dates(meaning, dates, repeat, times)
    return _daily(meaning, repeat, times)


def _in_largest(repeat: Repeat) -> Repeat:
    """120 minutes are 2 hours, 48 hours are 2 days."""
    while repeat.span in LARGER and repeat.count % WITHIN[repeat.span] == 0:
        repeat = Repeat(LARGER[repeat.span], repeat.count // WITHIN[repeat.span])
    return repeat


def _dates(meaning: Meaning, repeat: Repeat) -> OnWeekdays | OnDates | None:
    """Which days of weeks, months or years; None when days are counted."""
    dates, day = meaning.dates, meaning.day
    if dates is not None:
        fits = {OnWeekdays: ("", "day", "week", "times"), OnDates: ("", "month", "times")}[type(dates)]
        if day or repeat.span not in fits or (repeat.span == "day" and repeat.count > 1):
            raise Unclear(Question.INEXPRESSIBLE)
        if isinstance(dates, OnWeekdays) and repeat.span == "week":
            return OnWeekdays(dates.days, repeat.count * dates.count)
        return dates
    if repeat.span == "week" and day and day.weekday is not None:
        return OnWeekdays(frozenset({day.weekday}), repeat.count)
    if repeat.span == "week" and repeat.count == 1:
        return OnWeekdays(frozenset({_day_of(meaning, Assumption.WEEKDAY).weekday()}))
    if repeat.span == "month":
        if day and day.monthday:
            return OnDates((day.monthday,), last=day.note is Assumption.ONCE)
        return OnDates((_day_of(meaning, Assumption.DAY_OF_MONTH).day,))
    if repeat.span == "year":
        if repeat.count > 1:
            raise Unclear(Question.UNEVEN)
        on = _day_of(meaning, Assumption.DAY_OF_YEAR)
        return OnDates((on.day,), on.month)
    return None


def _day_of(meaning: Meaning, assumption: Assumption) -> date:
    """The day that is said, or today."""
    if meaning.day:
        return meaning.day.date
    meaning.assume(assumption, on=meaning.today)
    return meaning.today


def _times(meaning: Meaning) -> list[time]:
    """The hours of each day, the earliest first."""
    times = {_time(meaning, clock) for clock in meaning.clocks}
    if not times:
        times = {time(PART_HOURS[meaning.part.name][0]) if meaning.part else USUAL}
        meaning.assume(Assumption.TIME, at=min(times))
    return sorted(_earlier(meaning, at) for at in times)


def _time(meaning: Meaning, clock: Clock) -> time:
    usual = meaning.usual(clock)
    if usual.hour == 24:
        meaning.assume(Assumption.DAY_BEGINS, at=time(0, usual.minute))
    return time(usual.hour % 24, usual.minute)


def _earlier(meaning: Meaning, at: time) -> time:
    if not meaning.earlier:
        return at
    minute = at.hour * 60 + at.minute - meaning.earlier.minutes
    if minute < 0 or minute != int(minute):
        raise Unclear(Question.INEXPRESSIBLE)
    earlier = time(int(minute) // 60, int(minute) % 60)
    meaning.assume(Assumption.EARLIER, at=earlier)
    return earlier


# --- days and weeks -------------------------------------------------------------------------------------------------


def _daily(meaning: Meaning, repeat: Repeat, times: list[time]) -> Rule:
    count = repeat.count * (7 if repeat.span == "week" else 1)
    day = meaning.day
    if day and day.step == "week":
        raise Unclear(Question.INEXPRESSIBLE)
    if count == 1 and not day:
        return Daily(times[0]) if len(times) == 1 else _cron(times)
    if count > MOST_DAYS or len(times) > 1:
        raise Unclear(Question.TOO_FAR if count > MOST_DAYS else Question.INEXPRESSIBLE)
    since = day.date if day else _first_day(meaning, times[0])
    if not day:
        meaning.assume(Assumption.SINCE, on=since)
    return Daily(times[0], every=count, since=since)


def _first_day(meaning: Meaning, at: time) -> date:
    """Today if that hour is still ahead, else tomorrow."""
    return meaning.today + timedelta(at <= meaning.now.time())


def _weekly(meaning: Meaning, dates: OnWeekdays, times: list[time]) -> Rule:
    if dates.note:
        meaning.assume(dates.note)
    if dates.count == 1:
        return Weekly(dates.days, times[0]) if len(times) == 1 else _cron(times, weekdays=_weekdays(dates.days))
    if dates.count * 7 > MOST_DAYS:
        raise Unclear(Question.TOO_FAR)
    if len(dates.days) > 1 or len(times) > 1:
        raise Unclear(Question.INEXPRESSIBLE)
    since = _first_day(meaning, times[0])
    [weekday] = dates.days
    since += timedelta((weekday - since.weekday()) % 7)
    meaning.assume(Assumption.SINCE, on=since)
    return Daily(times[0], every=dates.count * 7, since=since)


# --- months and years -----------------------------------------------------------------------------------------------


def _on_dates(meaning: Meaning, dates: OnDates, repeat: Repeat, times: list[time]) -> Rule:
    if dates.weekday:
        if repeat.count > 1:
            raise Unclear(Question.INEXPRESSIBLE)
        return _cron(times, weekdays=dates.weekday)
    if dates.month:
        if (dates.days, dates.month) == ((29,), 2):
            meaning.assume(Assumption.LEAP_YEAR)
        return _cron(times, days=dates.days, months=[dates.month])
    if repeat.count == 1 and len(dates.days) == len(times) == 1:
        [day] = dates.days
        if day > 28 and not dates.last:
            meaning.assume(Assumption.SHORT_MONTH)
        return Monthly(day, times[0])
    months = _months(meaning, dates.days[0], repeat.count, times[0]) if repeat.count > 1 else ()
    return _cron(times, days=_cron_days(dates), months=months)


def _cron_days(dates: OnDates) -> Iterable[int | str]:
    """A cron skips the months that lack a day, so only the last day and days of every month will do."""
    if any(28 < day < 31 for day in dates.days):
        raise Unclear(Question.INEXPRESSIBLE)
    return ["L" if day == 31 else day for day in dates.days]


def _months(meaning: Meaning, day: int, count: int, at: time) -> Iterable[int]:
    """The months of every ``count``-th, counted from the first that comes."""
    if 12 % count:
        raise Unclear(Question.UNEVEN)
    first = _first_day(meaning, at)
    if meaning.day:
        first = max(first, meaning.day.date)
    if first.day > day:
        first = next_month(first)
    meaning.assume(Assumption.SINCE, on=month_day(first.replace(day=1), min(day, 28)))
    return sorted((first.month - 1 + count * number) % 12 + 1 for number in range(12 // count))


# --- within a day ---------------------------------------------------------------------------------------------------


def _within_a_day(meaning: Meaning, repeat: Repeat) -> Cron:
    """каждые 15 минут, every 2 hours: from the full hour, from midnight."""
    dates = meaning.dates
    if meaning.day or meaning.part or meaning.clocks or meaning.earlier or isinstance(dates, OnDates):
        raise Unclear(Question.INEXPRESSIBLE)
    if dates and dates.count > 1:
        raise Unclear(Question.INEXPRESSIBLE)
    if WITHIN[repeat.span] % repeat.count:
        raise Unclear(Question.UNEVEN)
    if repeat.count > 1 and not meaning.hours:
        meaning.assume(Assumption.OF_THE_HOUR if repeat.span == "minute" else Assumption.ON_THE_HOUR)
    step = f"/{repeat.count}" if repeat.count > 1 else ""
    hours = _hours(meaning.hours, repeat.span)
    fields = [f"*{step}", hours] if repeat.span == "minute" else ["0", hours + step]
    return Cron(" ".join([*fields, "*", "*", _weekdays(dates.days if dates else ())]))


def _hours(hours: Hours | None, span: str) -> str:
    """What the hour's field of a cron is; the minutes of the last hour are not among those «till 18»."""
    if hours is None:
        return "*"
    last = hours.last.hour - (span == "minute" or hours.last.hour == 24)
    if hours.first.minute or hours.last.minute or not hours.first.hour < last:
        raise Unclear(Question.INEXPRESSIBLE)
    return f"{hours.first.hour}-{last}"


def _cron(
    times: Sequence[time], days: Iterable[int | str] = (), months: Iterable[int] = (), weekdays: str = "*"
) -> Cron:
    if len({at.minute for at in times}) > 1:
        raise Unclear(Question.INEXPRESSIBLE)
    hours = _listed(at.hour for at in times)
    return Cron(f"{times[0].minute} {hours} {_listed(days)} {_listed(months)} {weekdays}")


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values)) or "*"


def _weekdays(days: Iterable[int]) -> str:
    """The weekdays as a cron counts them, Sunday being 0."""
    if set(days) == set(range(5)):
        return "1-5"
    return _listed(sorted((day + 1) % 7 for day in days))
