"""How reminders and what became of them are shown to operators."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.sealed import Unreadable
from core.show import badge, pretty
from delivery.schedule import RuleError, Run
from delivery.schedule_words import local
from reminders import services
from reminders.models import FINAL, Occurrence, Reminder, Status

State = Occurrence.State

STATUS_KIND = {
    Status.PENDING: "info",
    Status.ACTIVE: "success",
    Status.PAUSED: "warning",
    Status.COMPLETED: "",
    Status.CANCELLED: "",
}
STATE_KIND = {
    State.QUEUED: "info",
    State.CLAIMED: "primary",
    State.ACKED: "success",
    State.RETRY_WAIT: "warning",
    State.DEAD: "danger",
    State.MISSED: "danger",
    State.SKIPPED: "warning",
    State.WITHDRAWN: "",
}


def status_badge(row: Reminder, now: datetime) -> SafeString:
    """The status; red below it when somebody should look."""
    status = Status(row.status)
    begins_later = status == Status.ACTIVE and row.status_at(now) == Status.PENDING
    shown = badge(_("begins later") if begins_later else status.label, STATUS_KIND[row.status_at(now)])
    if not row.needs_attention:
        return shown
    below = '<div style="white-space:nowrap;margin-top:.25rem">{}</div>'
    return format_html("{}" + below, shown, badge(_("needs attention"), "danger"))


def state_badge(occurrence: Occurrence) -> SafeString:
    return badge(occurrence.get_state_display(), STATE_KIND[State(occurrence.state)])


def coming(row: Reminder, now: datetime, count: int = 5) -> list[Run]:
    """The next runs as things stand, the next one where a snooze has put it; none of what is paused or over."""
    plan = row.schedule
    if row.status in FINAL or row.status == Status.PAUSED or plan.next_at is None:
        return []
    try:
        rule = row.rule
    except RuleError:
        return []
    left = None if plan.max_runs is None else plan.max_runs - plan.runs
    since = max(now, plan.next_at) - timedelta(microseconds=1)
    runs = services.runs_of(rule, plan.zone, since, plan.start_at, plan.end_at, left, count)
    if plan.next_at in [run.at for run in runs]:
        return runs
    return [Run(plan.next_at), *(run for run in runs if run.at > plan.next_at)][:count]


def in_lines(runs: list[Run], zone: str) -> SafeString | str:
    """Runs below one another, each by the clock of ``zone``, with what is odd about it."""
    if not runs:
        return _("none")
    lines = [(local(run.at, ZoneInfo(zone)), f" ({run.remark})" if run.remark else "") for run in runs]
    return format_html_join(mark_safe("<br>"), "{}{}", lines)


def payload_of(row: Reminder) -> SafeString | str:
    """What it holds; without its key only that it cannot be opened."""
    try:
        return pretty(row.payload)
    except Unreadable:
        return _("A sealed value cannot be opened. Put its key back into FIELD_ENCRYPTION_KEYS.")


def maker_of(row: Reminder) -> str:
    """Who made it: a person, a key, an assistant for a person."""
    if row.by_key:
        key = str(row.created_by_key) if row.created_by_key else _("a key that is gone")
        return pgettext("maker of a reminder", "key %(name)s") % {"name": key}
    name = row.created_by.name if row.created_by else "—"
    return _("%(name)s, by an assistant") % {"name": name} if row.created_by_assistant else name
