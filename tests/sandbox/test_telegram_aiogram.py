"""A second client, aiogram, against the fake: what a foreign library expects of Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sandbox.server import Sandbox, serve
from sandbox.telegram.files import Upload

ANNA, BORIS, TEAM, NEWS = 101, 102, -1001000000002, -1001000000003
TOKEN = "1000:sandbox-token"

if TYPE_CHECKING:
    import aiogram


@pytest.fixture(scope="module", autouse=True)
def _aiogram() -> None:
    """It takes eight seconds to import: by the one process that runs these tests, not by all that collect them."""
    global aiogram
    import aiogram


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A strict one: whatever the library sends must be in the description of the API."""
    async with serve(limits=False, strict=True) as running:
        yield running


@pytest_asyncio.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[aiogram.Bot]:
    session = aiogram.client.session.aiohttp.AiohttpSession(
        api=aiogram.client.telegram.TelegramAPIServer.from_base(sandbox.url)
    )
    async with aiogram.Bot(TOKEN, session=session) as made:
        yield made


async def test_the_bot_knows_who_it_is(bot: aiogram.Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.username, me.can_read_all_group_messages) == (1000, "sekretar_bot", False)


async def test_a_message_is_sent_answered_and_edited(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    question = sandbox.world.say(ANNA, "hi").message
    reply = aiogram.types.ReplyParameters(message_id=question["message_id"])
    message = await bot.send_message(
        ANNA, "<b>Hello</b>", parse_mode=aiogram.enums.ParseMode.HTML, reply_parameters=reply
    )
    edited = await bot.edit_message_text("Bye", chat_id=ANNA, message_id=message.message_id)
    assert message.reply_to_message is not None
    assert message.reply_to_message.text == "hi"
    assert message.entities is not None
    assert message.entities[0].type == "bold"
    assert isinstance(edited, aiogram.types.Message)
    assert (edited.text, edited.edit_date is not None) == ("Bye", True)


async def test_the_bots_default_parse_mode_is_understood(sandbox: Sandbox) -> None:
    session = aiogram.client.session.aiohttp.AiohttpSession(
        api=aiogram.client.telegram.TelegramAPIServer.from_base(sandbox.url)
    )
    defaults = aiogram.client.default.DefaultBotProperties(parse_mode=aiogram.enums.ParseMode.MARKDOWN_V2)
    async with aiogram.Bot(TOKEN, session=session, default=defaults) as bot:
        message = await bot.send_message(ANNA, "*bold* and `code`\\.")
    assert message.text == "bold and code."


async def test_a_dispatcher_polls_and_answers_commands_and_presses(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    world, dispatcher = sandbox.world, aiogram.Dispatcher()

    async def on_start(message: aiogram.types.Message) -> None:
        go = aiogram.types.InlineKeyboardButton(text="Go", callback_data="go")
        await message.answer("Welcome", reply_markup=aiogram.types.InlineKeyboardMarkup(inline_keyboard=[[go]]))

    async def on_press(query: aiogram.types.CallbackQuery) -> None:
        await query.answer("Going")
        assert isinstance(query.message, aiogram.types.Message)
        await query.message.edit_text("Gone")

    dispatcher.message.register(on_start, aiogram.filters.Command("start"))
    dispatcher.callback_query.register(on_press, aiogram.F.data == "go")
    running = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5))
    world.say(ANNA, "/start")
    await world.wait_for(lambda: world.calls("sendMessage"))
    welcome = [m for m in world.chat(ANNA).messages.values() if m.get("text") == "Welcome"]
    world.press(ANNA, welcome[0]["message_id"], "go")
    edited = await world.wait_for(lambda: world.calls("editMessageText"))
    await dispatcher.stop_polling()
    await running
    assert edited[0].ok
    assert world.calls("answerCallbackQuery")[0].params["text"] == "Going"
    assert world.chat(ANNA).messages[welcome[0]["message_id"]]["text"] == "Gone"


async def test_every_kind_of_update_of_a_day_can_be_read(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    world = sandbox.world
    await bot.get_updates(timeout=0, allowed_updates=[])
    file = Upload("a.txt", "text/plain", b"text")
    world.say(ANNA, "see", file=("document", file))
    world.say(ANNA, "fwd", forward_from=BORIS)
    said = world.say(ANNA, "teh").message
    world.edit(ANNA, said["message_id"], "the")
    world.say(100, "news", NEWS)
    world.block(ANNA)
    world.member(TEAM, 1000, "administrator", by=100)
    world.member(TEAM, BORIS, "left")
    old = world.add_chat("group", "Old", members={ANNA: "creator", 1000: "member"})
    world.migrate(old.id)
    kinds = [update.event_type for update in await bot.get_updates(timeout=0, offset=100_000_001)]
    assert kinds == [
        "message",
        "message",
        "message",
        "edited_message",
        "channel_post",
        "my_chat_member",
        "my_chat_member",
        "message",
        "message",
        "message",
    ]


async def test_drafts_stop_and_rich_messages(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    assert await bot.send_message_draft(ANNA, 5, text="Thin", can_stop=True, keep_on_stop=True)
    sandbox.world.stop_draft(ANNA, 5)
    update = (await bot.get_updates(timeout=0))[0]
    rich = await bot.send_rich_message(ANNA, rich_message=aiogram.types.InputRichMessage(markdown="# Title\n\ntext"))
    assert update.stopped_message_generation is not None
    assert update.stopped_message_generation.draft_id == 5
    assert rich.rich_message is not None
    assert [block.type for block in rich.rich_message.blocks] == ["heading", "paragraph"]
    assert sandbox.world.chat(ANNA).drafts == {}


async def test_files_go_up_and_come_down(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    sent = await bot.send_document(ANNA, aiogram.types.BufferedInputFile("отчёт".encode(), "r.txt"), caption="read")
    assert sent.document is not None
    loaded = await bot.download(sent.document)
    assert loaded is not None
    assert loaded.read().decode() == "отчёт"
    again = await bot.send_document(BORIS, sent.document.file_id)
    assert again.document is not None
    assert again.document.file_unique_id == sent.document.file_unique_id


async def test_an_album_goes_up(bot: aiogram.Bot) -> None:
    media = [
        aiogram.types.InputMediaDocument(media=aiogram.types.BufferedInputFile(b"x", f"{n}.txt"), caption=str(n))
        for n in range(3)
    ]
    messages = await bot.send_media_group(ANNA, list(media))
    assert len({message.media_group_id for message in messages}) == 1
    assert [message.caption for message in messages] == ["0", "1", "2"]


async def test_a_poll_is_sent_voted_and_stopped(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    options: list[aiogram.types.InputPollOption | str] = [
        aiogram.types.InputPollOption(text="yes"),
        aiogram.types.InputPollOption(text="no"),
    ]
    message = await bot.send_poll(TEAM, "?", options, is_anonymous=False)
    sandbox.world.vote(ANNA, message.message_id, [0], TEAM)
    answer = (await bot.get_updates(timeout=0))[0].poll_answer
    stopped = await bot.stop_poll(TEAM, message.message_id)
    assert answer is not None
    assert answer.option_ids == [0]
    assert (stopped.is_closed, stopped.options[0].voter_count) == (True, 1)


async def test_commands_are_published_per_scope(bot: aiogram.Bot) -> None:
    commands = [aiogram.types.BotCommand(command="help", description="what I can do")]
    scope = aiogram.types.BotCommandScopeAllPrivateChats()
    await bot.set_my_commands(commands, scope=scope, language_code="en")
    found = await bot.get_my_commands(scope=scope, language_code="en")
    assert [(row.command, row.description) for row in found] == [("help", "what I can do")]
    await bot.delete_my_commands(scope=scope, language_code="en")
    assert await bot.get_my_commands(scope=scope, language_code="en") == []


async def test_chats_and_members_can_be_read(bot: aiogram.Bot) -> None:
    team = await bot.get_chat(TEAM)
    person = await bot.get_chat(ANNA)
    leaders = await bot.get_chat_administrators(-1001000000001)
    assert (team.type, team.title, person.first_name) == ("supergroup", "Команда", "Анна")
    assert {leader.status for leader in leaders} == {"creator", "administrator"}
    assert (await bot.get_chat_member(TEAM, ANNA)).status == "member"
    assert await bot.set_message_reaction(
        ANNA, (await bot.send_message(ANNA, "x")).message_id, reaction=[aiogram.types.ReactionTypeEmoji(emoji="👍")]
    )


async def test_too_many_requests_say_how_long_to_wait(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    sandbox.world.faults.add([{"method": "sendMessage", "kind": "429", "retry_after": 9}])
    with pytest.raises(aiogram.exceptions.TelegramRetryAfter) as caught:
        await bot.send_message(ANNA, "x")
    assert caught.value.retry_after == 9


async def test_the_flood_limits_are_a_retry_after_too(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    sandbox.world.limits.configure(enabled=True)
    sandbox.world.limits.clock = lambda: 1000.0
    for _ in range(3):
        await bot.send_message(ANNA, "x")
    with pytest.raises(aiogram.exceptions.TelegramRetryAfter):
        await bot.send_message(ANNA, "x")


async def test_an_upgraded_group_says_its_new_id(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    old = sandbox.world.add_chat("group", "Old", members={ANNA: "creator", 1000: "member"})
    new = sandbox.world.migrate(old.id)
    with pytest.raises(aiogram.exceptions.TelegramMigrateToChat) as caught:
        await bot.send_message(old.id, "x")
    assert caught.value.migrate_to_chat_id == new.id


async def test_a_blocked_bot_is_forbidden(sandbox: Sandbox, bot: aiogram.Bot) -> None:
    sandbox.world.block(ANNA)
    with pytest.raises(aiogram.exceptions.TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(ANNA, "x")


async def test_an_unchanged_edit_is_a_bad_request(bot: aiogram.Bot) -> None:
    message = await bot.send_message(ANNA, "x")
    with pytest.raises(aiogram.exceptions.TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("x", chat_id=ANNA, message_id=message.message_id)


async def test_polling_beside_a_webhook_is_a_conflict(bot: aiogram.Bot) -> None:
    await bot.set_webhook("http://127.0.0.1:9/hook", secret_token="s")
    with pytest.raises(aiogram.exceptions.TelegramConflictError):
        await bot.get_updates(timeout=0)
    assert (await bot.get_webhook_info()).url == "http://127.0.0.1:9/hook"
    assert await bot.delete_webhook()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("500", "TelegramServerError"),
        ("502_html", "ClientDecodeError"),
        ("401", "TelegramUnauthorizedError"),
        ("cut", "TelegramNetworkError"),
        ("cut_after", "TelegramNetworkError"),
    ],
)
async def test_trouble_on_the_way_is_told_apart(sandbox: Sandbox, bot: aiogram.Bot, kind: str, error: str) -> None:
    sandbox.world.faults.add([{"method": "sendMessage", "kind": kind}])
    with pytest.raises(getattr(aiogram.exceptions, error)):
        await bot.send_message(ANNA, "x")
