"""What measurements of posts do inside the database, each in a process of its own that says one line of JSON.

`python -m benchmarks.post_rows plan CHATS AUTHORS COUNT BEGIN`: COUNT posts that are due at BEGIN (seconds since the
epoch), in these channels in turn, of these authors in turn. `… fired`: how late each was fired, and what became of
them. `… old COUNT`: so many posts of the last months, each with a target. `… figures TIMES`: the milliseconds of each
list and figure, so often.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Access, Chat, ChatKind, Role, User  # noqa: E402
from benchmarks.lab import BOT_ID, FIRST  # noqa: E402
from delivery.models import Delivery, Schedule  # noqa: E402
from delivery.schedule import Once, to_json  # noqa: E402
from posts import services  # noqa: E402
from posts.models import Post, PostTarget, State  # noqa: E402
from posts.services.rows import SOURCE  # noqa: E402

BATCH = 1000
# The first of the channels; each next one has the next number below it.
CHANNEL = -1_009_000_000_000
TEXT = "no{}"
RIGHTS = {"can_post_messages": True, "can_edit_messages": True, "can_delete_messages": True}
GRACE_SECONDS = 24 * 3600
FIGURES: dict[str, Callable[[datetime], Any]] = {
    "next posts": lambda _now: services.get_next_scheduled_posts(),
    "errors": lambda _now: services.get_posts_with_errors(),
    "counts": services.get_scheduler_stats,
    "jobs": lambda _now: services.get_scheduled_jobs(),
    "status": services.get_scheduler_status,
    "lag": services.get_lag,
    "errors by target": services.get_errors_by_target,
}


def channels(count: int) -> list[Chat]:
    """They are there once; in the order of their numbers, downwards."""
    facts = {"kind": ChatKind.CHANNEL, "status": Access.ACTIVE, "bot_status": "administrator", "bot_rights": RIGHTS}
    numbers = [CHANNEL - n for n in range(count)]
    known = Chat.objects.filter(bot_id=BOT_ID, telegram_id__in=numbers)
    there = set(known.values_list("telegram_id", flat=True))
    rows = [Chat(bot_id=BOT_ID, telegram_id=n, title=f"Channel {n}", **facts) for n in numbers if n not in there]
    Chat.objects.bulk_create(rows)
    return list(known.order_by("-telegram_id"))


def editors(count: int) -> list[User]:
    rows = User.objects.filter(telegram_id__gte=FIRST).order_by("telegram_id")
    numbers = list(rows.values_list("pk", flat=True)[:count])
    User.objects.filter(pk__in=numbers).update(role=Role.EDITOR)
    return list(User.objects.filter(pk__in=numbers).order_by("telegram_id"))


@transaction.atomic
def plan(chats: int, authors: int, count: int, begin: float) -> dict[str, Any]:
    """Posts as their service would have made them, all for the same moment."""
    at, places, people = datetime.fromtimestamp(begin, UTC), channels(chats), editors(authors)
    posts = [Post(author=people[n % authors], text=TEXT.format(n), state=State.SCHEDULED) for n in range(count)]
    # Of the same time, they go out in the order of their ids.
    schedules = [_schedule(post, at) for post in posts]
    Schedule.objects.bulk_create(schedules, batch_size=BATCH)
    for post, schedule in zip(posts, schedules, strict=True):
        post.schedule, post.planned_at = schedule, at
    Post.objects.bulk_create(posts, batch_size=BATCH)
    targets = [PostTarget(post=post, chat=places[n % chats]) for n, post in enumerate(posts)]
    PostTarget.objects.bulk_create(targets, batch_size=BATCH)
    return {"planned": count}


def _schedule(post: Post, at: datetime) -> Schedule:
    rule = to_json(Once(at))
    return Schedule(
        source=SOURCE, object_id=str(post.pk), rule=rule, zone="UTC", next_at=at, grace_seconds=GRACE_SECONDS
    )


def fired() -> dict[str, Any]:
    """Seconds between the plan and the firing of each, and how many posts there are in each state."""
    made = dict(Delivery.objects.filter(source=SOURCE).values_list("content__target", "created_at"))
    rows = PostTarget.objects.filter(pk__in=made).select_related("post")
    late = [max(0.0, (made[row.pk] - row.post.planned_at).total_seconds()) for row in rows if row.post.planned_at]
    return {"late": late, "states": dict(Counter(Post.objects.values_list("state", flat=True)))}


@transaction.atomic
def old(count: int) -> dict[str, Any]:
    """One in a hundred of them went wrong."""
    now, [author], places = timezone.now(), editors(1), channels(20)
    posts = [
        Post(
            author=author, text=f"Old post {n}", planned_at=now - timedelta(minutes=2 * n + 2),
            state=State.PUBLISHED if n % 100 else State.ERROR,
        )
        for n in range(count)
    ]  # fmt: skip
    Post.objects.bulk_create(posts, batch_size=BATCH)
    PostTarget.objects.bulk_create((_target(post, places[n % 20], n) for n, post in enumerate(posts)), batch_size=BATCH)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE posts_post, posts_posttarget")
    return {"posts": count}


def _target(post: Post, chat: Chat, n: int) -> PostTarget:
    assert post.planned_at is not None
    at, failed = post.planned_at + timedelta(seconds=1), post.state == State.ERROR
    row = PostTarget(post=post, chat=chat, attempt=1, updated_at=at)
    if failed:
        row.state, row.error_kind, row.error = PostTarget.State.FAILED, "forbidden", "kicked"
    else:
        row.state, row.message_id, row.message_ids, row.sent_at = PostTarget.State.SENT, n, [n], at
    return row


def figures(times: int) -> dict[str, Any]:
    took: dict[str, list[float]] = {}
    for name, read in FIGURES.items():
        for _turn in range(times + 1):
            began = time.perf_counter()
            read(timezone.now())
            took.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
    return {"took": {name: found[1:] for name, found in took.items()}}  # the first one makes statements ready


COMMANDS: dict[str, tuple[Callable[..., dict[str, Any]], tuple[Callable[[str], Any], ...]]] = {
    "plan": (plan, (int, int, int, float)),
    "fired": (fired, ()),
    "old": (old, (int,)),
    "figures": (figures, (int,)),
}

if __name__ == "__main__":
    command, kinds = COMMANDS[sys.argv[1]]
    print(json.dumps(command(*(kind(word) for kind, word in zip(kinds, sys.argv[2:], strict=True)))), flush=True)
