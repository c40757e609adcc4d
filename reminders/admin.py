"""The operator's pages of reminders: what is planned for whom, and what became of each time.

What a reminder says is content: shown to those who may read it, and each opening is on record.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.pages import VIA, ContentPage, operator, trail
from core import admin as pages
from core.admin import ReadOnlyInline, ReadOnlyPage, Verb, display, verbs
from core.show import link, nowrap, stamp
from delivery.pages import rule_in_a_list, rule_in_words
from reminders import services
from reminders.forms import PREVIEW, ReminderForm
from reminders.models import Occurrence, Reminder, Status
from reminders.pages import coming, in_lines, maker_of, payload_of, state_badge, status_badge

HIDDEN = "•••"
# The button beside Save: a form that is sent by it is not saved (`ReminderForm.is_valid`).
LOOK_FIRST = {"action_name": PREVIEW, "description": _("Show when it runs"), "icon": "visibility", "attrs": {}}


class OccurrenceInline(ReadOnlyInline):
    """Newest first. What a consumer said of it is content, and stands on the occurrence's own page."""

    model = Occurrence
    fields = ("planned", "condition", "fired", "late", "attempts", "done")
    readonly_fields = fields
    ordering = ("-planned_at", "-created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Occurrence]:
        rows: QuerySet[Occurrence] = super().get_queryset(request)
        return rows.defer("note")

    @display(description=_("planned for"))
    def planned(self, row: Occurrence) -> SafeString:
        return nowrap(link(row, stamp(row.planned_at)))

    @display(description=_("state"))
    def condition(self, row: Occurrence) -> SafeString:
        return state_badge(row)

    @display(description=_("fired"))
    def fired(self, row: Occurrence) -> SafeString:
        return nowrap(stamp(row.fired_at))

    @display(description=_("late by, s"))
    def late(self, row: Occurrence) -> str:
        return f"{row.lateness:.1f}"

    @display(description=_("acknowledged"))
    def done(self, row: Occurrence) -> SafeString:
        return nowrap(stamp(row.acked_at))


def _by(verb: Callable[..., bool]) -> Callable[[Any, HttpRequest, datetime], bool]:
    def act(row: Any, request: HttpRequest, now: datetime) -> bool:
        try:
            return verb(row, by=operator(request), via=VIA, now=now)
        except services.NotNow as refusal:
            raise pages.Refused(refusal.text) from refusal

    return act


# In which status a verb does something.
OFFERED = {
    "pause": (Status.PENDING, Status.ACTIVE),
    "resume": (Status.PAUSED,),
    "complete": (Status.PENDING, Status.ACTIVE, Status.PAUSED),
    "cancel": (Status.PENDING, Status.ACTIVE, Status.PAUSED),
}


@admin.register(Reminder)
@verbs(
    Verb("pause", _("Pause"), _("Nothing fires until it is resumed."), _by(services.pause), "pause_circle"),
    Verb(
        "resume",
        _("Resume"),
        _("It goes on by its rule from now. What was due during the pause is not made up for."),
        _by(services.resume),
        "play_circle",
        ActionVariant.SUCCESS,
    ),
    Verb("complete", _("Mark as done"), _("The whole series is over."), _by(services.complete), "task_alt"),
    Verb(
        "cancel",
        _("Cancel it"),
        _("It never fires again, and this cannot be undone. Its history stays."),
        _by(services.cancel),
        "cancel",
        ActionVariant.DANGER,
    ),
)
class ReminderPage(ContentPage, ReadOnlyPage):
    contents = frozenset({"what", "title", "payload", "says", "status_reason"})
    list_display = ("coming_", "person", "what", "rule_in_list", "zone_in_list", "condition")
    list_filter = ("needs_attention", "status", "type", "action", "created_at")
    search_fields = ("title", "id", "user__first_name", "user__last_name", "user__telegram_username")
    search_help_text = _("A person, a title, an id")
    # Newest first, by a column that has an index.
    ordering = ("-schedule_id",)
    autocomplete_fields = ("user", "chat")
    inlines = (OccurrenceInline,)
    actions_row = ("pause", "resume", "complete", "cancel")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("condition", "status_reason"),
                    ("person", "place"),
                    ("type", "action"),
                    ("rule_", "zone"),
                    "next_runs",
                    ("begins", "ends", "runs"),
                    ("grace", "nag_minutes"),
                )
            },
        ),
        (_("What it says"), {"fields": ("title", "says")}),
        (
            _("Origin"),
            {"fields": (("maker", "assistant_id"), "source_message_id", ("created", "changed", "version"))},
        ),
        (_("Audit"), {"fields": ("record",)}),
    )
    add_fieldsets = ((None, {"fields": ("user", "chat", "text", ("when", "zone"), "nag_minutes")}),)

    # --- adding ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("reminders.add_reminder"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs, **({} if obj else {"form": ReminderForm}))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return super().get_inlines(request, obj) if obj else []

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        buttons = {
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "actions_submit_line": [LOOK_FIRST],
        }
        page: HttpResponse = super().add_view(request, form_url, {**buttons, **(extra_context or {})})
        return page

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        form = context["adminform"].form
        if PREVIEW in request.POST and getattr(form, "draft", None):
            lines = in_lines(form.runs, form.draft.zone)
            messages.info(request, format_html(gettext("It would run:<br>{}"), lines))
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def save_model(self, request: HttpRequest, obj: Reminder, form: Any, change: bool) -> None:
        form.draft.created_by = operator(request)
        row = services.create(form.draft, via=VIA, now=timezone.now())
        obj.pk = row.pk

    def response_add(self, request: HttpRequest, obj: Reminder, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, gettext("It is saved."))
        return HttpResponseRedirect(reverse("admin:reminders_reminder_change", args=[obj.pk]))

    # --- looking ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reminder]:
        """Nothing is opened that is not asked for."""
        rows: QuerySet[Reminder] = super().get_queryset(request)
        return rows.select_related("schedule", "user").defer("payload")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        row = self.get_object(request, unquote(object_id))
        offered = super().get_actions_detail(request, object_id)
        return [verb for verb in offered if row is None or row.status in OFFERED[verb.method.__name__]]

    @display(description=_("next"), ordering=F("schedule__next_at").asc(nulls_last=True))
    def coming_(self, row: Reminder) -> SafeString:
        return nowrap(stamp(row.next_run_at))

    @display(description=_("person"), ordering="user__first_name")
    def person(self, row: Reminder) -> SafeString | str:
        return link(row.user, row.user.name)

    @display(description=_("what"))
    def what(self, row: Reminder) -> SafeString:
        """Only a title: what a reminder says is opened one by one."""
        return nowrap(row.title or HIDDEN, "8rem")

    @display(description=_("rule"), ordering="type")
    def rule_in_list(self, row: Reminder) -> SafeString | str:
        return rule_in_a_list(row.schedule)

    @display(description=_("rule"))
    def rule_(self, row: Reminder) -> SafeString | str:
        return rule_in_words(row.schedule)

    @display(description=_("time zone"), ordering="schedule__zone")
    def zone_in_list(self, row: Reminder) -> str:
        return row.schedule.zone

    @display(description=_("time zone"))
    def zone(self, row: Reminder) -> str:
        return (
            gettext("%(zone)s, as the person's") % {"zone": row.schedule.zone}
            if row.zone_of_owner
            else row.schedule.zone
        )

    @display(description=_("status"), ordering="status")
    def condition(self, row: Reminder) -> SafeString:
        return status_badge(row, timezone.now())

    @display(description=_("chat"))
    def place(self, row: Reminder) -> SafeString | str:
        return link(row.chat)

    @display(description=_("next runs"))
    def next_runs(self, row: Reminder) -> SafeString | str:
        return in_lines(coming(row, timezone.now()), row.schedule.zone)

    @display(description=_("from"))
    def begins(self, row: Reminder) -> SafeString:
        return nowrap(stamp(row.schedule.start_at))

    @display(description=_("until"))
    def ends(self, row: Reminder) -> SafeString:
        return nowrap(stamp(row.schedule.end_at))

    @display(description=_("runs"))
    def runs(self, row: Reminder) -> str:
        most = row.schedule.max_runs
        return f"{row.schedule.runs} / {most}" if most else str(row.schedule.runs)

    @display(description=_("too late"))
    def grace(self, row: Reminder) -> str:
        rest, minutes = row.schedule.get_catch_up_display(), row.schedule.grace_seconds / 60
        return gettext("after %(minutes)s min; then %(rest)s") % {"minutes": f"{minutes:g}", "rest": rest}

    @display(description=_("payload"))
    def says(self, row: Reminder) -> SafeString | str:
        return payload_of(row)

    @display(description=_("made by"))
    def maker(self, row: Reminder) -> str:
        return maker_of(row)

    @display(description=_("created"))
    def created(self, row: Reminder) -> SafeString:
        return nowrap(stamp(row.created_at))

    @display(description=_("changed"))
    def changed(self, row: Reminder) -> SafeString:
        return nowrap(stamp(row.updated_at))

    @display(description=_("last 30 entries"))
    def record(self, row: Reminder) -> SafeString | str:
        return trail(row)


@admin.register(Occurrence)
@verbs(
    Verb(
        "replay",
        _("Send again"),
        _("What was given up goes out once more, with the same id. Anything else stays as it is."),
        _by(services.replay),
        "replay",
        ActionVariant.PRIMARY,
    ),
)
class OccurrencePage(ContentPage, ReadOnlyPage):
    contents = frozenset({"result", "error", "note"})
    list_display = ("planned", "condition", "person", "about", "late", "attempts", "holder")
    list_filter = ("state", "awaits_ack", "planned_at")
    search_fields = (
        "id",
        "reminder__id",
        "reminder__user__first_name",
        "reminder__user__last_name",
        "reminder__user__telegram_username",
    )
    search_help_text = _("A person, an id of the event or of the reminder")
    ordering = ("-planned_at", "-created_at")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("planned", "condition"),
                    ("person", "about"),
                    ("fired", "late", "missed_count"),
                    ("attempts", "awaits_ack"),
                    ("claimed_by", "lease", "done"),
                    "result",
                    "error",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Occurrence]:
        rows: QuerySet[Occurrence] = super().get_queryset(request)
        return rows.select_related("reminder__user").defer("note", "reminder__payload")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        row = self.get_object(request, unquote(object_id))
        is_dead = row is None or row.state == Occurrence.State.DEAD
        return super().get_actions_detail(request, object_id) if is_dead else []

    @display(description=_("planned for"), ordering="planned_at")
    def planned(self, row: Occurrence) -> SafeString:
        return nowrap(stamp(row.planned_at))

    @display(description=_("state"), ordering="state")
    def condition(self, row: Occurrence) -> SafeString:
        return state_badge(row)

    @display(description=_("person"), ordering="reminder__user__first_name")
    def person(self, row: Occurrence) -> SafeString | str:
        return link(row.reminder.user, row.reminder.user.name)

    @display(description=_("reminder"))
    def about(self, row: Occurrence) -> SafeString | str:
        return link(row.reminder, str(row.reminder_id)[:8])

    @display(description=_("fired"))
    def fired(self, row: Occurrence) -> SafeString:
        return nowrap(stamp(row.fired_at))

    @display(description=_("late by, s"), ordering="lateness")
    def late(self, row: Occurrence) -> str:
        return f"{row.lateness:.1f}"

    @display(description=_("taken by"), ordering="claimed_by")
    def holder(self, row: Occurrence) -> SafeString | str:
        return nowrap(row.claimed_by, "9rem") if row.claimed_by else "—"

    @display(description=_("lease until"))
    def lease(self, row: Occurrence) -> SafeString:
        return nowrap(stamp(row.lease_until))

    @display(description=_("acknowledged"), ordering="acked_at")
    def done(self, row: Occurrence) -> SafeString:
        return nowrap(stamp(row.acked_at))
