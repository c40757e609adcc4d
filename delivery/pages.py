"""What the jobs and their runs are called where operators see them."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_apscheduler.models import DjangoJobExecution

from core.show import badge

JOB_TITLES = {
    "sync_models": _("Refresh the catalogue of models"),
    "housekeeping": _("Remove what is past its time"),
    "zone_news": _("Follow changed time zones"),
}
RUN_KIND = {
    DjangoJobExecution.SENT: "info",
    DjangoJobExecution.SUCCESS: "success",
    DjangoJobExecution.MISSED: "warning",
    DjangoJobExecution.MAX_INSTANCES: "warning",
    DjangoJobExecution.ERROR: "danger",
}
RUN_TEXT = {
    DjangoJobExecution.SENT: _("started"),
    DjangoJobExecution.SUCCESS: pgettext_lazy("run of a job", "done"),
    DjangoJobExecution.MISSED: _("missed"),
    DjangoJobExecution.MAX_INSTANCES: _("still running, skipped"),
    DjangoJobExecution.ERROR: _("failed"),
}


def run_badge(status: str) -> SafeString:
    return badge(RUN_TEXT.get(status, status), RUN_KIND.get(status, ""))
