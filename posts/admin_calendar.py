"""The month of posts: what is planned on which day, and what came of it. Five queries, however many posts there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from posts.admin_lists import authors, begin_of, in_place, places_used, span_of, with_places
from posts.models import Post, State
from posts.pages import kind_of, title_of, where
from posts.services.figures import OVERDUE, is_overdue

# A day of the month shows so many; all of them have a page of their own, which shows so many.
SHOWN = 4
SHOWN_OF_A_DAY = 100
Rows = QuerySet[Post]


@dataclass(frozen=True)
class Entry:
    """A post on its day. ``tone``: its state, or "overdue"."""

    post: Post
    at: datetime
    tone: str
    state: str
    icon: str
    kind: str
    title: str
    where: str


@dataclass
class Day:
    date: date
    inside: bool
    today: bool
    entries: list[Entry] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True)
class Choice:
    """What the calendar shows: a month (its first day), or one day of it; of one chat, of one author."""

    month: date
    day: date | None = None
    chat: int | None = None
    author: int | None = None

    def query(self, **other: Any) -> str:
        """The address of this choice with something else in it; None leaves a part out."""
        values: dict[str, Any] = {"month": f"{self.month:%Y-%m}", "day": self.day, "chat": self.chat}
        values |= {"author": self.author} | other
        return "?" + urlencode({name: value for name, value in values.items() if value})


def choice_of(request: HttpRequest, today: date) -> Choice:
    """What the address asks for; what it asks wrongly is as if it did not."""
    day = _date_of(request.GET.get("day", "")) if len(request.GET.get("day", "")) == 10 else None
    month = _date_of(request.GET.get("month", "")) or today
    return Choice((day or month).replace(day=1), day, _number(request, "chat"), _number(request, "author"))


def _date_of(text: str) -> date | None:
    span = span_of(text) if text[:1].isdecimal() else None
    return timezone.localtime(span[0]).date() if span else None


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def calendar(choice: Choice, now: datetime, *, readable: bool) -> dict[str, Any]:
    """What the page shows. ``readable``: whether the first words of posts may be shown."""
    shown = {"choice": choice, "readable": readable, "zone": timezone.get_current_timezone_name()}
    shown |= {"places": places_used(), "authors": authors(), "counts": counts(choice, now)}
    if choice.day:
        return shown | of_day(choice, choice.day, now, readable=readable)
    today = timezone.localtime(now).date()
    weeks = _weeks(choice, today)
    fill([day for week in weeks for day in week], choice, now, readable=readable)
    before, after = neighbours(choice.month)
    return shown | {
        "weeks": weeks,
        "weekdays": [day.date for day in weeks[0]],
        "before": before,
        "after": after,
        "empty": not any(day.entries for week in weeks for day in week),
    }


def neighbours(month: date) -> tuple[date, date]:
    """The first days of the months before and after."""
    return (month - timedelta(days=1)).replace(day=1), (month + timedelta(days=32)).replace(day=1)


def _weeks(choice: Choice, today: date) -> list[list[Day]]:
    """Whole weeks around the month, each from the day with which the language's weeks begin."""
    first_weekday = (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7  # Django's 0 is Sunday, Python's is Monday
    _before, after = neighbours(choice.month)
    begin = choice.month - timedelta(days=(choice.month.weekday() - first_weekday) % 7)
    weeks = -(-(after - begin).days // 7)
    days = [begin + timedelta(days=number) for number in range(7 * weeks)]
    rows = [Day(day, day.month == choice.month.month, day == today) for day in days]
    return [rows[start : start + 7] for start in range(0, len(rows), 7)]


def fill(days: Sequence[Day], choice: Choice, now: datetime, *, readable: bool) -> None:
    """Put the first posts of each day into it, and how many more there are. Three queries.

    The database ranks them: a busy month may have thousands.
    """
    midnights = [begin_of(day.date) for day in days] + [begin_of(days[-1].date + timedelta(days=1))]
    number = _number_of_day(midnights)
    found = of_choice(choice).filter(planned_at__gte=midnights[0], planned_at__lt=midnights[-1])
    ranked = found.annotate(
        rank=Window(RowNumber(), partition_by=[number], order_by=[F("planned_at").asc(), F("id").asc()]),
        size=Window(Count("id"), partition_by=[number]),
        day=number,
    )
    places = {pk: (day, size) for pk, day, size in ranked.filter(rank__lte=SHOWN).values_list("pk", "day", "size")}
    for post in with_places(Post.objects.filter(pk__in=places)).order_by("planned_at", "id"):
        place, size = places[post.pk]
        days[place].entries.append(entry(post, now, readable=readable))
        days[place].more = size - min(size, SHOWN)


def _number_of_day(midnights: Sequence[datetime]) -> Case:
    """Which of the days a post is planned on, by comparing with each midnight: SQLite would ask Python for each row."""
    cases = [When(planned_at__gte=midnight, then=Value(number)) for number, midnight in enumerate(midnights[:-1])]
    return Case(*reversed(cases), default=Value(0), output_field=IntegerField())


def of_day(choice: Choice, day: date, now: datetime, *, readable: bool) -> dict[str, Any]:
    """All posts of one day."""
    begin, end = begin_of(day), begin_of(day + timedelta(days=1))
    rows = of_choice(choice).filter(planned_at__gte=begin, planned_at__lt=end).order_by("planned_at", "id")
    rows = rows.select_related("author")
    found = [entry(post, now, readable=readable) for post in with_places(rows)[: SHOWN_OF_A_DAY + 1]]
    return {
        "entries": found[:SHOWN_OF_A_DAY],
        # The list of all of them, where there are more.
        "cut": _list_of(choice, f"{day}", {}) if len(found) > SHOWN_OF_A_DAY else "",
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
    }


def of_choice(choice: Choice) -> Rows:
    rows = Post.objects.all()
    if choice.author:
        rows = rows.filter(author=choice.author)
    return in_place(rows, choice.chat) if choice.chat else rows


def entry(post: Post, now: datetime, *, readable: bool) -> Entry:
    assert post.planned_at is not None
    overdue = is_overdue(post, now)
    icon, kind = kind_of(post)
    return Entry(
        post=post,
        at=timezone.localtime(post.planned_at),
        tone="overdue" if overdue else post.state,
        state=_("overdue") if overdue else str(post.get_state_display()),
        icon=icon,
        kind=kind,
        title=title_of(post) if readable else kind,
        where=where(post.targets.all()),
    )


def counts(choice: Choice, now: datetime) -> list[tuple[str, str, int, str]]:
    """(tone, name, how many, the list of them) of what the month or the day has, overdue first. One query."""
    when = f"{choice.day}" if choice.day else f"{choice.month:%Y-%m}"
    begin, end = span_of(when) or (now, now)
    late = Q(state=State.SCHEDULED, planned_at__lt=now - OVERDUE)
    rows: Any = of_choice(choice).filter(planned_at__gte=begin, planned_at__lt=end).values("state").order_by()
    found = {row["state"]: row for row in rows.annotate(all=Count("id"), late=Count("id", filter=late))}
    overdue = sum(row["late"] for row in found.values())
    states = [state for state in State if state in found]
    names: list[tuple[str, str, int, dict[str, str]]] = [("overdue", _("overdue"), overdue, {"mark": "overdue"})]
    for state in states:
        number = found[state]["all"] - found[state]["late"]
        names.append((state.value, str(state.label), number, {"state__exact": state.value}))
    return [(tone, name, number, _list_of(choice, when, query)) for tone, name, number, query in names if number]


def _list_of(choice: Choice, when: str, query: dict[str, str]) -> str:
    chosen = {"when": when, "chat": choice.chat, "author": choice.author}
    values = {name: value for name, value in chosen.items() if value} | query
    return f"{reverse('admin:posts_post_changelist')}?{urlencode(values)}"
