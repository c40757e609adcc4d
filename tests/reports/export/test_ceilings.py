"""All chats and messages that Avito lets be read, each once, and what is said where it lets no more be read."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from reports.avito.client import Avito, Keys
from reports.avito.errors import AvitoError
from reports.avito.messenger import Page
from reports.export import fetching, spool
from reports.export.fetching import ALL, Fetching
from reports.export.spool import Row, Spool
from sandbox.avito import AvitoWorld, serve_avito
from sandbox.avito.inbox import Inbox

pytestmark = pytest.mark.django_db(transaction=True)
SHOP = 95_000_001
# Later than everything: no chat's messages are read.
NEVER = 9_999_999_999


@pytest.fixture
def export() -> UUID:
    return uuid4()


@asynccontextmanager
async def avito(settings: Settings, world: AvitoWorld) -> AsyncIterator[Avito]:
    keys = world.keys_of(SHOP)
    async with serve_avito(world) as url:
        settings.AVITO_BASE_URL = url
        async with Avito(Keys(keys.client_id, keys.client_secret, SHOP)) as opened:
            yield opened


def never() -> bool:
    return False


async def fetch(settings: Settings, world: AvitoWorld, journal: Spool, since: int = 0) -> bool:
    async with avito(settings, world) as opened:
        return await Fetching(opened, journal, since, never).run()


def filled(**said: Any) -> AvitoWorld:
    world = AvitoWorld()
    world.behave(gates=False)
    world.fill(SHOP, **said)
    return world


# --- chats ----------------------------------------------------------------------------------------------------------


async def test_a_list_of_one_page_is_asked_for_once(settings: Settings, export: UUID) -> None:
    world = filled(chats=40, messages=3)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal)
        assert journal.counts == {"chats": 40, "ended": 40, "messages": 120}
    assert world.count("chats") == 1


async def test_a_list_that_ends_at_the_ceiling_is_whole(settings: Settings, export: UUID) -> None:
    world = filled(chats=1100)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal, NEVER)
        assert (journal.counts["chats"], journal.listings[ALL].full) == (1100, False)
    # Eleven pages, and another look at the top.
    assert (world.count("chats"), world.count("item_list")) == (12, 0)


async def test_behind_the_ceiling_chats_are_found_by_their_listings(settings: Settings, export: UUID) -> None:
    world = filled(chats=1700, items=60)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal, NEVER)
        assert (journal.counts["chats"], journal.listings[ALL].full) == (1700, True)
        about = [key for key in journal.listings if key.startswith(fetching.ABOUT)]
    assert len(about) == 3


async def test_listings_with_too_many_chats_are_asked_for_by_halves(settings: Settings, export: UUID) -> None:
    world = filled(chats=2600, items=8)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal, NEVER)
        assert journal.counts["chats"] == 2600


async def test_too_many_chats_about_one_listing_are_missed_and_known_to_be(settings: Settings, export: UUID) -> None:
    world = filled(chats=1300, items=1)
    [item] = world.accounts[SHOP].inbox.items
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal, NEVER)
        assert journal.counts["chats"] == 1100
        assert journal.listings[f"{fetching.ABOUT}{item.id}"].full


async def test_without_the_accounts_listings_those_that_people_wrote_about_do(settings: Settings, export: UUID) -> None:
    world = filled(chats=1300, items=60)
    world.trouble("item_list", 403)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal, NEVER)
        assert journal.counts["chats"] == 1300


async def test_no_more_listings_are_looked_up_than_avito_names_in_good_time(settings: Settings, export: UUID) -> None:
    world = filled(chats=1300, items=300)
    async with avito(settings, world) as opened:
        with spool.opened(export) as journal:
            assert await Fetching(opened, journal, NEVER, never, most_items=100).run()
    assert world.count("item_list") == 1


@dataclass
class Moving(Inbox):
    """Chats of which one gets a new message, and so moves to the top, once so many pages have been asked for."""

    mover: int = 150
    after: int = 1
    order: list[int] = field(default_factory=list)
    asked: int = 0

    def listed(self, kinds: Sequence[str], items: Sequence[int] = (), *, unread: bool = False) -> Iterator[int]:
        numbers = list(super().listed(kinds, items, unread=unread))
        if self.asked >= self.after:
            numbers.remove(self.mover)
            numbers.insert(0, self.mover)
        self.asked += 1
        yield from numbers


async def test_a_chat_that_moves_up_meanwhile_is_not_missed(settings: Settings, export: UUID) -> None:
    world = filled(chats=250)
    account = world.accounts[SHOP]
    account.inbox = Moving(SHOP, "Магазин", 250, 1, items=account.inbox.items)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal, NEVER)
        assert journal.counts["chats"] == 250
        assert journal.knows(account.inbox.chat_id(150))


# --- messages -------------------------------------------------------------------------------------------------------


async def test_of_a_chat_the_newest_1100_messages_are_had_and_it_is_known(settings: Settings, export: UUID) -> None:
    world = filled(chats=2, messages=3, long={0: 1500})
    inbox = world.accounts[SHOP].inbox
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal)
        long, short = inbox.chat_id(0), inbox.chat_id(1)
        assert [journal.threads[key].full for key in (long, short)] == [True, False]
        messages = journal.messages(long)
    assert [message["id"] for message in messages] == [inbox.message_id(0, k) for k in range(1099, -1, -1)]


@pytest.mark.parametrize("manners", [{"messages": "bare"}, {"messages_order": "oldest"}], ids=["bare", "oldest-first"])
async def test_messages_come_in_whatever_shape(settings: Settings, export: UUID, manners: dict[str, Any]) -> None:
    world = filled(chats=1, messages=250)
    world.behave(**manners)
    inbox = world.accounts[SHOP].inbox
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal)
        messages = journal.messages(inbox.chat_id(0))
    assert [message["id"] for message in messages] == [inbox.message_id(0, k) for k in range(249, -1, -1)]


async def test_only_a_few_chats_are_read_at_the_same_time(settings: Settings, export: UUID) -> None:
    world = filled(chats=30, messages=1)
    world.trouble("messages", "hold", times=fetching.AT_ONCE)
    async with avito(settings, world) as opened:
        with spool.opened(export) as journal:
            task = asyncio.create_task(Fetching(opened, journal, 0, never).run())
            await world.until(lambda: world.count("messages") == fetching.AT_ONCE)
            await asyncio.sleep(0.1)
            assert world.count("messages") == fetching.AT_ONCE
            world.release()
            assert await task


@dataclass
class Losing(Inbox):
    """One of its chats is listed, and gone when it is opened."""

    lost: int = 3

    def place(self, chat_id: str) -> int | None:
        found = super().place(chat_id)
        return None if found == self.lost else found


async def test_a_chat_that_is_gone_does_not_hold_up_the_others(settings: Settings, export: UUID) -> None:
    world = filled()
    account = world.accounts[SHOP]
    account.inbox = Losing(SHOP, "Магазин", 10, 2, items=account.inbox.items)
    with spool.opened(export) as journal:
        assert await fetch(settings, world, journal)
        refused = [key for key, pages in journal.threads.items() if pages.refused]
        assert (journal.counts["ended"], journal.counts["messages"]) == (10, 18)
    assert refused == [account.inbox.chat_id(3)]


async def test_when_no_chat_may_be_read_it_is_the_keys(settings: Settings, export: UUID) -> None:
    world = filled(chats=200, messages=2)
    world.trouble("messages", 403)
    with spool.opened(export) as journal, pytest.raises(AvitoError) as caught:
        await fetch(settings, world, journal)
    assert caught.value.kind == "no_access"
    assert world.count("messages") < 60


async def test_a_limit_ends_the_turn_and_nothing_that_came_is_lost(settings: Settings, export: UUID) -> None:
    world = filled(chats=20, messages=1)
    world.trouble("messages", 429, times=1, after=6, retry_after=40)
    begun = time.monotonic()
    with spool.opened(export) as journal, pytest.raises(AvitoError) as caught:
        await fetch(settings, world, journal)
    assert caught.value.kind == "rate_limited"
    assert caught.value.retry_after is not None
    assert 40 - (time.monotonic() - begun) <= caught.value.retry_after <= 40
    with spool.opened(export) as journal:
        assert journal.counts["ended"] == world.count("messages", status=200)


class Full(Spool):
    """No page of messages has room on its disk, but the first ones have."""

    room = 1

    def add_messages(self, chat: str, rows: Sequence[Row], received: int, following: int | None, *, full: bool) -> None:
        if not self.room:
            raise OSError("No space left on device")
        self.room -= 1
        super().add_messages(chat, rows, received, following, full=full)


async def test_when_one_reader_breaks_no_other_writes_any_more(settings: Settings, tmp_path: Path) -> None:
    world = filled(chats=20, messages=1)
    world.trouble("messages", "hold", after=2)
    journal = Full(tmp_path)
    async with avito(settings, world) as opened:
        with pytest.raises(OSError, match="No space left"):
            await Fetching(opened, journal, 0, never).run()
        journal.room = 20
        asked = world.count("messages")
        world.calm()
        world.release()
        await asyncio.sleep(0.2)
    assert (journal.counts["ended"], world.count("messages")) == (1, asked)
    journal.close()


# --- turns ----------------------------------------------------------------------------------------------------------


def after(pages: int) -> Callable[[], bool]:
    """A turn that is over when it has been asked so often."""
    asked = iter(range(pages))
    return lambda: next(asked, None) is None


async def test_a_turn_goes_on_where_the_one_before_ended(settings: Settings, export: UUID) -> None:
    world, turns = filled(chats=250, messages=1), 0
    async with avito(settings, world) as opened:
        done = False
        while not done:
            with spool.opened(export) as journal:
                done = await Fetching(opened, journal, 0, after(60)).run()
            turns += 1
    asked = [call.path for call in world.found("messages")]
    assert turns > 3
    assert len(asked) == len(set(asked)) == 250


@pytest.mark.parametrize(
    ("offset", "received", "more", "expected"),
    [
        (0, 100, True, (100, False)),
        (100, 100, False, (None, False)),
        (100, 99, True, (199, False)),  # a short page is not the last one
        (100, 0, True, (None, False)),
        (990, 99, True, (1000, False)),  # the last page repeats some
        (1000, 100, True, (None, True)),
        (1000, 100, False, (None, False)),
    ],
)
def test_where_the_next_page_begins(offset: int, received: int, more: bool, expected: tuple[int | None, bool]) -> None:
    assert fetching._next(offset, Page((), more, received)) == expected
