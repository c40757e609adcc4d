"""The operator's page of stored files. Rows and files are removed together by housekeeping, never here."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.pages import ContentPage
from core.admin import ReadOnlyPage, display
from core.show import prose, stamp
from files.models import StoredFile


@admin.register(StoredFile)
class StoredFilePage(ContentPage, ReadOnlyPage):
    contents = frozenset({"name", "words", "text"})
    list_display = ("path", "name", "mime", "length", "owner", "stored", "expires")
    list_filter = ("created_at", ("expires_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("name", "path", "sha256")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "mime", "length"),
                    ("owner", "stored", "expires"),
                    ("path", "sha256"),
                    "words",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[StoredFile]":
        """A list needs no texts, and a text may have megabytes."""
        rows: QuerySet[StoredFile] = super().get_queryset(request)
        return rows.defer("text")

    @display(description=_("size"), ordering="size")
    def length(self, file: StoredFile) -> str:
        return filesizeformat(file.size)

    @display(description=_("stored"), ordering="created_at")
    def stored(self, file: StoredFile) -> str:
        return stamp(file.created_at)

    @display(description=_("expires"), ordering="expires_at")
    def expires(self, file: StoredFile) -> str:
        return stamp(file.expires_at)

    @display(description=_("extracted text"))
    def words(self, file: StoredFile) -> SafeString | str:
        return prose(file.text)
