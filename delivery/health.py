"""Checks of settings.HEALTH_CHECKS: is what must be said being said, are the operator's jobs run?"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django_apscheduler.models import DjangoJob

from core.health import Finding, Level
from core.waiting import waiting_since
from delivery import pulse
from delivery.outbox import QUEUE

LATE = timedelta(minutes=15)


def outbox(now: datetime) -> Finding:
    since = waiting_since(QUEUE, "created_at")
    seconds = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    facts = {"oldest_seconds": round(seconds, 1)}
    if seconds <= settings.WAIT_WARN_SEC:
        return Finding(Level.OK, facts)
    words = _("Messages are not leaving: one has waited for %(minutes)d min. They are in the admin, under Outbox.")
    return Finding(Level.FAILED, facts, words % {"minutes": round(seconds / 60)})


def scheduler(now: datetime) -> Finding:
    """Who leads, and whether a planned run is late. Without jobs nobody is missed."""
    heartbeat = pulse.last(pulse.BOT)
    leader = bool(heartbeat and heartbeat.details.get("leads") and pulse.is_alive(heartbeat, now))
    late = sorted(DjangoJob.objects.filter(next_run_time__lt=now - LATE).values_list("id", flat=True))
    facts = {"leader": leader, "late": late}
    if not late:
        return Finding(Level.OK, facts)
    words = _("Planned jobs are late: %(jobs)s. Is ENABLE_SCHEDULER=1 where the bot runs?")
    return Finding(Level.WARNING, facts, words % {"jobs": ", ".join(late)})
