"""Calls: counted by item and day (items.json), and one by one (calltracking.json)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..accounts import Ring
from ..ask import Ask, Json, Method
from ..figures import moscow_day
from .periods import past

MOST = 100
MANY = 10**9
MONTH, QUARTER = timedelta(days=31), timedelta(days=93)


def call_stats(ask: Ask) -> Json:
    """Item and employee are 0 for the calls nobody can place."""
    body = ask.fields("dateFrom", "dateTo", "itemIds")
    first, last = body.days(ask.now)
    ids = body.ids("itemIds")
    found: dict[tuple[int, int], list[Json]] = {}
    for day in past(first, last, ask.now):
        for key, row in _counted(ask.account.calls(day, ask.now)).items():
            if not ids or key[0] in ids:
                found.setdefault(key, []).append({"date": day.isoformat(), **row})
    rows = [{"itemId": item, "employeeId": employee, "days": days} for (item, employee), days in sorted(found.items())]
    return {"result": {"items": rows}}


def _counted(rings: list[Ring]) -> dict[tuple[int, int], Json]:
    counts: dict[tuple[int, int], Json] = {}
    for ring in rings:
        row = counts.setdefault((ring.item_id, ring.employee_id), dict.fromkeys(COUNTS, 0))
        row["calls"] += 1
        row["answered"] += ring.talk > 0
        row["new"] += ring.new
        row["newAnswered"] += ring.new and ring.talk > 0
    return counts


COUNTS = ("calls", "answered", "new", "newAnswered")


def get_calls(ask: Ask) -> Json:
    """Calls by their time, the oldest first. What is wrong is told with status 200."""
    body = ask.fields("dateTimeFrom", "dateTimeTo", "limit", "offset")
    first = body.moment("dateTimeFrom")
    last = body.moment("dateTimeTo") if body.said.get("dateTimeTo") is not None else first + MONTH
    limit, offset = body.whole("limit", 1, MOST), body.whole("offset", 0, MANY)
    if last < first:
        raise body.wrong("dateTimeTo", "is before dateTimeFrom")
    if last - first > QUARTER:
        raise body.wrong("dateTimeTo", "is more than three months after dateTimeFrom")
    days = past(moscow_day(first), moscow_day(last), ask.now)
    rings = [ring for day in days for ring in ask.account.calls(day, ask.now) if first <= ring.at <= last]
    rows = [_row(ask, ring) for ring in rings[offset : offset + limit]]
    return {"calls": rows, "error": {"code": 0, "message": ""}}


def _row(ask: Ask, ring: Ring) -> Json:
    return {
        "callId": ring.id,
        "callTime": _utc(ring.at),
        "talkDuration": ring.talk,
        "waitingDuration": ring.wait,
        "buyerPhone": ring.buyer,
        "sellerPhone": ask.account.phone,
        "virtualPhone": "74950000001",
        "itemId": ring.item_id or None,
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


METHODS = (
    Method("call_stats", "POST", "/core/v1/accounts/{uid}/calls/stats/", call_stats),
    Method("calltracking", "POST", "/calltracking/v1/getCalls/", get_calls, "calls"),
)
