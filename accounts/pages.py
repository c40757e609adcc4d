"""For the operator's pages of every app: who is acting, what they did on record, and how the record is shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.models import AuditEntry, User
from accounts.services import audit, target_of
from core.admin import Page
from core.show import nowrap, stamp

VIA = "admin"
READ_CONTENT = "conversations.read_content"
# An operator who looks at one page again and again is on record once in this time.
READING_LASTS = timedelta(hours=1)


def operator(request: HttpRequest) -> User:
    """Who is acting; the admin lets nobody in who is not logged in."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is logged in.")
    return user


def audited(done: bool, what: str, row: Model, request: HttpRequest, now: datetime, **details: Any) -> bool:
    """Put on record what a service without a record of its own has done to ``row``; gives ``done`` back."""
    if done:
        audit(what, by=operator(request), via=VIA, **target_of(row), details=details, now=now)
    return done


def may_read(request: HttpRequest) -> bool:
    """Whether this operator may read what people and models wrote."""
    return bool(request.user.has_perm(READ_CONTENT))


def note_reading(request: HttpRequest, target: str, label: str = "") -> None:
    """Put on record that the operator opened ``target`` ("request:12", "request:list"), which shows contents."""
    now, who = timezone.now(), operator(request)
    noted = AuditEntry.objects.filter(actor=who, action="content.read", target=target, at__gt=now - READING_LASTS)
    if not noted.exists():
        audit("content.read", by=who, via=VIA, target=target, target_label=label, now=now)


class ContentPage(Page):
    """A page that shows contents: only to those who may read them, and each opening is on record.

    ``contents`` names what holds them: columns of the list, read-only fields, columns of the table (no filter may ask
    for them), searches. ``content_inlines`` are left out whole.
    """

    contents: frozenset[str] = frozenset()
    content_inlines: Sequence[type] = ()

    def _open_to(self, request: HttpRequest, names: Iterable[Any]) -> list[Any]:
        return [name for name in names if may_read(request) or name not in self.contents]

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._open_to(request, super().get_list_display(request))

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        links = super().get_list_display_links(request, list_display)
        return links and self._open_to(request, links)

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self._open_to(request, super().get_search_fields(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sections = super().get_fieldsets(request, obj)
        if may_read(request):
            return sections
        shown = [(title, {**options, "fields": self._shown(request, options)}) for title, options in sections]
        return [section for section in shown if section[1]["fields"]]

    def _shown(self, request: HttpRequest, options: Any) -> list[Any]:
        rows = [tuple(self._open_to(request, row)) if isinstance(row, tuple) else row for row in options["fields"]]
        return [row for row in self._open_to(request, rows) if row]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        inlines = super().get_inlines(request, obj)
        return inlines if may_read(request) else [each for each in inlines if each not in self.content_inlines]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        # A filter in the address that may be guessed at until rows come is as good as reading.
        if not self.contents.isdisjoint(lookup.split("__")) and not (request and may_read(request)):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        listed = {*self.list_display, *self.search_fields}
        opened = request.method == "GET" and may_read(request) and self.has_view_permission(request)
        if opened and not self.contents.isdisjoint(listed):
            note_reading(request, f"{self.opts.model_name}:list", str(self.opts.verbose_name_plural))
        return super().changelist_view(request, extra_context)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        opened = request.method == "GET" and may_read(request)
        row = self.get_object(request, unquote(object_id)) if opened else None
        if row is not None and self.has_view_permission(request, row):
            note_reading(request, **_page_of(row))
        return super().change_view(request, object_id, form_url, extra_context)


def _page_of(row: Model) -> dict[str, Any]:
    named = target_of(row)
    return {"target": named["target"], "label": named["target_label"]}


def trail(row: Model) -> SafeString | str:
    """The newest 30 audit entries about ``row``."""
    return timeline(AuditEntry.objects.filter(target=target_of(row)["target"])[:30])


def timeline(entries: QuerySet[AuditEntry]) -> SafeString | str:
    """Audit entries as lines: when, what, who, how, and what changed."""
    rows = [
        (nowrap(stamp(entry.at)), entry.action, entry.actor_label or "—", entry.via, details_of(entry))
        for entry in entries
    ]
    if not rows:
        return gettext("Nothing yet.")
    cell = '<td style="padding:.35rem 1.25rem .35rem 0;vertical-align:top">{}</td>'
    body = format_html_join("", f"<tr>{cell * 5}</tr>", rows)
    table = format_html('<table style="font-variant-numeric:tabular-nums">{}</table>', body)
    # As wide as there is room for, whatever stands in it.
    return format_html('<div style="width:0;min-width:100%;overflow-x:auto">{}</div>', table)


def details_of(entry: AuditEntry) -> str:
    """An entry's details in one line: ``pending → active``, or ``role: admin; hours: 72``."""
    details = entry.details
    if "old" in details and "new" in details:
        return f"{details['old']} → {details['new']}"
    shown = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in details.items()}
    return "; ".join(f"{key}: {value}" for key, value in shown.items())
