"""Answers that serve whoever asks the same a short while later, or at the same moment.

The first asker claims the question and asks Avito; others wait for what comes of it (client.py). A claim ends with its
process, or with its lease where nothing is known of the process, so one that died keeps nobody waiting for long. All
functions are sync, one short transaction each.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from core.claims import WORKER, has_ended
from core.privacy import delete_in_batches
from reports.models import Answer

# How long who asks is waited for; longer than one call with all its tries can take.
LEASE = timedelta(seconds=90)
# The longest that an answer serves anybody.
LONGEST_FRESH = timedelta(hours=1)


@dataclass(frozen=True)
class Question:
    """``digest``: of all that was asked, where and with what."""

    scope: str
    method: str
    digest: str


@dataclass(frozen=True)
class Found:
    body: str


@dataclass(frozen=True)
class Turn:
    """It is the caller who asks, until then."""

    until: datetime


def question(scope: str, method: str, *asked: Any) -> Question:
    """``asked``: whatever JSON holds."""
    told = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Question(scope, method, hashlib.sha256(told.encode()).hexdigest())


def look(asked: Question, now: datetime, fresh: float) -> Found | Turn | None:
    """An answer not older than ``fresh`` seconds, or the turn to ask; None: another is asking."""
    rows = Answer.objects.filter(scope=asked.scope, method=asked.method, digest=asked.digest)
    since = now - timedelta(seconds=fresh)
    known = rows.filter(fetched_at__gt=since).values_list("body", flat=True).first()
    if known is not None:
        return Found(known)
    with transaction.atomic():
        Answer.objects.get_or_create(scope=asked.scope, method=asked.method, digest=asked.digest)
        row = rows.select_for_update().get()
        if row.body is not None and row.fetched_at is not None and row.fetched_at > since:
            return Found(row.body)
        if row.fetching_until is not None and row.fetching_until > now and not has_ended(row.fetching_by):
            return None
        row.fetching_until, row.fetching_by = now + LEASE, WORKER
        row.save(update_fields=["fetching_until", "fetching_by"])
        return Turn(row.fetching_until)


def is_at_hand(asked: Question, now: datetime, fresh: float) -> bool:
    """Whether nobody need ask: there is an answer not older than ``fresh`` seconds, or somebody asks right now."""
    rows = Answer.objects.filter(scope=asked.scope, method=asked.method, digest=asked.digest).defer("body")
    row = rows.first()
    if row is None:
        return False
    if row.fetched_at is not None and row.fetched_at > now - timedelta(seconds=fresh):
        return True
    return row.fetching_until is not None and row.fetching_until > now and not has_ended(row.fetching_by)


def keep(asked: Question, body: str, now: datetime) -> None:
    Answer.objects.update_or_create(
        scope=asked.scope,
        method=asked.method,
        digest=asked.digest,
        defaults={"body": body, "fetched_at": now, "fetching_until": None},
    )


def release(asked: Question, turn: Turn) -> None:
    """Nothing came of it: whoever waits may ask."""
    rows = Answer.objects.filter(scope=asked.scope, method=asked.method, digest=asked.digest)
    rows.filter(fetching_until=turn.until).update(fetching_until=None)


def forget_old_answers(now: datetime) -> int:
    """For housekeeping: remove what serves nobody any more. Gives how many."""
    stale = Q(fetched_at__lte=now - LONGEST_FRESH) | Q(fetched_at=None)
    held = Q(fetching_until__gt=now)
    return delete_in_batches(Answer.objects.filter(stale).exclude(held))
