"""What consumers of the Redis list said, written into the rows. Said twice, or too late, it changes nothing more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from reminders.models import Occurrence, Status
from reminders.services import firing
from reminders.services.sinks import REDIS

log = structlog.get_logger(__name__)

MOST = 500
TOGETHER = 100  # in one transaction
HOLDING = ("take", "extend")
# In the order in which they follow one another; the last stands for what nobody understands.
SAID = (*HOLDING, "nack", "ack", "")
# The database is away or busy, which is no fault of what was said.
NOT_NOW = (OperationalError, InterfaceError)
News = Mapping[str, str]


def write_down(entries: Sequence[News], clock: float, now: datetime) -> None:
    """``clock``: the server's time (s), by which the ends of leases are read. Of what broke, each alone."""
    entries = _last_words(entries)
    for start in range(0, len(entries), TOGETHER):
        part = entries[start : start + TOGETHER]
        try:
            _write(part, clock, now)
        except NOT_NOW:
            raise
        except Exception:
            for entry in part:
                _write_alone(entry, clock, now)


def _last_words(entries: Sequence[News]) -> list[News]:
    """Without what an acknowledgement among them made needless: most events are done soon after they are taken."""
    done = {entry.get("id") for entry in entries if entry.get("what") == "ack"}
    return [entry for entry in entries if entry.get("what") == "ack" or entry.get("id") not in done]


@transaction.atomic
def _write(entries: Sequence[News], clock: float, now: datetime) -> None:
    """Many say the same at once: that is one statement. Of one event a take comes before what followed from it."""
    rows = _rows(entries)
    sort = partial(_sort, clock=clock)
    for (rank, who, seconds), alike in groupby(sorted(entries, key=sort), sort):
        known = [(row, entry) for entry in alike if (row := rows.get(_key(entry))) is not None]
        what = SAID[rank]
        if what in HOLDING:
            attempts = {row.pk: _number(entry.get("attempt"), row.attempts) for row, entry in known}
            firing.take_many(attempts, who=who, seconds=seconds, now=now)
        elif what == "ack":
            firing.acknowledge_many({row.pk: entry.get("text", "") for row, entry in known}, who=who, now=now)
        elif what == "nack":
            _refuse(known, who, now)


def _sort(entry: News, *, clock: float) -> tuple[int, str, int]:
    """What is said, by whom, for how many seconds."""
    what, who = entry.get("what", ""), f"{REDIS}:{entry.get('consumer', '')}".replace("\x00", "")
    seconds = _number(entry.get("until"), 0) / 1000 - clock if what in HOLDING else 0
    return SAID.index(what if what in SAID else ""), who, max(0, min(round(seconds), firing.MOST_LEASE))


def _refuse(known: Sequence[tuple[Occurrence, News]], who: str, now: datetime) -> None:
    for row, entry in known:
        if row.attempts == _number(entry.get("attempt"), row.attempts):
            firing.nack(row, who=who, error=entry.get("text") or "refused", now=now)


def _write_alone(entry: News, clock: float, now: datetime) -> None:
    try:
        _write([entry], clock, now)
    except NOT_NOW:
        raise
    except Exception as error:
        log.exception("news of a consumer broke", occurrence=str(_key(entry)), exc_info=error)


def _rows(entries: Sequence[News]) -> dict[UUID | None, Occurrence]:
    keys = {key for entry in entries if (key := _key(entry)) is not None}
    found = Occurrence.objects.filter(pk__in=keys).select_related("reminder").defer("reminder__payload")
    return {row.pk: row for row in found}


def _key(entry: News) -> UUID | None:
    try:
        return UUID(entry.get("id", ""))
    except ValueError:
        return None


def _number(text: Any, otherwise: int) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        return otherwise


def over(ids: Sequence[str]) -> list[str]:
    """Which of ``ids`` nobody is to get any more. What was given up may be acknowledged yet, or go out again."""
    keys = {text: _key({"id": text}) for text in ids}
    found = Occurrence.objects.filter(pk__in=[key for key in keys.values() if key])
    given_up = Q(state=Occurrence.State.DEAD) & ~Q(reminder__status=Status.CANCELLED)
    wanted = set(found.filter(Q(state__in=Occurrence.OPEN) | given_up).values_list("pk", flat=True))
    return [text for text, key in keys.items() if key not in wanted]


def given_up(ids: Sequence[str]) -> list[str]:
    """Which of ``ids`` were given up."""
    keys = [key for text in ids if (key := _key({"id": text}))]
    found = Occurrence.objects.filter(pk__in=keys, state=Occurrence.State.DEAD)
    return [str(key) for key in found.values_list("pk", flat=True)]
