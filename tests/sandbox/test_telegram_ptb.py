"""python-telegram-bot against the fake: the library the project itself uses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, MessageEntity, Update
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter
from telegram.request import HTTPXRequest

from sandbox.server import Sandbox, serve
from sandbox.telegram.files import KINDS, Upload

ANNA, TEAM = 101, -1001000000002
GO = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A strict one: whatever the library sends must be in the description of the API."""
    async with serve(limits=False, strict=True) as running:
        yield running


@pytest_asyncio.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    patient: dict[str, Any] = dict.fromkeys(("read_timeout", "write_timeout", "connect_timeout", "pool_timeout"), 60.0)
    made = Bot(
        "1000:sandbox-token",
        base_url=f"{sandbox.url}/bot",
        base_file_url=f"{sandbox.url}/file/bot",
        request=HTTPXRequest(connection_pool_size=4, **patient),
        get_updates_request=HTTPXRequest(connection_pool_size=1, **patient),
    )
    async with made:
        yield made


async def test_messages_with_entities_and_buttons_come_and_go(sandbox: Sandbox, bot: Bot) -> None:
    bold = MessageEntity(MessageEntity.BOLD, 0, 5)
    message = await bot.send_message(ANNA, "Hello there", entities=[bold], reply_markup=GO)
    sandbox.world.press(ANNA, message.message_id, "go")
    raw = await bot.get_updates(timeout=1)
    assert message.entities == (bold,)
    assert raw[0].callback_query is not None
    assert await raw[0].callback_query.answer("ok")
    edited = await bot.edit_message_text("Bye", chat_id=ANNA, message_id=message.message_id)
    assert isinstance(edited, type(message))
    assert edited.reply_markup is None


@pytest.mark.filterwarnings("ignore:Please use 'Bot.get_updates'")
async def test_raw_updates_keep_what_the_library_does_not_know(sandbox: Sandbox, bot: Bot) -> None:
    await bot.do_api_request(
        "sendMessageDraft", api_kwargs={"chat_id": ANNA, "draft_id": 4, "text": "Th", "can_stop": True}
    )
    sandbox.world.stop_draft(ANNA, 4)
    raw = await bot.do_api_request("getUpdates", api_kwargs={"offset": 0, "timeout": 1})
    assert isinstance(raw, list)
    update = Update.de_json(raw[0], bot)
    assert update.api_kwargs["stopped_message_generation"]["draft_id"] == 4


async def test_files_go_up_and_come_down(bot: Bot) -> None:
    message = await bot.send_document(ANNA, InputFile(b"text", "a.txt"))
    assert message.document is not None
    file = await bot.get_file(message.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"text"


async def test_every_kind_of_file_of_a_person_can_be_read(sandbox: Sandbox, bot: Bot) -> None:
    for kind in KINDS:
        sandbox.world.say(ANNA, file=(kind, Upload(kind, "", b"x")), forward_from=TEAM)
    messages = [update.message for update in await bot.get_updates(timeout=1)]
    assert [message and message.effective_attachment is not None for message in messages] == [True] * len(KINDS)


async def test_errors_become_the_librarys_exceptions(sandbox: Sandbox, bot: Bot) -> None:
    world = sandbox.world
    old = world.add_chat("group", "Old", members={ANNA: "creator", 1000: "member"})
    new = world.migrate(old.id)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(old.id, "x")
    assert moved.value.new_chat_id == new.id
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(5, "x")
    world.block(ANNA)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ANNA, "x")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("429", RetryAfter),
        ("409", Conflict),
        ("401", InvalidToken),
        ("500", NetworkError),
        ("502_html", NetworkError),
        ("cut", NetworkError),
    ],
)
@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")
async def test_faults_become_the_librarys_exceptions(
    sandbox: Sandbox, bot: Bot, kind: str, error: type[Exception]
) -> None:
    sandbox.world.faults.add([{"method": "sendMessage", "kind": kind, "retry_after": 3}])
    with pytest.raises(error):
        await bot.send_message(TEAM, "x")
