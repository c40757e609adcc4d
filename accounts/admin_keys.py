"""The operator's pages of what lets people and programs in: invitations and API keys, each shown once."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from unfold.enums import ActionVariant

from accounts import services
from accounts.forms import ApiKeyForm, InviteForm
from accounts.models import ApiKey, Invite, Role
from accounts.pages import VIA, operator
from core.admin import ReadOnlyPage, Verb, display, list_url, verbs
from core.show import Text, badge, stamp


class IssuedOncePage(ReadOnlyPage):
    """Rows whose secret is shown once, in the message after adding, and never again."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.add_{self.opts.model_name}"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        page: HttpResponse = super().add_view(request, form_url, {**only_save, **(extra_context or {})})
        return page

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return HttpResponseRedirect(list_url(self.model))

    def show_once(self, request: HttpRequest, text: Text, *secrets: str) -> None:
        """Say ``text`` with the secrets in place of its braces, each easy to copy."""
        code = '<code style="user-select:all;overflow-wrap:anywhere">{}</code>'
        self.message_user(request, format_html(str(text), *(format_html(code, s) for s in secrets)), messages.SUCCESS)


def _revoke_invite(invite: Invite, request: HttpRequest, now: datetime) -> bool:
    return services.revoke_invite(invite, by=operator(request), via=VIA, now=now)


@admin.register(Invite)
@verbs(
    Verb(
        "revoke",
        _("Revoke"),
        _("The link lets nobody in any more."),
        _revoke_invite,
        "link_off",
        ActionVariant.DANGER,
    )
)
class InvitePage(IssuedOncePage):
    form = InviteForm
    list_display = ("__str__", "state", "role", "created_by", "created", "expires", "used_by")
    list_filter = ("role", ("used_at", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("created_by", "used_by")
    search_fields = ("note",)
    ordering = ("-created_at",)
    fieldsets = ((None, {"fields": (("state", "role"), "note", ("created_by", "created", "expires"), "used_by")}),)
    add_fieldsets = ((None, {"fields": ("role", "hours", "note")}),)

    def save_model(self, request: HttpRequest, obj: Invite, form: Any, change: bool) -> None:
        data = form.cleaned_data
        invite, token = services.create_invite(
            role=Role(data["role"]),
            hours=data["hours"],
            note=data["note"],
            by=operator(request),
            via=VIA,
            now=timezone.now(),
        )
        obj.pk = invite.pk
        # The web side is not told the bot's name, so nobody gets a link that only looks whole.
        text = _("Copy it now, it is not shown again: {} with your bot's name in place of BOT. Or send the bot {}")
        self.show_once(request, text, f"https://t.me/BOT?start={token}", f"/start {token}")

    @display(description=_("state"))
    def state(self, invite: Invite) -> SafeString:
        if invite.used_at:
            return badge(_("used"), "info")
        if invite.revoked_at:
            return badge(_("revoked"), "danger")
        return badge(_("expired")) if invite.expires_at <= timezone.now() else badge(_("valid"), "success")

    @display(description=_("created"), ordering="created_at")
    def created(self, invite: Invite) -> str:
        return stamp(invite.created_at)

    @display(description=_("expires"), ordering="expires_at")
    def expires(self, invite: Invite) -> str:
        return stamp(invite.expires_at)


def _revoke_key(key: ApiKey, request: HttpRequest, now: datetime) -> bool:
    return services.revoke_api_key(key, by=operator(request), via=VIA, now=now)


@admin.register(ApiKey)
@verbs(
    Verb(
        "revoke",
        _("Revoke"),
        _("Calls with this key are refused from now on. This cannot be undone."),
        _revoke_key,
        "key_off",
        ActionVariant.DANGER,
    )
)
class ApiKeyPage(IssuedOncePage):
    form = ApiKeyForm
    list_display = ("name", "state", "prefix", "scopes_", "created_by", "created", "used")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("created_by",)
    search_fields = ("name", "prefix")
    ordering = ("-created_at",)
    fieldsets = (
        (
            None,
            {"fields": (("state", "name", "prefix"), "scopes_", ("created_by", "created"), ("expires", "used"))},
        ),
    )
    add_fieldsets = ((None, {"fields": ("name", "scopes", "expires_at")}),)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        data = form.cleaned_data
        key, secret = services.create_api_key(
            data["name"],
            data["scopes"],
            by=operator(request),
            expires_at=data["expires_at"],
            now=timezone.now(),
            via=VIA,
        )
        obj.pk = key.pk
        self.show_once(request, _("Copy the key now, it is not shown again: {}"), secret)

    @display(description=_("state"))
    def state(self, key: ApiKey) -> SafeString:
        if key.revoked_at:
            return badge(pgettext("API key", "revoked"), "danger")
        expired = key.expires_at is not None and key.expires_at <= timezone.now()
        return badge(_("expired")) if expired else badge(_("valid"), "success")

    @display(description=_("scopes"))
    def scopes_(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description=_("created"), ordering="created_at")
    def created(self, key: ApiKey) -> str:
        return stamp(key.created_at)

    @display(description=_("expires"), ordering="expires_at")
    def expires(self, key: ApiKey) -> str:
        return stamp(key.expires_at)

    @display(description=_("last used"), ordering="last_used_at")
    def used(self, key: ApiKey) -> str:
        return stamp(key.last_used_at)
