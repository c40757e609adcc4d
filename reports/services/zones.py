"""Reports follow the clock of who owns them (settings.ZONE_FOLLOWERS)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import ngettext

from accounts.models import User
from reports.models import ReportTask
from reports.services import tasks


@transaction.atomic
def follow(user: User, before: str, now: datetime) -> str:
    """The person is in another zone than ``before`` (empty: none was known): reports that ran by that clock, or by the
    house's while none was known, run by the new one. What to say of it; empty when none moved."""
    old = before or settings.TIME_ZONE
    if user.time_zone in ("", old):
        return ""
    rows = ReportTask.objects.filter(profile__owner=user, schedule__zone=old).select_related("schedule")
    held = list(rows.defer("hook_secret").order_by("schedule"))
    for task in held:
        tasks.set_rule(task, tasks.rule_of(task), user.time_zone, by=user, via="chat", now=now)
    if not held:
        return ""
    text = ngettext("%(count)d Avito report moved along.", "%(count)d Avito reports moved along.", len(held))
    return text % {"count": len(held)}
