"""Chats and messages: pages, odd ids, every type, and nothing marked as read."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from reports.avito import methods
from reports.avito.client import Avito
from reports.avito.errors import AvitoError, Kind
from reports.avito.messenger import CEILING, Chat, Message, Page, chats, messages, voice_links
from reports.metrics import Section
from sandbox.avito import POLKA, SEVER, AvitoWorld
from sandbox.avito.inbox import ALL_TYPES, LETTER, SLASH, UNKNOWN_BUYER, WITHOUT_ITEM
from tests.reports.avito.conftest import Make, keys_in
from tests.reports.avito.said import Said

CHATS = "/messenger/v2/accounts/7/chats"


async def test_chats_come_with_people_listing_and_last_words(said: Said, client: Make) -> None:
    listing = {"id": 7000000001, "title": "Кровать", "price_string": "30 000 ₽", "url": "https://avito.ru/x"}
    last = {"id": "m1", "author_id": 8, "created": 1772403600, "direction": "in", "type": "text"}
    row = {
        "id": "u2i-Ab~1",
        "created": 1772400000,
        "updated": 1772403600,
        "context": {"type": "item", "value": listing},
        "users": [{"id": 7, "name": "Магазин"}, {"id": 8, "name": "Анна"}],
        "last_message": {**last, "content": {"text": "Ещё продаёте?"}},
    }
    said.says(CHATS, {"chats": [row], "meta": {"has_more": False}})
    page = await chats(client(), 0)
    [chat] = page.rows
    assert (page.has_more, page.received) == (False, 1)
    assert (chat.id, chat.created, chat.updated) == (
        "u2i-Ab~1",
        datetime.fromtimestamp(1772400000, UTC),
        datetime.fromtimestamp(1772403600, UTC),
    )
    assert [(person.id, person.name) for person in chat.users] == [(7, "Магазин"), (8, "Анна")]
    assert (chat.item_id, chat.item_title, chat.item_price) == (7000000001, "Кровать", "30 000 ₽")
    assert chat.item_url == "https://avito.ru/x"
    assert chat.last_message is not None
    assert (chat.last_message.text, chat.last_message.direction, chat.last_message.author_id) == (
        "Ещё продаёте?",
        "in",
        8,
    )


async def test_both_kinds_of_chats_are_asked_for(said: Said, client: Make) -> None:
    said.says(CHATS, {"chats": []})
    await chats(client(), 200, item_ids=(1, 2), unread_only=True)
    address = urlsplit(said.asked()[0].path)
    assert parse_qs(address.query) == {
        "limit": ["100"],
        "offset": ["200"],
        "chat_types": ["u2i,u2u"],
        "unread_only": ["true"],
        "item_ids": ["1,2"],
    }


async def test_all_pages_make_all_chats(world: AvitoWorld, client: Make) -> None:
    world.fill(95_000_003, chats=250, messages=1)
    avito, found, offset, more = client(keys_in(world, 95_000_003)), set[str](), 0, True
    while more:
        page = await chats(avito, offset)
        found |= {chat.id for chat in page.rows}
        offset, more = offset + page.received, page.has_more
    assert (len(found), offset, avito.calls) == (250, 250, 3)


async def test_ceiling_is_the_last_offset_avito_takes(world: AvitoWorld, client: Make) -> None:
    world.fill(95_000_004, chats=1300, messages=1)
    avito = client(keys_in(world, 95_000_004))
    page = await chats(avito, CEILING)
    assert (page.received, page.has_more) == (100, True)
    with pytest.raises(AvitoError) as caught:
        await chats(avito, CEILING + 1)
    assert (caught.value.kind, caught.value.section) == (Kind.BAD_REQUEST, Section.MESSENGER)


@pytest.mark.parametrize("shape", ["wrapped", "bare"])
async def test_messages_come_bare_or_wrapped(world: AvitoWorld, sever: Avito, shape: str) -> None:
    world.behave(messages=shape)
    chat = world.accounts[SEVER].inbox.chat_id(11)
    page = await messages(sever, chat, 0, limit=10)
    rest = await messages(sever, chat, 10, limit=10)
    assert (page.received, page.has_more) == (10, True)
    assert (rest.received, rest.has_more) == (world.accounts[SEVER].inbox.total(11) - 10, False)


@pytest.mark.parametrize("body", [{"messages": []}, [], {}, {"messages": None, "meta": {"has_more": True}}], ids=str)
async def test_page_of_nothing_is_the_last(said: Said, client: Make, body: Any) -> None:
    said.says("/messenger/v3/accounts/7/chats/c/messages/", body)
    assert await messages(client(), "c", 0) == Page((), False, 0)


async def test_rows_that_cannot_be_read_still_move_the_offset(said: Said, client: Make) -> None:
    said.says("/messenger/v3/accounts/7/chats/c/messages/", [{"id": "m1"}, None, {"text": "no id"}])
    page = await messages(client(), "c", 0, limit=3)
    assert ([row.id for row in page.rows], page.received, page.has_more) == (["m1"], 3, True)


async def test_every_type_of_message_is_read(world: AvitoWorld, sever: Avito) -> None:
    page = await messages(sever, world.accounts[SEVER].inbox.chat_id(0), 0)
    told = {row.type: row.text for row in page.rows[: len(ALL_TYPES)]}
    assert told == {
        "text": "Обычный текст",
        "image": "",
        "link": "example.org",
        "item": "Шкаф",
        "location": "Лесная, 7",
        "call": "",
        "deleted": "",
        "voice": "",
        "system": "Авито: покупателю предложена скидка",
        "appCall": "",
        "file": "",
        "video": "",
    }
    by_type = {row.type: row.content for row in page.rows}
    assert by_type["voice"] == {"voice": {"voice_id": "voice-1"}}
    assert by_type["call"]["call"]["status"] == "missed"


async def test_long_letter_comes_whole(world: AvitoWorld, sever: Avito) -> None:
    page = await messages(sever, world.accounts[SEVER].inbox.chat_id(4), 0)
    assert max(len(row.text) for row in page.rows) >= LETTER - 100


async def test_contents_of_nothing_are_no_words(world: AvitoWorld, sever: Avito) -> None:
    page = await messages(sever, world.accounts[SEVER].inbox.chat_id(7), 0)
    assert [row.text for row in page.rows[:4]] == [""] * 4


async def test_characters_nobody_can_keep_are_replaced(world: AvitoWorld, sever: Avito) -> None:
    page = await messages(sever, world.accounts[SEVER].inbox.chat_id(8), 0)
    odd = next(row.text for row in page.rows if "разметка" in row.text)
    assert "\x00" not in odd
    assert "�" in odd


async def found(world: AvitoWorld, avito: Avito, number: int) -> Chat:
    wanted = world.accounts[SEVER].inbox.chat_id(number)
    page = await chats(avito, 0)
    return next(chat for chat in page.rows if chat.id == wanted)


async def test_chat_between_people_is_about_nothing(world: AvitoWorld, sever: Avito) -> None:
    chat = await found(world, sever, WITHOUT_ITEM)
    assert (chat.item_id, chat.item_title, chat.item_price, chat.item_url) == (None, "", "", "")


async def test_buyer_may_be_missing(world: AvitoWorld, sever: Avito) -> None:
    chat = await found(world, sever, UNKNOWN_BUYER)
    assert {person.id for person in chat.users} <= {SEVER}


async def test_id_with_slash_and_tilde_names_one_chat(world: AvitoWorld, sever: Avito) -> None:
    chat = world.accounts[SEVER].inbox.chat_id(SLASH)
    assert {"/", "~", "?", "%"} <= set(chat)
    assert (await messages(sever, chat, 0)).received == world.accounts[SEVER].inbox.total(SLASH)


@pytest.mark.parametrize("chat_id", ["u2i-Ab~1", "a/b", "../../self", "a?b=c#d", "a%2Fb", "a b", "чат"])
async def test_ids_are_quoted_into_one_part_of_the_path(said: Said, client: Make, chat_id: str) -> None:
    with pytest.raises(AvitoError):
        await messages(client(), chat_id, 0)
    path = urlsplit(said.asked()[0].path).path
    assert path.count("/") == "/messenger/v3/accounts/7/chats/x/messages/".count("/")
    assert unquote(path.split("/")[6]) == chat_id


async def test_nothing_marks_a_chat_as_read(world: AvitoWorld, sever: Avito) -> None:
    inbox = world.accounts[SEVER].inbox
    for number in range(5):
        await messages(sever, inbox.chat_id(number), 0)
    await chats(sever, 0)
    assert {call.http for call in world.calls if call.method != "token"} == {"GET"}
    assert world.count("read") == 0


def test_no_method_can_mark_anything() -> None:
    ours = [method for method in vars(methods).values() if isinstance(method, methods.Method)]
    assert not any(part in ("read", "webhook", "blacklist") for one in ours for part in one.path.split("/"))
    assert all(one.verb == "GET" for one in ours if one.section is Section.MESSENGER)


async def test_employees_keys_see_no_chats(world: AvitoWorld, client: Make) -> None:
    avito = client(keys_in(world, POLKA))
    assert (await chats(avito, 0)).rows == ()
    with pytest.raises(AvitoError) as caught:
        await messages(avito, world.accounts[POLKA].inbox.chat_id(0), 0)
    assert caught.value.kind is Kind.NO_ACCESS


async def test_voices_have_links(sever: Avito) -> None:
    links = await voice_links(sever, ["voice-1", "voice-2", "voice-1"])
    assert sorted(links) == ["voice-1", "voice-2"]
    assert all(link.startswith("https://voice.example.org/") for link in links.values())


@pytest.mark.parametrize(("voices", "asked"), [(0, 0), (50, 1), (51, 2)])
async def test_voices_are_asked_for_fifty_at_once(world: AvitoWorld, sever: Avito, voices: int, asked: int) -> None:
    assert len(await voice_links(sever, [f"v{n}" for n in range(voices)])) == voices
    assert world.count("voices") == asked


def test_words_and_names_stay_out_of_repr() -> None:
    message = Message("m1", 8, None, "in", "text", "Мой адрес", {"text": "Мой адрес"})
    assert "адрес" not in repr(Chat("c", None, None, (), last_message=message))
