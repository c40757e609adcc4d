"""settings.DELIVERY_BACKENDS["report_hook"]: a finished report for somebody's program.

Signed as https://www.standardwebhooks.com has it, with the secret that its owner was shown once; ``webhook-id`` is the
report's id at every attempt. Only public addresses are called. Any 2xx is good; 410 switches the webhook off; all else
is tried again later (reports/sending/patience.py).

    {"event": "report.ready", "event_id": …, "payload": {…}, "attempt": 1}
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone, translation

from core import outward
from core.db import in_db
from core.sealed import Unreadable
from delivery import hooks
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from reports.contents import Contents, contents_of
from reports.models import ReportTask
from reports.sending.names import NO_SECRET
from reports.sending.patience import again
from reports.words.report import as_json

READY, FAILED = "report.ready", "report.failed"


@dataclass(frozen=True)
class Call:
    """Where to post what, and with which secret to sign."""

    url: str
    secret: str = field(repr=False)
    event: dict[str, Any]


async def send(row: Delivery) -> Sent:
    """Raises DeliveryError."""
    call = await in_db(_load, UUID(row.content["report"]))
    if call is None:
        return Sent()
    event = {**call.event, "attempt": max(1, row.attempts)}
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        status = await _post(call, body)
    except outward.OutwardError as error:
        if error.permanent:
            raise DeliveryError(error.kind, str(error), permanent=True) from error
        raise again(row, error.kind, str(error), timezone.now()) from error
    if status == hooks.GONE:
        raise DeliveryError(hooks.GONE_KIND, f"HTTP {status}", permanent=True)
    if not hooks.is_good(status):
        raise again(row, "http", f"HTTP {status}", timezone.now())
    return Sent(result={"status": status})


async def _post(call: Call, body: bytes) -> int:
    headers = hooks.signed(call.event["event_id"], round(time.time()), body, call.secret)
    answer = await outward.request(
        "POST", call.url, headers=headers, body=body, timeout=hooks.TIMEOUT, redirects=0, most_bytes=0
    )
    return answer.status


def _load(key: UUID) -> Call | None:
    """None: the report or the webhook is gone. Raises DeliveryError."""
    contents = contents_of(key)
    if contents is None or contents.report.task_id is None:
        return None
    try:
        task = ReportTask.objects.only("hook_url", "hook_secret").get(pk=contents.report.task_id)
    except Unreadable as error:
        raise DeliveryError(NO_SECRET, "Its secret cannot be read.", permanent=True) from error
    if not task.hook_url or not task.hook_secret:
        return None
    with translation.override(contents.language):
        return Call(task.hook_url, str(task.hook_secret), _event(contents))


def _event(contents: Contents) -> dict[str, Any]:
    report, profile = contents.report, contents.parts[0].profile
    payload: dict[str, Any] = {
        "report": str(report.pk),
        "kind": report.kind,
        "profile": profile.name,
        "account_id": profile.account_id,
        "planned_at": report.planned_at.isoformat() if report.planned_at else None,
        "finished_at": report.finished_at.isoformat() if report.finished_at else None,
    }
    if contents.summary is not None:
        payload["summary"] = as_json(contents.summary)
    else:
        payload["error"] = contents.parts[0].error_kind
    event = READY if contents.summary is not None else FAILED
    return {"event": event, "event_id": str(report.pk), "payload": payload}
