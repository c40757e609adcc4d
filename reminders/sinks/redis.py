"""The Redis list (reminders/sinks/redis_list.py) where REDIS_URL names a server. Where it does not, nothing of it is
loaded: the package takes 11 MB of every process."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from core.db import in_db
from reminders import events
from reminders.events import Event
from reminders.services.sinks import REDIS

GIVEN_UP = 100  # events in one go


async def drain(lane: str) -> bool:
    """Push the next few events; False when there are none, or the server is away. Without a server they are given
    up: REDIS_URL was taken out while they waited."""
    if settings.REDIS_URL:
        from reminders.sinks import redis_list

        return await redis_list.drain(lane)
    batch = await in_db(events.claim, lane, GIVEN_UP, timezone.now())
    await in_db(_give_up, batch)
    return bool(batch)


def _give_up(batch: Sequence[Event]) -> None:
    for event in batch:
        events.refused(event, REDIS, "no server", "REDIS_URL is empty", timezone.now())


async def run(stop: asyncio.Event) -> None:
    """Carry what consumers say into the rows, until ``stop``."""
    if settings.REDIS_URL:
        from reminders.sinks import redis_list

        await redis_list.run(stop)
    await stop.wait()


async def all_told() -> bool:
    """Whether what consumers said until a moment ago is written down."""
    if not settings.REDIS_URL:
        return True
    from reminders.sinks import redis_list

    return await redis_list.all_told()


def forget(keys: Iterable[UUID]) -> None:
    """Take events out of the list at once, from any thread."""
    if settings.REDIS_URL:
        from reminders.sinks import redis_list

        redis_list.forget(keys)
