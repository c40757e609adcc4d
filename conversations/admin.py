"""The operator's pages of dialogs: what was asked, what it cost, and the assistants."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.pages import ContentPage
from conversations import error_words, limits
from conversations.models import Conversation, Message, Request, RequestSum
from conversations.personas.admin import AssistantPage, BindingPage, VersionPage
from conversations.standups.admin import StandUpPage
from core.admin import ReadOnlyInline, ReadOnlyPage, display, values_filter
from core.show import badge, link, money, nowrap, number, pretty, prose, seconds, stamp, trace

__all__ = ["AssistantPage", "BindingPage", "StandUpPage", "VersionPage"]  # registered by being imported

State = Request.State
STATE_KIND = {State.RUNNING: "info", State.DONE: "success", State.STOPPED: "warning", State.FAILED: "danger"}
ErrorFilter = values_filter("error_kind", _("error"), error_words.KINDS.items)


@admin.register(Request)
class RequestPage(ContentPage, ReadOnlyPage):
    contents = frozenset({"question", "whole_question", "whole_answer", "prompt", "answer", "steps", "way", "error"})
    list_display = ("asked", "user", "which", "condition", "tokens", "price", "speed", "question")
    list_display_links = ("asked", "question")
    list_filter = ("state", "kind", ErrorFilter, "created_at", "model")
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
                    ("kind", "finish", "attempts"),
                    ("user", "dialog"),
                    ("model", "model_ref"),
                    ("assistant", "assistant_version", "chosen_ref"),
                    ("tokens", "reasoning_tokens"),
                    ("price", "speed"),
                    ("trace", "update"),
                    "error",
                )
            },
        ),
        (_("question"), {"fields": ("whole_question",)}),
        (_("steps"), {"fields": ("way",)}),
        (_("answer"), {"fields": ("whole_answer",)}),
    )

    @display(description=_("asked"), ordering="created_at")
    def asked(self, request: Request) -> SafeString:
        return nowrap(stamp(request.created_at))

    @display(description=_("state"), ordering="state")
    def condition(self, request: Request) -> SafeString:
        refused = request.error_kind in limits.KINDS
        kind = "warning" if refused else STATE_KIND[State(request.state)]
        return badge(error_words.say(request.error_kind) or request.get_state_display(), kind)

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

    @display(description=_("trace"), ordering="trace_id")
    def trace(self, request: Request) -> SafeString | str:
        return trace(request.trace_id)

    @display(description=_("update"))
    def update(self, request: Request) -> str:
        return request.update_key

    @display(description=_("dialog"))
    def dialog(self, request: Request) -> SafeString | str:
        return link(request.conversation)

    @display(description=_("question"))
    def whole_question(self, request: Request) -> SafeString | str:
        return prose(request.prompt)

    @display(description=_("what happened on the way"))
    def way(self, request: Request) -> SafeString | str:
        return pretty(request.steps) if request.steps else "—"

    @display(description=_("answer"))
    def whole_answer(self, request: Request) -> SafeString | str:
        return prose(request.answer)


@admin.register(RequestSum)
class RequestSumPage(ReadOnlyPage):
    list_display = ("day", "user", "model_ref", "requests", "answered", "tokens", "price", "unpriced")
    list_filter = ("day",)
    list_select_related = ("user",)
    search_fields = ("model_ref", "user__first_name", "user__last_name", "user__telegram_username")
    ordering = ("-day", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("day", "user", "model_ref"),
                    ("requests", "answered"),
                    ("tokens", "price", "unpriced"),
                )
            },
        ),
    )

    @display(description=_("tokens in → out"), ordering="output_tokens")
    def tokens(self, row: RequestSum) -> SafeString:
        return nowrap(f"{number(row.input_tokens)} → {number(row.output_tokens)}")

    @display(description=_("cost"), ordering="cost")
    def price(self, row: RequestSum) -> str:
        """A question mark stands for what nobody knows the price of."""
        return money(None) if row.unpriced and not row.cost else money(row.cost) + (" + ?" if row.unpriced else "")


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
class ConversationPage(ContentPage, ReadOnlyPage):
    contents = frozenset({"title", "summary", "messages"})
    content_inlines = (MessageInline,)
    list_display = ("__str__", "title", "place", "model", "assistant", "started", "open_")
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
                    "title",
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
