"""Checks of settings.HEALTH_CHECKS: does the bot's process live and hear Telegram, is what came being worked on?"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from core.health import Finding, Level, waiting
from delivery import pulse
from telegram_bot.inbox import QUEUE

# The engine looks for work each second; one that has not for so long is stuck.
STUCK_SECONDS = 60.0


def bot(now: datetime) -> Finding:
    heartbeat = pulse.last(pulse.BOT)
    if heartbeat is None:
        return Finding(Level.FAILED, {"alive": False}, _("The bot's process has never run. Start it: runbot."))
    silent = max(0.0, (now - heartbeat.at).total_seconds())
    facts: dict[str, Any] = {"alive": pulse.is_alive(heartbeat, now), "silent_seconds": round(silent, 1)}
    if not facts["alive"]:
        return Finding(Level.FAILED, facts, _("The bot's process is gone. Start it: runbot."))
    tick = float(heartbeat.details.get("tick_seconds_ago", 0)) + silent
    facts["tick_seconds_ago"] = round(tick, 1)
    if tick > STUCK_SECONDS:
        words = _("The bot's process has looked for no work for %(minutes)d min. Start it anew: runbot.")
        return Finding(Level.FAILED, facts, words % {"minutes": round(tick / 60)})
    return _hearing(facts, heartbeat.details, silent, now)


def _hearing(facts: dict[str, Any], told: dict[str, Any], silent: float, now: datetime) -> Finding:
    """Deaf: for longer than DEAF_AFTER_SEC nothing was heard that should have been."""
    age = float(told.get("heard_seconds_ago", 0)) + silent
    trouble = str(told.get("trouble", ""))
    # While nothing has failed, silence is what a long poll sounds like.
    limit = settings.DEAF_AFTER_SEC + (0.0 if trouble else float(told.get("expected", 0)))
    facts |= {"by": told.get("by", ""), "heard_seconds_ago": round(age, 1), "deaf_after_seconds": limit}
    if trouble:
        facts["trouble"] = trouble
    if age <= limit:
        return Finding(Level.OK, facts)
    since = timezone.localtime(now - timedelta(seconds=age))
    words = _("The bot is deaf: it has heard nothing from Telegram since %(time)s (%(trouble)s). It keeps trying.")
    return Finding(Level.FAILED, facts, words % {"time": f"{since:%H:%M}", "trouble": trouble or _("no answer")})


def inbox(now: datetime) -> Finding:
    words = _("Nobody works on what people wrote: one message has waited for %(minutes)d min.")
    return waiting(QUEUE, "received_at", words, now)
