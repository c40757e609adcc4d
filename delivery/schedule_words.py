"""Rules of time and moments in words, in the active language."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from delivery.schedule import EPOCH, Cron, Daily, Monthly, Once, Rule, Weekly

WORKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})
MOST_TIMES = 4  # of one day that are still easier to read than the crontab line

DAYS = (
    gettext_lazy("Mondays"),
    gettext_lazy("Tuesdays"),
    gettext_lazy("Wednesdays"),
    gettext_lazy("Thursdays"),
    gettext_lazy("Fridays"),
    gettext_lazy("Saturdays"),
    gettext_lazy("Sundays"),
)


def local(at: datetime, zone: ZoneInfo) -> str:
    """``Saturday, 25 April 2026, 15:00 (Europe/Berlin, UTC+2)``."""
    here = at.astimezone(zone)
    clock = f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
    place = zone.key if zone.key == "UTC" else f"{zone.key}, {_utc(here)}"
    weekday = date_format(here, "l")
    if get_language() == "ru":  # where only the beginning of a sentence has a capital
        weekday = weekday.lower()
    return f"{weekday}, {date_format(here, 'j E Y')}, {clock} ({place})"


def _utc(here: datetime) -> str:
    offset = here.utcoffset() or timedelta()
    if not offset:
        return "UTC"
    hours, rest = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{'+' if offset > timedelta() else '-'}{hours}" + (f":{rest:02d}" if rest else "")


def describe(rule: Rule, zone: ZoneInfo) -> str:
    """``every weekday at 09:30``: the rule as part of a sentence."""
    match rule:
        case Once(at):
            return _("once: %(when)s") % {"when": local(at, zone)}
        case Cron():
            return _cron(rule)
        case Daily(at, every):
            return _daily(every, f"{at:%H:%M}")
        case Weekly(days, at):
            return _weekly(days, f"{at:%H:%M}")
        case Monthly(day, at):
            return _monthly(day, f"{at:%H:%M}")


def _daily(every: int, times: str) -> str:
    if every == 1:
        return _("every day at %(time)s") % {"time": times}
    text = ngettext("every %(count)d day at %(time)s", "every %(count)d days at %(time)s", every)
    return text % {"count": every, "time": times}


def _weekly(days: frozenset[int], times: str) -> str:
    if len(days) == len(DAYS):
        return _daily(1, times)
    if days == WORKDAYS:
        return _("every weekday at %(time)s") % {"time": times}
    if days == WEEKEND:
        return _("on weekends at %(time)s") % {"time": times}
    return _("on %(days)s at %(time)s") % {"days": _listed([str(DAYS[day]) for day in sorted(days)]), "time": times}


def _monthly(day: int, times: str) -> str:
    values = {"day": _ordinal(day), "time": times}
    if day <= 28:
        return _("on the %(day)s of each month at %(time)s") % values
    return _("on the %(day)s of each month (or its last day) at %(time)s") % values


def _ordinal(day: int) -> str:
    texts = {1: _("%(day)dst"), 2: _("%(day)dnd"), 3: _("%(day)drd")}
    return (_("%(day)dth") if day in (11, 12, 13) else texts.get(day % 10, _("%(day)dth"))) % {"day": day}


def _listed(words: list[str]) -> str:
    if len(words) == 1:
        return words[0]
    return _("%(some)s and %(last)s") % {"some": ", ".join(words[:-1]), "last": words[-1]}


# --- cron -----------------------------------------------------------------------------------------------------------


def _cron(rule: Cron) -> str:
    return _ticking(rule) or _at_times(rule) or _("by the rule `%(rule)s`") % {"rule": rule.expression}


def _ticking(rule: Cron) -> str:
    """Rules of a whole day: each minute, each so many minutes, each hour, each so many hours; else nothing."""
    minute, hour, *rest = rule.expression.split()
    if rest != ["*", "*", "*"]:
        return ""
    if hour == "*" and (count := _step(minute, 60)):
        return _("every minute") if count == 1 else _every_minutes(count)
    if hour == "*" and minute.isdecimal():
        return _hourly(int(minute))
    if minute == "0" and (count := _step(hour, 24)):
        return ngettext("every %(count)d hour", "every %(count)d hours", count) % {"count": count}
    return ""


def _every_minutes(count: int) -> str:
    return ngettext("every %(count)d minute", "every %(count)d minutes", count) % {"count": count}


def _hourly(minute: int) -> str:
    if not minute:
        return _("every hour")
    return _("every hour at minute %(minute)d") % {"minute": minute}


def _step(field: str, whole: int) -> int:
    """3 for ``*/3`` where it divides the whole evenly; 1 for ``*``; else 0."""
    start, _slash, step = field.partition("/")
    count = int(step or 1) if start == "*" else 0
    return count if count and whole % count == 0 and count < whole else 0


def _at_times(rule: Cron) -> str:
    """Rules of set times on days that have a name; else nothing."""
    minute, hour, day, month, weekday = rule.expression.split()
    parsed = CronSim(rule.expression, EPOCH)
    if "*" in minute + hour or month != "*" or len(parsed.minutes) * len(parsed.hours) > MOST_TIMES:
        return ""
    times = _listed([f"{time(h, m):%H:%M}" for h in sorted(parsed.hours) for m in sorted(parsed.minutes)])
    if day == "*":
        days = frozenset((item - 1) % 7 for item in parsed.weekdays if isinstance(item, int))
        return "" if "#" in weekday or "L" in weekday else _weekly(days, times)
    # Cron leaves out a month without the day, so a 29th, 30th or 31st is not what Monthly means.
    return _monthly(int(day), times) if weekday == "*" and day.isdecimal() and int(day) <= 28 else ""
