"""/posts: drafts, what comes next, what was published, what went wrong; a page at a time. And /schedule alone."""

from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import User
from posts import services
from posts.chat import asking, cards, clock, place
from posts.chat.cards import MARKS, Menu
from posts.models import Post, PostTarget, State
from posts.services import figures
from telegram_bot import expecting
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key

PAGE = 7
LABEL = 40  # characters of a button that a phone shows
DRAFTS, NEXT, PUBLISHED, ERRORS = "drafts", "next", "published", "errors"
TABS = {
    DRAFTS: (State.DRAFT, State.CANCELLED),
    NEXT: (State.SCHEDULED, State.PUBLISHING),
    PUBLISHED: (State.PUBLISHED, State.PARTIAL),
    ERRORS: (State.ERROR, State.PARTIAL, State.EXPIRED, State.HELD),
}
SHOWN_NEXT = 10
ROOM = 120  # for the chats of one of them


def rows_of(tab: str, start: int, end: int) -> list[Post]:
    """What is on a tab, in its order, from one place to another. A state at a time, or no index has them in order."""
    found = [_of(tab, state)[:end] for state in TABS[tab]]
    return list(islice(merge(*found, key=lambda post: _order(tab, post)), start, end))


def _of(tab: str, state: State) -> QuerySet[Post]:
    rows = Post.objects.filter(state=state).select_related("author")
    if tab == DRAFTS:
        return rows.order_by("-updated_at", "id")
    return rows.order_by("planned_at" if tab == NEXT else "-planned_at", "id")


def _order(tab: str, post: Post) -> tuple[float, UUID]:
    at = post.updated_at if tab == DRAFTS else post.planned_at
    seconds = at.timestamp() if at is not None else 0.0
    return (seconds if tab == NEXT else -seconds), post.pk


def page(viewer: User, tab: str, number: int, now: datetime) -> Menu:
    pages = max(1, -(-Post.objects.filter(state__in=TABS[tab]).count() // PAGE))
    number = min(max(0, number), pages - 1)
    shown = rows_of(tab, number * PAGE, (number + 1) * PAGE)
    title = titles()[tab] + (" · " + _("page %(page)d of %(pages)d") % {"page": number + 1, "pages": pages}) * (
        pages > 1
    )
    data = {"tab": tab, "page": number}
    keys = [[Key(label(post, viewer, now), "post.show", {"id": str(post.pk), **data})] for post in shown]
    turning = [_key("‹", tab, number - 1)] if number else []
    turning += [_key("›", tab, number + 1)] if number + 1 < pages else []
    tabs = [_key(name, other, 0) for other, name in titles().items() if other != tab]
    said = _("Press one to open it.") if shown else _("There is nothing here. Make a post: /post")
    return cards.titled(title, said), [*keys, turning, tabs[:2], tabs[2:]]


def titles() -> dict[str, str]:
    return {
        DRAFTS: "📝 " + _("Drafts"),
        NEXT: "🗓 " + pgettext("posts", "Next"),
        PUBLISHED: "✅ " + pgettext("posts", "Published"),
        ERRORS: "❗️ " + _("Errors"),
    }


def _key(label: str, tab: str, page: int) -> Key:
    return Key(label, "post.list", {"tab": tab, "page": page})


def label(post: Post, viewer: User, now: datetime) -> str:
    """A post on a button: overdue in red, then its time and its first words."""
    mark = "🔴" if figures.is_overdue(post, now) else MARKS[State(post.state)]
    at = post.planned_at if post.state != State.DRAFT else None
    when = f"{cards.short_day(at, cards.zone_of(viewer), now)} · " if at is not None else ""
    line = f"{mark} {when}{cards.name_of(post)}"
    return line if len(line) <= LABEL else line[: LABEL - 1].rstrip() + "…"


@transaction.atomic
def show_page(incoming: Incoming, tab: str, number: int, edit: int | None, now: datetime) -> None:
    menu = page(incoming.user, tab if tab in TABS else DRAFTS, number, now)
    place.say(incoming, menu, edit=edit)
    place.finish(incoming, now)


# --- what is next ---------------------------------------------------------------------------------------------------


@transaction.atomic
def schedule(incoming: Incoming, words: str, now: datetime) -> None:
    """``/schedule``: of the post that it replies to, when; alone, what is next."""
    expecting.forget(incoming)
    post = place.replied_about(incoming)
    if post is None and words:
        post = _latest_draft(incoming.user)
    if post is not None and not services.may_change(incoming.user, post):
        place.say(incoming, (cards.said(_("Only its author or an admin may change it.")), ()))
    elif post is not None and words:
        asking.when(incoming, post, words, now)
    elif post is not None:
        menu = clock.asking(post, incoming.user, now, clock.moved_note(post, incoming.user))
        asking.expect_words(incoming, post, "when", place.say(incoming, menu, about=post), now)
    elif words:
        text = _("Reply with /schedule and the time to the post's preview or card; /posts lists them.")
        place.say(incoming, (cards.said(text), ()))
    else:
        place.say(incoming, next_ones(incoming.user, now))
    place.finish(incoming, now)


def _latest_draft(user: User) -> Post | None:
    return Post.objects.filter(author=user, state=State.DRAFT).order_by("-updated_at").first()


def next_ones(viewer: User, now: datetime) -> Menu:
    """What is planned, the next first; what is overdue in red."""
    rows = figures.get_next_scheduled_posts(SHOWN_NEXT)
    if not rows:
        return cards.said(_("Nothing is planned. Make a post: /post")), ()
    zone = cards.zone_of(viewer)
    lines = [_line(post, zone, now) for post in rows]
    keys = [[Key(label(post, viewer, now), "post.show", {"id": str(post.pk), "tab": NEXT})] for post in rows]
    lines += [_("🔴 is overdue: /poststats shows whether the scheduler works.")] * any(
        figures.is_overdue(post, now) for post in rows
    )
    return cards.titled(titles()[NEXT], _("By the clock of %(zone)s:") % {"zone": zone.key}, *lines), keys


def _line(post: Post, zone: ZoneInfo, now: datetime) -> str:
    mark = "🔴" if figures.is_overdue(post, now) else "•"
    at = cards.short_day(post.planned_at, zone, now) if post.planned_at else "?"
    places = cards.some_of([str(target.chat) for target in targets(post)], ", ", room=ROOM)
    return f"{mark} {at} · {cards.name_of(post)} → {places}"


def targets(post: Any) -> list[PostTarget]:
    """As they were loaded along."""
    return list(post.targets.all())
