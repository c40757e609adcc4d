"""When an editor wants a post to appear: words and quick keys become an exact time, confirmed before it holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import User
from delivery.clocks import instant_of, wall_at
from delivery.plain_words import Parsed, Question, parse
from delivery.schedule import Once
from delivery.words_of_time.said import Assumption
from posts.chat import cards
from posts.chat.cards import Menu, key
from posts.models import Post, State
from posts.services import times
from posts.services.times import Moment
from telegram_bot.outgoing import Key

ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
AT_ONCE = re.compile(r"(?:right\s+)?now|at\s+once|сейчас|прямо\s+сейчас|сразу|немедленно", re.IGNORECASE)
# What is asked about times that come again.
OF_SERIES = (Question.TOO_OFTEN, Question.UNEVEN, Question.INEXPRESSIBLE, Question.UNTIL, Question.BAD_CRON)
# What is planned already, and follows a clock.
AHEAD = (State.SCHEDULED, State.HELD)


class Unclear(Exception):
    """It cannot be read as a time; the text asks for what is missing."""


class AtOnce(Exception):
    """No time is meant but this moment."""


@dataclass(frozen=True)
class Reading:
    """The moment that words mean; ``notes``: what was taken for granted."""

    moment: Moment
    notes: list[str] = field(default_factory=list)


def read(words: str, said_at: datetime, now: datetime, user: User, language: str) -> Reading:
    """``said_at``: when they were written, for "in an hour" counts from there. Raises Unclear, AtOnce, times.Past,
    times.NoSuchTime."""
    zone, plain = cards.zone_of(user), words.strip()
    if AT_ONCE.fullmatch(plain.rstrip(" .!")):
        raise AtOnce
    if ISO.fullmatch(plain):
        try:
            return _reading(times.moment_of(datetime.fromisoformat(plain), zone.key, user, now))
        except ValueError as error:
            raise Unclear(_("Write the time like 2026-04-06T12:00.")) from error
    parsed = parse(plain, said_at, zone, language)
    if parsed.question == Question.PAST:
        times.moment_of(now - timedelta(days=1), zone.key, user, now)  # raises Past: it says what time it is
    if parsed.question == Question.SEVERAL:
        raise Unclear(_("I see more than one time here: “%(words)s”. Which one?") % {"words": parsed.words})
    if parsed.question in OF_SERIES or (parsed.rule is not None and not isinstance(parsed.rule, Once)):
        raise Unclear(_("A post appears once. Say one time, such as “tomorrow at 10”; it can be posted again later."))
    if parsed.question == Question.NO_TIME:
        raise Unclear(_("I see no time in that."))
    if parsed.question not in (None, Question.NO_TEXT) or not isinstance(parsed.rule, Once):
        raise Unclear(parsed.asks())
    return _of_words(parsed, parsed.rule.at, zone, user, now)


def _of_words(parsed: Parsed, at: datetime, zone: ZoneInfo, user: User, now: datetime) -> Reading:
    gap = next((one for one in parsed.assumed if one.what == Assumption.GAP and one.on and one.at), None)
    if gap is not None and gap.on is not None and gap.at is not None:
        times.moment_of(datetime.combine(gap.on, gap.at), zone.key, user, now)  # raises NoSuchTime
    return _reading(moment_at(at, zone, user, now), [str(one) for one in parsed.assumed])


def moment_at(at: datetime, zone: ZoneInfo, user: User, now: datetime) -> Moment:
    """The instant ``at`` as what the clock shows then, to the minute; as an instant where the clock shows it twice."""
    return times.moment_of(_shown_at(at.replace(second=0, microsecond=0), zone), zone.key, user, now)


def _shown_at(at: datetime, zone: ZoneInfo) -> datetime:
    wall = wall_at(at, zone)
    return wall if instant_of(wall, zone) == at else at


def _reading(moment: Moment, notes: list[str] | None = None) -> Reading:
    twice = times.note_on(moment.wall, moment.zone)
    return Reading(moment, [*(notes or []), *([twice] if twice else [])])


# --- what is asked --------------------------------------------------------------------------------------------------


def asking(post: Post, user: User, now: datetime, note: str = "") -> Menu:
    """When? Quick keys, or words. Who planned it in another zone is asked what stays: the hour or the moment."""
    zone = cards.zone_of(user)
    lines = [note, *_planned(post, zone), _unknown_zone(user, zone)]
    lines.append(_("When shall it appear? Press a time, or write it: “tomorrow at 10”, “Friday 18:30”, “in 2 hours”."))
    keys = [*_moves(post, user), *_quick(post, zone, now), cards.back(post)]
    return cards.titled(cards.headline(post), *lines), keys


def _planned(post: Post, zone: ZoneInfo) -> list[str]:
    if post.planned_at is None or post.state not in AHEAD:
        return []
    return [_("Planned: %(when)s.") % {"when": cards.moment(post.planned_at, zone)}]


def _unknown_zone(user: User, zone: ZoneInfo) -> str:
    if user.time_zone:
        return ""
    return _("I do not know your time zone and took %(zone)s. Another one: /timezone") % {"zone": zone.key}


def has_moved(post: Post, user: User) -> bool:
    """Whether the author's clock is another one than when the post was planned by it."""
    is_own = post.author_id == user.pk and bool(user.time_zone)
    return is_own and bool(post.wall_time) and post.state in AHEAD and post.zone != user.time_zone


def _moves(post: Post, user: User) -> list[list[Key]]:
    """«Keep 10:00 local?»: both answers, each as the exact time that it means."""
    if not has_moved(post, user) or post.planned_at is None:
        return []
    zone = cards.zone_of(user)
    same_hour = datetime.fromisoformat(post.wall_time)
    same_moment = wall_at(post.planned_at, zone)
    values = {"hour": f"{same_hour:%H:%M}", "zone": zone.key}
    hour = _("Keep %(hour)s, by the clock of %(zone)s") % values
    moment = _("Keep the moment: %(hour)s there") % {"hour": f"{same_moment:%H:%M}"}
    return [[_choice(post, hour, same_hour, zone)], [_choice(post, moment, same_moment, zone)]]


def moved_note(post: Post, user: User) -> str:
    """Says why it is asked; empty where nothing moved."""
    if not has_moved(post, user):
        return ""
    hour = f"{datetime.fromisoformat(post.wall_time):%H:%M}"
    text = _("It was planned for %(hour)s by the clock of %(before)s; yours is %(zone)s now. Keep %(hour)s?")
    return text % {"hour": hour, "before": post.zone, "zone": user.time_zone}


def _quick(post: Post, zone: ZoneInfo, now: datetime) -> list[list[Key]]:
    """Times that are often meant, and are still to come."""
    keys = [_choice(post, label, wall, zone) for label, wall in _usual(zone, now)]
    return [keys[start : start + 2] for start in range(0, len(keys), 2)]


def _usual(zone: ZoneInfo, now: datetime) -> Iterator[tuple[str, datetime]]:
    here = wall_at(now, zone).replace(second=0, microsecond=0)
    today, tomorrow = here.date(), here.date() + timedelta(days=1)
    yield _("In 1 h"), _shown_at((now + timedelta(hours=1)).replace(second=0, microsecond=0), zone)
    if here.hour < 19:
        yield _("Tonight, 20:00"), datetime.combine(today, time(20))
    yield _("Tomorrow, 10:00"), datetime.combine(tomorrow, time(10))
    yield _("Tomorrow, 18:00"), datetime.combine(tomorrow, time(18))
    monday = today + timedelta(days=7 - today.weekday())
    if monday != tomorrow:
        yield _("Monday, 10:00"), datetime.combine(monday, time(10))


def _choice(post: Post, label: str, wall: datetime, zone: ZoneInfo) -> Key:
    return key(label, "time", post, wall=wall.isoformat(timespec="minutes"), zone=zone.key)


def confirming(post: Post, reading: Reading) -> Menu:
    """The exact time, before it holds."""
    moment, zone = reading.moment, ZoneInfo(reading.moment.zone)
    where = "📍 " + (cards.places_of(post) or _("not chosen yet"))
    lines = [f"🕙 {cards.moment(moment.at, zone)}", where, *(f"ℹ️ {note}" for note in reading.notes)]
    data = {"at": moment.at.isoformat(), "wall": moment.wall, "zone": moment.zone, "version": post.version}
    keys = [
        [key("✅ " + _("Yes, plan it"), "plan", post, **data)],
        [key("🕙 " + _("Another time"), "when", post), key(_("No"), "show", post)],
    ]
    return cards.titled(cards.headline(post), *lines, "\n" + _("Publish it then?")), keys


def refused(post: Post, problem: times.Past | times.NoSuchTime) -> Menu:
    """Why it cannot be then, and what can be done with one press."""
    text = cards.refusal(problem.problems)
    if isinstance(problem, times.NoSuchTime):
        offer = [key("✅ " + f"{problem.wall:%H:%M}", "time", post, wall=problem.wall.isoformat(timespec="minutes"))]
    else:
        offer = [key("🚀 " + _("Publish now"), "now", post)]
    return cards.titled(cards.headline(post), text), [offer, [key("🕙 " + _("Another time"), "when", post)]]
