"""How jobs, their runs, schedules and times are shown where operators see them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_apscheduler.models import DjangoJobExecution

from accounts.models import User
from core.show import badge, nowrap, pretty
from delivery.models import Schedule
from delivery.schedule import Once, RuleError, from_json, zone_of
from delivery.schedule_words import describe

F = TypeVar("F", bound=Callable[..., Any])

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


def rule_in_words(plan: Schedule) -> SafeString | str:
    """A rule that cannot be read is shown as it lies there: the tick puts it aside."""
    try:
        return describe(from_json(plan.rule), zone_of(plan.zone)).replace("`", "")  # marks of Telegram's texts
    except RuleError:
        return pretty(plan.rule)


def rule_in_a_list(plan: Schedule) -> SafeString | str:
    """In a list, where the zone has a column of its own: ``once: 2026-11-20 12:00``."""
    try:
        rule = from_json(plan.rule)
        if isinstance(rule, Once):
            when = f"{rule.at.astimezone(zone_of(plan.zone)):%Y-%m-%d %H:%M}"
            return nowrap(gettext("once: %(when)s") % {"when": when})
    except RuleError:
        return pretty(plan.rule)
    return rule_in_words(plan)


def zone_of_viewer(user: Any) -> ZoneInfo:
    """The zone in which a person reads times: their own, else the installation's."""
    return clock_of(user.time_zone if isinstance(user, User) else "")


def clock_of(name: str, user: Any = None) -> ZoneInfo:
    """The zone called ``name``; where there is none of this name, the person's, and then the installation's."""
    try:
        return zone_of(name)
    except RuleError:
        return zone_of_viewer(user) if user is not None else ZoneInfo(timezone.get_default_timezone_name())


def in_viewers_zone(view: F) -> F:
    """A page whose times are told, and whose days begin, by the clock of whoever looks."""

    @wraps(view)
    def shown(page: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with timezone.override(zone_of_viewer(request.user)):
            answer: Any = view(page, request, *args, **kwargs)
            if hasattr(answer, "render") and not answer.is_rendered:
                answer.render()
            rendered: HttpResponse = answer
            return rendered

    return shown  # type: ignore[return-value]
