"""How posts and what became of them are shown to operators."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from core.show import Text, badge
from posts.models import Kind, MediaKind, Post, PostTarget, State
from posts.services.figures import is_overdue

F = TypeVar("F", bound=Callable[..., Any])
Place = PostTarget.State

STATE_KIND = {
    State.DRAFT: "",
    State.SCHEDULED: "info",
    State.HELD: "warning",
    State.PUBLISHING: "primary",
    State.PUBLISHED: "success",
    State.PARTIAL: "warning",
    State.ERROR: "danger",
    State.EXPIRED: "danger",
    State.CANCELLED: "",
}
PLACE_KIND = {
    Place.WAITING: "info",
    Place.QUEUED: "primary",
    Place.SENT: "success",
    Place.UNKNOWN: "warning",
    Place.FAILED: "danger",
    Place.CANCELLED: "",
    Place.DELETED: "",
    Place.GONE: "warning",
}
KIND_ICON = {Kind.TEXT: "notes", Kind.MEDIA: "attach_file", Kind.ALBUM: "photo_library", Kind.POLL: "ballot"}
MEDIA_ICON = {
    MediaKind.PHOTO: "image",
    MediaKind.VIDEO: "movie",
    MediaKind.ANIMATION: "gif_box",
    MediaKind.DOCUMENT: "description",
    MediaKind.AUDIO: "music_note",
}


def state_badge(post: Post, now: datetime) -> SafeString:
    """The state; beside it what somebody should know: overdue, late, a warning."""
    overdue = is_overdue(post, now)
    shown = badge(post.get_state_display(), "danger" if overdue else STATE_KIND[State(post.state)])
    marks = [mark for mark in (_overdue_mark(overdue), _late_mark(post), _warning_mark(post)) if mark]
    return format_html('<span class="po-state">{}{}</span>', shown, format_html_join("", "{}", ((m,) for m in marks)))


def _overdue_mark(overdue: bool) -> SafeString | str:
    return (
        mark("alarm", _("Its time has passed, and it has not gone out: is the bot running?"), "red") if overdue else ""
    )


def _late_mark(post: Post) -> SafeString | str:
    return mark("schedule", _("It went out later than planned."), "orange") if post.late else ""


def _warning_mark(post: Post) -> SafeString | str:
    return mark("warning", post.warning, "orange") if post.warning else ""


def mark(icon: str, meaning: Text, colour: str = "base") -> SafeString:
    """A symbol with its meaning for those who point at it and for those who hear the page."""
    return format_html(
        '<span class="material-symbols-outlined po-mark po-{}" role="img" aria-label="{}" title="{}">{}</span>',
        colour, meaning, meaning, icon,
    )  # fmt: skip


def kind_of(post: Post) -> tuple[str, str]:
    """(symbol, name) of what it is; of a single file, of that file. Reads the post's media."""
    if post.kind == Kind.MEDIA and (first := next(iter(post.media.all()), None)):
        return MEDIA_ICON[MediaKind(first.kind)], str(MediaKind(first.kind).label)
    return KIND_ICON[Kind(post.kind)], str(Kind(post.kind).label)


def place_badge(target: PostTarget) -> SafeString:
    return badge(target.get_state_display(), PLACE_KIND[Place(target.state)])


def tally(targets: Iterable[PostTarget]) -> SafeString | str:
    """Where it is to be seen, of how many places: ``2/3``; which they are, in the tooltip."""
    rows = list(targets)
    if not rows:
        return mark("location_off", _("It has no place yet."))
    there = sum(row.state == Place.SENT for row in rows)
    names = "\n".join(f"{row.chat}: {row.get_state_display()}" for row in rows)
    bad = any(row.state in (Place.FAILED, Place.UNKNOWN) for row in rows)
    style = "po-count po-red" if bad else "po-count"
    return format_html('<span class="{}" title="{}">{}/{}</span>', style, names, there, len(rows))


def where(targets: Iterable[PostTarget]) -> str:
    """``News, Team and 2 more``."""
    names = [str(row.chat) for row in targets]
    rest = len(names) - 2
    if rest <= 0:
        return ", ".join(names)
    more = ngettext("%(places)s and %(count)d more", "%(places)s and %(count)d more", rest)
    return more % {"places": ", ".join(names[:2]), "count": rest}


def title_of(post: Post) -> str:
    """Its first words; what has none is named by its kind."""
    return post.title or pgettext("post", "(%(kind)s without words)") % {"kind": kind_of(post)[1]}
