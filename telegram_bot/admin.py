"""The operator's pages of the inbox, with a second chance for what died; of announcements and admins' sessions."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.pages import ContentPage, audited
from core.admin import ReadOnlyPage, Verb, display, values_filter, verbs
from core.show import badge, nowrap, number, pretty, prose, stamp, trace
from telegram_bot import broadcasts, lanes, services
from telegram_bot.models import AdminSession, Broadcast, Update

State = Update.State
KindFilter = values_filter("kind", _("kind"), lambda: [(kind, kind) for kind in lanes.ALLOWED_UPDATES])
STATE_KIND = {State.NEW: "warning", State.RUNNING: "info", State.DONE: "success", State.DEAD: "danger"}


def _retry(update: Update, request: HttpRequest, now: datetime) -> bool:
    return audited(services.retry_update(update, now=now), "update.retried", update, request, now)


def _bury(update: Update, request: HttpRequest, now: datetime) -> bool:
    reason = gettext("Given up by %(name)s.") % {"name": request.user}
    return audited(services.bury_update(update, reason, now=now), "update.buried", update, request, now)


@admin.register(Update)
@verbs(
    Verb(
        "retry",
        _("Try again"),
        _("A dead update returns to its chat's queue and is worked on as if it had just come."),
        _retry,
        "replay",
        ActionVariant.PRIMARY,
    ),
    Verb(
        "bury",
        _("Give up"),
        _("A waiting update will not be worked on."),
        _bury,
        "delete_forever",
        ActionVariant.DANGER,
    ),
)
class UpdatePage(ContentPage, ReadOnlyPage):
    contents = frozenset({"source", "raw", "why", "trouble", "error"})
    list_display = ("received", "condition", "kind", "chat_id", "lane", "attempts", "trouble")
    list_filter = ("state", KindFilter, "received_at")
    search_fields = ("update_id", "lane", "trace_id", "chat_id")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("condition", "kind", "attempts"),
                    ("bot_id", "update_id", "chat_id"),
                    ("lane", "trace"),
                    ("received", "finished"),
                    ("not_before", "lease_until"),
                    "worker",
                    "why",
                )
            },
        ),
        (_("raw update"), {"fields": ("source",)}),
    )

    @display(description=_("received"), ordering="received_at")
    def received(self, update: Update) -> SafeString:
        return nowrap(stamp(update.received_at))

    @display(description=_("trace"), ordering="trace_id")
    def trace(self, update: Update) -> SafeString | str:
        return trace(update.trace_id)

    @display(description=_("finished"))
    def finished(self, update: Update) -> str:
        return stamp(update.finished_at)

    @display(description=_("state"), ordering="state")
    def condition(self, update: Update) -> SafeString:
        return badge(update.get_state_display(), STATE_KIND[State(update.state)])

    @display(description=_("error"))
    def trouble(self, update: Update) -> SafeString:
        return nowrap(update.error.strip().rpartition("\n")[2], "22rem")

    @display(description=_("error"))
    def why(self, update: Update) -> SafeString | str:
        return prose(update.error, mono=True)

    @display(description=_("raw update"))
    def source(self, update: Update) -> SafeString | str:
        return pretty(update.raw)


STAGE_KIND = {
    Broadcast.State.DRAFT: "warning",
    Broadcast.State.SENDING: "info",
    Broadcast.State.DONE: "success",
    Broadcast.State.CANCELLED: "",
}


@admin.register(Broadcast)
class BroadcastPage(ContentPage, ReadOnlyPage):
    """Written and sent in the chat; here one sees how far they came."""

    contents = frozenset({"text", "beginning", "whole"})
    list_display = ("created", "condition", "created_by", "beginning", "people", "sent", "not_sent")
    list_display_links = ("created", "beginning")
    list_filter = ("state", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("text",)
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("condition", "created_by"),
                    ("created", "started", "finished"),
                    ("people", "outcome"),
                    "whole",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Broadcast]:
        return broadcasts.with_counts(super().get_queryset(request))

    @display(description=_("created"), ordering="created_at")
    def created(self, broadcast: Broadcast) -> SafeString:
        return nowrap(stamp(broadcast.created_at))

    @display(description=_("started"))
    def started(self, broadcast: Broadcast) -> str:
        return stamp(broadcast.started_at)

    @display(description=_("finished"))
    def finished(self, broadcast: Broadcast) -> str:
        return stamp(broadcast.finished_at)

    @display(description=_("state"), ordering="state")
    def condition(self, broadcast: Broadcast) -> SafeString:
        return badge(broadcast.get_state_display(), STAGE_KIND[Broadcast.State(broadcast.state)])

    @display(description=_("text"))
    def beginning(self, broadcast: Broadcast) -> SafeString:
        return nowrap(broadcast.text[:200], "18rem")

    @display(description=_("people"), ordering="enqueued")
    def people(self, broadcast: Broadcast) -> str:
        return number(broadcast.enqueued)

    @display(description=_("sent"))
    def sent(self, broadcast: Any) -> str:
        return number(broadcast.sent)

    @display(description=_("not sent"))
    def not_sent(self, broadcast: Any) -> str:
        return number(broadcast.not_sent)

    @display(description=_("delivery"))
    def outcome(self, broadcast: Broadcast) -> SafeString:
        lines = broadcasts.figures(broadcasts.counts(broadcast))
        return format_html_join("", "<div>{}</div>", ((line,) for line in lines))

    @display(description=_("text"))
    def whole(self, broadcast: Broadcast) -> SafeString | str:
        return prose(broadcast.text)


def _end_session(session: AdminSession, request: HttpRequest, now: datetime) -> bool:
    return audited(services.end_admin_session(session, now), "admin.session_ended", session.user, request, now)


@admin.register(AdminSession)
@verbs(
    Verb(
        "end",
        _("End the session"),
        _("The bot asks this admin for the password again before anything sensitive."),
        _end_session,
        "lock",
        ActionVariant.DANGER,
    ),
)
class AdminSessionPage(ReadOnlyPage):
    list_display = ("user", "condition", "ends", "failures", "failed")
    list_select_related = ("user",)
    search_fields = ("user__first_name", "user__last_name", "user__telegram_username", "user__telegram_id")
    ordering = ("-until", "-id")
    fieldsets = ((None, {"fields": (("user", "condition", "ends"), ("failures", "failed"))}),)

    @display(description=_("state"))
    def condition(self, session: AdminSession) -> SafeString:
        is_open = session.until is not None and session.until > timezone.now()
        return badge(_("open"), "warning") if is_open else badge(_("over"))

    @display(description=_("until"), ordering="until")
    def ends(self, session: AdminSession) -> str:
        return stamp(session.until)

    @display(description=_("last wrong one"), ordering="failed_at")
    def failed(self, session: AdminSession) -> str:
        return stamp(session.failed_at)
