"""The list of posts: what it reads from the database, and by what it can be filtered.

Each filter is answered by an index (posts/models.py), and none reads all posts for its choices.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from accounts.models import Chat, ChatKind, User
from posts.models import Post, PostMedia, PostTarget, State
from posts.services.figures import OVERDUE, WITH_ERRORS

# More choices than this are not offered: a filter is no directory.
MOST = 100
MOST_WORDS = 8
# States in which a post has a time.
TIMED = frozenset(set(State) - {State.DRAFT})
# As the overview counts it (config/dashboard.py).
TROUBLE = timedelta(days=7)
# What a calendar shows.
YEARS = range(1970, 2200)
DAY = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?", re.ASCII)
Rows = QuerySet[Post]


class Listed(ChangeList):  # type: ignore[misc]
    """Of each post only what the list shows; its files and places with one query each."""

    def get_queryset(self, request: HttpRequest, **kwargs: Any) -> Rows:
        rows: Rows = super().get_queryset(request, **kwargs)
        return with_places(rows).select_related("author")

    def get_ordering(self, request: HttpRequest, queryset: Rows) -> list[str]:
        """Newest first; a stretch of time is read as it passes, and what has a state by its time, as its index is."""
        asked = request.GET
        if "o" not in asked and PeriodFilter.parameter_name in asked:
            return ["planned_at", "id"]
        if "o" not in asked and asked.get("state__exact") in TIMED:
            return ["-planned_at", "id"]
        return list(super().get_ordering(request, queryset))


class Narrow(Paginator):  # type: ignore[type-arg]
    """Finds the ids of a page first: the database then sorts no whole rows."""

    def page(self, number: Any) -> Page[Post]:
        number = self.validate_number(number)
        begin = (number - 1) * self.per_page
        rows: Any = self.object_list
        ids = list(rows.values_list("pk", flat=True)[begin : begin + self.per_page])
        found = {row.pk: row for row in rows.order_by().filter(pk__in=ids)}
        return Page([found[pk] for pk in ids if pk in found], number, self)


def searched(rows: Rows, words: str, *, readable: bool) -> Rows:
    """Posts with all ``words``, each in what they say (for who may read) or in their author's name; or by an id."""
    try:
        return rows.filter(pk=UUID(words.strip()))
    except ValueError:
        pass
    for word in words.split()[:MOST_WORDS]:
        named = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(telegram_username__icontains=word)
        found = Q(author__in=list(User.objects.filter(named).values_list("pk", flat=True)[:MOST]))
        if readable:
            found |= Q(text__icontains=word) | Q(poll__question__icontains=word)
        rows = rows.filter(found)
    return rows


def with_places(rows: Rows) -> Rows:
    """Without what no list shows, with files and places."""
    places = PostTarget.objects.select_related("chat").only(
        "post_id", "state", "chat__title", "chat__telegram_id", "position"
    )
    files = PostMedia.objects.only("post_id", "kind", "position")
    return rows.defer("entities", "markdown", "buttons").prefetch_related(
        Prefetch("media", queryset=files), Prefetch("targets", queryset=places)
    )


class AuthorFilter(SimpleListFilter):
    title = _("author")
    parameter_name = "author"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(user.pk), user.name) for user in authors()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        return queryset.filter(author=int(value)) if value and value.isdecimal() and len(value) < 19 else queryset


def authors() -> list[User]:
    """Who has written a post."""
    wrote = Exists(Post.objects.filter(author=OuterRef("pk")))
    return list(User.objects.filter(wrote).order_by("first_name", "last_name", "username")[:MOST])


class PlaceFilter(SimpleListFilter):
    title = _("chat")
    parameter_name = "chat"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(chat.pk), str(chat)) for chat in places_used()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        return in_place(queryset, int(value)) if value and value.isdecimal() and len(value) < 19 else queryset


def places_used() -> list[Chat]:
    """The channels and groups in which something was or will be posted."""
    used = Exists(PostTarget.objects.filter(chat=OuterRef("pk")))
    return list(Chat.objects.exclude(kind=ChatKind.PRIVATE).filter(used).order_by("title", "pk")[:MOST])


def in_place(rows: Rows, chat: int) -> Rows:
    # Asked of each post that is read, by its own index: SQLite would first gather all that was ever posted there.
    return rows.filter(Exists(PostTarget.objects.filter(post=OuterRef("pk"), chat=chat)))


class MarkFilter(SimpleListFilter):
    """What somebody should look at."""

    title = _("mark")
    parameter_name = "mark"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", _("overdue")),
            ("trouble", _("not published everywhere, 7 days")),
            ("warning", _("with a warning")),
            ("late", _("went out late")),
            ("doubt", _("perhaps published")),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        unknown = PostTarget.objects.filter(state=PostTarget.State.UNKNOWN)
        now = timezone.now()
        conditions: dict[str, Q] = {
            "overdue": Q(state=State.SCHEDULED, planned_at__lt=now - OVERDUE),
            "trouble": Q(state__in=WITH_ERRORS, planned_at__gte=now - TROUBLE, planned_at__lte=now),
            "warning": ~Q(warning=""),
            "late": Q(late=True),
            "doubt": Q(pk__in=unknown.values("post")),
        }
        chosen = conditions.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


class PeriodFilter(SimpleListFilter):
    """By the planned time: some named stretches, any month (``2026-11``) and any day (``2026-11-21``)."""

    title = _("planned for")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        today = timezone.localdate()
        named: list[tuple[str, Any]] = [
            ("ahead", _("still to come")),
            (f"{today}", _("today")),
            (f"{today + timedelta(days=1)}", _("tomorrow")),
            ("week", _("next 7 days")),
            ("past", _("last 7 days")),
            *((f"{month:%Y-%m}", formatted(month, "F Y")) for month in _months(today)),
        ]
        # A month or a day from elsewhere (the calendar leads here) is named, too.
        asked = request.GET.get(self.parameter_name, "")
        known = asked in dict(named) or span_of(asked) is None
        return named if known else [*named, (asked, asked)]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        span = span_of(self.value() or "")
        return queryset if span is None else queryset.filter(planned_at__gte=span[0], planned_at__lt=span[1])


def _months(today: date) -> Iterator[date]:
    """The next month, this one and the one before."""
    first = today.replace(day=1)
    yield (first + timedelta(days=32)).replace(day=1)
    yield first
    yield (first - timedelta(days=1)).replace(day=1)


def span_of(asked: str) -> tuple[datetime, datetime] | None:
    """From when until when, by the clock of the current zone; None for what is no stretch of time."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {
        "ahead": (now, now.replace(year=now.year + 100, day=1)),
        "week": (midnight, midnight + timedelta(days=7)),
        "past": (midnight - timedelta(days=6), now),
    }
    return named.get(asked) or _month_or_day(asked)


def _month_or_day(asked: str) -> tuple[datetime, datetime] | None:
    found = DAY.fullmatch(asked)
    if found is None:
        return None
    year, month, day = (int(part or 0) for part in found.groups())
    try:
        first = date(year if year in YEARS else 0, month, day or 1)
    except ValueError:
        return None
    following = first + timedelta(days=1) if day else (first + timedelta(days=31)).replace(day=1)
    return begin_of(first), begin_of(following)


def begin_of(day: date) -> datetime:
    """Its midnight by the clock of the current zone."""
    return timezone.make_aware(datetime.combine(day, time()))
