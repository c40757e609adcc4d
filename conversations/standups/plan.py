"""A stand-up as it was planned: who is asked what, when by their own clock, and on which days not. Pure functions.

The payload is ``{"task": "standup", …}``; docs/howto/monitoring-and-standups.md tells all its names.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from delivery.clocks import instant_of
from delivery.schedule import RuleError, zone_of
from telegram_bot.markdown import units

NAME = "standup"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALLOWED = {
    "task", "title", "questions", "members", "ask", "at", "until", "minutes", "zone", "days_off", "holidays",
    "on_day_off", "quiet", "away", "group",
}  # fmt: skip
PRIVATELY, IN_GROUP = "privately", "group"
SKIP, MOVE = "skip", "move"
MOST_MEMBERS, MOST_QUESTIONS, MOST_DATES = 100, 10, 400
# Units of the title and the questions: they stand in one message, with those who are asked.
MOST_TEXT = 3000
MOST_NAMES = 200  # characters of those that a plan does not have
LARGEST_ID = 2**52  # https://core.telegram.org/bots/api#user
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LIKE_LEAVE = '{"member": 101, "from": "2026-12-01", "to": "2026-12-10"}'
MINUTES = 120  # for answers, when nothing else is said
# Whoever is asked last has so long at least.
LEAST = timedelta(minutes=30)
MOST_MOVED = 31  # days to look ahead for one that is no day off

DAY = timedelta(days=1)


class BadPlan(ValueError):
    """The payload is no stand-up; the text says what to mend, in the active language."""


@dataclass(frozen=True)
class Leave:
    """A member who is away, on the dates ``first`` to ``last``."""

    member: int
    first: date
    last: date


@dataclass(frozen=True)
class Plan:
    """``members``: Telegram ids, nobody: whoever wrote in the group. ``at``: when each is asked, by their own clock;
    None: as soon as it begins. ``until``: the wall time in ``zone`` at which the answers are summed up, else after
    ``minutes``. ``group``: whose stand-up it is, when it is planned in another chat."""

    title: str
    own_questions: list[str]
    members: list[int]
    privately: bool
    at: time | None
    until: time | None
    minutes: int
    zone: ZoneInfo
    days_off: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()
    moves: bool = False
    quiet: tuple[time, time] | None = None
    away: list[Leave] = field(default_factory=list)
    group: int | None = None

    @property
    def questions(self) -> list[str]:
        """What is asked, in the language of whoever is asked unless the plan says it."""
        usual = [_("What did you do since the last time?"), _("What is next?"), _("Does anything hold you up?")]
        return self.own_questions or usual

    def is_off(self, day: date) -> bool:
        return day.weekday() in self.days_off or day in self.holidays

    def date_of(self, planned: datetime) -> date:
        return planned.astimezone(self.zone).date()

    def day_for(self, planned: datetime) -> date | None:
        """The date of the run that was planned for then, the next working one if it moves; None: it is left out."""
        day = self.date_of(planned)
        if not self.is_off(day):
            return day
        ahead = (day + DAY * number for number in range(1, MOST_MOVED + 1))
        return next((other for other in ahead if not self.is_off(other)), None) if self.moves else None

    def ask_at(self, day: date, planned: datetime, zone: ZoneInfo) -> datetime:
        """When somebody in ``zone`` is asked on ``day``: never before the run, never while it is quiet there."""
        wall = self.at or planned.astimezone(self.zone).time().replace(second=0, microsecond=0)
        # Without a time of its own, all are asked together, by the clock of the plan.
        at = max(planned, instant_of(datetime.combine(day, wall), zone if self.at else self.zone))
        return self._after_quiet(at, zone)

    def _after_quiet(self, at: datetime, zone: ZoneInfo) -> datetime:
        here = at.astimezone(zone)
        if self.quiet is None or not _is_within(here.time(), *self.quiet):
            return at
        end = datetime.combine(here.date(), self.quiet[1])
        return instant_of(end if here.time() < self.quiet[1] else end + DAY, zone)

    def post_at(self, begun: datetime, last: datetime) -> datetime:
        """When the answers are summed up: for who is asked at ``last``, too, there is some time."""
        end = begun + timedelta(minutes=self.minutes)
        if self.until is not None:
            here = begun.astimezone(self.zone)
            end = instant_of(datetime.combine(here.date(), self.until), self.zone)
            end = end if end > begun else instant_of(datetime.combine(here.date() + DAY, self.until), self.zone)
        return max(end, last + LEAST)

    def is_away(self, telegram_id: int | None, day: date) -> bool:
        return any(one.member == telegram_id and one.first <= day <= one.last for one in self.away)


def _is_within(at: time, start: time, end: time) -> bool:
    """Also over midnight."""
    return start <= at < end if start <= end else at >= start or at < end


# --- reading --------------------------------------------------------------------------------------------------------


def read(payload: dict[str, Any], zone: ZoneInfo) -> Plan:
    """``zone``: the planner's, for a payload without one. Raises BadPlan."""
    if unknown := sorted(set(payload) - ALLOWED):
        raise BadPlan(_("A stand-up has no %(names)s.") % {"names": ", ".join(unknown)[:MOST_NAMES]})
    title, questions = _text(payload.get("title", ""), "title"), _questions(payload.get("questions", []))
    if units("".join([title, *questions])) > MOST_TEXT:
        raise BadPlan(_("Title and questions are too long: %(most)d characters together.") % {"most": MOST_TEXT})
    return Plan(
        title=title,
        own_questions=questions,
        members=[_id(one) for one in _list(payload.get("members", []), "members", MOST_MEMBERS)],
        privately=_one_of(payload.get("ask", PRIVATELY), "ask", PRIVATELY, IN_GROUP) == PRIVATELY,
        at=_time(payload["at"], "at") if "at" in payload else None,
        until=_time(payload["until"], "until") if "until" in payload else None,
        minutes=_minutes(payload.get("minutes", MINUTES)),
        zone=_zone(payload["zone"]) if payload.get("zone") else zone,
        days_off=frozenset(_weekday(one) for one in _list(payload.get("days_off", []), "days_off", 6)),
        holidays=frozenset(
            _date(one, "holidays") for one in _list(payload.get("holidays", []), "holidays", MOST_DATES)
        ),
        moves=_one_of(payload.get("on_day_off", SKIP), "on_day_off", SKIP, MOVE) == MOVE,
        quiet=_quiet(payload["quiet"]) if payload.get("quiet") else None,
        away=[_leave(one) for one in _list(payload.get("away", []), "away", MOST_DATES)],
        group=_id(payload["group"]) if "group" in payload else None,
    )


def _questions(given: Any) -> list[str]:
    listed = [given] if isinstance(given, str) else given
    found = [_text(one, "questions") for one in _list(listed, "questions", MOST_QUESTIONS)]
    return [one for one in found if one]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadPlan(_("“%(name)s” must be text.") % {"name": name})
    return value.strip()


def _list(value: Any, name: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise BadPlan(_("“%(name)s” must be a list with at most %(most)d entries.") % {"name": name, "most": most})
    return value


def _one_of(value: Any, name: str, *known: str) -> str:
    if value not in known:
        raise BadPlan(_("“%(name)s” must be one of: %(known)s.") % {"name": name, "known": ", ".join(known)})
    return str(value)


def _id(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= LARGEST_ID:
        raise BadPlan(_("People and groups are named by their Telegram ids, which are whole numbers."))
    return value


def _time(value: Any, name: str) -> time:
    """Bare minutes: an offset would be another clock than the one that is meant."""
    if not isinstance(value, str) or not CLOCK.fullmatch(value):
        raise BadPlan(_("“%(name)s” must be a time such as %(like)s.") % {"name": name, "like": "09:30"})
    return time.fromisoformat(value)


def _quiet(value: Any) -> tuple[time, time]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadPlan(_("“%(name)s” must be two times, from when to when.") % {"name": "quiet"})
    return _time(value[0], "quiet"), _time(value[1], "quiet")


def _date(value: Any, name: str) -> date:
    try:
        return date.fromisoformat(value)
    except (ValueError, TypeError):
        pass
    raise BadPlan(_("“%(name)s” must be a date such as %(like)s.") % {"name": name, "like": "2026-12-31"})


def _zone(value: Any) -> ZoneInfo:
    try:
        return zone_of(_text(value, "zone"))
    except RuleError as error:
        raise BadPlan(str(error)) from error


def _minutes(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 5 <= value <= 24 * 60:
        raise BadPlan(_("“minutes” must be 5 to 1440."))
    return value


def _weekday(value: Any) -> int:
    return WEEKDAYS.index(_one_of(value, "days_off", *WEEKDAYS))


def _leave(value: Any) -> Leave:
    if not isinstance(value, dict) or not {"member", "from"} <= set(value) <= {"member", "from", "to"}:
        raise BadPlan(_("“away” must say who is away and from when, such as %(like)s.") % {"like": LIKE_LEAVE})
    first, last = _date(value["from"], "from"), _date(value.get("to", value["from"]), "to")
    if last < first:
        raise BadPlan(_("A leave must end after it begins."))
    return Leave(_id(value["member"]), first, last)
