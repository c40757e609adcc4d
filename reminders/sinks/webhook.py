"""Webhooks: an event is posted to the address of the key that made its reminder.

As https://www.standardwebhooks.com has it: ``webhook-id`` is the event's id at every attempt, the signature is an
HMAC-SHA256 over id, time and body. Any 2xx acknowledges; 410 says that nobody is there any more; all else is tried
again later. Only public addresses are called (core/outward.py).
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from core import outward
from core.db import in_db
from core.sealed import Unreadable
from core.trace import trace
from reminders import events
from reminders.events import Event
from reminders.models import Webhook
from reminders.services import firing
from reminders.services.sinks import WEBHOOK
from reminders.services.webhooks import MARK, switch_webhook

log = structlog.get_logger(__name__)

# Calls at the same time to one receiver.
MOST = 8
TIMEOUT = 15.0  # seconds
GONE = 410


@dataclass(frozen=True)
class Hook:
    """Where to post, and with which secret to sign."""

    row: Webhook
    url: str
    secret: str = field(repr=False)


async def drain(lane: str) -> bool:
    """Post the next few events of ``lane``, which holds those of one receiver; False when there are none."""
    batch = await in_db(_load, lane, timezone.now())
    await asyncio.gather(*(_post(event, hook) for event, hook in batch))
    return bool(batch)


def _load(lane: str, now: datetime) -> list[tuple[Event, Hook | None]]:
    batch = events.claim(lane, MOST, now)
    keys = {event.occurrence.reminder.created_by_key_id for event in batch}
    hooks = _hooks(keys)
    return [(event, hooks.get(event.occurrence.reminder.created_by_key_id or 0)) for event in batch]


def _hooks(keys: set[int | None]) -> dict[int, Hook]:
    """By key. Without a secret that can be read nothing can be signed."""
    try:
        rows = list(Webhook.objects.filter(key__in=keys, enabled=True))
    except Unreadable as error:
        log.error("webhook cannot be used", keys=sorted(filter(None, keys)), error=str(error))  # noqa: TRY400  # says it all
        return {}
    return {row.key_id: Hook(row, row.url, str(row.secret)) for row in rows}


async def _post(event: Event, hook: Hook | None) -> None:
    if hook is None:
        await in_db(
            events.refused, event, WEBHOOK, "no webhook", "there is no webhook that can be used", timezone.now()
        )
        return
    body = event.text.encode()
    with trace(event.delivery.trace_id):
        try:
            headers = signed(event.id, round(time.time()), body, hook.secret)
            answer = await outward.request(
                "POST", hook.url, headers=headers, body=body, timeout=TIMEOUT, redirects=0, most_bytes=0
            )
        except outward.OutwardError as error:
            await in_db(events.refused, event, WEBHOOK, error.kind, str(error), timezone.now())
        else:
            await in_db(_answered, event, hook.row, answer.status, timezone.now())


@transaction.atomic
def _answered(event: Event, row: Webhook, status: int, now: datetime) -> None:
    if 200 <= status < 300:
        events.sent([event], now)
        firing.acknowledge(event.occurrence, who=WEBHOOK, now=now)
        return
    if status == GONE:
        switch_webhook(row, on=False, via="bot", now=now, reason="HTTP 410")
    events.refused(event, WEBHOOK, "http", f"HTTP {status}", now)
    log.info("webhook refused", occurrence=event.id, status=status, attempt=event.attempt)


def signed(event_id: str, moment: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers of a call. ``moment``: seconds since 1970; ``secret``: whsec_ and base64."""
    content = f"{event_id}.{moment}.".encode() + body
    signature = base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode("ascii")
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{signature}",
    }


def _key(secret: str) -> bytes:
    """The bytes of a secret; one that is no base64 stands for itself."""
    try:
        return base64.b64decode(secret.removeprefix(MARK), validate=True)
    except binascii.Error:
        return secret.encode()
