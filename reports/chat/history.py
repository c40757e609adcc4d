"""The choice of a period for a report: by name, in a calendar with two taps, or in words.

A cell of the calendar is a callback of its own, ``avitoday:<profile>:<month>:<first day>:<day>``, where "-" stands for
what is not chosen: a month has some forty of them, and each turn of a page would make as many rows. Who presses is
checked by whose profile it is.
"""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reports.chat.place import Menu, titled
from reports.figures.periods import (
    DAY,
    MOST_DAYS_BACK,
    Period,
    check_range,
    day_words,
    ending,
    month_of,
    oldest_day,
    today_at_avito,
    week_of,
)
from reports.models import AvitoProfile
from telegram_bot.outgoing import Key

ACTION = "report_historical"
NAME = "avitoday"
CALLBACK = re.compile(rf"^{NAME}:(\d{{1,19}}):(\d{{6}}):(\d{{8}}|-):(\d{{8}}|-)$")
# What the press of a cell without a day says.
EMPTY = f"{NAME}:-"
# A Monday, for the names of weekdays.
MONDAY = date(2024, 1, 1)


# --- by name --------------------------------------------------------------------------------------------------------


def named(name: str, now: datetime) -> Period | None:
    """The period of a button, as of now; None when there is no such button."""
    today = today_at_avito(now)
    yesterday, month, week = today - DAY, month_of(today), week_of(today)
    return {
        "today": Period(today, today),
        "yesterday": Period(yesterday, yesterday),
        "7": ending(yesterday, 7),
        "30": ending(yesterday, 30),
        "90": ending(yesterday, 90),
        "last_week": week.before(),
        "this_month": Period(month.first, today),
        "last_month": month.before(),
    }.get(name)


def menu(profile: AvitoProfile) -> Menu:
    """Which period?"""
    rows = [
        [_key(profile, _("Yesterday"), "yesterday"), _key(profile, _("Today so far"), "today")],
        [_key(profile, _("7 days"), "7"), _key(profile, _("30 days"), "30"), _key(profile, _("90 days"), "90")],
        [_key(profile, _("Last week"), "last_week"), _key(profile, _("Last month"), "last_month")],
        [_key(profile, _("This month"), "this_month")],
        [_calendar_key(profile), Key("⌨️ " + _("Write it"), ACTION, {"profile": profile.pk, "do": "type"})],
        [back(profile)],
    ]
    text = _("Which period shall the report be about? Days are counted by Moscow time, as Avito does.")
    return titled("🗓 " + profile.name, text), rows


def _key(profile: AvitoProfile, label: str, name: str) -> Key:
    return Key(label, ACTION, {"profile": profile.pk, "do": "pick", "period": name})


def _calendar_key(profile: AvitoProfile) -> Key:
    return Key("📅 " + _("Calendar"), ACTION, {"profile": profile.pk, "do": "calendar"})


def back(profile: AvitoProfile) -> Key:
    return Key(_("« Back"), "profile_view", {"profile": profile.pk})


def question(profile: AvitoProfile, trouble: str = "") -> Menu:
    """Asks for the period in words; ``trouble``: why the last ones would not do, and which would."""
    text = _("Write the period, such as 01.11.2026 - 15.11.2026, “last week” or “October”.")
    keys = [[Key(_("« Back"), ACTION, {"profile": profile.pk})]]
    return titled("🗓 " + profile.name, trouble or text), keys


# --- the calendar ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tap:
    """What was pressed: ``month`` is shown, ``first`` was chosen before, ``day`` is chosen now."""

    profile: int
    month: date
    first: date | None
    day: date | None


def read(callback: str) -> Tap | None:
    """None: no day, or nothing of ours."""
    found = CALLBACK.match(callback)
    if found is None:
        return None
    try:
        month = datetime.strptime(found[2], "%Y%m").date()
        return Tap(int(found[1]), month, _day(found[3]), _day(found[4]))
    except ValueError:
        return None


def _day(text: str) -> date | None:
    return None if text == "-" else date.fromisoformat(text)


def _cell(profile: AvitoProfile, label: str, month: date, first: date | None, day: date | None) -> Key:
    texts = [f"{one:%Y%m%d}" if one else "-" for one in (first, day)]
    return Key(label, callback=f"{NAME}:{profile.pk}:{month:%Y%m}:{texts[0]}:{texts[1]}")


def between(one: date, other: date, now: datetime) -> Period:
    """In whichever order they were tapped. Raises PeriodError."""
    return check_range(min(one, other), max(one, other), now)


def calendar_menu(profile: AvitoProfile, month: date, first: date | None, now: datetime) -> Menu:
    """A month to tap days in; ``first``: the day that was tapped already."""
    oldest, today = oldest_day(now), today_at_avito(now)
    month = min(max(month.replace(day=1), oldest.replace(day=1)), today.replace(day=1))
    if first is None:
        text = _("Tap the first day. Avito remembers the last %(days)d days.") % {"days": MOST_DAYS_BACK}
    else:
        text = _("From %(day)s. Now tap the last day; the same one for a single day.") % {"day": day_words(first)}
    rows = [
        _turning(profile, month, first, oldest, today),
        [Key(_weekday(number), callback=EMPTY) for number in range(7)],
        *_weeks(profile, month, first, oldest, today),
        [Key(_("« Other choice"), ACTION, {"profile": profile.pk})],
    ]
    return titled("📅 " + profile.name, text), rows


def _turning(profile: AvitoProfile, month: date, first: date | None, oldest: date, today: date) -> list[Key]:
    earlier, later = month - DAY, month_of(month).last + DAY
    row = [Key(date_format(month, "F Y"), callback=EMPTY)]
    if earlier >= oldest.replace(day=1):
        row.insert(0, _cell(profile, "‹", earlier.replace(day=1), first, None))
    if later <= today:
        row.append(_cell(profile, "›", later, first, None))
    return row


def _weekday(number: int) -> str:
    return date_format(MONDAY + timedelta(days=number), "D")[:2]


def _weeks(profile: AvitoProfile, month: date, first: date | None, oldest: date, today: date) -> Sequence[list[Key]]:
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    return [[_day_key(profile, month, first, day, oldest, today) for day in week] for week in weeks]


def _day_key(profile: AvitoProfile, month: date, first: date | None, day: date, oldest: date, today: date) -> Key:
    if day.month != month.month or not oldest <= day <= today:
        return Key("·", callback=EMPTY)
    label = f"[{day.day}]" if day == first else str(day.day)
    return _cell(profile, label, month, first, day)
