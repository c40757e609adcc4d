"""The inbox's verbs. Only these write updates and buttons; and the end of an admin's session."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DataError, transaction
from django.db.models import Case, Q, QuerySet, Value, When

from core.claims import WORKER
from core.privacy import GRACE, contents_stay, delete_in_batches, in_batches, older_than
from core.rows import new
from core.statements import insert, update
from core.trace import new_trace
from delivery import engine
from telegram_bot import lanes
from telegram_bot.incoming import Incoming
from telegram_bot.models import AdminSession, Broadcast, Button, Update

log = structlog.get_logger(__name__)

State = Update.State
# What a database says to a value no column takes: a number out of range, NUL, half a surrogate pair.
UNFIT = (DataError, OverflowError, ValueError)


def store(bot_id: int, batch: Sequence[dict[str, Any]], now: datetime) -> None:
    """Put raw updates into the inbox; those already there are dropped. One query. Only then may the offset move.

    One that no column takes is kept as text, dead: it would come again for ever and hold all others up.
    """
    rows = [
        new(
            Update,
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
    for row in rows:
        log.debug("received", trace=row.trace_id, update=row.update_id, kind=row.kind)
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


def follow(incoming: Incoming, data: str, told: str, now: datetime) -> None:
    """Let what a press began go on in its chat's own line; the line of presses is not for long work.

    The row is the press once more under its negative id, which no update of Telegram's has, with ``data`` in place of
    the button's and ``told`` for the handler. Called inside the transaction that decides; twice makes one row.
    """
    press = {**incoming.update.raw["callback_query"], "data": data, "told": told}
    row = Update(
        bot_id=incoming.bot_id,
        update_id=-incoming.update.update_id,
        lane=f"in:{incoming.bot_id}:{incoming.chat_id}:{incoming.thread}",
        kind="callback_query",
        chat_id=incoming.chat_id,
        raw={"update_id": -incoming.update.update_id, "callback_query": press},
        trace_id=new_trace(),
        received_at=now,
    )
    _insert([row])


def finish(ids: Iterable[int], now: datetime) -> None:
    """Record updates as done. Called inside the transaction that saves what they led to."""
    values = {"state": State.DONE, "finished_at": now, "error": ""} | ({} if contents_stay() else {"raw": {}})
    for key in ids:
        update(Update, key, values, state=State.RUNNING, worker=WORKER)


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
    """Dead -> new, tried again at once. False when it is not dead, or when what it said is erased."""
    changed = (
        Update.objects.filter(pk=update.pk, state=State.DEAD)
        .exclude(raw={})
        .update(state=State.NEW, attempts=0, not_before=now, finished_at=None)
    )
    if changed:
        engine.wake_on_commit(update.lane)
    return bool(changed)


@transaction.atomic
def bury_update(update: Update, reason: str, *, now: datetime) -> bool:
    """An operator gives a waiting update up. False when it is not waiting."""
    waiting = Update.objects.filter(pk=update.pk, state=State.NEW)
    return bool(waiting.update(state=State.DEAD, finished_at=now, error=reason[:4000]))


def end_admin_session(session: AdminSession, now: datetime) -> bool:
    """Let the admin give the password again. False when the session is over and none is awaited."""
    going_on = Q(until__gt=now) | ~Q(waiting={})
    return bool(AdminSession.objects.filter(going_on, pk=session.pk).update(until=None, waiting={}))


def forget_old_updates(now: datetime) -> int:
    """Remove ended updates past KEEP_UPDATES_DAYS, never one that waits; housekeeping calls it."""
    before = older_than(settings.KEEP_UPDATES_DAYS, now)
    return delete_in_batches(_ended().filter(received_at__lt=before)) if before else 0


def erase_updates(now: datetime) -> int:
    """Where contents do not stay: empty what is done, and a day later what is dead; housekeeping calls it."""
    if contents_stay():
        return 0
    over = _ended().filter(Q(state=State.DONE) | Q(finished_at__lt=now - GRACE)).exclude(raw={})
    return in_batches(over, erase)


def erase(updates: QuerySet[Update]) -> int:
    """Empty ``updates`` of what they said; where, when and what became of them stays."""
    return updates.update(raw={}, error=Case(When(error="", then=Value("")), default=Value("erased")))


def take_out(updates: QuerySet[Update], places: Iterable[Sequence[str]]) -> int:
    """Leave out what stands at ``places`` of raw updates (ways to a message that they repeat), and what they quote."""
    for row in updates:
        for *way, last in places:
            holder: Any = row.raw
            for name in way:
                holder = holder.get(name) or {}
            holder.pop(last, None)
            holder.pop("quote", None)
        row.save(update_fields=["raw"])
    return len(updates)


def _ended() -> QuerySet[Update]:
    return Update.objects.filter(state__in=(State.DONE, State.DEAD))


def use_up(button: Button) -> bool:
    """Take away a button that works once; False when it was pressed before. Inside the transaction of what it does."""
    return bool(Button.objects.filter(pk=button.pk).delete()[0])


def forget_old_buttons(now: datetime) -> int:
    """Remove buttons past their time; a press on one says that it is too old."""
    return delete_in_batches(Button.objects.filter(expires_at__lt=now))


def forget_old_announcements(now: datetime) -> int:
    """Remove announcements past KEEP_DELIVERIES_DAYS, and after a day where contents do not stay; drafts too."""
    times = [older_than(settings.KEEP_DELIVERIES_DAYS, now), None if contents_stay() else now - GRACE]
    known = [time for time in times if time is not None]
    over = Broadcast.objects.exclude(state=Broadcast.State.SENDING)
    return delete_in_batches(over.filter(created_at__lt=max(known))) if known else 0
