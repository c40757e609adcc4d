"""The inbox's verbs. Only these write updates and buttons."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DataError, transaction

from core.claims import WORKER
from core.statements import insert, update
from core.trace import new_trace
from delivery import engine
from telegram_bot import lanes
from telegram_bot.models import Button, Update

log = structlog.get_logger(__name__)

State = Update.State
# What a database says to a value no column takes: a number out of range, NUL, half a surrogate pair.
UNFIT = (DataError, OverflowError, ValueError)


def store(bot_id: int, batch: Sequence[dict[str, Any]], now: datetime) -> None:
    """Put raw updates into the inbox; those already there are dropped. One query. Only then may the offset move.

    One that no column takes is kept as text, dead: it would come again for ever and hold all others up.
    """
    rows = [
        Update(
            bot_id=bot_id,
            update_id=raw["update_id"],
            lane=lanes.lane_of(bot_id, raw),
            kind=lanes.kind_of(raw)[:40],
            chat_id=lanes.chat_id_of(raw),
            raw=raw,
            trace_id=new_trace(),
            received_at=now,
        )
        for raw in batch
    ]
    try:
        _insert(rows)
    except UNFIT:
        for row in rows:
            _insert_alone(row)


def _insert_alone(row: Update) -> None:
    try:
        _insert([row])
    except UNFIT as error:
        log.warning("update does not fit into the database", update=row.update_id, error=str(error))
        row.lane, row.kind, row.chat_id = f"in:{row.bot_id}:none:0", "", None
        row.raw = {"update_id": row.update_id, "as_text": ascii(row.raw)[:20_000]}
        row.state, row.finished_at = State.DEAD, row.received_at
        row.error = ascii(f"{type(error).__name__}: {error}")[:4000]
        _insert([row])


@transaction.atomic
def _insert(rows: Sequence[Update]) -> None:
    insert(rows, skip_known=True)
    for row in rows:
        engine.wake_on_commit(row.lane)


def finish(ids: Iterable[int], now: datetime) -> None:
    """Record updates as done. Called inside the transaction that saves what they led to."""
    for key in ids:
        update(Update, key, {"state": State.DONE, "finished_at": now, "error": ""}, state=State.RUNNING, worker=WORKER)


def bury(ids: Iterable[int], error: str, now: datetime) -> None:
    """Record updates as dead: they will not be tried again unless an operator says so."""
    _held(ids).update(state=State.DEAD, finished_at=now, error=error[:4000])


def put_back(ids: Iterable[int], error: str, not_before: datetime) -> None:
    """Return updates to the inbox after a passing fault (the database, the network)."""
    _held(ids).update(state=State.NEW, not_before=not_before, error=error[:4000])


def _held(ids: Iterable[int]) -> Any:
    return Update.objects.filter(pk__in=list(ids), state=State.RUNNING, worker=WORKER)


@transaction.atomic
def return_abandoned(ids: Sequence[int], most_attempts: int, now: datetime) -> list[Update]:
    """Give back what a dead worker held; what killed its worker ``most_attempts`` times is buried, and returned."""
    held = Update.objects.filter(pk__in=ids, state=State.RUNNING)
    fatal = held.filter(attempts__gte=most_attempts)
    buried = list(fatal)
    fatal.update(
        state=State.DEAD, finished_at=now, error=f"The process died {most_attempts} times while working on it."
    )
    held.filter(state=State.RUNNING).update(state=State.NEW, not_before=None)
    for lane in Update.objects.filter(pk__in=ids, state=State.NEW).values_list("lane", flat=True):
        engine.wake_on_commit(lane)
    return buried


@transaction.atomic
def retry_update(update: Update, *, now: datetime) -> bool:
    """Dead -> new, tried again at once. False when it is not dead."""
    changed = Update.objects.filter(pk=update.pk, state=State.DEAD).update(
        state=State.NEW, attempts=0, not_before=now, finished_at=None
    )
    if changed:
        engine.wake_on_commit(update.lane)
    return bool(changed)


@transaction.atomic
def bury_update(update: Update, reason: str, *, now: datetime) -> bool:
    """An operator gives a waiting update up. False when it is not waiting."""
    waiting = Update.objects.filter(pk=update.pk, state=State.NEW)
    return bool(waiting.update(state=State.DEAD, finished_at=now, error=reason[:4000]))


def forget_old_updates(now: datetime) -> int:
    """Remove done updates past KEEP_UPDATES_DAYS, never one that waits; housekeeping calls it."""
    old = Update.objects.filter(received_at__lt=now - timedelta(days=settings.KEEP_UPDATES_DAYS))
    return old.filter(state__in=(State.DONE, State.DEAD)).delete()[0]


def forget_old_buttons(now: datetime) -> int:
    """Remove buttons past their time; a press on one says that it is too old."""
    return Button.objects.filter(expires_at__lt=now).delete()[0]
