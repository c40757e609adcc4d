"""The operator's pages of reports: profiles (their keys are shown to nobody), what is reported, and what became of it.

A profile's figures are its owner's business: shown to those who may read contents, and each opening is on record.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.pages import VIA, ContentPage, may_read, operator
from core.admin import ReadOnlyInline, ReadOnlyPage, Refused, Verb, display, values_filter, verbs
from core.show import link, nowrap, pretty, stamp
from delivery.pages import in_viewers_zone, rule_in_a_list
from reports.admin_dashboard import dashboard_of
from reports.metrics import BY_NAME
from reports.models import Alert, AvitoProfile, Export, Report, ReportPart, ReportTask, Snapshot
from reports.pages import (
    about_words,
    access_badge,
    figure,
    missing_words,
    next_report,
    parts_of,
    report_badge,
    state_of,
    troubled,
)
from reports.services import profiles, tasks
from reports.services.rows import NotSo


def _delete(row: AvitoProfile, request: HttpRequest, now: datetime) -> bool:
    profiles.delete_profile(row, by=operator(request), via=VIA, now=now)
    return True


def _switch(row: ReportTask, request: HttpRequest, now: datetime, *, on: bool) -> bool:
    try:
        return tasks.switch(row, on, by=operator(request), via=VIA, now=now)
    except NotSo as refusal:
        raise Refused(str(refusal)) from refusal


@admin.register(AvitoProfile)
@verbs(
    Verb(
        "delete_profile",
        _("Delete the profile"),
        _("Its keys, figures, reports and plans go with it, for good. At Avito nothing changes."),
        _delete,
        "delete",
        ActionVariant.DANGER,
    ),
)
class ProfilePage(ContentPage, ReadOnlyPage):
    contents = frozenset({"figures"})
    list_display = ("name", "person", "account", "access_", "closed", "reported", "next_", "created")
    list_filter = ("access", "created_at")
    search_fields = ("name", "account_name", "account_id", "owner__first_name", "owner__last_name")
    search_help_text = _("A name, an account's number, an owner")
    ordering = ("name", "id")
    fieldsets = ((None, {"fields": ("name",)}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AvitoProfile]:
        rows: QuerySet[AvitoProfile] = super().get_queryset(request)
        return rows.select_related("owner", "task__schedule").defer("credentials", "task__hook_secret")

    @in_viewers_zone
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page

    @in_viewers_zone
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        shown: dict[str, Any] = {}
        if row is not None:
            days = request.GET.get("days", "")
            readable = may_read(request)
            shown = {"readable": readable, "board": dashboard_of(row, days, timezone.now(), readable=readable)}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})
        return page

    @display(description=_("owner"), ordering="owner__first_name")
    def person(self, row: AvitoProfile) -> SafeString | str:
        return link(row.owner, row.owner.name)

    @display(description=_("Avito account"), ordering="account_id")
    def account(self, row: AvitoProfile) -> str:
        return f"{row.account_name} {row.account_id}".strip() if row.account_id else "—"

    @display(description=_("access"), ordering="access")
    def access_(self, row: AvitoProfile) -> SafeString:
        return access_badge(row)

    @display(description=_("in trouble"))
    def closed(self, row: AvitoProfile) -> str:
        return ", ".join(troubled(row)) or "—"

    @display(description=_("report"))
    def reported(self, row: AvitoProfile) -> SafeString | str:
        return state_of(getattr(row, "task", None))

    @display(description=_("next report"))
    def next_(self, row: AvitoProfile) -> SafeString:
        return nowrap(stamp(next_report(getattr(row, "task", None))))

    @display(description=_("created"), ordering="created_at")
    def created(self, row: AvitoProfile) -> SafeString:
        return nowrap(stamp(row.created_at))


@admin.register(ReportTask)
@verbs(
    Verb("pause", _("Switch off"), _("Nothing is reported until it is on again."), partial(_switch, on=False), "pause"),
    Verb("resume", _("Switch on"), _("It reports again at its next time."), partial(_switch, on=True), "play_arrow"),
)
class TaskPage(ReadOnlyPage):
    list_display = ("profile_", "person", "rule_in_list", "reported", "next_", "place", "ways")
    search_fields = ("profile__name", "profile__owner__first_name", "chat__title")
    ordering = ("profile__name", "id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("profile_", "person"),
                    ("rule_in_list", "reported", "next_"),
                    ("place", "chart", "ways"),
                    ("alerts", "low_money", "contacts_drop"),
                    "shown",
                )
            },
        ),
    )
    readonly_fields = ("profile_", "person", "rule_in_list", "reported", "next_", "place", "ways", "shown")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportTask]:
        rows: QuerySet[ReportTask] = super().get_queryset(request)
        return rows.select_related("profile__owner", "schedule", "chat").defer("hook_secret", "profile__credentials")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        # What is not shown may not be guessed at in the address either.
        return not lookup.startswith("hook_") and bool(super().lookup_allowed(lookup, value, request))

    @display(description=_("profile"), ordering="profile__name")
    def profile_(self, row: ReportTask) -> SafeString | str:
        return link(row.profile)

    @display(description=_("owner"))
    def person(self, row: ReportTask) -> SafeString | str:
        return link(row.profile.owner, row.profile.owner.name)

    @display(description=_("when"))
    def rule_in_list(self, row: ReportTask) -> SafeString | str:
        return rule_in_a_list(row.schedule)

    @display(description=_("report"))
    def reported(self, row: ReportTask) -> SafeString | str:
        return state_of(row)

    @display(description=_("next report"), ordering="schedule__next_at")
    def next_(self, row: ReportTask) -> SafeString:
        return nowrap(stamp(next_report(row)))

    @display(description=_("chat"))
    def place(self, row: ReportTask) -> SafeString | str:
        return link(row.chat)

    @display(description=_("also by"))
    def ways(self, row: ReportTask) -> str:
        # Addresses of webhooks may hold secrets.
        return ", ".join(filter(None, (row.email, "webhook" if row.hook_url else ""))) or "—"

    @display(description=_("figures"))
    def shown(self, row: ReportTask) -> str:
        return ", ".join(row.metrics) or "—"


class PartInline(ReadOnlyInline):
    model = ReportPart
    fields = ("profile", "state", "error_kind", "missing", "pauses")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportPart]:
        rows: QuerySet[ReportPart] = super().get_queryset(request)
        return rows.select_related("profile").defer("profile__credentials")

    @display(description=_("missing"))
    def missing(self, row: ReportPart) -> str:
        return missing_words(row.gaps)


@admin.register(Report)
class ReportPage(ReadOnlyPage):
    list_display = ("created", "kind", "condition", "span", "parts_", "place", "person", "finished")
    list_filter = ("state", "kind", "created_at")
    list_select_related = ("chat", "requested_by")
    search_fields = ("parts__profile__name", "id")
    ordering = ("-created_at",)
    inlines = (PartInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("condition", "kind", "person"),
                    ("span", "compared"),
                    "place",
                    ("planned", "created", "finished"),
                )
            },
        ),
    )
    readonly_fields = ("condition", "kind", "person", "span", "compared", "place", "planned", "created", "finished")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        rows: QuerySet[Report] = super().get_queryset(request)
        parts = ReportPart.objects.select_related("profile").defer("profile__credentials")
        return rows.prefetch_related(Prefetch("parts", parts))

    @display(description=_("created"), ordering="created_at")
    def created(self, row: Report) -> SafeString:
        return nowrap(stamp(row.created_at))

    @display(description=_("state"), ordering="state")
    def condition(self, row: Report) -> SafeString:
        return report_badge(row)

    @display(description=_("period"), ordering="first")
    def span(self, row: Report) -> SafeString:
        return nowrap(f"{row.first} – {row.last}")

    @display(description=_("compared with"))
    def compared(self, row: Report) -> str:
        return f"{row.before_first} – {row.before_last}" if row.before_first else "—"

    @display(description=_("profiles"))
    def parts_(self, row: Report) -> SafeString | str:
        return parts_of(row.parts.all())

    @display(description=_("chat"))
    def place(self, row: Report) -> SafeString | str:
        return link(row.chat)

    @display(description=_("asked by"))
    def person(self, row: Report) -> SafeString | str:
        return link(row.requested_by, row.requested_by.name) if row.requested_by else "—"

    @display(description=_("planned"))
    def planned(self, row: Report) -> str:
        return stamp(row.planned_at)

    @display(description=_("finished"), ordering="finished_at")
    def finished(self, row: Report) -> SafeString:
        return nowrap(stamp(row.finished_at))


def _names_of_profiles() -> Iterable[tuple[str, str]]:
    return ((str(key), name) for key, name in AvitoProfile.objects.order_by("name", "id").values_list("pk", "name"))


def _told(row: Snapshot, name: str) -> str:
    metric = BY_NAME[name]
    return figure(row.values.get(name), metric.unit)


@admin.register(Snapshot)
class SnapshotPage(ContentPage, ReadOnlyPage):
    """Days of figures: what was told of each, and when it was read."""

    contents = frozenset({"views", "contacts", "spent", "told", "figures"})
    list_display = ("date", "profile_", "views", "contacts", "spent", "whole")
    list_filter = (values_filter("profile", _("profile"), _names_of_profiles), "partial")
    date_hierarchy = "date"
    ordering = ("-date", "profile_id")
    fieldsets = ((None, {"fields": (("profile_", "date", "whole"), "told", "when")}),)
    readonly_fields = ("profile_", "date", "whole", "told", "when")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        rows: QuerySet[Snapshot] = super().get_queryset(request)
        return rows.select_related("profile").defer("profile__credentials")

    @display(description=_("profile"), ordering="profile__name")
    def profile_(self, row: Snapshot) -> SafeString | str:
        return link(row.profile)

    @display(description=_("views"))
    def views(self, row: Snapshot) -> str:
        return _told(row, "views")

    @display(description=_("contacts"))
    def contacts(self, row: Snapshot) -> str:
        return _told(row, "contacts")

    @display(description=_("spent, ₽"))
    def spent(self, row: Snapshot) -> str:
        return _told(row, "allSpending")

    @display(description=_("complete"), boolean=True)
    def whole(self, row: Snapshot) -> bool:
        return not row.partial

    @display(description=_("figures"))
    def told(self, row: Snapshot) -> SafeString | str:
        return pretty(row.figures)

    @display(description=_("read"))
    def when(self, row: Snapshot) -> SafeString | str:
        return pretty(row.read)


@admin.register(Export)
class ExportPage(ReadOnlyPage):
    list_display = ("created", "profile_", "condition", "person", "finished")
    list_filter = ("state", "created_at")
    ordering = ("-created_at",)
    fieldsets = ((None, {"fields": (("profile_", "person"), ("condition", "error_kind"), ("created", "finished"))}),)
    readonly_fields = ("profile_", "person", "condition", "error_kind", "created", "finished")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        rows: QuerySet[Export] = super().get_queryset(request)
        return rows.select_related("profile", "requested_by").defer("profile__credentials")

    @display(description=_("created"), ordering="created_at")
    def created(self, row: Export) -> SafeString:
        return nowrap(link(row, stamp(row.created_at)))

    @display(description=_("profile"), ordering="profile__name")
    def profile_(self, row: Export) -> SafeString | str:
        return link(row.profile)

    @display(description=_("state"), ordering="state")
    def condition(self, row: Export) -> SafeString:
        return report_badge(row)

    @display(description=_("asked by"))
    def person(self, row: Export) -> SafeString | str:
        return link(row.requested_by, row.requested_by.name)

    @display(description=_("finished"), ordering="finished_at")
    def finished(self, row: Export) -> SafeString:
        return nowrap(stamp(row.finished_at))


@admin.register(Alert)
class AlertPage(ContentPage, ReadOnlyPage):
    """What owners were told of; the figures in it are contents."""

    contents = frozenset({"facts", "facts_"})
    list_display = ("since_", "profile_", "kind", "about_", "open_", "over")
    list_filter = ("kind", ("over_at", admin.EmptyFieldListFilter), "since")
    ordering = ("-since",)
    fieldsets = ((None, {"fields": (("profile_", "kind", "about_"), ("since_", "over"), "facts_")}),)
    readonly_fields = ("profile_", "kind", "about_", "since_", "over", "facts_")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        rows: QuerySet[Alert] = super().get_queryset(request)
        return rows.select_related("profile").defer("profile__credentials")

    @display(description=_("since"), ordering="since")
    def since_(self, row: Alert) -> SafeString:
        return nowrap(link(row, stamp(row.since)))

    @display(description=_("profile"), ordering="profile__name")
    def profile_(self, row: Alert) -> SafeString | str:
        return link(row.profile)

    @display(description=_("about"), ordering="about")
    def about_(self, row: Alert) -> str:
        return about_words(row.about) or "—"

    @display(description=_("open"), boolean=True)
    def open_(self, row: Alert) -> bool:
        return row.over_at is None

    @display(description=_("over"), ordering="over_at")
    def over(self, row: Alert) -> SafeString:
        return nowrap(stamp(row.over_at))

    @display(description=_("facts"))
    def facts_(self, row: Alert) -> SafeString | str:
        return pretty(row.facts)
