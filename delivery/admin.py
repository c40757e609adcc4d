"""The operator's pages of the outbox, of what is planned and of the fixed jobs.

Jobs are pickles in the database and run in the bot's process: nothing here edits them or runs them. "Run now"
inserts a request that the scheduler picks up.
"""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timeuntil
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_apscheduler.models import DjangoJob, DjangoJobExecution
from unfold.enums import ActionVariant

from accounts.pages import ContentPage, audited
from core.admin import ReadOnlyPage, Refused, Verb, display, values_filter, verbs
from core.show import badge, nowrap, pretty, prose, stamp, trace
from delivery import admin_webhooks, services  # noqa: F401  (admin_webhooks registers its page)
from delivery.models import Delivery, JobRequest, Schedule
from delivery.pages import JOB_TITLES, RUN_TEXT, rule_in_a_list, rule_in_words, run_badge

State = Delivery.State
STATE_KIND = {
    State.QUEUED: "info",
    State.SENDING: "primary",
    State.SENT: "success",
    State.UNKNOWN: "warning",
    State.FAILED: "danger",
    State.CANCELLED: "",
}


SourceFilter = values_filter("source", _("source"), lambda: [(name, name) for name in settings.DELIVERY_SOURCES])


def _retry(delivery: Delivery, request: HttpRequest, now: datetime) -> bool:
    return audited(services.retry(delivery, now=now), "delivery.retried", delivery, request, now)


def _cancel(delivery: Delivery, request: HttpRequest, now: datetime) -> bool:
    return audited(services.call_off(delivery, now=now), "delivery.cancelled", delivery, request, now)


@admin.register(Delivery)
@verbs(
    Verb(
        "retry",
        _("Send again"),
        _("The message is queued again. One whose fate is unknown may arrive twice and is marked so."),
        _retry,
        "replay",
        ActionVariant.PRIMARY,
    ),
    Verb(
        "cancel",
        _("Do not send"),
        _("A queued message will not be sent."),
        _cancel,
        "cancel",
        ActionVariant.DANGER,
    ),
)
class DeliveryPage(ContentPage, ReadOnlyPage):
    contents = frozenset({"text", "body", "content", "error"})
    list_display = ("created", "condition", "source", "chat_id", "text", "attempts", "error_kind")
    list_filter = ("state", "created_at")
    search_fields = ("key", "lane", "trace_id", "chat_id")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("condition", "attempts", "repeated"),
                    ("source", "backend", "on_doubt"),
                    ("bot_id", "chat_id", "message_id"),
                    ("key", "lane", "trace"),
                    ("created", "finished"),
                    ("not_before", "lease_until"),
                    "worker",
                    ("error_kind", "error"),
                )
            },
        ),
        (_("content"), {"fields": ("body", "outcome")}),
    )

    @display(description=_("created"), ordering="created_at")
    def created(self, delivery: Delivery) -> SafeString:
        return nowrap(stamp(delivery.created_at))

    @display(description=_("trace"), ordering="trace_id")
    def trace(self, delivery: Delivery) -> SafeString | str:
        return trace(delivery.trace_id)

    @display(description=_("finished"))
    def finished(self, delivery: Delivery) -> str:
        return stamp(delivery.finished_at)

    @display(description=_("state"), ordering="state")
    def condition(self, delivery: Delivery) -> SafeString:
        return badge(delivery.get_state_display(), STATE_KIND[State(delivery.state)])

    @display(description=_("text"))
    def text(self, delivery: Delivery) -> SafeString:
        params = delivery.content.get("params") or {}
        return nowrap(str(params.get("text") or params.get("caption") or "")[:200], "16rem")

    @display(description=_("content"))
    def body(self, delivery: Delivery) -> SafeString | str:
        return pretty(delivery.content)

    @display(description=_("result"))
    def outcome(self, delivery: Delivery) -> SafeString | str:
        return pretty(delivery.result)


SCHEDULE_KIND = {
    Schedule.State.PENDING: "info",
    Schedule.State.ACTIVE: "success",
    Schedule.State.PAUSED: "warning",
    Schedule.State.COMPLETED: "",
    Schedule.State.CANCELLED: "",
}


@admin.register(Schedule)
class SchedulePage(ReadOnlyPage):
    """What the tick goes by. Each is steered on the page of what it belongs to."""

    list_display = ("coming", "source", "whose", "rule_in_list", "zone", "condition", "runs")
    list_display_links = ("coming", "whose")
    list_filter = ("state", SourceFilter, "next_at")
    search_fields = ("object_id",)
    search_help_text = _("The id of what it belongs to")
    ordering = (F("next_at").asc(nulls_last=True), "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("source", "object_id"),
                    ("rule_", "zone"),
                    ("condition", "coming", "last"),
                    ("runs", "max_runs"),
                    ("begins", "ends"),
                    ("grace_seconds", "catch_up"),
                    ("created", "changed", "version"),
                )
            },
        ),
    )

    @display(description=_("next"), ordering="next_at")
    def coming(self, row: Schedule) -> SafeString:
        return nowrap(stamp(row.next_at))

    @display(description=_("last"), ordering="last_at")
    def last(self, row: Schedule) -> SafeString:
        return nowrap(stamp(row.last_at))

    @display(description=_("its row"), ordering="object_id")
    def whose(self, row: Schedule) -> SafeString:
        return nowrap(row.object_id, "7rem")

    @display(description=_("rule"))
    def rule_in_list(self, row: Schedule) -> SafeString | str:
        return rule_in_a_list(row)

    @display(description=_("rule"))
    def rule_(self, row: Schedule) -> SafeString | str:
        return rule_in_words(row)

    @display(description=_("state"), ordering="state")
    def condition(self, row: Schedule) -> SafeString:
        return badge(row.get_state_display(), SCHEDULE_KIND[Schedule.State(row.state)])

    @display(description=_("from"))
    def begins(self, row: Schedule) -> SafeString:
        return nowrap(stamp(row.start_at))

    @display(description=_("until"))
    def ends(self, row: Schedule) -> SafeString:
        return nowrap(stamp(row.end_at))

    @display(description=_("created"))
    def created(self, row: Schedule) -> SafeString:
        return nowrap(stamp(row.created_at))

    @display(description=_("changed"))
    def changed(self, row: Schedule) -> SafeString:
        return nowrap(stamp(row.updated_at))


# The package's own pages would run a job inside the web process and let anybody edit pickles.
admin.site.unregister(DjangoJob)
admin.site.unregister(DjangoJobExecution)
# Its names are English only. Migrations look at the classes' own Meta, so they do not see this.
DjangoJob._meta.verbose_name, DjangoJob._meta.verbose_name_plural = _("planned job"), _("planned jobs")
DjangoJobExecution._meta.verbose_name = _("run of a job")
DjangoJobExecution._meta.verbose_name_plural = _("runs of jobs")
apps.get_app_config("django_apscheduler").verbose_name = _("Jobs")


def _run_now(job: DjangoJob, request: HttpRequest, now: datetime) -> bool:
    if job.pk not in settings.JOBS:
        raise Refused(gettext("This job is no longer in the settings."))
    services.request_job(job.pk, str(request.user), now)
    audited(True, "job.requested", job, request, now)
    return True


@admin.register(DjangoJob)
@verbs(
    Verb(
        "run_now",
        _("Run now"),
        _("The job starts within seconds in the bot's process; its next planned time stays."),
        _run_now,
        "play_arrow",
        ActionVariant.PRIMARY,
        _("Requested; it starts within seconds in the bot's process."),
    )
)
class JobPage(ReadOnlyPage):
    list_display = ("name", "plan", "next_run", "last_run")
    fieldsets = ((None, {"fields": ("name", "plan", "next_run", "last_run", "function")}),)
    ordering = ("next_run_time", "id")

    @display(description=_("job"), ordering="id")
    def name(self, job: DjangoJob) -> str:
        return str(JOB_TITLES.get(job.pk, job.pk))

    @display(description=_("plan"))
    def plan(self, job: DjangoJob) -> str:
        _path, crontab, zone = settings.JOBS.get(job.pk, ("", "", ""))
        return f"{crontab}  ({zone})" if crontab else gettext("no longer in the settings")

    @display(description=_("function"))
    def function(self, job: DjangoJob) -> str:
        return str(settings.JOBS.get(job.pk, ("—",))[0])

    @display(description=_("next run"), ordering="next_run_time")
    def next_run(self, job: DjangoJob) -> str:
        if job.next_run_time is None:
            return gettext("paused")
        if job.next_run_time <= timezone.now():
            return gettext("%(time)s, due: is the bot running?") % {"time": stamp(job.next_run_time)}
        return gettext("%(time)s, in %(wait)s") % {
            "time": stamp(job.next_run_time),
            "wait": timeuntil(job.next_run_time),
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[DjangoJob]:
        runs = DjangoJobExecution.objects.filter(job_id=OuterRef("pk")).order_by("-run_time")
        rows: QuerySet[DjangoJob] = super().get_queryset(request)
        last = {f"last_{name}": Subquery(runs.values(name)[:1]) for name in ("status", "run_time")}
        with_last: QuerySet[DjangoJob] = rows.annotate(**last)
        return with_last

    @display(description=_("last run"))
    def last_run(self, job: Any) -> SafeString | str:
        if job.last_run_time is None:
            return gettext("not yet")
        return format_html("{} {}", run_badge(job.last_status), nowrap(stamp(job.last_run_time)))


# The package's own choices leave out the runs that were missed or skipped.
RunStatusFilter = values_filter("status", _("state"), RUN_TEXT.items)
JobFilter = values_filter("job_id", _("job"), lambda: [(key, JOB_TITLES.get(key, key)) for key in settings.JOBS])


@admin.register(DjangoJobExecution)
class JobRunPage(ReadOnlyPage):
    list_display = ("planned", "name", "outcome", "seconds", "trouble")
    list_filter = (RunStatusFilter, JobFilter, "run_time")
    ordering = ("-run_time",)
    fieldsets = ((None, {"fields": (("planned", "name"), ("outcome", "seconds"), "exception", "trace")}),)

    @display(description=_("planned for"), ordering="run_time")
    def planned(self, run: DjangoJobExecution) -> str:
        return stamp(run.run_time)

    @display(description=_("job"), ordering="job_id")
    def name(self, run: DjangoJobExecution) -> str:
        return str(JOB_TITLES.get(run.job_id, run.job_id))

    @display(description=_("state"), ordering="status")
    def outcome(self, run: DjangoJobExecution) -> SafeString:
        return run_badge(run.status)

    @display(description=_("took, s"), ordering="duration")
    def seconds(self, run: DjangoJobExecution) -> str:
        return "—" if run.duration is None else str(run.duration)

    @display(description=_("error"))
    def trouble(self, run: DjangoJobExecution) -> str:
        return (run.exception or "")[:80]

    @display(description=_("traceback"))
    def trace(self, run: DjangoJobExecution) -> SafeString | str:
        return prose(run.traceback or "", mono=True)


@admin.register(JobRequest)
class JobRequestPage(ReadOnlyPage):
    list_display = ("asked", "name", "requested_by", "started")
    list_filter = ("requested_at", ("started_at", admin.EmptyFieldListFilter))
    ordering = ("-id",)
    fieldsets = ((None, {"fields": (("name", "requested_by"), ("asked", "started"))}),)

    @display(description=_("asked"), ordering="requested_at")
    def asked(self, row: JobRequest) -> str:
        return stamp(row.requested_at)

    @display(description=_("job"), ordering="job_id")
    def name(self, row: JobRequest) -> str:
        return str(JOB_TITLES.get(row.job_id, row.job_id))

    @display(description=_("started"), ordering="started_at")
    def started(self, row: JobRequest) -> SafeString | str:
        return stamp(row.started_at) if row.started_at else badge(_("waits for the bot"), "warning")
