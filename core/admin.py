"""What the operator's pages share: read-only pages, verbs that go through services, filters.

A ``Verb`` is one row of a page's table of actions. It becomes an action on selected rows, an entry in each
row's menu and a button on the row's page; the latter two ask first, so nothing changes by a GET.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.decorators import display as unfold_display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from core.show import Text

A = TypeVar("A", bound=type[ModelAdmin])
F = TypeVar("F", bound=Callable[..., Any])


def display(
    *,
    description: Text,
    ordering: Any = None,
    header: bool | None = None,
    boolean: bool | None = None,
) -> Callable[[F], F]:
    """Unfold's decorator of a column or a read-only field, with types; ``header`` takes (name, line below)."""
    mark: Callable[[F], F] = unfold_display(description=description, ordering=ordering, header=header, boolean=boolean)
    return mark


class Refused(Exception):
    """A verb cannot be done; its text is shown to the operator."""


class Page(ModelAdmin):
    """An operator's page. Verbs need the right to change the rows, whether or not the form may be edited."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_sheet = True
    compressed_fields = True

    def has_operate_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))


class ReadOnlyPage(Page):
    """Rows that only services write: they can be looked at, and a POST of the form is refused."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """Rows of another table on a page, in pages of 50."""

    extra = 0
    per_page = 50
    can_delete = False
    tab = True
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@dataclass(frozen=True)
class Verb:
    """One thing an operator may do to a row.

    ``act(row, request, now)`` calls the service and says whether that changed anything; it may raise Refused.
    """

    name: str
    title: Text
    question: Text
    act: Callable[[Any, HttpRequest, datetime], bool]
    icon: str
    variant: ActionVariant = ActionVariant.DEFAULT
    # What the operator reads when it is done; without it, the title and the number of rows.
    done: Text = ""


class Confirm(BaseDialogForm):
    """The question before a verb, with the name of the row it is about."""

    def render_before_template(self) -> str:
        page = self.request.resolver_match.func.model_admin
        return format_html("<strong>{}</strong>", page.get_object(self.request, unquote(self.object_id)) or "")


def verbs(*table: Verb) -> Callable[[A], A]:
    """Give a page the verbs of ``table``. Its own ``actions_row`` or ``actions_detail`` arrange them."""

    def add(page: A) -> A:
        for verb in table:
            setattr(page, verb.name, _to_one(verb))
            setattr(page, f"{verb.name}_selected", _to_selected(verb))
        names = [verb.name for verb in table]
        page.actions = [f"{name}_selected" for name in names]
        page.actions_row = page.actions_row or names
        page.actions_detail = page.actions_detail or names
        return page

    return add


def _to_one(verb: Verb) -> Any:
    def one(page: Page, request: HttpRequest, _form: Any, object_id: str) -> HttpResponse:
        row = page.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        _report(page, request, verb, [row])
        return back(page, request)

    one.__name__ = verb.name
    dialog = {
        "title": verb.title,
        "description": verb.question,
        "form_class": Confirm,
        "form_submit_text": verb.title,
    }
    return action(
        description=verb.title,
        url_path=verb.name.replace("_", "-"),
        permissions=["operate"],
        icon=verb.icon,
        variant=verb.variant,
        dialog=dialog,
    )(one)


def _to_selected(verb: Verb) -> Any:
    def selected(page: Page, request: HttpRequest, rows: models.QuerySet[Any]) -> None:
        _report(page, request, verb, list(rows))

    selected.__name__ = f"{verb.name}_selected"
    return action(description=verb.title, permissions=["operate"])(selected)


def _report(page: Page, request: HttpRequest, verb: Verb, rows: Sequence[Any]) -> None:
    done = 0
    for row in rows:
        try:
            done += bool(verb.act(row, request, timezone.now()))
        except Refused as refusal:
            page.message_user(request, f"{row}: {refusal}", messages.ERROR)
    if done:
        text = ngettext("%(verb)s: %(count)d row.", "%(verb)s: %(count)d rows.", done)
        text = str(verb.done) or text % {"verb": verb.title, "count": done}
        page.message_user(request, text, messages.SUCCESS)
    else:
        page.message_user(request, gettext("Nothing was changed."), messages.WARNING)


def values_filter(name: str, heading: Text, values: Callable[[], Iterable[tuple[str, Any]]]) -> type[SimpleListFilter]:
    """A list filter by the column ``name`` with known choices; Django's own would read the whole table for them."""

    class ValuesFilter(SimpleListFilter):
        title = heading  # type: ignore[assignment]
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return list(values())

        def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return ValuesFilter


def back(page: Page, request: HttpRequest) -> HttpResponse:
    """To where the operator came from (a dialog is sent by htmx, which follows a header), else to the list."""
    came_from = request.headers.get("HX-Current-URL", "")
    safe = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    target = came_from if safe else list_url(page.model)
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def list_url(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
