"""Calls to webhooks: how they are signed and posted, and the lanes ``hook:<key>:0`` of what happened.

As https://www.standardwebhooks.com has it: ``webhook-id`` is the event's id at every attempt, the signature is an
HMAC-SHA256 over id, time and body. Any 2xx is good; 410 says that nobody is there any more; all else is tried again
later. Only public addresses are called (core/outward.py). Events need not wait for one another.

A row's content is ``{"event": …, "event_id": …, "payload": …}``; the attempt is put in when it leaves.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from core import metrics, outward
from core.claims import claim_many
from core.db import in_db
from core.sealed import Unreadable
from core.trace import trace
from delivery import services
from delivery.errors import DeliveryError
from delivery.models import Delivery, Webhook
from delivery.outbox import QUEUE
from delivery.webhooks import MARK, switch_webhook

log = structlog.get_logger(__name__)

BACKEND = "webhook"
# Calls at the same time to one receiver.
MOST = 8
TIMEOUT = 15.0  # seconds
GONE = 410
GONE_KIND = "gone"
# Seconds before each of the next attempts; after the last one it is given up.
RETRIES = (10.0, 60.0, 300.0, 1800.0)


@dataclass(frozen=True)
class Hook:
    """Where to post, and with which secret to sign."""

    row: Webhook
    url: str
    secret: str = field(repr=False)


def hooks_of(keys: Collection[int | None]) -> dict[int, Hook]:
    """Those in use, by key. Without a secret that can be read nothing can be signed."""
    try:
        rows = list(Webhook.objects.filter(key__in=keys, enabled=True))
    except Unreadable as error:
        log.error("webhook cannot be used", keys=sorted(filter(None, keys)), error=str(error))  # noqa: TRY400  # says it all
        return {}
    return {row.key_id: Hook(row, row.url, str(row.secret)) for row in rows}


async def post(hook: Hook, event_id: str, body: bytes) -> int:
    """The status of the answer. Raises ``outward.OutwardError``."""
    headers = signed(event_id, round(time.time()), body, hook.secret)
    answer = await outward.request(
        "POST", hook.url, headers=headers, body=body, timeout=TIMEOUT, redirects=0, most_bytes=0
    )
    return answer.status


def is_good(status: int) -> bool:
    return 200 <= status < 300


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


# --- what happened, on its way --------------------------------------------------------------------------------------


def lane_of(key: int) -> str:
    """Each receiver has one, so that a slow one holds up no other."""
    return f"hook:{key}:0"


def key_of(lane: str) -> int:
    return int(lane.split(":")[1])


def announce(keys: Iterable[int], *, source: str, event: str, event_id: str, payload: dict[str, Any]) -> None:
    """Put an event into the outbox for the webhooks of ``keys``. The same ``event_id`` again changes nothing."""
    content = {"event": event, "event_id": event_id, "payload": payload}
    rows = [
        Delivery(key=f"hook:{key}:{event_id}", backend=BACKEND, source=source, lane=lane_of(key), content=content)
        for key in keys
    ]
    if rows:
        services.enqueue(rows)


async def drain(lane: str) -> bool:
    """Post the next few events of ``lane``; False when there are none."""
    batch, hook = await in_db(_load, lane)
    await asyncio.gather(*(_send(delivery, hook) for delivery in batch))
    return bool(batch)


def waiting_lanes() -> dict[str, int]:
    """None of its own: delivery.outbox names the lanes of all its rows."""
    return {}


def recover(*, everything: bool) -> int:
    """None of its own, as above: what a dead worker held goes out again, with the same id."""
    return 0


@transaction.atomic
def _load(lane: str) -> tuple[list[Delivery], Hook | None]:
    """What is to be posted now, and where. What was withdrawn is left out, and all when it was switched off or its key
    ended."""
    rows: list[Delivery] = claim_many(QUEUE, lane, MOST)
    key, now = key_of(lane), timezone.now()
    in_use = Webhook.objects.in_use(now).filter(key=key).exists()
    ready = [row for row in rows if in_use and row.content != services.ERASED]
    services.record_all_needless([row for row in rows if row not in ready], now)
    return ready, hooks_of([key]).get(key)


async def _send(delivery: Delivery, hook: Hook | None) -> None:
    with trace(delivery.trace_id):
        try:
            await _call(delivery, hook)
        except DeliveryError as error:
            log.info("webhook refused", key=delivery.key, kind=error.kind, error=str(error), attempt=delivery.attempts)
            await in_db(_refused, delivery, hook, error, timezone.now())
            metrics.DELIVERIES.labels("not sent", error.kind).inc()
        else:
            await in_db(services.record_all_sent, [delivery], timezone.now())
            metrics.DELIVERIES.labels("sent", "").inc()


async def _call(delivery: Delivery, hook: Hook | None) -> None:
    if hook is None:
        raise DeliveryError("no webhook", "Its secret cannot be read.")
    event = {**delivery.content, "attempt": delivery.attempts}
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        status = await post(hook, event["event_id"], body)
    except outward.OutwardError as error:
        raise DeliveryError(error.kind, str(error), permanent=error.permanent) from error
    if not is_good(status):
        raise DeliveryError(GONE_KIND if status == GONE else "http", f"HTTP {status}", permanent=status == GONE)


@transaction.atomic
def _refused(delivery: Delivery, hook: Hook | None, error: DeliveryError, now: datetime) -> None:
    """Later again, with the same id, or given up."""
    if hook is not None and error.kind == GONE_KIND:
        switch_webhook(hook.row, on=False, via="bot", now=now, reason=str(error))
    services.record_error(delivery, error, now, pauses=RETRIES)
