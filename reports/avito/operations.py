"""What went in and out of the wallet."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from reports.avito import methods
from reports.avito.assumed import ZONE
from reports.avito.client import Avito
from reports.avito.reading import Json, mapping, moment, number, objects, text, whole

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Operation:
    """Roubles and bonuses; ``type``, ``name``, ``service`` as Avito words them."""

    updated_at: datetime | None
    paid_at: datetime | None
    type: str
    name: str
    service_id: int | None
    service_type: str
    service: str
    item_id: int | None
    roubles: Decimal | None
    bonus: Decimal | None
    total: Decimal | None


async def operations(avito: Avito, first: datetime, last: datetime) -> list[Operation]:
    """All between two moments that know their zone, at most a year back. A week a call (user.json, 2026).

    Reservations, refunds and recognised revenue stand side by side: for spending ask the statistics.
    """
    found: list[Operation] = []
    start, before = first, set[Operation]()
    while start < last:
        end = min(start + WEEK, last)
        told = await avito.ask(methods.OPERATIONS, body={"dateTimeFrom": _stated(start), "dateTimeTo": _stated(end)})
        rows = [_operation(row) for row in objects(_listed(told))]
        # Whether the ends of a window belong to it is not described: what stands on a seam may come twice.
        found += [row for row in rows if not (row in before and start in (row.updated_at, row.paid_at))]
        start, before = end, set(rows)
    return found


def _stated(when: datetime) -> str:
    """With its offset, for a time without one may be taken for another."""
    return when.astimezone(ZONE).isoformat(timespec="seconds")


def _listed(told: Any) -> Any:
    """The schema has an object around the list, the example has none (user.json, 2026)."""
    flat = mapping(told)
    return flat.get("operations") or mapping(flat.get("result")).get("operations")


def _operation(row: Json) -> Operation:
    return Operation(
        moment(row.get("updatedAt")),
        moment(row.get("paidAt")),
        text(row.get("operationType")),
        text(row.get("operationName")),
        whole(row.get("serviceId")),
        text(row.get("serviceType")),
        text(row.get("serviceName")),
        whole(row.get("itemId")),
        number(row.get("amountRub")),
        number(row.get("amountBonus")),
        number(row.get("amountTotal")),
    )
