"""Draining of the lanes ``out:…`` and ``task:…``: claim the oldest message of a lane, send it, record what became.

The only place where a message leaves. A lane module is three functions: ``drain``, ``waiting_lanes``, ``recover``.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from core import metrics
from core.claims import Queue, abandoned, claim_heads
from core.claims import waiting_lanes as waiting
from core.db import Together, in_db
from core.trace import trace
from delivery import pulse, services
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery

log = structlog.get_logger(__name__)

QUEUE = Queue(Delivery, free="queued", held="sending", order="id", lease=timedelta(seconds=150))
# In lanes ``task:…`` an assistant is at work before anything can be said.
TASKS = replace(QUEUE, lease=timedelta(seconds=960))

_claim: Together[str, Delivery | None] = Together(functools.partial(claim_heads, QUEUE), first=True)
_claim_task: Together[str, Delivery | None] = Together(functools.partial(claim_heads, TASKS))
# Until it is on record that a message was sent, a crash would send it again.
_record: Together[services.Record, None] = Together(services.record_sent, first=True)

Backend = Callable[[Delivery], Awaitable[services.Sent]]


@functools.cache
def backend(name: str) -> Backend:
    found: Backend = import_string(settings.DELIVERY_BACKENDS[name])
    return found


@functools.cache
def _room() -> tuple[Callable[[str], Awaitable[None]], Callable[[str], None]]:
    room, give_back = settings.DELIVERY_ROOM
    return import_string(room), import_string(give_back)


def lane_of(bot_id: int, chat_id: int) -> str:
    return f"out:{bot_id}:{chat_id}"


async def drain(lane: str) -> bool:
    """Send the oldest message of ``lane``; False when there is none, or none that is free and due."""
    room, give_back = _room()
    await room(lane)
    delivery = await (_claim_task if lane.startswith("task:") else _claim)(lane)
    if delivery is None:
        give_back(lane)
        return False
    with trace(delivery.trace_id):
        if not await _send(delivery):
            give_back(lane)
    return True


async def _send(delivery: Delivery) -> bool:
    """False when nothing was sent, not even in vain."""
    log.debug("claimed", key=delivery.key, attempt=delivery.attempts)
    if delivery.content == services.ERASED:
        # Withdrawn while it was being sent, or said and settled already, when its process died.
        await in_db(services.record_all_needless, [delivery], timezone.now())
        return False
    try:
        sent = await backend(delivery.backend)(delivery)
    except DeliveryError as error:
        # Whose turn it is not yet has not failed.
        tell = log.debug if error.kind == "waiting" else log.warning
        tell("delivery failed", key=delivery.key, kind=error.kind, error=str(error), attempt=delivery.attempts)
        await in_db(services.record_error, delivery, error, timezone.now())
        metrics.DELIVERIES.labels("not sent", error.kind).inc()
        return error.kind != WAITING
    except Exception as error:
        log.exception("delivery broke", key=delivery.key)
        bug = DeliveryError("bug", f"{type(error).__name__}: {error}", permanent=True)
        await in_db(services.record_error, delivery, bug, timezone.now())
        metrics.DELIVERIES.labels("not sent", bug.kind).inc()
    else:
        await _record((delivery, sent, timezone.now()))
        metrics.DELIVERIES.labels("sent", "").inc()
        # Without a message nobody saw anything: commands of a menu, for example.
        tell = log.debug if sent.message_id is None else log.info
        tell("sent", key=delivery.key, message_id=sent.message_id)
    return True


def waiting_lanes() -> dict[str, int]:
    return waiting(QUEUE)


def recover(*, everything: bool) -> int:
    """Settle what dead workers left in the middle; returns how many rows."""
    alive = pulse.workers() if everything else ()
    with transaction.atomic():
        ids = abandoned(QUEUE, everything=everything, alive=alive)
        if ids:
            services.return_abandoned(ids, timezone.now())
    return len(ids)
