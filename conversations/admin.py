"""The operator's pages of dialogs: what was asked, what it cost, and the assistants."""

from typing import Any, get_args

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.pages import audited
from conversations.models import Assistant, Conversation, Message, Request
from conversations.services import OWN_KINDS
from core.admin import Page, ReadOnlyInline, ReadOnlyPage, Verb, display, values_filter, verbs
from core.show import badge, link, money, nowrap, number, prose, seconds, stamp
from llm.errors import Kind

State = Request.State
STATE_KIND = {State.RUNNING: "info", State.DONE: "success", State.STOPPED: "warning", State.FAILED: "danger"}
ErrorFilter = values_filter("error_kind", _("error"), lambda: [(kind, kind) for kind in (*get_args(Kind), *OWN_KINDS)])


@admin.register(Request)
class RequestPage(ReadOnlyPage):
    list_display = ("asked", "user", "which", "condition", "tokens", "price", "speed", "question")
    list_display_links = ("asked", "question")
    list_filter = ("state", ErrorFilter, "created_at", "model")
    list_select_related = ("user",)
    search_fields = (
        "prompt",
        "answer",
        "model_ref",
        "trace_id",
        "user__first_name",
        "user__last_name",
        "user__telegram_username",
    )
    search_help_text = _("Words of the question or the answer, a person, a model, a trace id")
    ordering = ("-created_at", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("asked", "condition"),
                    ("finish", "attempts"),
                    ("user", "dialog"),
                    ("model", "model_ref"),
                    ("tokens", "reasoning_tokens"),
                    ("price", "speed"),
                    ("trace_id", "update"),
                    "error",
                )
            },
        ),
        (_("question"), {"fields": ("whole_question",)}),
        (_("answer"), {"fields": ("whole_answer",)}),
    )

    @display(description=_("asked"), ordering="created_at")
    def asked(self, request: Request) -> SafeString:
        return nowrap(stamp(request.created_at))

    @display(description=_("state"), ordering="state")
    def condition(self, request: Request) -> SafeString:
        return badge(request.error_kind or request.get_state_display(), STATE_KIND[State(request.state)])

    @display(description=_("model asked"), ordering="model_ref")
    def which(self, request: Request) -> SafeString:
        return nowrap(request.model_ref or "—", "10rem")

    @display(description=_("tokens in → out"), ordering="output_tokens")
    def tokens(self, request: Request) -> SafeString:
        cached = f" ({number(request.cached_tokens)})" if request.cached_tokens else ""
        mark = "≈ " if request.estimated else ""
        return nowrap(f"{mark}{number(request.input_tokens)}{cached} → {number(request.output_tokens)}")

    @display(description=_("cost"), ordering="cost")
    def price(self, request: Request) -> str:
        return "—" if request.cost is None and request.state == State.FAILED else money(request.cost)

    @display(description=_("seconds"), ordering="total_ms")
    def speed(self, request: Request) -> SafeString:
        return nowrap(f"{seconds(request.first_token_ms)} / {seconds(request.total_ms)}")

    @display(description=_("question"))
    def question(self, request: Request) -> SafeString:
        return nowrap(request.prompt[:200], "10rem")

    @display(description=_("update"))
    def update(self, request: Request) -> str:
        return request.update_key

    @display(description=_("dialog"))
    def dialog(self, request: Request) -> SafeString | str:
        return link(request.conversation)

    @display(description=_("question"))
    def whole_question(self, request: Request) -> SafeString | str:
        return prose(request.prompt)

    @display(description=_("answer"))
    def whole_answer(self, request: Request) -> SafeString | str:
        return prose(request.answer)


class MessageInline(ReadOnlyInline):
    model = Message
    fields = ("when", "side", "text", "tokens", "asked_anew")
    readonly_fields = fields
    ordering = ("id",)

    @display(description=_("when"))
    def when(self, message: Message) -> str:
        return stamp(message.created_at)

    @display(description=_("side"))
    def side(self, message: Message) -> SafeString:
        kind = "info" if message.role == Message.Role.USER else "primary"
        return badge(message.get_role_display(), kind)

    @display(description=_("text"))
    def text(self, message: Message) -> SafeString | str:
        return prose(message.content)

    @display(description=_("asked anew"))
    def asked_anew(self, message: Message) -> SafeString | str:
        return badge(_("asked anew"), "warning") if message.superseded else ""


@admin.register(Conversation)
class ConversationPage(ReadOnlyPage):
    list_display = ("__str__", "place", "model", "assistant", "started", "open_")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "started_at", "assistant")
    list_select_related = ("chat__person", "model", "assistant")
    search_fields = ("title", "chat__title", "chat__username", "chat__telegram_id")
    ordering = ("-started_at", "-id")
    inlines = (MessageInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("place", "chat", "thread_id"),
                    ("model", "assistant"),
                    ("started", "open_"),
                    "summary",
                    "costs",
                )
            },
        ),
    )

    @display(description=_("with"), ordering="chat")
    def place(self, dialog: Conversation) -> SafeString | str:
        return link(dialog.chat.person or dialog.chat)

    @display(description=_("started"), ordering="started_at")
    def started(self, dialog: Conversation) -> str:
        return stamp(dialog.started_at)

    @display(description=_("closed"), ordering="closed_at")
    def open_(self, dialog: Conversation) -> SafeString | str:
        return stamp(dialog.closed_at) if dialog.closed_at else badge(_("open"), "success")

    @display(description=_("requests"))
    def costs(self, dialog: Conversation) -> SafeString:
        url = f"{reverse('admin:conversations_request_changelist')}?conversation__id__exact={dialog.pk}"
        return format_html(
            '<a class="text-link" href="{}">{}</a>', url, gettext("requests of this dialog and their cost")
        )


class AssistantForm(forms.ModelForm):  # type: ignore[type-arg]
    tools = forms.MultipleChoiceField(label=_("Tools"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget)

    class Meta:
        model = Assistant
        fields = ("name", "prompt", "model", "temperature", "tools")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tools" not in self.fields:
            return
        names = dict.fromkeys([*settings.ASSISTANT_TOOLS, *(self.instance.tools or [])])
        tools: Any = self.fields["tools"]
        tools.choices = [(name, name) for name in names]

    def clean_temperature(self) -> float | None:
        temperature: float | None = self.cleaned_data["temperature"]
        if temperature is not None and not 0 <= temperature <= 2:
            raise forms.ValidationError(_("Temperature is a number from 0 to 2; empty leaves it to the model."))
        return temperature


@transaction.atomic
def _make_default(assistant: Assistant, request: HttpRequest, now: Any) -> bool:
    if assistant.is_default:
        return False
    Assistant.objects.filter(is_default=True).update(is_default=False)
    done = bool(Assistant.objects.filter(pk=assistant.pk).update(is_default=True))
    return audited(done, "assistant.made_default", assistant, request, now)


@admin.register(Assistant)
@verbs(
    Verb(
        "make_default",
        _("For every new dialog"),
        _("New dialogs start with this assistant; open ones keep theirs."),
        _make_default,
        "star",
        ActionVariant.PRIMARY,
    )
)
class AssistantPage(Page):
    form = AssistantForm
    list_display = ("name", "by_default", "model", "temperature", "changed")
    list_select_related = ("model",)
    search_fields = ("name", "prompt")
    ordering = ("-is_default", "name")
    autocomplete_fields = ("model",)

    def get_fieldsets(self, request: HttpRequest, obj: Assistant | None = None) -> Any:
        fields: list[Any] = ["name", "prompt", ("model", "temperature")]
        if settings.ASSISTANT_TOOLS or (obj and obj.tools):
            fields.append("tools")
        return ((None, {"fields": fields}),)

    def save_model(self, request: HttpRequest, obj: Assistant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        what = "assistant.changed" if change else "assistant.created"
        audited(bool(form.changed_data), what, obj, request, timezone.now(), fields=form.changed_data)

    def delete_model(self, request: HttpRequest, obj: Assistant) -> None:
        audited(True, "assistant.deleted", obj, request, timezone.now())
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Assistant]) -> None:
        for assistant in queryset:
            self.delete_model(request, assistant)

    @display(description=_("for every new dialog"), boolean=True, ordering="is_default")
    def by_default(self, assistant: Assistant) -> bool:
        return assistant.is_default

    @display(description=_("changed"), ordering="updated_at")
    def changed(self, assistant: Assistant) -> str:
        return stamp(assistant.updated_at)
