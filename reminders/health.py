"""Checks of settings.HEALTH_CHECKS: do events for other programs leave, and does anybody take them?"""

import time
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from core.health import Finding, Level


def redis(_now: datetime) -> Finding:
    """A warning at most: people get what is for them without it."""
    if not settings.REDIS_URL:
        return Finding(Level.OK, {"configured": False})
    # Only here, as in reminders/sinks/redis.py.
    from redis.exceptions import RedisError

    began = time.monotonic()
    try:
        waiting, oldest = _waiting()
    except (RedisError, OSError) as error:
        words = _("Redis does not answer. Events of reminders for other programs wait and go out when it is back.")
        return Finding(Level.WARNING, {"error": type(error).__name__}, words)
    facts = {"milliseconds": round((time.monotonic() - began) * 1000, 1), "waiting": waiting, "oldest_seconds": oldest}
    if oldest <= settings.WAIT_WARN_SEC:
        return Finding(Level.OK, facts)
    words = _("Nobody takes the events of reminders from Redis: one has waited for %(minutes)d min.")
    return Finding(Level.WARNING, facts, words % {"minutes": round(oldest / 60)})


def _waiting() -> tuple[int, float]:
    """How many events wait in the list, and the oldest of them for how many seconds."""
    from redis import Redis

    from reminders.client import keys_of

    key = keys_of()[1]
    with (
        Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=1) as client,
        client.pipeline(transaction=False) as pipe,
    ):
        pipe.zcard(key)
        pipe.zrange(key, 0, 0, withscores=True)
        pipe.time()
        count, first, (seconds, _micros) = pipe.execute()
    return count, max(0.0, round(seconds - first[0][1] / 1000, 1)) if first else 0.0
