"""Updates that no person sends: exactly the kinds of settings.UPDATE_NEWS are read, and the gate stays shut for all."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import Chat, User
from telegram_bot import incoming, lanes
from telegram_bot.models import Update
from tests.house import ANNA, BOT, TEAM, House, open_house

pytestmark = pytest.mark.django_db(transaction=True)
TELEGRAM = 777000
CHANNEL: dict[str, Any] = {"id": -1001000000003, "type": "channel", "title": "Новости"}
KINDS = {"poll", "message_reaction", "message_reaction_count", "channel_post", "edited_channel_post", "message"}
READ: list[tuple[int, str]] = []


def note(bot_id: int, body: lanes.Raw, now: datetime) -> None:
    """A reader as settings.UPDATE_NEWS names them."""
    READ.append((bot_id, str(body.get("mark"))))


def breaks(bot_id: int, body: lanes.Raw, now: datetime) -> None:
    Chat.objects.all().update(title="half done")
    raise ValueError(str(body))


def away(bot_id: int, body: lanes.Raw, now: datetime) -> None:
    READ.append((bot_id, "tried"))
    if len(READ) < 2:
        raise OperationalError("the database is away")


@pytest.fixture(autouse=True)
def _readers() -> Iterator[None]:
    READ.clear()
    yield
    incoming._reader.cache_clear()


@pytest.fixture
async def house(settings: Settings) -> Any:
    settings.UPDATE_NEWS = dict.fromkeys(settings.UPDATE_NEWS, f"{__name__}.note")
    async with open_house(settings) as opened:
        yield opened


async def comes(house: House, kind: str, **body: Any) -> str:
    """It is worked on; how it ended."""
    update_id = house.world.updates.push_raw({kind: {"mark": kind, "chat": CHANNEL, "date": 1, **body}})
    await house.quiet()
    row = await house.db(Update.objects.get, update_id=update_id)
    return row.state


def test_table_names_these_kinds_and_no_others(settings: Settings) -> None:
    assert set(settings.UPDATE_NEWS) == {*KINDS, incoming.TOPIC, incoming.MEMBERSHIP}


@pytest.mark.parametrize("kind", sorted(KINDS - {"message"}))
async def test_news_is_read_once_and_done(house: House, kind: str) -> None:
    assert await comes(house, kind) == "done"
    assert [(BOT, kind)] == READ


OTHERS = sorted({*lanes.ALLOWED_UPDATES, "chat_boost", "business_message", "odd"} - KINDS - {"my_chat_member"})


@pytest.mark.parametrize("kind", OTHERS)
async def test_no_other_kind_without_a_person_is_read(house: House, kind: str) -> None:
    before = len(house.world.calls())
    await comes(house, kind)

    assert READ == []
    assert [call.method for call in house.world.calls()[before:] if call.method.startswith("send")] == []


async def test_bots_own_place_is_heard_of_from_an_admin_who_stays_anonymous(house: House) -> None:
    await comes(house, "my_chat_member", sender_chat=CHANNEL)

    assert READ == [(BOT, "my_chat_member")]
    assert not await house.db(Chat.objects.filter(telegram_id=CHANNEL["id"]).exists)


async def test_reader_of_a_channel_lets_no_command_through(house: House) -> None:
    """The gate is shut for channels as before: nobody's words there reach a handler."""
    await comes(house, "channel_post", text="/start", sender_chat=CHANNEL)

    assert [call.method for call in house.world.calls() if call.method == "sendMessage"] == []
    assert not await house.db(Chat.objects.filter(telegram_id=CHANNEL["id"]).exists)


async def test_copy_of_a_channel_in_its_group_makes_telegram_no_person(house: House) -> None:
    sender = {"id": TELEGRAM, "is_bot": False, "first_name": "Telegram"}
    await comes(
        house, "message", **{"from": sender}, chat={"id": TEAM, "type": "supergroup"}, is_automatic_forward=True
    )

    assert READ == [(BOT, "message")]
    assert not await house.db(User.objects.filter(telegram_id=TELEGRAM).exists)


@pytest.mark.parametrize(
    ("person", "more", "read"),
    [
        (ANNA, {"forward_origin": {"type": "channel"}}, True),
        (ANNA, {}, False),
        (102, {"forward_origin": {"type": "channel"}}, False),
    ],
    ids=["let in", "shows nothing", "stranger"],
)
async def test_message_of_a_person_is_read_when_it_shows_another_one(
    house: House, person: int, more: dict[str, Any], read: bool
) -> None:
    sender = {"id": person, "is_bot": False, "first_name": "P"}
    private = {"id": person, "type": "private"}
    await comes(house, "message", **{"from": sender}, chat=private, message_id=5, text="/help", **more)

    assert ([(BOT, "message")] if read else []) == READ
    assert house.heard(person), "and it is answered as always"


async def test_reader_that_breaks_holds_nobody_up_and_leaves_nothing_half_done(
    house: House, settings: Settings
) -> None:
    settings.UPDATE_NEWS = {"poll": f"{__name__}.breaks"}
    with capture_logs() as logs:
        assert await comes(house, "poll") == "done"
    assert [entry["kind"] for entry in logs if entry["event"] == "news not read"] == ["poll"]
    assert not await house.db(Chat.objects.filter(title="half done").exists)
    assert "/help" in await house.ask(ANNA, "/start")


async def test_news_waits_while_the_database_is_away(house: House, settings: Settings) -> None:
    settings.UPDATE_NEWS = {"poll": f"{__name__}.away"}
    update_id = house.world.updates.push_raw({"poll": {"id": "1"}})
    await house.until(lambda: len(READ) == 2)
    await house.quiet()

    assert (await house.db(Update.objects.get, update_id=update_id)).state == "done"


async def test_news_and_words_of_a_chat_do_not_wait_for_each_other(house: House) -> None:
    raw = {"update_id": 1, "message_reaction_count": {"chat": {"id": ANNA}}}
    assert lanes.lane_of(BOT, raw) != lanes.lane_of(BOT, {"update_id": 2, "message": {"chat": {"id": ANNA}}})
