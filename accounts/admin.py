"""The operator's pages of people and access. Every decision goes through ``accounts.services``."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from accounts import admin_keys, services  # noqa: F401  (admin_keys registers its pages)
from accounts.admin_chats import OPTIONS
from accounts.forms import PersonForm
from accounts.models import Access, AuditEntry, Chat, Role, User
from accounts.pages import VIA, audited, details_of, operator, trail
from core.admin import Page, ReadOnlyPage, Refused, Verb, display, list_url, verbs
from core.show import badge, link, nowrap, pretty, stamp

STATUS_KIND = {
    Access.PENDING: "warning",
    Access.ACTIVE: "success",
    Access.REJECTED: "",
    Access.BLOCKED: "danger",
}
ROLE_KIND = {Role.MEMBER: "", Role.EDITOR: "info", Role.ADMIN: "primary"}
PENDING_FIRST = Case(When(status=Access.PENDING, then=Value(0)), default=Value(1), output_field=IntegerField())
ACCOUNT_FIELDS = ("username", "is_active", "is_staff", "is_superuser", "groups")


def _to(value: Access | Role, service: Callable[..., bool]) -> Callable[[Any, HttpRequest, datetime], bool]:
    """A verb's act: ``service`` gives the row the access or the role ``value``."""

    def act(row: Any, request: HttpRequest, now: datetime) -> bool:
        try:
            return service(row, value, by=operator(request), via=VIA, now=now)
        except services.LastAdmin as error:
            raise Refused(_("You are the only admin. Make somebody else an admin first.")) from error

    return act


DECISIONS = (
    Verb(
        "approve",
        _("Let in"),
        _("The person may use the bot at once and is told so."),
        _to(Access.ACTIVE, services.decide),
        "check_circle",
        ActionVariant.SUCCESS,
    ),
    Verb(
        "reject",
        _("Reject"),
        _("The person is told and may ask again after 24 hours."),
        _to(Access.REJECTED, services.decide),
        "cancel",
    ),
    Verb(
        "block",
        _("Block"),
        _("The bot stays silent for this person until an operator lets them in."),
        _to(Access.BLOCKED, services.decide),
        "block",
        ActionVariant.DANGER,
    ),
)
ROLES = (
    Verb("make_member", _("Make member"), _("May talk with the bot."), _to(Role.MEMBER, services.set_role), "person"),
    Verb(
        "make_editor",
        _("Make editor"),
        _("May also prepare posts for channels and groups."),
        _to(Role.EDITOR, services.set_role),
        "edit",
    ),
    Verb(
        "make_admin",
        _("Make admin"),
        _("May also let people in and steer the bot from the chat."),
        _to(Role.ADMIN, services.set_role),
        "shield_person",
    ),
)


# What the verbs of people and of groups lead to.
LEADS_TO: dict[str, Access | Role] = {
    "approve": Access.ACTIVE,
    "reject": Access.REJECTED,
    "block": Access.BLOCKED,
    "make_member": Role.MEMBER,
    "make_editor": Role.EDITOR,
    "make_admin": Role.ADMIN,
}


class DecidedPage(Page):
    """The page of a row leaves out the verbs that would change nothing; the list has one menu for all its rows."""

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        row = self.get_object(request, unquote(object_id))
        if isinstance(row, Chat) and row.is_private:
            return []
        stand = {getattr(row, "status", ""), getattr(row, "role", "")}
        offered = super().get_actions_detail(request, object_id)
        return [action for action in offered if LEADS_TO.get(action.method.__name__) not in stand]


@admin.register(User)
@verbs(*DECISIONS, *ROLES)
class PersonPage(UserAdmin, DecidedPage):  # type: ignore[type-arg]
    """People. Access, role and names from Telegram cannot be edited here; the verbs go through the services."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("who", "access", "rank", "telegram", "requested", "decided", "staff")
    list_display_links = ("who",)
    list_filter = ("status", "role", "is_staff", "is_active")
    list_select_related = ("decided_by",)
    search_fields = ("first_name", "last_name", "username", "telegram_username", "telegram_id")
    ordering = (PENDING_FIRST, "-requested_at", "-id")
    filter_horizontal = ()
    actions_row = ("approve", "reject", "block")
    actions_detail = (
        "approve",
        "reject",
        "block",
        {"title": _("Role"), "icon": "badge", "items": ["make_member", "make_editor", "make_admin"]},
    )
    readonly_fields = (
        "access",
        "rank",
        "telegram_id",
        "telegram_username",
        "telegram_language",
        "requested",
        "decided",
        "date_joined",
        "last_login",
        "record",
        "elsewhere",
    )
    fieldsets = (
        (None, {"fields": (("access", "rank"), ("requested", "decided"), "elsewhere")}),
        (
            _("Person"),
            {
                "fields": (
                    ("first_name", "last_name"),
                    ("telegram_id", "telegram_username", "telegram_language"),
                    ("language", "time_zone"),
                ),
                "classes": ("tab",),
            },
        ),
        (_("Audit"), {"fields": ("record",), "classes": ("tab",)}),
        (
            _("Account on this site"),
            {
                "fields": (
                    ("username", "password"),
                    "is_active",
                    "is_staff",
                    "is_superuser",
                    "groups",
                    ("date_joined", "last_login"),
                ),
                "classes": ("tab",),
            },
        ),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [*self.readonly_fields]
        if obj and obj.telegram_id:
            fields += ["first_name", "last_name"]  # Telegram's next message would overwrite them
        if not request.user.is_superuser:
            fields += ACCOUNT_FIELDS  # staff must not raise themselves
        return fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it would take the dialogs along; block instead

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Whoever sets another's password can log in as them, so staff without full rights may not."""
        if not request.user.is_superuser:
            raise PermissionDenied
        before = self.get_object(request, unquote(id))
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        if before:
            done = not User.objects.filter(pk=before.pk, password=before.password).exists()
            audited(done, "account.password_set", before, request, timezone.now())
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write only what the form changed: a decision made meanwhile must not be undone by an old page."""
        now = timezone.now()
        if not change:
            obj.save()
            audited(True, "account.created", obj, request, now)
            return
        changed = [name for name in form.changed_data if name != "groups"]
        if "language" in changed:
            services.set_language(User.objects.get(pk=obj.pk), obj.language)
        if "time_zone" in changed:
            services.set_time_zone(User.objects.get(pk=obj.pk), obj.time_zone)
        own = [name for name in changed if name not in ("language", "time_zone", "password")]
        if own:
            obj.save(update_fields=own)
        account = {name: str(form.cleaned_data[name]) for name in form.changed_data if name in ACCOUNT_FIELDS}
        audited(bool(account), "account.changed", obj, request, now, **account)

    @display(description=pgettext_lazy("person", "name"), ordering="first_name", header=True)
    def who(self, person: User) -> tuple[str, str, str]:
        handle = f"@{person.telegram_username}" if person.telegram_username else ""
        initials = "".join(word[0] for word in person.name.lstrip("@").split()[:2])
        return person.name, handle if handle != person.name else "", initials

    @display(description=_("access"), ordering="status")
    def access(self, person: User) -> SafeString:
        return badge(person.get_status_display(), STATUS_KIND[Access(person.status)])

    @display(description=_("role"), ordering="role")
    def rank(self, person: User) -> SafeString:
        return badge(person.get_role_display(), ROLE_KIND[Role(person.role)])

    @display(description=_("Telegram id"), ordering="telegram_id")
    def telegram(self, person: User) -> str:
        return str(person.telegram_id or "—")

    @display(description=_("asked for access"), ordering="requested_at")
    def requested(self, person: User) -> str:
        return stamp(person.requested_at)

    @display(description=_("decided"), ordering="decided_at")
    def decided(self, person: User) -> SafeString | str:
        if person.decided_at is None:
            return "—"
        return nowrap(format_html("{}<br>{}", stamp(person.decided_at), person.decided_by or ""))

    @display(description=_("this site"), ordering="is_staff")
    def staff(self, person: User) -> SafeString | str:
        return badge(_("operator"), "info") if person.is_staff else ""

    @display(description=_("last 30 entries"))
    def record(self, person: User) -> SafeString | str:
        return trail(person)

    @display(description=_("see also"))
    def elsewhere(self, person: User) -> SafeString | str:
        return format_html_join(" · ", '<a class="text-link" href="{}">{}</a>', _pages_about(person))


def _pages_about(person: User) -> list[tuple[str, str]]:
    requests = reverse("admin:conversations_request_changelist")
    return [
        (f"{requests}?user__id__exact={person.pk}", gettext("requests")),
        (f"{list_url(Chat)}?person__id__exact={person.pk}", gettext("chats")),
        (f"{reverse('admin:reminders_reminder_changelist')}?user__id__exact={person.pk}", gettext("reminders")),
        (f"{reverse('admin:llm_spending_changelist')}?person={person.pk}", gettext("budgets")),
        (f"{list_url(AuditEntry)}?actor__id__exact={person.pk}", gettext("what this person did")),
    ]


def _decide_group(chat: Chat, status: Access, **how: Any) -> bool:
    if chat.is_private:
        raise Refused(gettext("A private chat follows its person; decide there."))
    return services.decide_chat(chat, status, **how)


@admin.register(Chat)
@verbs(
    Verb(
        "approve",
        _("Let in"),
        _("Members who are let in may use the bot in this group."),
        _to(Access.ACTIVE, _decide_group),
        "check_circle",
        ActionVariant.SUCCESS,
    ),
    Verb("reject", _("Reject"), _("The bot does not work here."), _to(Access.REJECTED, _decide_group), "cancel"),
    Verb(
        "block",
        _("Block"),
        _("The bot stays silent here and cannot be asked again."),
        _to(Access.BLOCKED, _decide_group),
        "block",
        ActionVariant.DANGER,
    ),
    *OPTIONS,
)
class ChatPage(DecidedPage, ReadOnlyPage):
    list_display = ("__str__", "kind", "access", "telegram_id", "reachable", "requested_by", "requested")
    list_filter = ("status", "kind", ("unreachable", admin.EmptyFieldListFilter))
    list_select_related = ("person", "requested_by")
    search_fields = ("title", "username", "telegram_id")
    ordering = (PENDING_FIRST, "-created_at")
    actions_row = ("approve", "reject", "block")
    actions_detail = (
        "approve",
        "reject",
        "block",
        {"title": _("Answers here"), "icon": "tune", "items": ["other_payer", "switch_fallbacks"]},
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("access", "kind"),
                    ("title", "username"),
                    ("telegram_id", "bot_id", "migrated_from"),
                    ("person", "reachable"),
                    ("payer", "fallbacks"),
                    ("requested_by", "requested"),
                    ("decided_by", "decided"),
                    "created",
                )
            },
        ),
        (_("Audit"), {"fields": ("record",)}),
    )

    @display(description=_("access"), ordering="status")
    def access(self, chat: Chat) -> SafeString | str:
        if chat.is_private:
            return gettext("as the person")
        return badge(chat.get_status_display(), STATUS_KIND[Access(chat.status)])

    @display(description=_("delivery"), ordering="unreachable")
    def reachable(self, chat: Chat) -> SafeString:
        return badge(chat.unreachable, "danger") if chat.unreachable else badge(_("reachable"), "success")

    @display(description=_("asked for access"), ordering="requested_at")
    def requested(self, chat: Chat) -> str:
        return stamp(chat.requested_at)

    @display(description=_("decided"))
    def decided(self, chat: Chat) -> str:
        return stamp(chat.decided_at)

    @display(description=_("created"))
    def created(self, chat: Chat) -> str:
        return stamp(chat.created_at)

    @display(description=_("last 30 entries"))
    def record(self, chat: Chat) -> SafeString | str:
        return trail(chat)


@admin.register(AuditEntry)
class AuditPage(ReadOnlyPage):
    list_display = ("moment", "actor_label", "via", "did", "on_what", "change")
    list_display_links = ("moment",)
    list_filter = ("via", "at")
    search_fields = ("actor_label", "action", "target", "target_label")
    fieldsets = ((None, {"fields": (("moment", "via"), ("actor", "actor_label"), ("did", "on_what"), "shown")}),)

    @display(description=_("when"), ordering="at")
    def moment(self, entry: AuditEntry) -> SafeString:
        return nowrap(stamp(entry.at))

    @display(description=_("did"), ordering="action")
    def did(self, entry: AuditEntry) -> SafeString:
        return badge(entry.action)

    @display(description=_("to what"), ordering="target")
    def on_what(self, entry: AuditEntry) -> SafeString | str:
        kind, _colon, key = entry.target.partition(":")
        label = entry.target_label or entry.target
        for model in admin.site._registry:
            if model._meta.model_name == kind:
                return link(model(pk=key), label)
        return label

    @display(description=_("details"))
    def change(self, entry: AuditEntry) -> str:
        return details_of(entry)

    @display(description=_("details"))
    def shown(self, entry: AuditEntry) -> SafeString | str:
        return pretty(entry.details)


admin.site.unregister(Group)


@admin.register(Group)
class GroupPage(DjangoGroupAdmin, Page):
    """Which pages staff without full rights may see."""
