"""Check of settings.HEALTH_CHECKS: do planned reports come, and how many profiles' keys does Avito refuse?

Facts without names. Refused keys are told to their owners and to the admins when it happens (services/watching.py), so
here they are a figure only.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils.translation import ngettext

from core.health import Finding, Level
from delivery.models import Schedule
from reports.models import Access, AvitoProfile, Report
from reports.services.rows import SOURCE

# A planned report waits for Avito for half an hour at most, then it comes with what there is.
LONGEST = timedelta(hours=1)
REFUSED = (Access.BAD_KEYS, Access.OTHER_ACCOUNT)


def reports(now: datetime) -> Finding:
    """Schedules that nobody fires are a failure, as with posts; reports that do not end are a warning. 3 queries."""
    late = Q(next_at__lt=now - timedelta(seconds=settings.WAIT_WARN_SEC))
    active = Schedule.objects.filter(source=SOURCE, state=Schedule.State.ACTIVE)
    told = active.aggregate(planned=Count("pk"), overdue=Count("pk", filter=late), oldest=Min("next_at", filter=late))
    lag = now - told["oldest"] if told["oldest"] is not None else timedelta()
    stuck = Report.objects.filter(state=Report.State.QUEUED, created_at__lt=now - LONGEST).count()
    facts = {
        "planned": told["planned"],
        "overdue": told["overdue"],
        "oldest_due_seconds": round(lag.total_seconds(), 1),
        "unfinished": stuck,
        "keys_refused": AvitoProfile.objects.filter(access__in=REFUSED).count(),
    }
    if told["overdue"]:
        return Finding(Level.FAILED, facts, _overdue(told["overdue"], lag))
    if stuck:
        return Finding(Level.WARNING, facts, _unfinished(stuck))
    return Finding(Level.OK, facts)


def _overdue(count: int, lag: timedelta) -> str:
    words = ngettext(
        "%(count)d Avito report is overdue, by %(minutes)d min. Does the bot run?",
        "%(count)d Avito reports are overdue, the first one by %(minutes)d min. Does the bot run?",
        count,
    )
    return words % {"count": count, "minutes": lag.total_seconds() // 60}


def _unfinished(count: int) -> str:
    words = ngettext(
        "%(count)d Avito report has been at work for more than an hour. See Reports and the Outbox in the admin.",
        "%(count)d Avito reports have been at work for more than an hour. See Reports and the Outbox in the admin.",
        count,
    )
    return words % {"count": count}
