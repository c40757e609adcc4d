"""Checks of settings.HEALTH_CHECKS: is what must be said being said, is what is due fired, are operators' jobs run?"""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django_apscheduler.models import DjangoJob

from core.health import Finding, Level, waiting
from delivery import pulse
from delivery.models import Schedule
from delivery.outbox import QUEUE

LATE = timedelta(minutes=15)
# A tick comes each second.
OVERDUE = timedelta(seconds=60)


def outbox(now: datetime) -> Finding:
    words = _("Messages are not leaving: one has waited for %(minutes)d min. They are in the admin, under Outbox.")
    return waiting(QUEUE, "created_at", words, now)


def tick(now: datetime) -> Finding:
    """Whether what people planned is fired when it is due. One query of a partial index."""
    planned = Schedule.objects.filter(state=Schedule.State.ACTIVE, next_at__isnull=False)
    upcoming = planned.order_by("next_at", "id").values_list("next_at", flat=True).first() or now
    overdue = max(0.0, (now - upcoming).total_seconds())
    facts = {"overdue_seconds": round(overdue, 1)}
    if overdue <= OVERDUE.total_seconds():
        return Finding(Level.OK, facts)
    words = _("What is planned is not fired: something has been due for %(minutes)d min. Does the bot run?")
    return Finding(Level.WARNING, facts, words % {"minutes": round(overdue / 60)})


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
