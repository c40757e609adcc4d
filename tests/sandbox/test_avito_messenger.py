"""Chats and messages of the Avito fake: every kind of them, pages, ceilings, and no memory used up."""

import asyncio
import itertools
import tracemalloc
from typing import Any

import pytest

from sandbox.avito import POLKA, REMONT, SEVER
from sandbox.avito.inbox import FROM_AVITO, LETTER, SLASH, UNKNOWN_BUYER, WITHOUT_ITEM, Inbox

from .avito_client import Avito, Seller

CHATS = "/messenger/v2/accounts/{uid}/chats"
CHAT = CHATS + "/{chat_id}"
MESSAGES = "/messenger/v3/accounts/{uid}/chats/{chat_id}/messages/"
READ = "/messenger/v1/accounts/{uid}/chats/{chat_id}/read"
VOICES = "/messenger/v1/accounts/{uid}/getVoiceFiles"
ALL = {"chat_types": "u2i,u2u,a2u"}
MANY = 95_000_001


async def chats(seller: Seller, **query: Any) -> list[dict[str, Any]]:
    answer = await seller.get(CHATS, query)
    assert answer.status == 200, answer
    rows: list[dict[str, Any]] = answer.body["chats"]
    return rows


async def messages(seller: Seller, chat_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = await seller.get(MESSAGES, query, chat_id=chat_id)
    assert answer.status == 200, answer
    rows: list[dict[str, Any]] = answer.body["messages"]
    return rows


async def odd(sever: Seller, n: int) -> list[dict[str, Any]]:
    """The messages of one of the chats that are not like the others."""
    return await messages(sever, sever.avito.world.accounts[SEVER].inbox.chat_id(n))


# --- lists --------------------------------------------------------------------------------------------------


async def test_chats_come_the_newest_first(sever: Seller) -> None:
    times = [chat["updated"] for chat in await chats(sever, **ALL)]
    assert len(times) == 40
    assert times == sorted(times, reverse=True)


async def test_unless_told_otherwise_chats_are_about_items(sever: Seller) -> None:
    rows = await chats(sever)
    assert {chat["id"][:3] for chat in rows} == {"u2i"}
    assert len(rows) == 37


@pytest.mark.parametrize(("kind", "count"), [("u2u", 2), ("a2u", 1), ("u2i,u2u", 39)])
async def test_chats_of_some_kinds_are_told_alone(sever: Seller, kind: str, count: int) -> None:
    assert len(await chats(sever, chat_types=kind)) == count


async def test_kinds_may_be_repeated_parameters(sever: Seller) -> None:
    answer = await sever.avito.ask(
        "GET",
        sever.avito.url + f"/messenger/v2/accounts/{SEVER}/chats?chat_types=u2u&chat_types=a2u",
        headers={"Authorization": f"Bearer {sever.token}"},
    )
    assert len(answer.body["chats"]) == 3


async def test_unread_chats_are_told_alone(sever: Seller) -> None:
    rows = await chats(sever, unread_only="true", **ALL)
    assert 0 < len(rows) < 40
    for chat in rows:
        assert not (await messages(sever, chat["id"]))[0]["is_read"]


async def test_chats_about_some_items_are_told_alone(sever: Seller) -> None:
    item = (await chats(sever))[0]["context"]["value"]["id"]
    rows = await chats(sever, item_ids=f"{item},1")
    assert rows
    assert {chat["context"]["value"]["id"] for chat in rows} == {item}


async def test_pages_say_whether_there_is_more(sever: Seller) -> None:
    pages = [(await sever.get(CHATS, {"limit": 25, "offset": offset, **ALL})).body for offset in (0, 25, 50)]
    assert [(len(page["chats"]), page["meta"]["has_more"]) for page in pages] == [(25, True), (15, False), (0, False)]


async def test_a_chat_is_the_same_by_itself(sever: Seller) -> None:
    for chat in (await chats(sever, **ALL))[:10]:
        assert (await sever.get(CHAT, chat_id=chat["id"])).body == chat


async def test_the_last_message_is_the_newest(sever: Seller) -> None:
    for chat in (await chats(sever, **ALL))[:10]:
        newest = (await messages(sever, chat["id"]))[0]
        assert chat["last_message"]["id"] == newest["id"]
        assert chat["updated"] == newest["created"]


# --- odd ones -----------------------------------------------------------------------------------------------


async def test_one_chat_has_every_type_of_message(sever: Seller) -> None:
    types = {message["type"] for message in await odd(sever, 0)}
    documented = {"text", "image", "link", "item", "location", "call", "deleted", "voice", "system"}
    assert types == documented | {"appCall", "file", "video"}


@pytest.mark.parametrize("n", [WITHOUT_ITEM, FROM_AVITO])
async def test_a_chat_may_have_no_item(sever: Seller, n: int) -> None:
    inbox = sever.avito.world.accounts[SEVER].inbox
    assert "context" not in (await sever.get(CHAT, chat_id=inbox.chat_id(n))).body


async def test_a_buyer_may_be_unknown(sever: Seller) -> None:
    inbox = sever.avito.world.accounts[SEVER].inbox
    chat = (await sever.get(CHAT, chat_id=inbox.chat_id(UNKNOWN_BUYER))).body
    assert [user["id"] for user in chat["users"]] == [SEVER]
    authors = {message["author_id"] for message in await odd(sever, UNKNOWN_BUYER)}
    assert authors - {SEVER}


async def test_ids_have_signs_that_must_be_quoted(sever: Seller) -> None:
    ids = [chat["id"] for chat in await chats(sever, **ALL)]
    assert all("~" in one for one in ids)
    (slashed,) = (one for one in ids if "/" in one)
    assert sever.avito.world.accounts[SEVER].inbox.place(slashed) == SLASH
    assert await messages(sever, slashed)


async def test_a_text_may_be_a_formula(sever: Seller) -> None:
    texts = [message["content"]["text"] for message in await odd(sever, 2)]
    assert [text[0] for text in texts[:4]] == ["=", "+", "-", "@"]
    assert texts[0].startswith("=HYPERLINK(")


async def test_a_text_may_be_longer_than_a_cell(sever: Seller) -> None:
    assert len((await odd(sever, 4))[0]["content"]["text"]) >= LETTER


async def test_a_text_may_be_emoji_or_control_characters(sever: Seller) -> None:
    assert "👨‍👩‍👧‍👦" in (await odd(sever, 3))[0]["content"]["text"]
    assert "\x07\x00" in (await odd(sever, 8))[0]["content"]["text"]


async def test_content_may_be_null_all_through(sever: Seller) -> None:
    contents = [message["content"] for message in (await odd(sever, 7))[:4]]
    assert contents == [None, {"text": None}, {"image": None}, {"voice": None}]


# --- messages -----------------------------------------------------------------------------------------------


async def test_messages_come_the_newest_first(sever: Seller) -> None:
    times = [message["created"] for message in await odd(sever, 10)]
    assert times == sorted(times, reverse=True)


async def test_messages_may_come_the_oldest_first(avito: Avito, sever: Seller) -> None:
    newest_first = await odd(sever, 10)
    avito.world.behave(messages_order="oldest")
    assert await odd(sever, 10) == newest_first[::-1]


async def test_messages_may_be_a_bare_list(avito: Avito, sever: Seller) -> None:
    wrapped = await odd(sever, 10)
    avito.world.behave(messages="bare")
    chat_id = avito.world.accounts[SEVER].inbox.chat_id(10)
    assert (await sever.get(MESSAGES, chat_id=chat_id)).body == wrapped


async def test_both_of_them_talk(sever: Seller) -> None:
    rows = await odd(sever, 10)
    for message in rows:
        assert (message["direction"] == "out") is (message["author_id"] == SEVER)
    assert {message["direction"] for message in rows} == {"in", "out"}


async def test_some_messages_quote_the_one_before(sever: Seller) -> None:
    quotes = 0
    for n in range(10, 20):
        rows = await odd(sever, n)
        for message, before in itertools.pairwise(rows):
            if message["quote"]:
                quotes += 1
                assert message["quote"] == {name: before[name] for name in message["quote"]}
    assert quotes


async def test_a_new_chat_moves_the_others_down(avito: Avito, sever: Seller) -> None:
    before = await chats(sever, limit=3)
    avito.world.accounts[SEVER].inbox.arrive(2)
    after = await chats(sever, limit=5)
    assert after[2:] == before
    assert after[0]["updated"] > after[1]["updated"] > before[0]["updated"]
    assert (await sever.get(CHAT, chat_id=after[0]["id"])).body == after[0]


async def test_a_new_message_moves_the_others_down(avito: Avito, sever: Seller) -> None:
    inbox = avito.world.accounts[SEVER].inbox
    before, chat_id = await odd(sever, 10), inbox.chat_id(10)
    inbox.write(10, 2)
    after = await odd(sever, 10)
    assert after[2:] == before
    chat = (await sever.get(CHAT, chat_id=chat_id)).body
    assert (chat["last_message"]["id"], chat["updated"]) == (after[0]["id"], after[0]["created"])
    last = await sever.get(MESSAGES, {"offset": len(after) - 1}, chat_id=chat_id)
    assert (len(last.body["messages"]), last.body["meta"]) == (1, {"has_more": False})


async def test_the_1100th_message_is_the_last_to_be_had(avito: Avito) -> None:
    avito.world.fill(MANY, chats=3, long={1: 1500})
    seller, chat_id = await avito.seller(MANY), avito.world.accounts[MANY].inbox.chat_id(1)
    found = [await messages(seller, chat_id, offset=offset) for offset in range(0, 1001, 100)]
    assert len({message["id"] for page in found for message in page}) == 1100
    last = await seller.get(MESSAGES, {"offset": 1000}, chat_id=chat_id)
    assert last.body["meta"] == {"has_more": True}
    assert (await seller.get(MESSAGES, {"offset": 1001}, chat_id=chat_id)).status == 400


async def test_more_than_1100_chats_are_to_be_had_by_their_items(avito: Avito) -> None:
    avito.world.fill(MANY, chats=1300, messages=1, items=4)
    seller = await avito.seller(MANY)
    found = [await chats(seller, offset=offset) for offset in range(0, 1001, 100)]
    assert len({chat["id"] for page in found for chat in page}) == 1100
    counts = []
    for item in avito.world.accounts[MANY].stock.items:
        pages = [await chats(seller, offset=offset, item_ids=item.id) for offset in range(0, 701, 100)]
        counts.append(sum(map(len, pages)))
    assert sum(counts) == 1300


@pytest.mark.parametrize("path", [CHATS, MESSAGES], ids=["chats", "messages"])
@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 101}, {"offset": 1001}, {"offset": -1}, {"page": 2}], ids=str
)
async def test_a_page_that_is_not_right_is_refused(sever: Seller, path: str, query: dict[str, int]) -> None:
    assert (await sever.get(path, query, chat_id="x")).status == 400


@pytest.mark.parametrize("query", [{"chat_types": "u2x"}, {"unread_only": "yes"}, {"item_ids": "one"}], ids=str)
async def test_a_filter_that_is_not_right_is_refused(sever: Seller, query: dict[str, str]) -> None:
    assert (await sever.get(CHATS, query)).status == 400


@pytest.mark.parametrize("path", [CHAT, MESSAGES], ids=["chat", "messages"])
async def test_a_chat_that_is_not_there_is_404(sever: Seller, path: str) -> None:
    assert (await sever.get(path, chat_id="u2i-none~_3")).status == 404


async def test_reading_leaves_a_chat_unread(sever: Seller) -> None:
    (first, *_) = await chats(sever, unread_only="true")
    for _ in range(2):
        assert not (await messages(sever, first["id"]))[0]["is_read"]
    assert sever.avito.world.count("read") == 0


async def test_marking_as_read_is_recorded(sever: Seller) -> None:
    chat = (await chats(sever))[0]
    assert (await sever.post(READ, chat_id=chat["id"])).body == {"ok": True}
    assert sever.avito.world.count("read", uid=SEVER) == 1


async def test_voices_have_links_for_an_hour(sever: Seller) -> None:
    urls = (await sever.get(VOICES, {"voice_ids": "voice-1,voice-2"})).body["voices_urls"]
    until = int(sever.avito.world.now().timestamp()) + 3600
    assert urls == {name: f"https://voice.example.org/{name}.mp4?until={until}" for name in ("voice-1", "voice-2")}
    assert (await sever.get(VOICES)).status == 400


# --- who may --------------------------------------------------------------------------------------------------


async def test_without_the_subscription_every_method_is_402(avito: Avito) -> None:
    remont = await avito.seller(REMONT)
    chat_id = avito.world.accounts[REMONT].inbox.chat_id(0)
    assert [(await remont.get(path, chat_id=chat_id)).status for path in (CHATS, CHAT, MESSAGES, VOICES)] == [402] * 4


async def test_an_employee_sees_no_chats_and_may_read_none(avito: Avito) -> None:
    polka, inbox = await avito.seller(POLKA), avito.world.accounts[POLKA].inbox
    assert (await polka.get(CHATS)).body == {"chats": [], "meta": {"has_more": False}}
    assert (await polka.get(MESSAGES, chat_id=inbox.chat_id(0))).status == 403


# --- many of them ---------------------------------------------------------------------------------------------


def test_a_hundred_thousand_messages_take_no_memory() -> None:
    tracemalloc.start()
    inbox = Inbox(MANY, chats=1100, messages=100)
    for n in range(0, 1100, 50):
        assert len(inbox.thread(n, 0, 100)) == 100
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000  # bytes; all of the messages would be a hundred times as much


async def test_a_chat_may_begin_only_when_it_is_long(avito: Avito) -> None:
    avito.world.fill(MANY, chats=2, messages=0)
    seller = await avito.seller(MANY)
    first, second = await asyncio.gather(chats(seller), messages(seller, avito.world.accounts[MANY].inbox.chat_id(0)))
    assert ([chat["last_message"] for chat in first], second) == ([None, None], [])
