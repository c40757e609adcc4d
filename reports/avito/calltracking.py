"""Calls that went over Avito's own numbers, one by one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from reports.avito import methods
from reports.avito.assumed import ZONE
from reports.avito.client import Avito
from reports.avito.reading import Json, mapping, moment, number, objects, rows, text, whole

# "Not more than 100" (calltracking.json, 2026).
PAGE = 100


@dataclass(frozen=True)
class RecordedCall:
    """``talk`` and ``waiting`` in seconds; a call without talk was missed. Numbers are personal data."""

    id: int
    at: datetime | None
    talk: int
    waiting: int
    item_id: int | None
    buyer: str = field(repr=False)
    seller: str = field(repr=False)
    virtual: str = field(repr=False)

    @property
    def missed(self) -> bool:
        return self.talk == 0


async def recorded_calls(avito: Avito, first: datetime, last: datetime) -> AsyncIterator[RecordedCall]:
    """Calls between two moments that know their zone, three months at most, each once. Five pages a minute."""
    seen: set[int] = set()
    offset = 0
    while True:
        body = {"dateTimeFrom": _stated(first), "dateTimeTo": _stated(last), "limit": PAGE, "offset": offset}
        listed = rows(mapping(await avito.ask(methods.RECORDED_CALLS, body=body)).get("calls"))
        fresh = [call for row in objects(listed) if (call := _call(row)) is not None and call.id not in seen]
        for call in fresh:
            seen.add(call.id)
            yield call
        offset += len(listed)
        if not fresh or len(listed) < PAGE:
            return


def _stated(when: datetime) -> str:
    return when.astimezone(ZONE).isoformat(timespec="seconds")


def _call(row: Json) -> RecordedCall | None:
    call_id = whole(row.get("callId"))
    if call_id is None:
        return None
    return RecordedCall(
        call_id,
        moment(row.get("callTime")),
        whole(row.get("talkDuration")) or 0,
        int(number(row.get("waitingDuration")) or 0),
        whole(row.get("itemId")),
        text(row.get("buyerPhone")),
        text(row.get("sellerPhone")),
        text(row.get("virtualPhone")),
    )
