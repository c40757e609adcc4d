"""The tick: what is due becomes rows of the outbox, in one short transaction a batch, in any number of processes.

    due schedules, locked  ─▶  judged by grace and catch-up  ─▶  source.fire  ─▶  deliveries  +  next_at moved

Nothing outside happens here, so no lease is needed: a process that dies in the middle has done nothing. A run cannot
fire twice, for its row is locked, ``next_at`` moves in the same transaction, and a delivery's key names its run.
"""

import asyncio
import functools
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from core import metrics
from core.claims import database_now
from core.db import in_db_first
from core.statements import loaded, update_many
from delivery import engine, services
from delivery.models import Delivery, Schedule
from delivery.schedule import Elapsed, Rule, from_json, last_between, next_after
from delivery.signals import schedule_broke

log = structlog.get_logger(__name__)

BATCH = 500
# On PostgreSQL a batch holds nobody up, and every statement costs; on SQLite nobody else writes meanwhile.
BATCHES = {"sqlite": BATCH, "postgresql": 2 * BATCH}
# Later than this a run is marked late.
LATE = timedelta(seconds=60)
LONGEST_PAUSE, SHORTEST_PAUSE = 1.0, 0.01  # seconds between two ticks
# For so long what was fired waits for the rest when very much is due; on SQLite everything else waits as well.
BURST_SECONDS = {"sqlite": 1.0, "postgresql": 5.0}
# What a tick moves, and what it only reads. The rule comes as a text, which is the key of what is worked out of it.
MOVED = ("next_at", "last_at", "runs", "state", "paused_from")
RULE = Cast("rule", TextField())
READ = ("id", "source", "object_id", "zone", "end_at", "max_runs", "grace_seconds", "catch_up", *MOVED)

State = Schedule.State


@dataclass
class Due:
    """A schedule whose time has come.

    ``planned_at``: the run to fire; None when it is too late for any. ``missed``: how many runs were left out,
    from ``missed_from`` to ``missed_to`` (``capped``: at least so many). ``now``: the time of this tick.
    """

    schedule: Schedule
    now: datetime
    planned_at: datetime | None
    missed: int = 0
    missed_from: datetime | None = None
    missed_to: datetime | None = None
    capped: bool = False

    @property
    def lateness(self) -> timedelta:
        return self.now - self.planned_at if self.planned_at else timedelta()

    @property
    def is_late(self) -> bool:
        return self.lateness > LATE

    @property
    def is_last(self) -> bool:
        return self.schedule.next_at is None


# What a source does with what is due: its own rows, and the deliveries that follow. Called inside the transaction.
Fire = Callable[[Sequence[Due]], Sequence[Delivery]]


@dataclass
class Ticked:
    """What a tick did, and when the next one has something to do (None: nothing is planned)."""

    fired: int = 0
    missed: int = 0
    next_at: datetime | None = None
    more: bool = False


def tick(*, batch: int | None = None) -> Ticked:
    """Fire one batch of what is due."""
    now = database_now()
    upcoming = _upcoming().first()
    if upcoming is None or upcoming > now:
        return Ticked(next_at=upcoming)
    return _fire(now, batch or BATCHES[connection.vendor])


def _fire(now: datetime, batch: int) -> Ticked:
    """One batch; when a source breaks over it, each schedule alone, so that none suffers for another."""
    try:
        return _fire_batch(now, batch)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("a source broke", exc_info=error)
    for number in _due(now).values_list("pk", flat=True)[:batch]:
        _fire_alone(number, now)
    return Ticked(next_at=now, more=True)


@transaction.atomic
def _fire_batch(now: datetime, batch: int) -> Ticked:
    due = _fire_rows(_locked(_due(now))[:batch], now)
    ticked = Ticked(sum(1 for one in due if one.planned_at), sum(one.missed for one in due), now, len(due) == batch)
    log.debug("ticked", fired=ticked.fired, missed=ticked.missed)
    return ticked


def _fire_rows(rows: QuerySet[Schedule], now: datetime) -> list[Due]:
    due = [_judge(loaded(Schedule, READ, row), rule, now) for *row, rule in rows.values_list(*READ, RULE)]
    _hand_over(due)
    _move([one.schedule for one in due])
    transaction.on_commit(functools.partial(_count, due))
    return due


def _fire_alone(number: int, now: datetime) -> None:
    try:
        with transaction.atomic():
            _fire_rows(_locked(_due(now).filter(pk=number)), now)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("a schedule cannot be fired", schedule=number, exc_info=error)
        _put_aside(number, error)


@transaction.atomic
def _put_aside(number: int, error: Exception) -> None:
    """Pause what cannot be fired, and say so; it would stand at the head of every tick."""
    if _active().filter(pk=number).update(state=State.PAUSED, paused_from=State.ACTIVE):
        schedule_broke.send(sender=Schedule, schedule=Schedule.objects.get(pk=number), error=error)


def _hand_over(due: Sequence[Due]) -> None:
    by_source: dict[str, list[Due]] = {}
    for one in due:
        by_source.setdefault(one.schedule.source, []).append(one)
    services.enqueue([delivery for source, of_it in by_source.items() for delivery in _source(source)(of_it)])


def _count(due: Sequence[Due]) -> None:
    """For Prometheus, what was fired and what was left out."""
    for source, amount in Counter(one.schedule.source for one in due if one.planned_at).items():
        metrics.FIRED.labels(source).inc(amount)
    for one in due:
        if one.missed:
            metrics.MISSED.labels(one.schedule.source).inc(one.missed)


def _active() -> QuerySet[Schedule]:
    return Schedule.objects.filter(state=State.ACTIVE)


def _upcoming() -> "QuerySet[Schedule, datetime | None]":
    return _active().filter(next_at__isnull=False).order_by("next_at", "id").values_list("next_at", flat=True)


def _due(now: datetime) -> QuerySet[Schedule]:
    return _active().filter(next_at__lte=now).order_by("next_at", "id")


def _locked(rows: QuerySet[Schedule]) -> QuerySet[Schedule]:
    """Locked where the database locks rows; SQLite lets one write at a time."""
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, no_key=True)
    return rows


def _judge(row: Schedule, rule: str, now: datetime) -> Due:
    """Decide what of ``row`` fires, and move it on."""
    assert row.next_at is not None
    until = now if row.end_at is None else min(now, max(row.end_at, row.next_at))
    elapsed = _elapsed(rule, row.next_at, until, now, row.zone)
    planned = elapsed.last or row.next_at
    runs = 1 + elapsed.count
    fires = now - planned <= timedelta(seconds=row.grace_seconds) or row.catch_up == Schedule.CatchUp.LAST
    missed = runs - 1 if fires else runs
    due = Due(row, now, planned if fires else None, missed, capped=elapsed.capped)
    if missed:
        due.missed_from, due.missed_to = row.next_at, planned
    row.last_at = planned if fires else row.last_at
    row.runs += fires
    row.next_at = _next(row, elapsed)
    if row.next_at is None:
        row.state = State.COMPLETED
    return due


def _next(row: Schedule, elapsed: Elapsed) -> datetime | None:
    over = row.max_runs is not None and row.runs >= row.max_runs
    if over or elapsed.next is None or (row.end_at is not None and elapsed.next > row.end_at):
        return None
    return elapsed.next


@functools.lru_cache(maxsize=4096)
def _elapsed(rule: str, since: datetime, until: datetime, now: datetime, zone: str) -> Elapsed:
    """What came after the run at ``since``, which need not be the rule's (it may be put off). Many share a rule and a
    moment ("every day at nine"): worked out once in a tick."""
    elapsed = last_between(_rule(rule), since, until, ZoneInfo(zone))
    return elapsed if until == now else replace(elapsed, next=next_after(_rule(rule), now, ZoneInfo(zone)))


@functools.lru_cache(maxsize=4096)
def _rule(rule: str) -> Rule:
    return from_json(json.loads(rule))


@functools.cache
def _source(name: str) -> Fire:
    fire: Fire = import_module(settings.DELIVERY_SOURCES[name]).fire
    return fire


def _move(rows: Sequence[Schedule]) -> None:
    """Write where each stands now."""
    update_many(rows, MOVED)


def burst(*, batch: int | None = None, seconds: float | None = None) -> Ticked:
    """Tick batch after batch while more is due. Its lanes are woken when it is over: sending would slow it down, and
    what is fired in time is not late for being sent a little later."""
    until = time.monotonic() + (BURST_SECONDS[connection.vendor] if seconds is None else seconds)
    with engine.quiet():
        while (ticked := tick(batch=batch)).more and time.monotonic() < until:
            pass
    return ticked


@dataclass
class Clockwork:
    """Whether this process ticks, for its sign of life: ``at`` is when it did last (monotonic)."""

    at: float | None = None

    def seconds_ago(self) -> float | None:
        return None if self.at is None else round(time.monotonic() - self.at, 1)


HERE = Clockwork()


async def run(stop: asyncio.Event) -> None:
    """Tick until ``stop`` is set: each second, sooner when something is due sooner."""
    while not stop.is_set():
        pause = LONGEST_PAUSE
        try:
            ticked = await in_db_first(burst)
        except DatabaseError as error:
            log.warning("no tick", error=str(error))
        else:
            HERE.at = time.monotonic()
            if ticked.more:
                continue
            if ticked.next_at is not None:
                pause = min(pause, max(SHORTEST_PAUSE, (ticked.next_at - timezone.now()).total_seconds()))
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
