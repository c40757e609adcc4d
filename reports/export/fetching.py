"""Getting the chats: all pages within Avito's ceilings, a few chats at the same time, each page into the journal.

Avito lists chats and messages in pages of 100 up to the offset 1,000 (its API description, messenger.json, 2026): at
most 1,100 of a listing. Where one is longer, it is asked again for the listings (items) of the account, some at a time,
and what comes is merged. New messages move chats while the pages are read: each chat counts once, and the top of the
list is looked at again at the end, for a chat that moved up would be missed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reports.avito import messenger
from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.items import STATUSES, items
from reports.avito.messenger import CEILING, Chat, Message, Page
from reports.export.spool import Pages, Row, Spool

# Chats whose messages are read at the same time, by one export.
AT_ONCE = 4
# Listings of the account in one question, where all chats are too many for one; and how many are asked about at all:
# Avito names a hundred listings a question, 25 times a minute.
ITEMS_AT_ONCE, MOST_ITEMS = 20, 20_000
# So many chats one after another that may not be read, and none that may: it is the keys, not the chats.
MOST_REFUSED = 5
TYPES = ("u2i", "u2u")
ALL, TOP, PEOPLE, ABOUT = "all", "top", "u2u", "about:"
# Rows of a page: a list no longer than that came in one piece.
A_PAGE = 100
# What is wrong with one chat and not with the account: it is named in the file, and the others go on.
ONE_CHAT = frozenset({Kind.NO_ACCESS, Kind.WRONG_ACCOUNT, Kind.NOT_FOR_ACCOUNT, Kind.BAD_REQUEST})

Halt = Callable[[], bool]


@dataclass
class Fetching:
    """One worker's turn at an export. ``halt``: whether the turn is over; asked before each page."""

    avito: Avito
    spool: Spool
    # Only chats with news at this time (seconds since 1970) or later.
    since: int
    halt: Halt
    most_items: int = MOST_ITEMS
    # Whether all chats are known; then it is known, too, how many there are.
    listed: bool = False
    _errors: list[AvitoError] = field(default_factory=list)

    async def run(self) -> bool:
        """Go on where the journal ends; True when everything is there. Raises AvitoError."""
        self.listed = await self._list()
        return self.listed and await self._read()

    # --- chats -----------------------------------------------------------------------------------------------------

    async def _list(self) -> bool:
        if not await self._listing(ALL, TYPES):
            return False
        if self.spool.listings[ALL].full and not await self._beyond():
            return False
        return self.spool.listings[ALL].received <= A_PAGE or await self._top()

    async def _listing(self, key: str, types: Sequence[str], about: Sequence[int] = ()) -> bool:
        while not (pages := self.spool.listings.get(key, Pages())).done:
            if self.halt():
                return False
            page = await messenger.chats(self.avito, pages.offset, chat_types=types, item_ids=about)
            following, full = _next(pages.offset, page)
            self.spool.add_chats(key, [_chat(row) for row in page.rows], page.received, following, full=full)
        return True

    async def _beyond(self) -> bool:
        """Chats behind the ceiling: those between people, and those about each listing."""
        if not await self._listing(PEOPLE, ("u2u",)):
            return False
        if self.spool.items is None:
            self.spool.add_items(await self._items())
        known = self.spool.items or []
        return await self._about([known[at : at + ITEMS_AT_ONCE] for at in range(0, len(known), ITEMS_AT_ONCE)])

    async def _about(self, groups: Iterable[Sequence[int]]) -> bool:
        """Chats about some listings; where even they are too many, those about the half of them."""
        waiting = deque(groups)
        while waiting:
            group = waiting.popleft()
            key = ABOUT + ",".join(map(str, group))
            if not await self._listing(key, ("u2i",), group):
                return False
            if self.spool.listings[key].full and len(group) > 1:
                middle = len(group) // 2
                waiting += [group[:middle], group[middle:]]
        return True

    async def _items(self) -> list[int]:
        """All listings of the account, those that are over too, and those that the known chats are about."""
        found = {chat["item"]["id"] for key in self.spool.chats() if (chat := self.spool.chat(key)).get("item")}
        try:
            async for item in items(self.avito, STATUSES):
                found.add(item.id)
                if len(found) >= self.most_items:
                    break
        except AvitoError as error:
            # Without the account's listings there are still those that people have written about.
            if error.kind not in ONE_CHAT:
                raise
        return sorted(found)

    async def _top(self) -> bool:
        """The first pages again, until one has nothing new."""
        while not (pages := self.spool.listings.get(TOP, Pages())).done:
            if self.halt():
                return False
            page = await messenger.chats(self.avito, pages.offset, chat_types=TYPES)
            following, _full = _next(pages.offset, page)
            if all(self.spool.knows(row.id) for row in page.rows):
                following = None
            self.spool.add_chats(TOP, [_chat(row) for row in page.rows], page.received, following, full=False)
        return True

    # --- messages --------------------------------------------------------------------------------------------------

    async def _read(self) -> bool:
        waiting = deque(key for key in self.spool.chats(self.since) if not self._thread(key).done)
        try:
            # Where one breaks, none of the others may write into a journal that is closed by then.
            async with asyncio.TaskGroup() as workers:
                for _worker in range(AT_ONCE):
                    workers.create_task(self._work(waiting))
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None
        if self._errors:
            # What nobody can wait for says more than what one can.
            raise next((error for error in self._errors if error.permanent), self._errors[0])
        return all(self._thread(key).done for key in self.spool.chats(self.since))

    async def _work(self, waiting: deque[str]) -> None:
        while waiting and not self._over():
            key = waiting.popleft()
            try:
                await self._messages(key)
            except AvitoError as error:
                if not self._is_of_one_chat(error):
                    self._errors.append(error)
                    return
                self.spool.refuse(key, str(error.kind))

    def _over(self) -> bool:
        return bool(self._errors) or self.halt()

    def _thread(self, key: str) -> Pages:
        return self.spool.threads.get(key, Pages())

    async def _messages(self, key: str) -> None:
        while not (pages := self._thread(key)).done and not self._over():
            page = await messenger.messages(self.avito, key, pages.offset)
            following, full = _next(pages.offset, page)
            self.spool.add_messages(key, [_message(row) for row in page.rows], page.received, following, full=full)

    def _is_of_one_chat(self, error: AvitoError) -> bool:
        if error.kind not in ONE_CHAT:
            return False
        ended = [pages for pages in self.spool.threads.values() if pages.done]
        return len(ended) < MOST_REFUSED or any(not pages.refused for pages in ended)


def _next(offset: int, page: Page[Any]) -> tuple[int | None, bool]:
    """Where the next page begins (None: there is none), and whether more is behind the ceiling.

    By rows received, for a page may be short; the last one is asked for at the ceiling, though it repeats some.
    """
    if not page.has_more or not page.received:
        return None, False
    if offset >= CEILING:
        return None, True
    return min(offset + page.received, CEILING), False


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _chat(row: Chat) -> Row:
    """As the journal keeps it."""
    about = {"id": row.item_id, "title": row.item_title, "price": row.item_price, "url": row.item_url}
    return {
        "id": row.id,
        "created": _seconds(row.created),
        "updated": _seconds(row.updated),
        "item": about if row.item_id is not None else None,
        "users": [{"id": person.id, "name": person.name} for person in row.users],
    }


def _message(row: Message) -> Row:
    return {
        "id": row.id,
        "created": _seconds(row.created),
        "author": row.author_id,
        "direction": row.direction,
        "type": row.type,
        "content": dict(row.content),
    }
