"""The figures of the admin's first page: a fixed number of queries, each bounded by days or by a partial index.

A figure that is not known stays None all the way to the page, which says "unknown"; it never becomes a zero.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, F, IntegerField, Min, OuterRef, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from accounts.models import Access, Chat, ChatKind, User
from conversations import error_words, limits
from conversations.models import Request
from core import charts
from delivery.models import Delivery, Schedule
from delivery.pages import JOB_TITLES, run_badge
from llm.models import ProviderState, SyncRun
from posts.models import Post, State
from posts.services import figures as of_posts
from reminders.models import Occurrence, Reminder
from telegram_bot.models import Update

DAYS = 30
TROUBLE_DAYS = 7
SHOWN = 8
NEXT_POSTS = 5
SECONDS_KEPT = 60

ANSWERED = Q(state__in=(Request.State.DONE, Request.State.STOPPED))
NO_PRICE = ANSWERED & Q(cost__isnull=True)
# No model was asked: nothing failed.
REFUSED = Q(error_kind__in=limits.KINDS)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold calls: ``context`` with the panels that this operator may see."""
    now = timezone.now()
    context["title"] = gettext("Overview")
    for rights, panel in PANELS:
        if request.user.has_perms(rights):
            context |= panel(now)
    return context


def first_day(now: datetime) -> datetime:
    """Midnight, in the current zone, of the first of the 30 days that end today."""
    start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(days=DAYS - 1)


def days(now: datetime) -> list[date]:
    return [(first_day(now) + timedelta(days=number)).date() for number in range(DAYS)]


def day_number(now: datetime) -> Case:
    """Which of the 30 days a request was made on, 0 to 29, by comparing with each midnight.

    SQLite would call Python for each row to cut a date out of a time in a zone: 20 times slower, measured on
    100 000 requests.
    """
    start = first_day(now)
    midnights = [start + timedelta(days=number) for number in range(1, DAYS)]
    # The newest days come first, for they are as many as the others and are looked at most.
    cases = [When(created_at__gte=midnight, then=Value(number + 1)) for number, midnight in enumerate(midnights)]
    return Case(*reversed(cases), default=Value(0), output_field=IntegerField())


def pending(now: datetime) -> dict[str, Any]:
    """Who waits to be let in, the longest waiting first, and how many in all. Four queries."""
    people = User.objects.filter(status=Access.PENDING, requested_at__isnull=False).order_by("requested_at")
    groups = Chat.objects.filter(status=Access.PENDING, requested_at__isnull=False)
    groups = groups.exclude(kind=ChatKind.PRIVATE).order_by("requested_at")
    return {
        "pending_people": list(people[:SHOWN]),
        "pending_people_count": people.count(),
        "pending_groups": list(groups[:SHOWN]),
        "pending_groups_count": groups.count(),
    }


def totals(now: datetime) -> dict[str, Any]:
    """Sums over the 30 days; ``spent`` is None when no cost is known. One query."""
    figures: dict[str, Any] = Request.objects.filter(created_at__gte=first_day(now)).aggregate(
        requests=Count("id"),
        people=Count("user", distinct=True),
        failed=Count("id", filter=Q(state=Request.State.FAILED) & ~REFUSED),
        refused=Count("id", filter=REFUSED),
        input=Sum("input_tokens"),
        output=Sum("output_tokens"),
        spent=Sum("cost"),
        unpriced=Count("id", filter=NO_PRICE),
    )
    return figures


def per_day(now: datetime) -> list[dict[str, Any]]:
    """Requests and people on each of the 30 days, quiet days included. One query."""
    rows: Any = (
        Request.objects.filter(created_at__gte=first_day(now))
        .annotate(day=day_number(now))
        .values("day")
        .annotate(requests=Count("id"), people=Count("user", distinct=True))
        .order_by("day")
    )
    found = {row["day"]: row for row in rows}
    quiet = {"requests": 0, "people": 0}
    return [{**found.get(number, quiet), "day": day} for number, day in enumerate(days(now))]


def by_model(now: datetime) -> list[dict[str, Any]]:
    """The models asked most: requests, tokens (None: not counted), spent (None: unknown). One query."""
    return _used_by(now, "model_ref")


def by_person(now: datetime) -> list[dict[str, Any]]:
    """The same of those who asked most, with their names. Two queries."""
    rows = _used_by(now, "user")
    people = User.objects.in_bulk([row["user"] for row in rows if row["user"]])
    return [row | {"name": people[row["user"]].name if row["user"] in people else ""} for row in rows]


def _used_by(now: datetime, column: str) -> list[dict[str, Any]]:
    rows: Any = (
        Request.objects.filter(created_at__gte=first_day(now))
        .values(column)
        .annotate(
            requests=Count("id"),
            input=Sum("input_tokens"),
            output=Sum("output_tokens"),
            spent=Sum("cost"),
            unpriced=Count("id", filter=NO_PRICE),
        )
        .order_by("-requests", column)
    )
    return list(rows[:SHOWN])


def by_error(now: datetime) -> list[dict[str, Any]]:
    """Errors by kind, with their share of all errors in per cent. One query."""
    failed = Request.objects.filter(created_at__gte=first_day(now)).exclude(error_kind="").exclude(REFUSED)
    rows = list(failed.values("error_kind").annotate(count=Count("id")).order_by("-count", "error_kind"))
    total = sum(row["count"] for row in rows)
    return [
        row | {"share": round(100 * row["count"] / total), "title": error_words.say(row["error_kind"])}
        for row in rows[:SHOWN]
    ]


def percentiles(now: datetime, column: str) -> dict[date, dict[int, int]]:
    """Day -> {50: ms, 95: ms} of the answered requests' ``column``, by nearest rank. One query.

    The database ranks and hands back two rows a day at most, so SQLite and PostgreSQL count alike.
    """
    day, span = day_number(now), days(now)
    rows = (
        Request.objects.filter(created_at__gte=first_day(now), state=Request.State.DONE)
        .exclude(**{column: None})
        .annotate(
            day=day,
            rank=Window(RowNumber(), partition_by=[day], order_by=[F(column).asc(), F("id").asc()]),
            size=Window(Count("id"), partition_by=[day]),
        )
        .filter(Q(rank=_rank(50)) | Q(rank=_rank(95)))
        .order_by("day", "rank")
        .values_list("day", "rank", "size", column)
    )
    found: dict[date, dict[int, int]] = {}
    for row_day, rank, size, value in rows:
        found.setdefault(span[row_day], {}).update({p: value for p in (50, 95) if rank == -(-size * p // 100)})
    return found


def _rank(percent: int) -> Any:
    return (F("size") * percent + 99) / 100


def queues(now: datetime) -> dict[str, Any]:
    """How the inbox and the outbox are: what waits and since when, what ended badly in 7 days. Four queries."""
    recently = now - timedelta(days=TROUBLE_DAYS)
    update, delivery = Update.State, Delivery.State
    inbox = Update.objects.filter(state__in=(update.NEW, update.RUNNING)).aggregate(
        waiting=Count("id", filter=Q(state=update.NEW)),
        running=Count("id", filter=Q(state=update.RUNNING)),
        oldest=Min("received_at", filter=Q(state=update.NEW)),
    )
    outbox = Delivery.objects.filter(state__in=Delivery.OPEN).aggregate(
        waiting=Count("id", filter=Q(state=delivery.QUEUED)),
        oldest=Min("created_at", filter=Q(state=delivery.QUEUED)),
    )
    inbox["dead"] = Update.objects.filter(received_at__gte=recently, state=update.DEAD).count()
    outbox |= Delivery.objects.filter(created_at__gte=recently).aggregate(
        failed=Count("id", filter=Q(state=delivery.FAILED)),
        unknown=Count("id", filter=Q(state=delivery.UNKNOWN)),
    )
    return {"inbox": inbox, "outbox": outbox}


def reminders(now: datetime) -> dict[str, Any]:
    """What comes in a day, what somebody should look at, what went wrong in 7 days. Three queries."""
    recently = Occurrence.objects.filter(planned_at__gte=now - timedelta(days=TROUBLE_DAYS))
    planned = Schedule.objects.filter(state=Schedule.State.ACTIVE, source="reminder")
    states = Occurrence.State
    found: dict[str, Any] = recently.filter(state__in=(states.DEAD, states.MISSED)).aggregate(
        dead=Count("id", filter=Q(state=states.DEAD)), missed=Count("id", filter=Q(state=states.MISSED))
    )
    found["coming"] = planned.filter(next_at__lt=now + timedelta(days=1)).count()
    found["attention"] = Reminder.objects.filter(needs_attention=True).count()
    return {"reminders": found}


def posts(now: datetime) -> dict[str, Any]:
    """What is posted next, what is overdue, waits for a decision, went wrong in 7 days. Seven queries."""
    lately = Post.objects.filter(planned_at__gte=now - timedelta(days=TROUBLE_DAYS), planned_at__lte=now)
    following = of_posts.get_next_scheduled_posts(NEXT_POSTS)
    found: dict[str, Any] = {
        "next": [(post, of_posts.is_overdue(post, now)) for post in following],
        "status": of_posts.get_scheduler_status(now),
        "held": Post.objects.filter(state=State.HELD).count(),
        "errors": lately.filter(state__in=of_posts.WITH_ERRORS).count(),
    }
    return {"posts": found}


def jobs(now: datetime) -> dict[str, Any]:
    """The fixed jobs: next run and how the newest one ended. Two queries."""
    newest = DjangoJobExecution.objects.filter(job_id=OuterRef("pk")).order_by("-run_time").values("pk")[:1]
    planned = DjangoJob.objects.order_by("id").only("id", "next_run_time").annotate(newest=Subquery(newest))
    runs = DjangoJobExecution.objects.filter(pk__in=planned.values("newest")).only("job_id", "status", "run_time")
    last = {run.job_id: run for run in runs}
    found = [
        {
            "title": JOB_TITLES.get(job.pk, job.pk),
            "next": job.next_run_time,
            "late": bool(job.next_run_time and job.next_run_time < now - timedelta(minutes=10)),
            "last": last.get(job.pk),
            "badge": run_badge(last[job.pk].status) if job.pk in last else "",
        }
        for job in planned
    ]
    return {"jobs": found}


def providers(now: datetime) -> dict[str, Any]:
    """Providers whose breaker is open, and the newest refresh of models. Two queries."""
    return {
        "paused_providers": list(ProviderState.objects.filter(paused_until__gt=now).order_by("name")),
        "last_refresh": SyncRun.objects.order_by("-started_at").first(),
    }


def figures(now: datetime) -> dict[str, Any]:
    """All that is counted over 30 days. Eight queries, which take about two seconds on SQLite with 100 000 requests."""
    return {
        "use": totals(now),
        "daily": per_day(now),
        "models": by_model(now),
        "people": by_person(now),
        "errors": by_error(now),
        "first": percentiles(now, "first_token_ms"),
        "whole": percentiles(now, "total_ms"),
    }


def use(now: datetime) -> dict[str, Any]:
    """The panel of requests: tiles, charts, tables; its figures may be a minute old."""
    key = f"overview:{timezone.get_current_timezone_name()}"
    found = dict(cache.get_or_set(key, partial(figures, now), SECONDS_KEPT) or {})
    first, whole = found.pop("first"), found.pop("whole")
    return {
        **found,
        "today": found["daily"][-1],
        "requests_chart": requests_chart(found["daily"]) if found["use"]["requests"] else None,
        "first_chart": latency_chart(now, first) if first else None,
        "whole_chart": latency_chart(now, whole) if whole else None,
        "chart_options": charts.options(),
    }


# The rights to all the rows a panel tells of.
PANELS = (
    (("accounts.view_user", "accounts.view_chat"), pending),
    (("conversations.view_request",), use),
    (("telegram_bot.view_update", "delivery.view_delivery"), queues),
    (("reminders.view_reminder", "reminders.view_occurrence"), reminders),
    (("posts.view_post",), posts),
    (("llm.view_providerstate", "llm.view_syncrun"), providers),
    (("django_apscheduler.view_djangojob", "django_apscheduler.view_djangojobexecution"), jobs),
)


def requests_chart(daily: Iterable[dict[str, Any]]) -> str:
    """Requests and people per day, as chart.js takes it."""
    daily = list(daily)
    return charts.lines(
        [row["day"] for row in daily],
        (gettext("requests"), [row["requests"] for row in daily], "var(--color-primary-500)"),
        (gettext("people"), [row["people"] for row in daily], "var(--color-orange-400)"),
    )


def latency_chart(now: datetime, found: dict[date, dict[int, int]]) -> str:
    """Median and 95th percentile in seconds per day; days without answers are gaps."""
    span = days(now)

    def line(percent: int) -> list[float | None]:
        return [round(found[day][percent] / 1000, 2) if day in found else None for day in span]

    return charts.lines(
        span,
        (gettext("half within, s"), line(50), "var(--color-primary-500)"),
        (gettext("95% within, s"), line(95), "var(--color-orange-400)"),
    )
