"""When a post is to appear: what people say of it, turned into an instant, or refused with what to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from delivery.clocks import instant_of, offset_at, wall_at
from delivery.planning import TOLERANCE
from delivery.schedule import Once, RuleError, zone_of
from posts.content import Problem, Refused

FIELD = "planned_at"
MINUTES = "%Y-%m-%dT%H:%M"
# After it no clock of another zone could show the time.
LAST_YEAR = 9998


class NoSuchTime(Refused):
    """The clock skips this time; ``proposal`` is the instant when it goes on, ``wall`` what it shows then."""

    def __init__(self, problem: Problem, proposal: datetime, wall: datetime) -> None:
        super().__init__([problem])
        self.proposal, self.wall = proposal, wall


class Past(Refused):
    """The time is over; ``now`` is what the author's clock shows."""

    def __init__(self, problem: Problem, now: datetime) -> None:
        super().__init__([problem])
        self.now = now


@dataclass(frozen=True)
class Moment:
    """``wall``: what the clock of ``zone`` is to show, to the minute; empty when an instant was given."""

    at: datetime
    zone: str
    wall: str = ""


def zone_name(user: User | None) -> str:
    """The person's zone, or the one of the settings while it is not known, or known to this machine no more."""
    try:
        return str(zone_of(user.time_zone if user is not None else ""))
    except RuleError:
        return settings.TIME_ZONE


def moment_of(at: datetime, zone: str, author: User | None, now: datetime) -> Moment:
    """A naive ``at`` is the time of the clock of ``zone`` (empty: the author's), an aware one an instant.

    What passed less than a minute ago is meant for now. Raises NoSuchTime, Past, Refused.
    """
    try:
        clock = zone_of(zone or zone_name(author))
        moment = _by_clock(at, clock) if at.tzinfo is None else Moment(Once(at).at, str(clock))
    except RuleError as error:
        raise Refused([Problem("zone" if error.field == "zone" else FIELD, error.code, str(error))]) from error
    except OverflowError as error:
        raise _too_far() from error
    if moment.at.year > LAST_YEAR:
        raise _too_far()
    if moment.at < now - TOLERANCE:
        raise _past(now, clock)
    return moment if moment.at >= now else Moment(now, moment.zone)


def _by_clock(at: datetime, clock: ZoneInfo) -> Moment:
    instant = instant_of(at, clock)
    if (wall := wall_at(instant, clock)) != at:
        text = _("The clocks go forward that night, so %(time)s does not exist on %(day)s. How about %(proposal)s?")
        names = {"time": f"{at:%H:%M}", "day": date_format(at, "j E"), "proposal": f"{wall:%H:%M}"}
        raise NoSuchTime(Problem(FIELD, "no-such-time", text % names), instant, wall)
    return Moment(instant, str(clock), at.strftime(MINUTES))


def _too_far() -> Refused:
    return Refused([Problem(FIELD, "bad-time", _("This time is beyond the calendar. Choose one nearer."))])


def _past(now: datetime, clock: ZoneInfo) -> Past:
    here = now.astimezone(clock)
    text = _("This time has passed: it is %(now)s now (%(zone)s). Choose a later one, or publish it now.")
    names = {"now": f"{date_format(here, 'j E')}, {here:%H:%M}", "zone": str(clock)}
    return Past(Problem(FIELD, "past", text % names), here)


def note_on(wall_time: str, zone: str) -> str:
    """What is to be said of a time that the clock shows twice; else empty."""
    if not wall_time:
        return ""
    wall, clock = datetime.fromisoformat(wall_time), ZoneInfo(zone)
    if not is_twice(wall, clock):
        return ""
    text = _("The clocks go back that night, so %(time)s comes twice; the first one is meant.")
    return text % {"time": f"{wall:%H:%M}"}


def is_twice(wall: datetime, clock: ZoneInfo) -> bool:
    first, second = (wall.replace(tzinfo=clock, fold=fold) for fold in (0, 1))
    return offset_at(first, clock) > offset_at(second, clock)


def anew(wall_time: str, zone: str, planned_at: datetime) -> datetime:
    """When ``zone`` shows ``wall_time`` by the data of today; its seconds are those of ``planned_at``."""
    seconds = timedelta(seconds=planned_at.second, microseconds=planned_at.microsecond)
    return instant_of(datetime.fromisoformat(wall_time), ZoneInfo(zone)) + seconds
