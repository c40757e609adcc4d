"""/poststats: how many posts stand where, what is next, how late they are, where they fail, and the scheduler.

Telegram tells bots of no views, so none are shown.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from core.show import number, seconds
from posts.chat import cards, place, shelf
from posts.chat.cards import MARKS, Menu
from posts.models import State
from posts.services import figures
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key

MOST_ERRORS = 5


@transaction.atomic
def show(incoming: Incoming, edit: int | None, now: datetime) -> None:
    place.say(incoming, stats(incoming.user, now), edit=edit)
    place.finish(incoming, now)


def stats(viewer: User, now: datetime) -> Menu:
    counted = figures.get_scheduler_stats(now)
    zone = cards.zone_of(viewer)
    lines = [*_states(counted), "", *_scheduler(counted, zone, now), *_next(zone, now), *_lag(now), *_errors(now)]
    keys = [
        [Key("🔄 " + _("Refresh"), "post.stats")],
        [Key(shelf.titles()[tab], "post.list", {"tab": tab}) for tab in (shelf.NEXT, shelf.ERRORS)],
    ]
    return cards.titled("📈 " + _("Posts"), "\n".join(lines)), keys


def _states(counted: dict[str, int]) -> list[str]:
    """Those that there are; planned and errors always."""
    always = (State.SCHEDULED, State.PUBLISHED, State.ERROR)
    lines = []
    for state in State:
        if counted[state] or state in always:
            lines.append(f"{MARKS[state]} {str(state.label).capitalize()}: {number(counted[state])}")
    if counted["unknown"]:
        text = ngettext(
            "❓ In %(count)d chat nobody knows whether it appeared",
            "❓ In %(count)d chats nobody knows whether it appeared",
            counted["unknown"],
        )
        lines.append(text % {"count": counted["unknown"]})
    return lines


def _scheduler(counted: dict[str, int], zone: ZoneInfo, now: datetime) -> list[str]:
    status = figures.get_scheduler_status(now)
    lines = []
    if status.alive:
        lines.append("🟢 " + _("The scheduler works."))
    elif status.last_tick_at is None:
        lines.append("🔴 " + _("The scheduler has not been heard of. An admin should look whether the bot runs."))
    else:
        at = cards.short_day(status.last_tick_at, zone, now)
        text = _("The scheduler was last heard of at %(time)s. An admin should look whether the bot runs.")
        lines.append("🔴 " + text % {"time": at})
    if counted["ready"]:
        text = ngettext("%(count)d post is due and goes out", "%(count)d posts are due and go out", counted["ready"])
        lines.append("📤 " + text % {"count": counted["ready"]})
    if counted["overdue"]:
        text = ngettext("%(count)d post is overdue", "%(count)d posts are overdue", counted["overdue"])
        since = cards.short_day(status.oldest_due_at, zone, now) if status.oldest_due_at else ""
        lines.append("🔴 " + text % {"count": counted["overdue"]} + (f" ({since})" if since else ""))
    return lines


def _next(zone: ZoneInfo, now: datetime) -> list[str]:
    rows = [post for post in figures.get_next_scheduled_posts(1) if post.planned_at]
    if not rows or rows[0].planned_at is None:
        return []
    values = {"when": cards.short_day(rows[0].planned_at, zone, now), "post": cards.name_of(rows[0])}
    return ["🗓 " + _("Next: %(when)s · %(post)s") % values]


def _lag(now: datetime) -> list[str]:
    lag = figures.get_lag(now)
    if lag is None:
        return []
    text = _("⏱ After its time, in 30 days: half within %(median)s s, 95 %% within %(p95)s s, the latest %(worst)s s")
    times = {"median": lag.median, "p95": lag.p95, "worst": lag.worst}
    return [text % {name: seconds(round(1000 * time)) for name, time in times.items()}]


def _errors(now: datetime) -> list[str]:
    """Where posts do not appear, the most troubled chats first."""
    found = figures.get_errors_by_target(now, limit=MOST_ERRORS)
    lines = [f"❌ {one.chat}: {number(one.count)} · {one.kind}" for one in found]
    return ["", _("Not published in 30 days, by chat:"), *lines] if lines else []
