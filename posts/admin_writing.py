"""Where operators write and change posts: a form, what it makes looked at while it is written, and the files."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from accounts.pages import VIA, may_read, note_reading, operator
from accounts.services import target_of
from delivery.pages import in_viewers_zone
from files.services import path_of
from posts import services
from posts.admin_deeds import refuse
from posts.admin_page import url_of
from posts.content import OPTIONS, Medium, NotNow, Refused, Stale
from posts.forms import FIELDS, POLL, PostForm, loses_formatting, poll_of
from posts.models import OUT, MediaKind, Post, PostMedia, State
from posts.preview import look_of
from posts.services import checking, composing, limits
from telegram_bot.markdown import units

# What a browser shows where it stands; anything else is saved to the disk, for it may hold scripts.
SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/mpeg", "audio/mp4", "audio/ogg")
# By what a browser calls a chosen file: only for the look of it, the content decides when it is saved.
CHOSEN = {
    "image/jpeg": MediaKind.PHOTO, "image/png": MediaKind.PHOTO, "image/webp": MediaKind.PHOTO,
    "image/gif": MediaKind.ANIMATION, "video/mp4": MediaKind.VIDEO, "audio/mpeg": MediaKind.AUDIO,
    "audio/mp4": MediaKind.AUDIO,
}  # fmt: skip
MOST_CHOSEN = 20


class Writing:
    """Of the page of posts: to add one, to change one, to look at what is being written, to see its files."""

    def add_view(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        page: HttpResponse = self._editor(request, None)
        return page

    @action(description=_("Edit"), url_path="edit", permissions=["operate"], icon="edit")  # type: ignore[untyped-decorator]
    def edit(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        page: HttpResponse = self._editor(request, self._post(request, object_id))
        return page

    def _post(self: Any, request: HttpRequest, object_id: str) -> Post:
        """What is to be read: hidden from those who may not, and on record by whichever way it is opened."""
        if not may_read(request):
            raise PermissionDenied
        post = self.get_object(request, unquote(object_id))
        if not isinstance(post, Post):
            raise Http404
        note_reading(request, target_of(post)["target"], str(post.pk))
        return post

    @in_viewers_zone
    def _editor(self: Any, request: HttpRequest, post: Post | None) -> HttpResponse:
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = PostForm(*sent, viewer=operator(request), post=post)
        if request.method == "POST" and (saved := save(form, request, timezone.now())):
            messages.success(request, said_of(saved))
            return HttpResponseRedirect(reverse("admin:posts_post_change", args=[saved.pk]))
        context = {
            "title": gettext("Edit the post") if post else gettext("New post"),
            "opts": self.opts,
            "media": self.media,
            "form": form,
            "post": post,
            "files": files_of(form),
            "loses_formatting": post is not None and loses_formatting(post),
            "is_out": post is not None and post.state in OUT,
            "is_leaving": post is not None and post.state == State.PUBLISHING,
            "preview_url": reverse("admin:posts_post_preview"),
            **preview_of(form, post),
        }
        whole = self.admin_site.each_context(request) | context
        return TemplateResponse(request, "admin/posts/edit.html", whole)

    def preview_view(self: Any, request: HttpRequest) -> HttpResponse:
        """What the form makes, as HTML to be put beside it. Saves nothing."""
        if request.method != "POST" or not (self.has_add_permission(request) or self.has_operate_permission(request)):
            raise PermissionDenied
        number = request.POST.get("post", "")
        post = self._post(request, number) if number else None
        form = PostForm(request.POST, viewer=operator(request), post=post)
        form.full_clean()
        return TemplateResponse(request, "admin/posts/look.html", preview_of(form, post, chosen_in(request)))

    def media_view(self: Any, request: HttpRequest, object_id: str, position: int) -> HttpResponse:
        """A file's content, to those who may read what was written."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        post = self._post(request, object_id)
        medium = post.media.select_related("file").filter(position=position).first()
        if medium is None or medium.file is None or not path_of(medium.file).is_file():
            raise Http404
        answer = HttpResponse(path_of(medium.file).read_bytes(), content_type=medium.file.mime)
        shown = medium.file.mime in SHOWN
        answer["Content-Disposition"] = content_disposition_header(not shown, medium.name or "file") or "inline"
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        answer["Cache-Control"] = "private, max-age=300"
        return answer


def save(form: PostForm, request: HttpRequest, now: datetime) -> Post | None:
    """The post as it was saved; None when the form says what is wrong."""
    form.keep(now)
    if form.errors:
        return None
    who: dict[str, Any] = {"via": VIA, "now": now, "by": operator(request)}
    try:
        if form.post is None:
            return services.create_draft(form.writer, **form.content(), **who)
        version = form.cleaned_data["version"]
        return services.change_post(form.post, version=version, **form.content(), **who)
    except (Refused, NotNow, Stale) as refusal:
        refuse(form, refusal, FIELDS)
        return None


def said_of(saved: Post) -> str:
    if saved.state in OUT:
        return gettext("It is saved, and is being changed wherever it has appeared.")
    if saved.state == State.SCHEDULED:
        return gettext("It is saved. Its time stays.")
    return gettext("It is saved. Choose its time, or publish it now.")


# --- what is being written ------------------------------------------------------------------------------------------


def files_of(form: PostForm) -> list[tuple[int, Medium, str, bool]]:
    """(number, file, its address, whether it is to go) of what the post has."""
    if form.post is None:
        return []
    sent: Any = form.data
    dropped = set(sent.getlist("drop")) if form.is_bound else set()
    rows = list(form.post.media.all())
    return [
        (number, medium, url_of(form.post, row), str(number) in dropped)
        for number, (medium, row) in enumerate(zip(form.kept, rows, strict=True))
    ]


def preview_of(form: PostForm, post: Post | None, chosen: Sequence[tuple[Medium, str]] = ()) -> dict[str, Any]:
    """What the preview's template shows of a form that may be half filled, and what Telegram would not take of it."""
    if not form.is_bound:
        return _shown(post or Post(), _kept(form, post), []) | {"problems": []}
    cleaned = _filled(form)
    files = [] if cleaned["kind"] == POLL else [*_kept(form, post), *((medium, "") for medium in form.fresh), *chosen]
    row = _unsaved(form, cleaned, [medium for medium, _url in files])
    return _shown(row, files, problems_of(row, [medium for medium, _url in files], len(chosen)))


def _filled(form: PostForm) -> dict[str, Any]:
    """Each field's value; where it is wrong, what it is when it is empty."""
    fields: dict[str, Any] = form.fields
    empty = {name: [] if name in ("drop", "places") else field.to_python("") for name, field in fields.items()}
    form.cleaned_data = {**empty, **getattr(form, "cleaned_data", {})}
    return form.cleaned_data


def _kept(form: PostForm, post: Post | None) -> list[tuple[Medium, str]]:
    if post is None:
        return []
    return [(medium, url) for _number, medium, url, dropped in files_of(form) if not dropped]


def _unsaved(form: PostForm, cleaned: dict[str, Any], files: Sequence[Medium]) -> Post:
    poll = poll_of(cleaned, form.post) if cleaned["kind"] == POLL else None
    text, entities = form.words()
    options = {name: cleaned[name] for name in OPTIONS}
    row = Post(text=text, entities=entities, poll=poll, buttons=form.rows_of_buttons(), **options)
    row.kind = composing.kind_of(files, poll)
    return row


def problems_of(row: Post, files: Sequence[Medium], chosen: int) -> list[str]:
    """What Telegram would not take. Files that are still with the browser are looked at when they are saved."""
    options = {name: getattr(row, name) for name in OPTIONS}
    unseen = {f"media.{number}" for number in range(len(files) - chosen, len(files))}
    found = checking.check_content(row.text, row.entities, files, row.poll, row.buttons, options)
    return [problem.text for problem in found if problem.field not in unseen and problem.code != "empty"]


def _shown(row: Post, files: Sequence[tuple[Medium | PostMedia, str]], problems: Sequence[str]) -> dict[str, Any]:
    return {
        "look": look_of(row, [medium for medium, _url in files], [url for _medium, url in files]),
        "shown_post": row,
        "length": units(row.text),
        "most": limits.CAPTION if files else limits.TEXT,
        "is_poll": bool(row.poll),
        "problems": problems,
    }


def chosen_in(request: HttpRequest) -> list[tuple[Medium, str]]:
    """Files that the browser has and has not sent, as it names them; shown from its own memory (``blob:``)."""
    try:
        rows = json.loads(request.POST.get("chosen") or "[]")
    except (ValueError, RecursionError):
        return []
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [_chosen(row, "as_documents" in request.POST, "spoiler" in request.POST) for row in rows[:MOST_CHOSEN]]


def _chosen(row: dict[str, Any], as_documents: bool, spoiler: bool) -> tuple[Medium, str]:
    found = MediaKind.DOCUMENT if as_documents else CHOSEN.get(str(row.get("type")), MediaKind.DOCUMENT)
    size, url = row.get("size"), str(row.get("url", ""))
    medium = Medium(
        kind=str(found),
        name=str(row.get("name", ""))[:255],
        size=size if isinstance(size, int) else None,
        spoiler=spoiler and found in composing.SEEN,
    )
    return medium, iri_to_uri(url) if url.startswith("blob:") else ""
