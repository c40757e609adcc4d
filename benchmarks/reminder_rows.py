"""What measurements of reminders do inside the database, each in a process of its own that says one line of JSON.

`python -m benchmarks.reminder_rows plan FIRST PEOPLE COUNT BEGIN OVER`: in place of all that is planned, COUNT
reminders for these people in turn, due evenly over OVER seconds from BEGIN (seconds since the epoch) on.
`… future COUNT`: so many schedules of next year and after, of which nothing but the tick's own row exists.
`… tick`: fire what is due, as fast as it goes. `… poll COUNT`: look so often whether something is due.
`… fired`: how late everything was that was fired. `… events FIRST PEOPLE COUNT`: in place of all that is planned, so
many events that wait for the Redis list. `… push`: let them out, as fast as it goes.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import uuid4

import django
import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from accounts.models import Chat  # noqa: E402
from delivery.models import Delivery, Schedule  # noqa: E402
from delivery.schedule import Once, to_json  # noqa: E402
from delivery.tick import tick  # noqa: E402
from reminders.client import QUEUE  # noqa: E402
from reminders.events import drain  # noqa: E402
from reminders.models import Action, Occurrence, Reminder, Type  # noqa: E402
from reminders.sinks import redis_list  # noqa: E402

BATCH = 1000
MOMENTS = ("fired_at", "planned_at")
TEXT = "no{}"
EVENTS = "event:redis"
NUMBERS = {
    "postgresql": "generate_series(1, {count}) AS number",
    "sqlite": "(WITH RECURSIVE counted(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted"
    " WHERE number < {count}) SELECT number FROM counted) AS numbers",
}
# A time for each, a minute apart.
TIMES = {
    "postgresql": "now() + interval '1 year' + number * interval '1 minute'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', 'now', '+1 year', number || ' minutes')",
}


@transaction.atomic
def plan(first: int, people: int, count: int, begin: float, over: float) -> dict[str, Any]:
    """Reminders as their service would have made them."""
    forget()
    chats = chats_of(first, people)
    save([one(chats[n % len(chats)], n, begin + over * n / count) for n in range(count)])
    return {"planned": count}


def forget() -> None:
    for model in (Occurrence, Delivery, Reminder, Schedule):
        model.objects.all().delete()


def chats_of(first: int, people: int) -> list[Chat]:
    return list(Chat.objects.filter(telegram_id__gte=first, telegram_id__lt=first + people).order_by("telegram_id"))


def save(rows: list[Reminder]) -> None:
    Schedule.objects.bulk_create([row.schedule for row in rows], batch_size=BATCH)
    Reminder.objects.bulk_create(rows, batch_size=BATCH)


def one(chat: Chat, n: int, at: float) -> Reminder:
    """An unsaved reminder and its schedule."""
    due = datetime.fromtimestamp(at, UTC)
    assert chat.person_id is not None
    row = Reminder(user_id=chat.person_id, chat=chat, type=Type.ONE_TIME, payload={"text": TEXT.format(n)})
    row.schedule = Schedule(source="reminder", object_id=str(row.pk), rule=to_json(Once(due)), zone="UTC", next_at=due)
    return row


def future(count: int) -> dict[str, Any]:
    """Rows that only the index keeps away from the tick."""
    numbers, at = NUMBERS[connection.vendor].format(count=int(count)), TIMES[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_schedule (source, object_id, rule, zone, next_at, runs, grace_seconds, catch_up,"
            " state, paused_from, version, created_at, updated_at)"
            f" SELECT 'future', number, '{{}}', 'UTC', {at}, 0, 3600, 'none', 'active', '', 1, {at}, {at}"
            f" FROM {numbers}"
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_schedule")
    return {"planned": count}


def fire() -> dict[str, Any]:
    """All that is due becomes deliveries. As in the bot, whose process has what it takes loaded long since."""
    import_module(settings.DELIVERY_SOURCES["reminder"])
    began, fired, more = time.perf_counter(), 0, True
    while more:
        ticked = tick()
        fired, more = fired + ticked.fired, ticked.more
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "fired": fired, "deliveries": Delivery.objects.count()}


def poll(count: int) -> dict[str, Any]:
    """Microseconds of each look."""
    took = []
    for _look in range(count + 50):
        began = time.perf_counter()
        assert tick().fired == 0
        took.append((time.perf_counter() - began) * 1e6)
    return {"took": took[50:]}  # after the first ones, for which statements are made ready


def fired() -> dict[str, Any]:
    """Seconds between the plan and the firing, of all that was fired."""
    rows = Occurrence.objects.filter(fired_at__isnull=False)
    return {"late": [max(0.0, (at - planned).total_seconds()) for at, planned in rows.values_list(*MOMENTS)]}


@transaction.atomic
def events(first: int, people: int, count: int) -> dict[str, Any]:
    """Reminders whose action is a program's, fired already."""
    forget()
    chats = chats_of(first, people)
    rows = [one(chats[n % len(chats)], n, time.time() - 1) for n in range(count)]
    for row in rows:
        row.action, row.assistant_id = Action.EVENT, uuid4()
    save(rows)
    fire()
    return {"waiting": Delivery.objects.filter(lane=EVENTS).count()}


def push() -> dict[str, Any]:
    """Until nothing waits any more, as the engine drains the lane."""
    began = time.perf_counter()
    asyncio.run(_drain())
    seconds = time.perf_counter() - began
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        return {"seconds": seconds, "events": server.llen(QUEUE)}


async def _drain() -> None:
    while await drain(EVENTS):
        pass
    await redis_list.close()


COMMANDS: dict[str, tuple[Callable[..., dict[str, Any]], tuple[Callable[[str], Any], ...]]] = {
    "plan": (plan, (int, int, int, float, float)),
    "future": (future, (int,)),
    "tick": (fire, ()),
    "poll": (poll, (int,)),
    "fired": (fired, ()),
    "events": (events, (int, int, int)),
    "push": (push, ()),
}

if __name__ == "__main__":
    command, kinds = COMMANDS[sys.argv[1]]
    print(json.dumps(command(*(kind(word) for kind, word in zip(kinds, sys.argv[2:], strict=True)))), flush=True)
