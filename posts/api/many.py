"""Several at once: posts by what is looked for, where posts may appear, figures, who did what."""

import functools
import operator
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query

from accounts.models import Chat
from posts.api import shapes
from posts.api.routing import READ, route, whole
from posts.api.shapes import PlacesOut, PostEntriesOut, PostsOut, States, StatsOut, StatusOut
from posts.api.wishes import known_chats
from posts.models import Kind, Post, PostTarget, Topic
from posts.services import figures, rights
from rest.answers import answer, paged
from rest.record import entries_of
from rest.routing import IdText, Instant, Limit, Page, Request, Search, SignedNumber, TelegramId
from rest.times import instant, written


@route("GET", "/", READ, {200: PostsOut}, 400)
def list_posts(
    request: Request,
    state: Annotated[list[States], Query([], description="several: any of them")],
    author: Annotated[TelegramId | None, Query(None, description="Telegram id")],
    target: Annotated[SignedNumber | None, Query(None, description="id of a chat where it is to appear, or appeared")],
    since: Annotated[Instant | None, Query(None, alias="from", description="planned for then or later")],
    to: Annotated[Instant | None, Query(None, description="planned for before then")],
    q: Annotated[Search, Query("", description="words in its text or in its poll's question")],
    page: Page,
    limit: Limit,
) -> HttpResponse:
    """Posts, those changed last first; with `from` or `to` in the order of their times."""
    rows = Post.objects.all()
    if state:
        rows = rows.filter(state__in=state)
    if author is not None:
        rows = rows.filter(author__telegram_id=author)
    if target is not None:
        rows = rows.filter(pk__in=PostTarget.objects.filter(chat__in=_chat(target)).values("post"))
    if since is not None:
        rows = rows.filter(planned_at__gte=instant("from", since))
    if to is not None:
        rows = rows.filter(planned_at__lt=instant("to", to))
    if words := q.strip():
        rows = rows.filter(_holds("text", words) | (Q(kind=Kind.POLL) & _holds("poll__question", words)))
    order = ("-updated_at", "id") if since is None and to is None else ("planned_at", "id")
    return paged(rows.order_by(*order).values_list("pk", flat=True), page, limit, _posts)


def _holds(field: str, words: str) -> Q:
    """SQLite heeds the case of all letters but the Latin ones, so there they are looked for as people write them."""
    forms = {words}
    if connection.vendor == "sqlite" and not words.isascii():
        forms |= {words.lower(), words.upper(), words.capitalize()}
    return functools.reduce(operator.or_, (Q((f"{field}__icontains", form)) for form in sorted(forms)))


def _chat(number: int) -> "QuerySet[Chat]":
    chats: QuerySet[Chat] = known_chats().filter(telegram_id=number)
    return chats


def _posts(keys: Sequence[UUID]) -> list[Any]:
    """Sorting thousands is cheap as long as only the page's rows are read whole."""
    found = {row.pk: row for row in whole(Post.objects.filter(pk__in=keys))}
    return [shapes.post(found[key]) for key in keys if key in found]


@route("GET", "/places", READ, {200: PlacesOut}, 400)
def list_places(
    request: Request,
    q: Annotated[Search, Query("", description="words of the title")],
    page: Page,
    limit: Limit,
) -> HttpResponse:
    """Channels and groups that an admin let in, and what is known to stand against posting there."""
    rows = rights.places()
    if words := q.strip():
        rows = rows.filter(_holds("title", words))
    return paged(rows, page, limit, _places)


def _places(chats: Sequence[Chat]) -> list[Any]:
    topics: dict[int, list[Topic]] = {}
    for topic in Topic.objects.of(chats):
        topics.setdefault(topic.chat_id, []).append(topic)
    return [shapes.place(chat, topics.get(chat.pk, [])) for chat in chats]


@route("GET", "/stats", READ, {200: StatsOut})
def get_stats(request: Request) -> HttpResponse:
    """How many posts stand where, what comes next, how punctual they are, and where they do not appear."""
    now = timezone.now()
    lag, coming = figures.get_lag(now), [post.pk for post in figures.get_next_scheduled_posts(10)]
    errors = [
        {"title": one.chat, "error_kind": one.kind, "count": one.count, "last_at": written(one.last)}
        for one in figures.get_errors_by_target(now)
    ]
    shown_lag = {"median": lag.median, "p95": lag.p95, "worst": lag.worst, "sample": lag.sample} if lag else None
    counts = figures.get_scheduler_stats(now)
    return answer({"counts": counts, "lag": shown_lag, "errors": errors, "next": _posts(coming)})


@route("GET", "/status", READ, {200: StatusOut})
def get_status(request: Request) -> HttpResponse:
    """Whether what is due goes out, and what the scheduler does next for posts."""
    status = figures.get_scheduler_status(timezone.now())
    jobs = [
        {"what": job.what, "at": written(job.at), "post_id": str(job.post.pk), "title": job.post.title}
        for job in figures.get_scheduled_jobs()
    ]
    same = ("alive", "trouble", "lag_seconds", "overdue", "planned")
    times = {name: written(getattr(status, name)) for name in ("last_tick_at", "oldest_due_at")}
    return answer({**{name: getattr(status, name) for name in same}, **times, "jobs": jobs})


@route("GET", "/audit", "audit:read", {200: PostEntriesOut}, 400)
def list_posts_audit(
    request: Request,
    post_id: Annotated[IdText | None, Query(None)],
    page: Page,
    limit: Limit,
) -> HttpResponse:
    """Who did what to posts, the latest first; never what they say."""
    rows = entries_of("post", post_id, _("Write the id of a post."))
    return paged(rows, page, limit, lambda found: [shapes.entry(row) for row in found])
