"""Claiming the heads of lanes: one statement that says in the same breath who won and what the rows hold.

    UPDATE … WHERE id IN (oldest open row of each lane) AND it is free AND due RETURNING …

A row that somebody else holds stays the head, so a lane is serial on any number of processes. The outer conditions are
checked again under the row's lock, so two claimers of one row get one row between them. The states stand in the text
and not as parameters, for only then does SQLite use the partial index on open rows.
"""

import os
import secrets
import socket
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, models

from core.prepared import columns

M = TypeVar("M", bound=models.Model)


def _place() -> str:
    """Where a number means one process: this start of this machine and, inside a container, this container."""
    parts = [socket.gethostname()]
    with suppress(OSError):  # Linux alone has containers, and these files
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"), os.readlink("/proc/self/ns/pid")]
    return f"{parts[0][:24]}-{zlib.crc32(' '.join(parts).encode()):08x}"


PLACE = _place()
# The last part tells this process from an earlier one: a restarted container has the same name and the same pid, and
# what its dead predecessor held must not look like its own.
WORKER = f"{PLACE}:{os.getpid()}:{secrets.token_hex(3)}"


def has_ended(worker: str) -> bool:
    """Whether ``worker`` was a process of this place and runs no more. False for one of which nothing is known."""
    place, _colon, rest = worker.partition(":")
    number = rest.partition(":")[0]
    if place != PLACE or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return worker != WORKER
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # somebody else's
    return False


@dataclass(frozen=True)
class Queue:
    """How a table is a queue: the state of a free row, of a held one, the order within a lane, the lease."""

    model: type[models.Model]
    free: str
    held: str
    order: str
    lease: timedelta

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def open(self) -> str:
        return f"state IN ('{self.free}', '{self.held}')"


def database_now() -> datetime:
    """The clock for claims: the server's on PostgreSQL, this machine's on SQLite, where they are the same."""
    from django.utils import timezone

    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def _times(queue: Queue) -> tuple[str, str, list[Any]]:
    """SQL for now and for the lease's end, and the parameters they take (now twice or not at all)."""
    if connection.vendor == "postgresql":
        return "clock_timestamp()", f"clock_timestamp() + interval '{queue.lease.total_seconds()} seconds'", []
    now = database_now()
    adapt = connection.ops.adapt_datetimefield_value
    return "%s", "%s", [adapt(now + queue.lease), adapt(now)]


def claim_heads(queue: Queue, lanes: Sequence[str]) -> list[Any | None]:
    """For each lane its oldest open row if it is free and due, now held by this worker; else None. One query."""
    _names, read = columns(queue.model)
    with connection.cursor() as cursor:
        cursor.execute(*claim(queue, lanes))
        rows = cursor.fetchall()
    heads = {row.lane: row for row in read(rows)}
    return [heads.get(lane) for lane in lanes]


def claim(queue: Queue, lanes: Sequence[str]) -> tuple[str, list[Any]]:
    """The statement that claims, and its parameters."""
    now_sql, lease_sql, times = _times(queue)
    lease, now = (times[:1], times[1:]) if times else ([], [])
    free = f"state = '{queue.free}' AND (not_before IS NULL OR not_before <= {now_sql})"
    # Two who claim several lanes at once must not wait for each other's.
    lock = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    sql = (
        f"WITH wanted(lane) AS (VALUES {', '.join(['(%s)'] * len(lanes))}),"  # noqa: S608
        f" heads(id) AS (SELECT (SELECT id FROM {queue.table} WHERE lane = wanted.lane AND {queue.open}"
        f" ORDER BY {queue.order} LIMIT 1) FROM wanted)"
        f" UPDATE {queue.table} SET state = '{queue.held}', attempts = attempts + 1, worker = %s,"
        f" lease_until = {lease_sql}"
        f" WHERE id IN (SELECT id FROM {queue.table} WHERE id IN (SELECT id FROM heads) AND {free}{lock})"
        f" AND {free} RETURNING {columns(queue.model)[0]}"
    )
    return sql, [*lanes, WORKER, *lease, *now, *now]


def claim_many(queue: Queue, lane: str, most: int) -> list[Any]:
    """The oldest rows of ``lane`` that are free and due, ``most`` of them, now held by this worker; in order.

    For lanes whose rows need not wait for one another. One query.
    """
    _names, read = columns(queue.model)
    now_sql, lease_sql, times = _times(queue)
    lease, now = (times[:1], times[1:]) if times else ([], [])
    free = f"{queue.open} AND state = '{queue.free}' AND (not_before IS NULL OR not_before <= {now_sql})"
    # Materialized: a plan that asked for the rows more than once would lock others each time.
    lock = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    sql = (
        f"WITH picked AS MATERIALIZED (SELECT id FROM {queue.table} WHERE lane = %s AND {free}"  # noqa: S608
        f" ORDER BY {queue.order} LIMIT {int(most)}{lock})"
        f" UPDATE {queue.table} SET state = '{queue.held}', attempts = attempts + 1, worker = %s,"
        f" lease_until = {lease_sql} WHERE id IN (SELECT id FROM picked) AND {free} RETURNING {_names}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [lane, *now, WORKER, *lease, *now])
        rows = cursor.fetchall()
    return sorted(read(rows), key=lambda row: getattr(row, queue.order))


def waiting_lanes(queue: Queue, limit: int = 1000) -> dict[str, int]:
    """Lanes with free rows that are due, and how many each; what a sweeper wakes. One query over open rows."""
    now_sql, _lease, times = _times(queue)
    sql = (
        f"SELECT lane, count(*) FROM {queue.table} WHERE {queue.open} AND state = '{queue.free}'"  # noqa: S608
        f" AND (not_before IS NULL OR not_before <= {now_sql}) GROUP BY lane LIMIT {int(limit)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, times[1:])
        return dict(cursor.fetchall())


def abandoned(queue: Queue, *, everything: bool, alive: Collection[str] = ()) -> list[int]:
    """Ids of held rows whose worker is gone: its process has ended, or the lease is over, or (``everything``) it is
    another worker than this one and those ``alive``. In a transaction the rows are locked until its end, so no two
    processes give back the same ones."""
    held = f"FROM {queue.table} WHERE {queue.open} AND state = '{queue.held}'"
    now_sql, _lease, times = _times(queue)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT worker {held}")
        others = {row[0] for row in cursor.fetchall()} - {WORKER}
        gone = [worker for worker in others if has_ended(worker) or (everything and worker not in alive)]
        conditions = [f"worker IN ({', '.join(['%s'] * len(gone))})"] if gone else []
        conditions += [] if everything else [f"lease_until < {now_sql}"]
        if not conditions:
            return []
        lock = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
        sql = f"SELECT id {held} AND ({' OR '.join(conditions)}) ORDER BY id{lock}"
        cursor.execute(sql, [*gone, *([] if everything else times[1:])])
        return [row[0] for row in cursor.fetchall()]
