"""What is planned, what came of it, and whether the scheduler does its work; the same for chat, admin, REST and health.

Reads only. Lists are bounded and ordered as an index is, so that they stay quick beside 100,000 old posts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from delivery import pulse
from delivery.models import Heartbeat, Schedule
from posts.models import Post, PostTarget, State
from posts.services.rows import CHECK, DELETE, SOURCE

Target = PostTarget.State
# Where a post stands that is due and has not gone out: it is fired each second, so this is long.
OVERDUE = timedelta(minutes=2)
# A scheduler that said nothing of itself for so long has stopped; it works each second and says so every five.
SILENT = timedelta(seconds=30)
PERIOD = timedelta(days=30)
# Targets from which the lag is worked out: the latest ones.
SAMPLE = 2000
WITH_ERRORS = (State.ERROR, State.PARTIAL)
# What a schedule of a post does.
WHAT = {SOURCE: "publish", CHECK: "check", DELETE: "delete"}


def get_next_scheduled_posts(limit: int = 10) -> list[Post]:
    """What goes out next, the longest due first (`is_overdue`), each with its author and its targets."""
    planned = Post.objects.filter(state=State.SCHEDULED, planned_at__isnull=False)
    return list(_shown(planned).order_by("planned_at", "id")[:limit])


def get_posts_with_errors(limit: int = 20) -> list[Post]:
    """What did not appear, or not everywhere, or perhaps; the newest first, as above."""
    found = (_latest(state, limit) for state in WITH_ERRORS)
    return list(islice(merge(*found, key=_newest_first), limit))


def _latest(state: State, limit: int) -> list[Post]:
    """A state at a time, or no index has them in order."""
    rows = Post.objects.filter(state=state, planned_at__isnull=False)
    return list(_shown(rows).order_by("-planned_at", "id")[:limit])


def _newest_first(post: Post) -> tuple[float, Any]:
    return (-post.planned_at.timestamp() if post.planned_at else 0.0, post.pk)


def _shown(rows: QuerySet[Post]) -> QuerySet[Post]:
    return rows.select_related("author").prefetch_related("targets__chat")


def is_overdue(post: Post, now: datetime) -> bool:
    """It is due and nobody lets it out."""
    return post.state == State.SCHEDULED and post.planned_at is not None and post.planned_at < now - OVERDUE


# --- counts ---------------------------------------------------------------------------------------------------------


def get_scheduler_stats(now: datetime) -> dict[str, int]:
    """How many posts there are in each state (by its name), and of them: ``ready``, due and not gone out yet;
    ``overdue``, so for longer than OVERDUE. ``unknown``: targets where a person must look."""
    counted = Post.objects.order_by().values_list("state").annotate(number=Count("pk"))
    stats = {str(state): 0 for state in State} | {str(state): number for state, number in counted}
    planned = Post.objects.filter(state=State.SCHEDULED)
    stats["ready"] = planned.filter(planned_at__lte=now).count()
    stats["overdue"] = planned.filter(planned_at__lt=now - OVERDUE).count()
    stats["unknown"] = PostTarget.objects.filter(state=Target.UNKNOWN).count()
    return stats


@dataclass(frozen=True)
class Lag:
    """How much later than planned posts appeared, seconds, over ``sample`` targets."""

    median: float
    p95: float
    worst: float
    sample: int


def get_lag(now: datetime, period: timedelta = PERIOD) -> Lag | None:
    """Of the latest that appeared at the first attempt, within ``period``; None when there are none."""
    rows = PostTarget.objects.filter(post__planned_at__gt=now - period, post__planned_at__lte=now, attempt__lte=1)
    times = rows.filter(sent_at__isnull=False).order_by("-post__planned_at").values_list("sent_at", "post__planned_at")
    late = sorted(max(0.0, (sent - planned).total_seconds()) for sent, planned in times[:SAMPLE] if sent and planned)
    if not late:
        return None
    return Lag(round(_part(late, 0.5), 1), round(_part(late, 0.95), 1), round(late[-1], 1), len(late))


def _part(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class TargetErrors:
    """How often posts did not appear in a chat, why (the kind of the error) and when last."""

    chat_id: int
    chat: str
    kind: str
    count: int
    last: datetime


def get_errors_by_target(now: datetime, period: timedelta = PERIOD, limit: int = 20) -> list[TargetErrors]:
    """Where posts do not appear at present, within ``period``; the most troubled chats first."""
    rows = PostTarget.objects.filter(state=Target.FAILED, updated_at__gt=now - period)
    groups = rows.order_by().values("chat_id", "chat__title", "chat__telegram_id", "error_kind")
    counted = groups.annotate(number=Count("pk"), last=Max("updated_at")).order_by("-number", "-last", "chat_id")
    return [
        TargetErrors(
            row["chat_id"], row["chat__title"] or str(row["chat__telegram_id"]), row["error_kind"], row["number"],
            row["last"],
        )
        for row in counted[:limit]
    ]  # fmt: skip


# --- the scheduler --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """Something the scheduler will do: ``what`` is "publish", "check" or "delete"; ``at``, for which post."""

    what: str
    at: datetime
    post: Post


def get_scheduled_jobs(limit: int = 20) -> list[Job]:
    """What is planned for posts, the next first: publishing, the check shortly before, deleting by itself."""
    planned = Schedule.objects.filter(state=Schedule.State.ACTIVE, next_at__isnull=False, source__in=WHAT)
    rows = list(planned.order_by("next_at", "id")[:limit])
    posts = {str(post.pk): post for post in _shown(Post.objects.filter(pk__in=[row.object_id for row in rows]))}
    return [
        Job(WHAT[row.source], row.next_at, posts[row.object_id])
        for row in rows
        if row.next_at and row.object_id in posts
    ]


@dataclass(frozen=True)
class Status:
    """Whether somebody fires what is due. ``oldest_due_at``: the longest due of what has not gone out; ``lag_seconds``:
    for how long; ``trouble``: it has stopped, or does not get on."""

    alive: bool
    last_tick_at: datetime | None
    oldest_due_at: datetime | None
    lag_seconds: float
    overdue: int
    planned: int

    @property
    def trouble(self) -> bool:
        return bool(self.overdue or (self.planned and not self.alive))


def get_scheduler_status(now: datetime) -> Status:
    """From the signs of life of all processes that fire, and from what is due. Two queries."""
    last = last_tick(now)
    planned = Post.objects.filter(state=State.SCHEDULED, planned_at__isnull=False)
    late = Count("pk", filter=Q(planned_at__lt=now - OVERDUE))
    found = planned.aggregate(first=Min("planned_at"), late=late, all=Count("pk"))
    due = found["first"] if found["first"] is not None and found["first"] <= now else None
    return Status(
        alive=last is not None and now - last <= SILENT,
        last_tick_at=last,
        oldest_due_at=due,
        lag_seconds=(now - due).total_seconds() if due else 0.0,
        overdue=found["late"],
        planned=found["all"],
    )


def last_tick(now: datetime) -> datetime | None:
    """When what is due was looked for last, in whichever process."""
    beats = Heartbeat.objects.filter(Q(name=pulse.BOT) | Q(name__startswith=pulse.WORKERS))
    return max((at for beat in beats if (at := _ticked_at(beat)) is not None), default=None)


def _ticked_at(beat: Heartbeat) -> datetime | None:
    ago = beat.details.get("ticked_seconds_ago")
    return beat.at - timedelta(seconds=float(ago)) if isinstance(ago, int | float) else None
