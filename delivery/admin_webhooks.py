"""The operator's page of webhooks: where a key's events go. A secret is shown once."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.admin_keys import IssuedOncePage
from accounts.pages import VIA, operator
from core.admin import Verb, display, verbs
from core.show import badge, nowrap, stamp
from delivery import webhooks
from delivery.forms import WebhookForm
from delivery.models import Webhook

COPY = _("Copy the secret now, it is not shown again: {}")


def _switch(on: bool) -> Any:
    def act(row: Webhook, request: HttpRequest, now: datetime) -> bool:
        return webhooks.switch_webhook(row, on=on, by=operator(request), via=VIA, now=now)

    return act


def _renew(row: Webhook, request: HttpRequest, now: datetime) -> bool:
    secret = webhooks.renew_webhook(row, by=operator(request), via=VIA, now=now)
    page: Any = admin.site.get_model_admin(Webhook)
    page.show_once(request, COPY, secret)
    return True


@admin.register(Webhook)
@verbs(
    Verb(
        "enable",
        _("Switch on"),
        _("Events of this key go there from now on."),
        _switch(True),
        "toggle_on",
        ActionVariant.SUCCESS,
    ),
    Verb("disable", _("Switch off"), _("Nothing goes there any more."), _switch(False), "toggle_off"),
    Verb(
        "renew",
        _("New secret"),
        _("Calls are signed with another secret from now on; it is shown once. The old one is good for nothing then."),
        _renew,
        "key",
        ActionVariant.DANGER,
    ),
)
class WebhookPage(IssuedOncePage):
    form = WebhookForm
    list_display = ("key", "address", "condition", "created")
    list_filter = ("enabled",)
    list_select_related = ("key",)
    search_fields = ("key__name", "key__prefix", "url")
    ordering = ("-created_at",)
    fieldsets = ((None, {"fields": (("key", "condition"), "url", "all_posts", "created")}),)
    add_fieldsets = ((None, {"fields": ("key", "url", "all_posts")}),)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secret")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Another address may be given; another key is another webhook."""
        return ("key", "condition", "created") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_operate_permission(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**only_save, **(extra_context or {})})
        return page

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        row = self.get_object(request, unquote(object_id))
        needless = None if row is None else "enable" if row.enabled else "disable"
        offered = super().get_actions_detail(request, object_id)
        return [verb for verb in offered if verb.method.__name__ != needless]

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        data = form.cleaned_data
        if change:
            webhooks.move_webhook(obj, data["url"], by=operator(request), via=VIA, now=timezone.now())
            webhooks.widen_webhook(obj, data["all_posts"], by=operator(request), via=VIA, now=timezone.now())
            return
        row = webhooks.create_webhook(
            data["key"],
            data["url"],
            all_posts=data["all_posts"],
            by=operator(request),
            via=VIA,
            now=timezone.now(),
        )
        obj.pk = row.pk
        self.show_once(request, COPY, row.secret)

    @display(description=_("address"), ordering="url")
    def address(self, row: Webhook) -> SafeString:
        return nowrap(row.url, "24rem")

    @display(description=_("state"), ordering="enabled")
    def condition(self, row: Webhook) -> SafeString:
        if not row.enabled:
            return badge(_("switched off"), "warning")
        ends = row.key.expires_at
        if row.key.revoked_at is not None or (ends is not None and ends <= timezone.now()):
            return badge(_("its key has ended"), "danger")
        return badge(_("in use"), "success")

    @display(description=_("created"), ordering="created_at")
    def created(self, row: Webhook) -> SafeString:
        return nowrap(stamp(row.created_at))
