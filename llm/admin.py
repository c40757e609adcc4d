"""The operator's pages of models, of the refreshes that keep them, and of the providers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.pages import audited
from core.admin import Page, ReadOnlyPage, Verb, display, verbs
from core.show import badge, link, nowrap, number, seconds, stamp
from llm import admin_budgets, services  # noqa: F401  (admin_budgets registers its pages)
from llm.forms import CAPABILITIES, PRICES, ModelForm, NewModelForm, SwitchesForm
from llm.models import Availability, Model, ProviderState, SyncRun

AVAILABILITY_KIND = {
    Availability.AVAILABLE: "success",
    Availability.MISSING: "warning",
    Availability.RETIRED: "danger",
}
RUN_KIND = {SyncRun.State.RUNNING: "info", SyncRun.State.DONE: "success", SyncRun.State.FAILED: "danger"}
# Symbols of the font that the site brings; text is no news in a list of models.
SYMBOLS = {
    "image": "image",
    "document": "description",
    "audio": "mic",
    "tools": "build",
    "reasoning": "psychology",
    "image_out": "palette",
    "transcription": "speech_to_text",
    "ocr": "document_scanner",
}
SYMBOL = '<span class="material-symbols-outlined" role="img" aria-label="{}" title="{}">{}</span>'


def _offer(enabled: bool) -> Callable[[Model, HttpRequest, datetime], bool]:
    what = "model.offered" if enabled else "model.hidden"

    def act(model: Model, request: HttpRequest, now: datetime) -> bool:
        return audited(services.set_enabled(model, enabled, request.user), what, model, request, now)

    return act


@admin.register(Model)
@verbs(
    Verb(
        "enable",
        _("Offer"),
        _("People may choose this model."),
        _offer(True),
        "visibility",
        ActionVariant.SUCCESS,
    ),
    Verb(
        "hide",
        _("Hide"),
        _("People may no longer choose this model; dialogs that use it move to the default one."),
        _offer(False),
        "visibility_off",
    ),
)
class ModelPage(Page):
    """Prices, the replacement and what a list says wrongly are written by hand, and stay; the rest follows the lists.
    A model that no list holds is typed."""

    form = ModelForm
    list_display = ("title_", "provider", "symbols", "window", "price", "condition", "offered", "leaves")
    list_filter = ("provider", "state", "enabled", ("replaced_by", admin.EmptyFieldListFilter))
    list_select_related = ("provider", "replaced_by")
    search_fields = ("name", "label")
    ordering = ("provider", "-enabled", "name")
    list_per_page = 100
    autocomplete_fields = ("replaced_by",)
    readonly_fields = (
        "name",
        "label",
        "provider",
        "longest",
        "condition",
        "offered",
        "leaves",
        "price_note",
        "replacement_name",
        "aliases_",
        "seen",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "label", "provider"),
                    ("condition", "offered", "leaves"),
                    "capabilities",
                    ("context_window", "longest", "by_hand"),
                    ("aliases_", "seen"),
                )
            },
        ),
        (
            _("price, $ per million tokens"),
            {
                "fields": (*PRICES, "price_note"),
                "description": _("Empty means unknown, not free. A price set here is kept by refreshes."),
            },
        ),
        (_("replacement"), {"fields": (("replaced_by", "replacement_name"),)}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what was typed by hand; the rest follows the lists."""
        typed = isinstance(obj, Model) and obj.last_seen is None
        return typed and super().has_delete_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs, **({} if obj else {"form": NewModelForm}))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else ((None, {"fields": ("where", "name", "capabilities", "context_window")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if request.resolver_match and request.resolver_match.url_name == "autocomplete":
            found = found.exclude(state=Availability.RETIRED)
        return found, duplicates

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """What was changed goes through its service, on the row as it stands now."""
        now, data = timezone.now(), form.cleaned_data
        if not change:
            self._add(request, obj, data, now)
            return
        row = Model.objects.get(pk=obj.pk)
        if set(form.changed_data) & {"capabilities", "context_window", "by_hand"}:
            said = {name: data[name] for name in ("capabilities", "context_window")}
            by_hand = data["by_hand"] or bool(said.keys() & set(form.changed_data))
            done = services.describe(row, **said, by_hand=by_hand, by=request.user)
            audited(done, "model.described", row, request, now, **said, by_hand=by_hand)
        if set(form.changed_data) & set(PRICES):
            prices = {name: data[name] for name in PRICES}
            done = services.set_price(row, **prices, on=timezone.localdate(now), by=request.user)
            shown = {name: None if value is None else str(value) for name, value in prices.items()}
            audited(done, "model.price_set", row, request, now, **shown)
        if "replaced_by" in form.changed_data:
            other = data["replaced_by"]
            done = services.set_replacement(row, other, request.user)
            audited(done, "model.replacement_set", row, request, now, replacement=other.ref if other else None)

    def _add(self, request: HttpRequest, obj: Model, data: dict[str, Any], now: datetime) -> None:
        able, window = data["capabilities"], data["context_window"]
        row = services.add_model(data["where"], data["name"], capabilities=able, context_window=window)
        obj.pk, obj.provider_id = row.pk, row.provider_id
        audited(True, "model.added", row, request, now, capabilities=row.capabilities)

    @display(description=_("model"), ordering="name", header=True)
    def title_(self, model: Model) -> tuple[str, str]:
        return model.title, model.name if model.label and model.label != model.name else ""

    @display(description=_("can do"))
    def symbols(self, model: Model) -> SafeString | str:
        able = [(symbol, CAPABILITIES[name]) for name, symbol in SYMBOLS.items() if name in model.capabilities]
        return nowrap(format_html_join(" ", SYMBOL, ((word, word, symbol) for symbol, word in able))) if able else "—"

    @display(description=_("window"), ordering="context_window")
    def window(self, model: Model) -> str:
        return number(model.context_window)

    @display(description=_("longest answer, tokens"))
    def longest(self, model: Model) -> str:
        return number(model.max_output)

    @display(description=_("price in / out, $"), ordering="price_output")
    def price(self, model: Model) -> str:
        if model.price_input is None and model.price_output is None:
            return gettext("unknown")
        return f"{dollars(model.price_input)} / {dollars(model.price_output)}"

    @display(description=_("known from"))
    def price_note(self, model: Model) -> str:
        source = gettext("an operator") if model.price_source == services.OPERATOR else model.price_source
        return f"{source or '—'}, {model.price_date or '—'}"

    @display(description=_("state"), ordering="state")
    def condition(self, model: Model) -> SafeString:
        return badge(model.get_state_display(), AVAILABILITY_KIND[Availability(model.state)])

    @display(description=_("offered"), ordering="enabled")
    def offered(self, model: Model) -> SafeString:
        return badge(_("offered"), "success") if model.enabled else badge(_("hidden"))

    @display(description=_("leaves"), ordering="retires_at")
    def leaves(self, model: Model) -> SafeString | str:
        if model.retires_at is None and model.replaced_by is None:
            return "—"
        day = nowrap(f"{timezone.localtime(model.retires_at):%Y-%m-%d}") if model.retires_at else SafeString()
        return format_html("{} → {}", day, link(model.replaced_by)) if model.replaced_by else day

    @display(description=_("aliases"))
    def aliases_(self, model: Model) -> str:
        return ", ".join(model.aliases) or "—"

    @display(description=_("first and last seen"))
    def seen(self, model: Model) -> str:
        return f"{stamp(model.first_seen)} … {stamp(model.last_seen)}"


def dollars(price: Decimal | None) -> str:
    """``0.15``, ``2.5``, ``10``, with the reader's decimal sign; a question mark for an unknown price."""
    return "?" if price is None else number_format(Decimal(f"{price.normalize():f}"), force_grouping=True)


def _models_url(provider: str) -> str:
    return f"{reverse('admin:llm_model_changelist')}?provider__name__exact={provider}"


@admin.register(SyncRun)
class SyncRunPage(ReadOnlyPage):
    list_display = ("started", "condition", "trigger", "took", "summary")
    list_filter = ("state", "started_at")
    ordering = ("-started_at",)
    fieldsets = ((None, {"fields": (("started", "condition"), ("trigger", "took"), "table")}),)

    @display(description=_("started"), ordering="started_at")
    def started(self, run: SyncRun) -> str:
        return stamp(run.started_at)

    @display(description=_("state"), ordering="state")
    def condition(self, run: SyncRun) -> SafeString:
        return badge(run.get_state_display(), RUN_KIND[SyncRun.State(run.state)])

    @display(description=_("took"))
    def took(self, run: SyncRun) -> str:
        if run.finished_at is None:
            return "—"
        milliseconds = round((run.finished_at - run.started_at) / timedelta(milliseconds=1))
        return gettext("%(seconds)s s") % {"seconds": seconds(milliseconds)}

    @display(description=_("result"))
    def summary(self, run: SyncRun) -> str:
        return "; ".join(f"{name}: {brief(result)}" for name, result in run.results.items()) or "—"

    @display(description=_("results"))
    def table(self, run: SyncRun) -> SafeString | str:
        rows = [
            (
                format_html('<a class="text-link" href="{}">{}</a>', _models_url(name), name),
                *(_names(result, key) for key in CHANGES),
                badge(result["error"], "danger") if result.get("error") else number(result.get("seen")),
            )
            for name, result in run.results.items()
        ]
        return _table([_("provider"), *CHANGES.values(), _("in the list")], rows) if rows else "—"


CHANGES = {
    "new": pgettext_lazy("models", "new"),
    "changed": pgettext_lazy("models", "changed"),
    "gone": pgettext_lazy("models", "gone"),
    "returned": pgettext_lazy("models", "returned"),
}


def brief(result: dict[str, Any]) -> str:
    """One provider's part of a refresh in a few words."""
    if result.get("error"):
        return f"{gettext('error')}: {str(result['error'])[:80]}"
    counted = [f"{word}: {len(result[key])}" for key, word in CHANGES.items() if result.get(key)]
    seen = int(result.get("seen") or 0)
    models = ngettext("%(n)d model", "%(n)d models", seen) % {"n": seen}
    return f"{models} ({', '.join(counted)})" if counted else models


def _names(result: dict[str, Any], key: str) -> SafeString | str:
    names = [str(item) for item in result.get(key) or []]
    return format_html_join(mark_safe("<br>"), "{}", ((name,) for name in names)) if names else "—"


def _table(heads: list[Any], rows: list[tuple[Any, ...]]) -> SafeString:
    cell = "padding:.4rem 1.5rem .4rem 0;vertical-align:top;text-align:left"
    head = format_html_join("", '<th style="{}">{}</th>', ((cell, capfirst(text)) for text in heads))
    lines = ((format_html_join("", '<td style="{}">{}</td>', ((cell, item) for item in row)),) for row in rows)
    body = format_html_join("", "<tr>{}</tr>", lines)
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def _close_breaker(state: ProviderState, request: HttpRequest, now: datetime) -> bool:
    if state.paused_until is None and not state.failures:
        return False
    services.record_success(state.name, now)
    return audited(True, "provider.resumed", state, request, now)


@admin.register(ProviderState)
@verbs(
    Verb(
        "close_breaker",
        _("End the pause"),
        _("Questions go to this provider again at once; if it still fails, it is paused again."),
        _close_breaker,
        "play_circle",
        ActionVariant.PRIMARY,
    )
)
class ProviderPage(Page):
    """Only what is known of its server can be edited: most of it the bot learns by itself."""

    form = SwitchesForm
    readonly_fields = ("name", "breaker", "failures", "trouble", "troubled_at", "last_error", "catalogue")
    list_display = ("name", "breaker", "failures", "trouble", "troubled_at", "catalogue")
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "breaker", "failures"),
                    ("trouble", "troubled_at"),
                    "last_error",
                    "switches",
                    "catalogue",
                )
            },
        ),
    )

    @display(description=_("state"), ordering="paused_until")
    def breaker(self, state: ProviderState) -> SafeString:
        if state.paused_until and state.paused_until > timezone.now():
            return badge(gettext("paused until %(time)s") % {"time": stamp(state.paused_until)}, "danger")
        if state.paused_until:
            return badge(_("the next question is a trial"), "warning")
        return badge(_("works"), "success")

    @display(description=_("last error"))
    def trouble(self, state: ProviderState) -> SafeString | str:
        return badge(state.trouble, "warning") if state.last_error_kind else "—"

    @display(description=_("last error at"), ordering="last_error_at")
    def troubled_at(self, state: ProviderState) -> str:
        return stamp(state.last_error_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ProviderState, form: Any, change: bool) -> None:
        row = ProviderState.objects.get(pk=obj.pk)
        done = services.set_switches(row, form.cleaned_data["switches"], request.user)
        audited(done, "provider.switches_set", row, request, timezone.now(), models=sorted(row.switches))

    @display(description=_("models"))
    def catalogue(self, state: ProviderState) -> SafeString:
        return format_html('<a class="text-link" href="{}">{}</a>', _models_url(state.name), gettext("its models"))
