"""Check of settings.HEALTH_CHECKS: do posts go out when they are due, and does anybody see to it?"""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.health import Finding, Level
from posts.services.figures import get_scheduler_status


def posts(now: datetime) -> Finding:
    """A post that stays behind is a promise broken in public, so this fails. Few queries, of indexes."""
    status = get_scheduler_status(now)
    facts = {
        "alive": status.alive,
        "planned": status.planned,
        "overdue": status.overdue,
        "oldest_due_seconds": round(status.lag_seconds, 1),
    }
    if status.last_tick_at is not None:
        facts["ticked_seconds_ago"] = round((now - status.last_tick_at).total_seconds(), 1)
    if status.overdue:
        words = ngettext(
            "%(count)d post is overdue, by %(minutes)d min. Does the bot run? See /posts.",
            "%(count)d posts are overdue, the first one by %(minutes)d min. Does the bot run? See /posts.",
            status.overdue,
        )
        return Finding(Level.FAILED, facts, words % {"count": status.overdue, "minutes": status.lag_seconds // 60})
    if status.trouble:
        return Finding(
            Level.FAILED, facts, _("Nobody lets planned posts out: the scheduler has stopped. Start the bot anew.")
        )
    return Finding(Level.OK, facts)
