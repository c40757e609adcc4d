"""The account's listings."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count

from reports.avito import methods
from reports.avito.account import uid_of
from reports.avito.client import Avito
from reports.avito.reading import Json, mapping, moment, number, objects, text, whole

# "More than 0 and less than 100" (items.json, 2026).
PAGE = 99

# Of the listings that statistics v1 is asked about when v2 is silent: those that are over have figures too.
STATUSES = ("active", "removed", "old", "blocked", "rejected")


@dataclass(frozen=True)
class Item:
    """``price``: roubles; None: none was named."""

    id: int
    title: str
    price: Decimal | None
    status: str
    url: str
    address: str
    category_id: int | None
    category: str


@dataclass(frozen=True)
class ItemDetails:
    """``services``: Avito's names of those that are applied (vip, xl, …)."""

    id: int
    status: str
    url: str
    starts: datetime | None
    ends: datetime | None
    services: tuple[str, ...]


async def items(avito: Avito, statuses: Sequence[str] = ("active",)) -> AsyncIterator[Item]:
    """The listings that have one of ``statuses``, each once. An employee's keys see none (items.json, 2026).

    25 pages a minute: beyond that it raises rate_limited; pages are kept for ten minutes, so who comes again gets on.
    """
    seen: set[int] = set()
    for page in count(1):
        query = {"status": ",".join(statuses), "per_page": PAGE, "page": page}
        told = mapping(await avito.ask(methods.ITEMS, query=query))
        meta, rows = mapping(told.get("meta")), list(objects(told.get("resources")))
        # A server that knows no pages gives the first one for ever.
        if not rows or whole(meta.get("page")) not in (page, None):
            return
        fresh = [item for row in rows if (item := _item(row)) is not None and item.id not in seen]
        for item in fresh:
            seen.add(item.id)
            yield item
        if not fresh or len(rows) < min(PAGE, whole(meta.get("per_page")) or PAGE):
            return


def _item(row: Json) -> Item | None:
    item_id, category = whole(row.get("id")), mapping(row.get("category"))
    if item_id is None:
        return None
    return Item(
        item_id,
        text(row.get("title")),
        number(row.get("price")),
        text(row.get("status")),
        text(row.get("url")),
        text(row.get("address")),
        whole(category.get("id")),
        text(category.get("name")),
    )


async def details(avito: Avito, item_id: int) -> ItemDetails:
    """One listing, with the services that are applied to it."""
    told = mapping(await avito.ask(methods.ITEM, uid=await uid_of(avito), item=item_id))
    services = (text(service.get("vas_id")) for service in objects(told.get("vas")))
    return ItemDetails(
        item_id,
        text(told.get("status")),
        text(told.get("url")),
        moment(told.get("start_time")),
        moment(told.get("finish_time")),
        tuple(filter(None, services)),
    )
