"""The operator's pages of budgets and of what their periods have cost."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from accounts.models import User
from accounts.pages import VIA, audited, operator
from core.admin import Page, ReadOnlyPage, Refused, Verb, display, verbs
from core.show import badge, link, money, nowrap, number, stamp
from llm import budgets, grants
from llm.models import Budget, Spending

Scope = Budget.Scope
# Which column says whom a budget of that scope is for.
TARGETS = {Scope.ROLE: "role", Scope.PERSON: "user", Scope.CHAT: "chat"}
WHOSE = ("scope", "role", "user", "chat", "period")
BAR = (
    '<div style="width:5rem;height:.5rem;border-radius:.25rem;background:rgba(128,128,128,.25)" title="{}">'
    '<div style="width:{}%;height:100%;border-radius:.25rem;background:{}"></div></div>'
)


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Budget
        fields = (*WHOSE, "tokens", "money", "enabled")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("tokens") is None and data.get("money") is None and not self.errors:
            raise forms.ValidationError(_("Give a limit in tokens, in money, or both."))
        if data.get("money") is not None and data["money"] < 0:
            self.add_error("money", _("A limit cannot be negative."))
        if "scope" in data:
            self._check_target(data)
        return data

    def _check_target(self, data: dict[str, Any]) -> None:
        """The one target that the scope needs, and no other."""
        wanted = TARGETS.get(Scope(data["scope"]))
        for name in TARGETS.values():
            if name == wanted and not data.get(name):
                self.add_error(name, _("Say whom the budget is for."))
            elif name != wanted and data.get(name):
                self.add_error(name, _("This does not belong to a budget of that kind; leave it empty."))
        if wanted == "chat" and data.get("chat") is not None and data["chat"].is_private:
            self.add_error("chat", _("A private chat follows its person; set a budget for the person."))


@admin.register(Budget)
class BudgetPage(Page):
    """Whose it is and its period stay as they were made: what was spent belongs to them."""

    form = BudgetForm
    list_display = ("__str__", "tokens_", "money_", "holds", "now_")
    list_filter = ("scope", "period", "enabled")
    list_select_related = ("user", "chat")
    search_fields = ("user__first_name", "user__last_name", "user__telegram_username", "chat__title")
    autocomplete_fields = ("user", "chat")
    ordering = ("scope", "role", "period", "pk")
    fieldsets = (
        (None, {"fields": (("scope", "period"), ("role", "user", "chat"))}),
        (
            _("limits"),
            {
                "fields": (("tokens", "money"), "enabled"),
                "description": _("All budgets that apply to an answer must have room. A change holds in 5 seconds."),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Budget | None = None) -> list[str]:
        return list(WHOSE) if obj else []

    def get_form(self, request: HttpRequest, obj: Budget | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj:
            kwargs["form"] = LimitsForm
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what was spent would go along; let it hold no more instead

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        budgets.keep(obj)
        limits = {name: None if (value := getattr(obj, name)) is None else str(value) for name in ("tokens", "money")}
        what = "budget.changed" if change else "budget.created"
        audited(bool(form.changed_data), what, obj, request, timezone.now(), **limits, holds=obj.enabled)

    @display(description=_("tokens at most"), ordering="tokens")
    def tokens_(self, budget: Budget) -> str:
        return number(budget.tokens)

    @display(description=_("money at most"), ordering="money")
    def money_(self, budget: Budget) -> str:
        return "—" if budget.money is None else money(budget.money)

    @display(description=_("state"), ordering="enabled")
    def holds(self, budget: Budget) -> SafeString:
        return badge(_("holds"), "success") if budget.enabled else badge(_("off"))

    @display(description=_("spent"))
    def now_(self, budget: Budget) -> SafeString:
        url = f"{reverse('admin:llm_spending_changelist')}?budget__id__exact={budget.pk}"
        return format_html('<a class="text-link" href="{}">{}</a>', url, gettext("its periods"))


class LimitsForm(BudgetForm):
    """Of a budget that is there: only the limits."""

    class Meta:
        model = Budget
        fields = ("tokens", "money", "enabled")


class PersonFilter(SimpleListFilter):
    """All that counts for one person; the person's page leads here."""

    title = _("person")
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        key = request.GET.get(self.parameter_name, "")
        person = User.objects.filter(pk=key).first() if key.isdecimal() else None
        return [(key, person.name)] if person else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Spending]) -> QuerySet[Spending]:
        person = self.value()
        return queryset.filter(Q(user=person) | Q(budget__user=person)) if person else queryset


def _grant(per_cent: int) -> Callable[[Spending, HttpRequest, datetime], bool]:
    def act(spending: Spending, request: HttpRequest, now: datetime) -> bool:
        if budgets.ends_at(spending) <= now:
            raise Refused(gettext("This period is over."))
        grants.grant(spending, per_cent, by=operator(request), via=VIA, now=now)
        return True

    return act


@admin.register(Spending)
@verbs(
    Verb(
        "grant_quarter", _("Give a quarter more"), _("In this period alone."), _grant(25), "add", ActionVariant.PRIMARY,
    ),
    Verb("grant_double", _("Give as much again"), _("In this period alone."), _grant(100), "add_circle"),
)  # fmt: skip
class SpendingPage(ReadOnlyPage):
    list_display = ("whose", "since", "user", "bar", "tokens_", "cost_")
    list_filter = (PersonFilter, "budget__scope", "budget__period", "starts_on")
    list_display_links = ("whose",)
    list_select_related = ("budget__user", "budget__chat", "user")
    ordering = ("-starts_on", "budget", "user")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("budget_", "user", "starts_on"),
                    ("bar", "tokens_", "cost_"),
                    ("reserved", "unpriced", "estimated"),
                    ("extra_tokens", "extra_money", "warned"),
                )
            },
        ),
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "budget__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description=_("budget"))
    def whose(self, spending: Spending) -> SafeString:
        return nowrap(str(spending.budget), "18rem")

    @display(description=_("from"), ordering="starts_on")
    def since(self, spending: Spending) -> SafeString:
        return nowrap(date_format(spending.starts_on, "SHORT_DATE_FORMAT"))

    @display(description=_("budget"))
    def budget_(self, spending: Spending) -> SafeString | str:
        return link(spending.budget)

    @display(description=_("used"))
    def bar(self, spending: Spending) -> SafeString:
        percent = round(spending.share * 100)
        colour = "#dc2626" if percent >= 100 else "#d97706" if spending.share >= budgets.WARN_AT else "#16a34a"
        return format_html(BAR, f"{percent} %", min(100, percent), colour)

    @display(description=_("tokens"), ordering="tokens")
    def tokens_(self, spending: Spending) -> SafeString:
        return nowrap(f"{number(spending.tokens)} / {number(spending.tokens_limit)}")

    @display(description=_("cost"), ordering="cost")
    def cost_(self, spending: Spending) -> SafeString:
        """A question mark stands for the answers whose price nobody knows."""
        limit = "—" if spending.money_limit is None else money(spending.money_limit)
        return nowrap(f"{money(spending.cost)}{' + ?' if spending.unpriced else ''} / {limit}")

    @display(description=_("reserved"), ordering="reserved_tokens")
    def reserved(self, spending: Spending) -> str:
        return f"{number(spending.reserved_tokens)}, {money(spending.reserved_cost)}"

    @display(description=_("warned"))
    def warned(self, spending: Spending) -> str:
        return stamp(spending.warned_at)
