"""The operator's page of the inbox: what came, what became of it, and a second chance for what died."""

from datetime import datetime

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.pages import ContentPage, audited
from core.admin import ReadOnlyPage, Verb, display, values_filter, verbs
from core.show import badge, nowrap, pretty, prose, stamp, trace
from telegram_bot import lanes, services
from telegram_bot.models import Update

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
