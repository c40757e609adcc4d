"""Webhooks: an event is posted to the address of the key that made its reminder (delivery/hooks.py says how).

Any 2xx acknowledges; 410 says that nobody is there any more; all else is tried again later.
"""

import asyncio
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from core.db import in_db
from core.outward import OutwardError
from core.trace import trace
from delivery.hooks import GONE, MOST, Hook, hooks_of, is_good, post
from delivery.models import Webhook
from delivery.webhooks import switch_webhook
from reminders import events
from reminders.events import Event
from reminders.services import firing
from reminders.services.sinks import WEBHOOK

log = structlog.get_logger(__name__)


async def drain(lane: str) -> bool:
    """Post the next few events of ``lane``, which holds those of one receiver; False when there are none."""
    batch = await in_db(_load, lane, timezone.now())
    await asyncio.gather(*(_post(event, hook) for event, hook in batch))
    return bool(batch)


def _load(lane: str, now: datetime) -> list[tuple[Event, Hook | None]]:
    batch = events.claim(lane, MOST, now)
    keys = {event.occurrence.reminder.created_by_key_id for event in batch}
    hooks = hooks_of(keys)
    return [(event, hooks.get(event.occurrence.reminder.created_by_key_id or 0)) for event in batch]


async def _post(event: Event, hook: Hook | None) -> None:
    if hook is None:
        await in_db(
            events.refused, event, WEBHOOK, "no webhook", "there is no webhook that can be used", timezone.now()
        )
        return
    body = event.text.encode()
    with trace(event.delivery.trace_id):
        try:
            status = await post(hook, event.id, body)
        except OutwardError as error:
            await in_db(events.refused, event, WEBHOOK, error.kind, str(error), timezone.now())
        else:
            await in_db(_answered, event, hook.row, status, timezone.now())


@transaction.atomic
def _answered(event: Event, row: Webhook, status: int, now: datetime) -> None:
    if is_good(status):
        events.sent([event], now)
        firing.acknowledge(event.occurrence, who=WEBHOOK, now=now)
        return
    if status == GONE:
        switch_webhook(row, on=False, via="bot", now=now, reason="HTTP 410")
    events.refused(event, WEBHOOK, "http", f"HTTP {status}", now)
    log.info("webhook refused", occurrence=event.id, status=status, attempt=event.attempt)
