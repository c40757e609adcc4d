"""The limiter: how often an account's method may be called, by whichever process. Rows of `CallGate` hold it, so a
restart forgets nothing.

Avito counts calls in a window that slides. A call is noted when it is let through, and once more when it was answered:
it arrived somewhere between, so the next one never comes too early, however slow the line was.

All functions are sync, one short transaction each. ``scope``: see `CallGate`.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction

from reports.avito.assumed import IN_A_ROW, WAIT_OF_SLOW, WAITS
from reports.models import CallGate

# Calls in so many seconds, by Avito's API descriptions (items.json, cpa.json, calltracking.json, 2026).
LIMITS: dict[str, tuple[int, float]] = {
    "stats_v2": (1, 60.0),
    "spendings": (1, 60.0),
    "cpa": (1, 60.0),
    "get_calls": (5, 60.0),
    "items": (25, 60.0),
    "item": (500, 60.0),
}


def take(scope: str, method: str, now: datetime) -> float:
    """0.0: the call is yours, and noted. Else how many seconds to wait before asking again."""
    if method not in LIMITS:
        return _pause(CallGate.objects.filter(scope=scope, method=method).first(), now)
    with transaction.atomic():
        gate = _locked(scope, method)
        wait = max(_pause(gate, now), _until_free(method, gate.calls, now))
        if wait <= 0:
            gate.calls = [*_counting(method, gate.calls, now), now.timestamp()]
            gate.save(update_fields=["calls"])
        return wait


def answered(scope: str, method: str, taken: datetime, now: datetime, *, left: int | None = None) -> None:
    """The call let through at ``taken`` has its answer. ``left``: the calls that Avito says are left this minute."""
    if method not in LIMITS and left != 0:
        return
    with transaction.atomic():
        gate = _locked(scope, method)
        if method in LIMITS:
            gate.calls = [*_without(gate.calls, taken), max(taken, now).timestamp()]
        if left == 0:
            gate.blocked_until = _later(gate.blocked_until, now + timedelta(seconds=_span(method)))
        gate.save(update_fields=["calls", "blocked_until"])


def give_back(scope: str, method: str, taken: datetime) -> None:
    """The call failed at Avito's side or on the way and is worth another try at once; should it have counted after
    all, Avito says so."""
    if method not in LIMITS:
        return
    with transaction.atomic():
        gate = _locked(scope, method)
        gate.calls = _without(gate.calls, taken)
        gate.save(update_fields=["calls"])


def block(scope: str, method: str, taken: datetime, now: datetime, stated: float | None = None) -> float:
    """Avito said 429 to the call let through at ``taken``, which then does not count itself: nobody calls for as many
    seconds as it ``stated``, or as is usual. Gives how many."""
    with transaction.atomic():
        gate = _locked(scope, method)
        in_a_row = gate.blocked_until is not None and now < gate.blocked_until + IN_A_ROW
        gate.refusals = gate.refusals + 1 if in_a_row else 1
        seconds = _usual(method, gate.refusals) if stated is None else max(stated, 1.0)
        gate.blocked_until = _later(gate.blocked_until, now + timedelta(seconds=seconds))
        gate.calls = _without(gate.calls, taken)
        gate.save(update_fields=["calls", "refusals", "blocked_until"])
        return seconds


def _locked(scope: str, method: str) -> CallGate:
    CallGate.objects.get_or_create(scope=scope, method=method)
    return CallGate.objects.select_for_update().get(scope=scope, method=method)


def _pause(gate: CallGate | None, now: datetime) -> float:
    if gate is None or gate.blocked_until is None:
        return 0.0
    return max(0.0, (gate.blocked_until - now).total_seconds())


def _span(method: str) -> float:
    return LIMITS.get(method, (1, 60.0))[1]


def _counting(method: str, calls: list[float], now: datetime) -> list[float]:
    """Those that Avito still counts."""
    since = now.timestamp() - _span(method)
    return [call for call in calls if call > since]


def _until_free(method: str, calls: list[float], now: datetime) -> float:
    most, seconds = LIMITS[method]
    counting = sorted(_counting(method, calls, now))
    return 0.0 if len(counting) < most else counting[-most] + seconds - now.timestamp()


def _without(calls: list[float], taken: datetime) -> list[float]:
    """Without one call of that moment: others may have been let through at the very same."""
    left = list(calls)
    with suppress(ValueError):
        left.remove(taken.timestamp())
    return left


def _usual(method: str, refusals: int) -> float:
    most, _seconds = LIMITS.get(method, (0, 0.0))
    return WAIT_OF_SLOW if most == 1 else WAITS[min(refusals, len(WAITS)) - 1]


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
