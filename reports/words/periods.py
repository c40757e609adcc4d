"""A report's days in words, in the active language: «вчера, 21 ноября, суббота», «16–22 ноября», «октябрь 2026»."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.clocks import wall_at
from reports.figures.periods import DAY, Period, today_at_avito


def period_words(period: Period, now: datetime) -> str:
    """As somebody says it at ``now`` (aware). The year is said when it is not Moscow's year of ``now``."""
    today = today_at_avito(now)
    if period.is_month:
        return small(date_format(period.first, "F Y"))
    if period.days > 1:
        return _stretch(period, today)
    day = _day(period.last, today)
    if period.last == today:
        return _("today, %(day)s") % {"day": day}
    if period.last == today - DAY:
        return _("yesterday, %(day)s") % {"day": day}
    return day


def _day(day: date, today: date) -> str:
    """``21 November, Saturday``"""
    return f"{_date(day, today)}, {small(date_format(day, 'l'))}"


def small(name: str) -> str:
    """A month or a weekday within a sentence: English alone writes it large."""
    return name if (translation.get_language() or "en").startswith("en") else name.lower()


def _date(day: date, today: date) -> str:
    return date_format(day, "j E" if day.year == today.year else "j E Y")


def _stretch(period: Period, today: date) -> str:
    first, last = period.first, period.last
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{_date(last, today)}"
    if first.year == last.year == today.year:
        return f"{date_format(first, 'j E')} – {date_format(last, 'j E')}"
    return f"{date_format(first, 'j E Y')} – {date_format(last, 'j E Y')}"


def compared_words(period: Period, before: Period, now: datetime) -> str:
    """``compared with 20 November, Friday``; of periods of unlike length how long each is."""
    words = _("compared with: %(before)s") % {"before": period_words(before, now)}
    if period.days == before.days:
        return words
    lengths = _("%(before)s against %(now)s") % {"before": days_words(before.days), "now": days_words(period.days)}
    return f"{words} ({lengths})"


def days_words(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def moment_words(at: datetime, zone: str) -> str:
    """``22.11, 09:00`` by the reader's clock."""
    here = wall_at(at, ZoneInfo(zone))
    return f"{here:%d.%m}, {here:%H:%M}"
