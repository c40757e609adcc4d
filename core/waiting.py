"""Since when the work of a queue waits, with nobody at it. Only rows at the head of their lane count: what stands
behind a long answer waits its turn, and nothing is wrong."""

from datetime import datetime
from typing import Any

from django.db import connection

from core.claims import Queue, database_now


def waiting_since(queue: Queue, arrived: str) -> datetime | None:
    """When the longest waiting head fell due; None: nothing waits. ``arrived``: the column that says when a row came.

    Two queries, over open rows alone.
    """
    due = f"COALESCE(not_before, {arrived})"
    head = f"NOT EXISTS (SELECT 1 FROM {queue.table} AS other WHERE other.lane = row.lane AND other.{queue.open}"  # noqa: S608
    sql = (
        f"SELECT id FROM {queue.table} AS row WHERE row.{queue.open} AND state = '{queue.free}' AND {due} <= %s"  # noqa: S608
        f" AND {head} AND other.{queue.order} < row.{queue.order}) ORDER BY {due} LIMIT 1"
    )
    now: Any = connection.ops.adapt_datetimefield_value(database_now())
    with connection.cursor() as cursor:
        cursor.execute(sql, [now])
        found = cursor.fetchone()
    heads = queue.model._default_manager.filter(pk=found[0] if found else None)
    times: Any = heads.values_list("not_before", arrived).first()
    return (times[0] or times[1]) if times else None


def open_rows(queue: Queue) -> dict[str, int]:
    """How many rows are free and held. One query over open rows."""
    sql = f"SELECT state, count(*) FROM {queue.table} WHERE {queue.open} GROUP BY state"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {queue.free: 0, queue.held: 0} | dict(cursor.fetchall())
