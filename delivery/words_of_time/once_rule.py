"""The instant that a sentence means when it speaks of one time."""

from datetime import UTC, date, datetime, time, timedelta

from delivery.clocks import wall_at
from delivery.schedule import Daily, Once, next_after
from delivery.words_of_time.days import leap_day, month_day, next_month
from delivery.words_of_time.meaning import DAY_HOURS, PART_HOURS, SMALL_HOURS, Meaning, Unclear
from delivery.words_of_time.pieces import Clock, Day
from delivery.words_of_time.said import Assumption, Question

FARTHEST = timedelta(days=5 * 366)
LATE = 21  # from this hour on, a bare 1 to 5 is of the coming night


def once(meaning: Meaning) -> Once:
    """The rule. Raises ``Unclear`` for what is over, or too far away."""
    if meaning.hours and not meaning.clocks:
        meaning.clocks = (meaning.hours.first,)
    if meaning.after:
        at = _after(meaning)
    elif not (meaning.day or meaning.clocks or meaning.part):
        raise Unclear(Question.NO_TIME)
    elif meaning.day:
        at = _on_day(meaning, meaning.day)
    else:
        at = _today_or_tomorrow(meaning)
    if meaning.earlier:
        at -= timedelta(minutes=meaning.earlier.minutes)
        local = at.astimezone(meaning.zone)
        meaning.assume(Assumption.EARLIER, at=local.time(), on=local.date())
    if at <= meaning.now:
        raise Unclear(Question.PAST)
    if at > meaning.now + FARTHEST:
        raise Unclear(Question.TOO_FAR)
    return Once(at)


def _after(meaning: Meaning) -> datetime:
    """In so long: hours and minutes elapse, whatever the clock does; days and months keep the time of day."""
    after = meaning.after
    assert after is not None
    said = bool(meaning.clocks or meaning.part)
    if meaning.day or (after.minutes and said):
        raise Unclear(Question.SEVERAL)
    start = meaning.now.astimezone(UTC)
    if after.days or after.months:
        day = _later(meaning.today, after.days, after.months)
        if after.note:
            meaning.assume(after.note)
        start = _on_day(meaning, Day(day)) if said else _same_time(meaning, day)
    return start + timedelta(minutes=after.minutes)


def _later(day: date, days: int, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    try:
        first = date(day.year + year, month + 1, 1)
        return min(first + timedelta(day.day - 1), next_month(first) - timedelta(1)) + timedelta(days)
    except (ValueError, OverflowError) as error:
        raise Unclear(Question.TOO_FAR) from error


def _same_time(meaning: Meaning, day: date) -> datetime:
    now = meaning.now.time().replace(second=0, microsecond=0)
    meaning.assume(Assumption.SAME_TIME, at=now)
    return _coming(meaning, day, now)


def _coming(meaning: Meaning, day: date, at: time) -> datetime:
    """The instant of a wall time, strictly later than now on that day; else ``Unclear`` (it is over)."""
    found = _if_coming(meaning, day, at)
    if found is None:
        raise Unclear(Question.PAST)
    return found


def _if_coming(meaning: Meaning, day: date, at: time) -> datetime | None:
    if day < meaning.today:
        return None
    if day - meaning.today > FARTHEST:
        raise Unclear(Question.TOO_FAR)
    found = next_after(Daily(at, since=day), meaning.now, meaning.zone)
    wall = wall_at(found, meaning.zone) if found else None
    if wall is None or wall.date() != day:
        return None
    if wall.time() != at:
        meaning.assume(Assumption.GAP, at=at, on=day)
    return found


# --- a day is said --------------------------------------------------------------------------------------------------


def _on_day(meaning: Meaning, day: Day) -> datetime:
    at = _if_on_day(meaning, day.date, is_today=not day.step and day.date == meaning.today)
    if at:
        if day.step == "week" and day.date == meaning.today:
            meaning.assume(Assumption.TODAY)
        elif day.note:
            meaning.assume(day.note, on=day.date)
        return at
    if day.step:
        later = _step(day)
        meaning.assume(Assumption.LATER if day.step == "week" else Assumption.DATE, on=later)
        at = _if_on_day(meaning, later)
    elif _in_coming_night(meaning, day):
        tomorrow = day.date + timedelta(1)
        meaning.assume(Assumption.DATE, on=tomorrow)
        at = _if_on_day(meaning, tomorrow)
    if at is None:
        raise Unclear(Question.PAST)
    return at


def _step(day: Day) -> date:
    """The next such day."""
    if day.step == "week":
        return day.date + timedelta(7)
    if day.step == "month":
        return month_day(next_month(day.date), day.monthday or 1)
    if (day.date.month, day.date.day) == (2, 29):
        return leap_day(day.date + timedelta(1))
    return day.date.replace(year=day.date.year + 1)


def _in_coming_night(meaning: Meaning, day: Day) -> bool:
    """«сегодня в 2 ночи», said by day."""
    night = (meaning.part and meaning.part.name == "night") or any(clock.night for clock in meaning.clocks)
    small = any(meaning.exact(clock).hour < SMALL_HOURS for clock in meaning.clocks)
    return bool(night) and small and day.date == meaning.today


def _if_on_day(meaning: Meaning, day: date, is_today: bool = False) -> datetime | None:
    """The instant on that day, or None when it is over; ``is_today``: the person said so, and means what is ahead."""
    if not meaning.clocks:
        return _at_some_hour(meaning, day, is_today)
    clock = meaning.exact(meaning.clocks[0])
    if not clock.exact and is_today:
        return _first_of_halves(meaning, clock, day)
    clock = meaning.usual(clock)
    if clock.hour == 24:
        return _midnight(meaning, day, time(0, clock.minute))
    return _if_coming(meaning, day, time(clock.hour, clock.minute))


def _midnight(meaning: Meaning, day: date, midnight: time) -> datetime | None:
    """The midnight that ends the day, or so many minutes after it (12:30 at night)."""
    at = _if_coming(meaning, day + timedelta(1), midnight)
    if at:
        meaning.assume(Assumption.DAY_ENDS, at=midnight, on=day + timedelta(1))
    return at


def _at_some_hour(meaning: Meaning, day: date, is_today: bool) -> datetime | None:
    hours = PART_HOURS[meaning.part.name] if meaning.part else DAY_HOURS
    late = is_today or (meaning.part and day == meaning.today)
    for hour in hours if late else hours[:1]:
        at = _if_coming(meaning, day, time(hour))
        if at:
            meaning.assume(Assumption.TIME, at=time(hour))
            return at
    return None


# --- no day is said -------------------------------------------------------------------------------------------------


def _today_or_tomorrow(meaning: Meaning) -> datetime:
    tomorrow = meaning.today + timedelta(1)
    if meaning.part and meaning.part.today:
        return _on_day(meaning, Day(meaning.today))
    clock = meaning.exact(meaning.clocks[0]) if meaning.clocks else None
    if clock and clock.hour == 24:
        midnight = time(0, clock.minute)
        return _if_coming(meaning, meaning.today, midnight) or _coming(meaning, tomorrow, midnight)
    at = _if_on_day_unsaid(meaning, clock, meaning.today)
    if at is None:
        meaning.assume(Assumption.TOMORROW)
        at = _if_on_day_unsaid(meaning, clock, tomorrow)
    if at is None:
        raise Unclear(Question.PAST)
    return at


def _if_on_day_unsaid(meaning: Meaning, clock: Clock | None, day: date) -> datetime | None:
    if clock is None:
        return _at_some_hour(meaning, day, is_today=False)
    if clock.exact:
        return _if_coming(meaning, day, time(clock.hour, clock.minute))
    return _first_of_halves(meaning, clock, day)


def _first_of_halves(meaning: Meaning, clock: Clock, day: date) -> datetime | None:
    """The next of 6:00 and 18:00; small hours are meant only by who is up late."""
    awake = meaning.now.hour >= LATE or meaning.now.hour < SMALL_HOURS
    for hour in (clock.hour % 12, clock.hour % 12 + 12):
        if hour < SMALL_HOURS and not awake:
            continue
        at = _if_coming(meaning, day, time(hour, clock.minute))
        if at:
            meaning.assume(Assumption.HOUR, at=time(hour, clock.minute))
            return at
    return None
