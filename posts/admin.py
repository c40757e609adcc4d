"""The operator's pages of posts: what is planned, what came of it, and what may be done about it.

What a post says is content: shown to those who may read it, and each opening is on record. Nothing here writes rows:
every action is a verb of ``posts.services``.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.pages import ContentPage, may_read, note_reading
from core.admin import ReadOnlyPage, display
from core.show import link, nowrap, stamp
from delivery.pages import in_viewers_zone
from posts.admin_calendar import calendar, choice_of
from posts.admin_deeds import DEEDS, cancel_selected, deeds, offered, retry_selected
from posts.admin_lists import AuthorFilter, Listed, MarkFilter, Narrow, PeriodFilter, PlaceFilter, searched
from posts.admin_page import page_of
from posts.admin_writing import Writing
from posts.models import Post
from posts.pages import kind_of, state_badge, tally, title_of


@admin.register(Post)
@deeds(*DEEDS)
class PostPage(Writing, ContentPage, ReadOnlyPage):
    contents = frozenset({"what", "title", "text", "poll", "poll__question", "markdown", "entities", "status_reason"})
    list_display = ("planned", "what", "condition", "places", "person", "changed")
    list_display_links = ("planned", "what")
    list_filter = ("state", "kind", PeriodFilter, PlaceFilter, AuthorFilter, MarkFilter)
    # What they mean, admin_lists.searched says.
    search_fields = ("author__first_name", "text")
    search_help_text = _("Words of the post, its author, an id")
    # By an index; a stretch of time is read in its own order (admin_lists.Listed).
    ordering = ("-updated_at", "id")
    paginator = Narrow
    cancel_selected, retry_selected = cancel_selected, retry_selected
    actions = ("cancel_selected", "retry_selected")
    actions_detail = ("edit",)
    list_before_template = "admin/posts/views.html"
    fieldsets = ((None, {"fields": ("condition",)}),)

    class Media:
        css = {"all": ("posts/admin.css",)}

    # --- who may what ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("posts.add_post"))

    def has_remove_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return bool(request.user.has_perm("posts.delete_post"))

    def shows_words(self, request: HttpRequest) -> bool:
        return may_read(request)

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only what does something as things stand."""
        allowed = super().get_actions_detail(request, object_id)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return list(allowed)
        names = {deed.name for deed in offered(row)} | ({"edit"} if may_read(request) else set())
        return [verb for verb in allowed if verb.method.__name__ in names]

    # --- looking ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Listed]:
        return Listed

    def get_queryset(self, request: HttpRequest) -> QuerySet[Post]:
        rows: QuerySet[Post] = super().get_queryset(request)
        return rows.select_related("author")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return searched(queryset, search_term, readable=may_read(request)), False

    def get_urls(self) -> list[URLPattern]:
        def own(address: str, view: Any, name: str) -> URLPattern:
            found: URLPattern = path(address, self.admin_site.admin_view(view), name=f"posts_post_{name}")
            return found

        return [
            own("calendar/", self.calendar_view, "calendar"),
            own("preview/", self.preview_view, "preview"),
            own("<path:object_id>/media/<int:position>/", self.media_view, "media"),
            *super().get_urls(),
        ]

    @in_viewers_zone
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        zone = timezone.get_current_timezone_name()
        page: HttpResponse = super().changelist_view(request, {"zone": zone, **(extra_context or {})})
        return page

    @in_viewers_zone
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            gone: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return gone
        may = {verb.method.__name__ for verb in self.get_actions_detail(request, object_id)}
        readable = may_read(request)
        name = title_of(row) if readable else f"{kind_of(row)[1]} {str(row.pk)[:8]}"
        # In the place of the row: its name would be its id.
        shown = {"post": row, "original": name, "subtitle": name, "readable": readable}
        shown |= {"shown": page_of(row, timezone.now(), may, readable=readable)}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})
        return page

    @in_viewers_zone
    def calendar_view(self, request: HttpRequest) -> HttpResponse:
        """A month, or a day of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        readable, now = may_read(request), timezone.now()
        if readable:
            note_reading(request, "post:calendar", str(self.opts.verbose_name_plural))
        choice = choice_of(request, timezone.localdate(now))
        shown = calendar(choice, now, readable=readable)
        context = {"title": gettext("Calendar of posts"), "opts": self.opts, "media": self.media}
        whole = self.admin_site.each_context(request) | context | shown
        return TemplateResponse(request, "admin/posts/calendar.html", whole)

    # --- columns ---

    @display(description=_("planned for"), ordering="planned_at")
    def planned(self, row: Post) -> SafeString:
        return nowrap(stamp(row.planned_at))

    @display(description=_("what"))
    def what(self, row: Post) -> SafeString:
        icon, kind = kind_of(row)
        symbol = '<span class="material-symbols-outlined" role="img" aria-label="{}" title="{}">{}</span>'
        return format_html(
            '<span class="po-what">{}<span title="{}">{}</span></span>',
            format_html(symbol, kind, kind, icon), title_of(row), title_of(row),
        )  # fmt: skip

    @display(description=_("state"), ordering="state")
    def condition(self, row: Post) -> SafeString:
        return state_badge(row, timezone.now())

    @display(description=_("published in"))
    def places(self, row: Post) -> SafeString | str:
        return tally(row.targets.all())

    @display(description=_("author"), ordering="author__first_name")
    def person(self, row: Post) -> SafeString | str:
        return link(row.author, row.author.name) if row.author else "—"

    @display(description=_("changed"), ordering="updated_at")
    def changed(self, row: Post) -> SafeString:
        return nowrap(stamp(row.updated_at))
