"""Checks of settings.HEALTH_CHECKS: is what must be said being said, are the operator's jobs run?"""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django_apscheduler.models import DjangoJob

from core.health import Finding, Level, waiting
from delivery import pulse
from delivery.outbox import QUEUE

LATE = timedelta(minutes=15)


def outbox(now: datetime) -> Finding:
    words = _("Messages are not leaving: one has waited for %(minutes)d min. They are in the admin, under Outbox.")
    return waiting(QUEUE, "created_at", words, now)


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
