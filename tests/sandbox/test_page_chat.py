"""The chat page in Chromium: a person on one side, a bot that speaks the Bot API on the other."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from sandbox.server import Sandbox, serve
from sandbox.telegram.files import Upload
from tests.acceptance.processes import free_port
from tests.chromium import CHROMIUM, FLAGS, needs_chromium

OLGA, ANNA, BORIS = 100, 101, 102
ADMINS, TEAM, NEWS = -1001000000001, -1001000000002, -1001000000003
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)

# Milliseconds until the page shows what was awaited: a busy machine is no failure.
expect.set_options(timeout=60_000)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    needs_chromium,
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serve(limits=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(browser: Browser) -> AsyncIterator[tuple[Page, list[str]]]:
    """A window, which takes longer to open than a page to load; and what its console called errors."""
    context = await browser.new_context(locale="ru-RU")
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened, complaints
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(window: tuple[Page, list[str]], sandbox: Sandbox) -> AsyncIterator[Page]:
    """The page as a newcomer with a wide screen opens it; an error in its console fails the test."""
    opened, complaints = window
    complaints.clear()
    await opened.set_viewport_size({"width": 1440, "height": 900})
    await opened.goto(sandbox.url)
    await opened.get_by_test_id("pane-right").wait_for()
    yield opened
    await opened.evaluate("localStorage.clear()")  # another sandbox may get this port
    await opened.goto("about:blank")
    assert [line for line in complaints if "ERR_" not in line] == []


async def bot(sandbox: Sandbox, method: str, **params: Any) -> Any:
    """One call of the bot; its result."""
    url = f"{sandbox.url}/bot{sandbox.world.token}/{method}"
    async with aiohttp.ClientSession() as client, client.post(url, json=params) as response:
        answer = await response.json()
    assert answer["ok"], answer
    return answer["result"]


async def heard(sandbox: Sandbox, kind: str) -> dict[str, Any]:
    """The next update of that kind; the ones before it are confirmed and forgotten."""
    offset = 0
    for _ in range(10):
        for update in await bot(sandbox, "getUpdates", offset=offset, timeout=5):
            offset = update["update_id"] + 1
            if kind in update:
                await bot(sandbox, "getUpdates", offset=offset, timeout=0)
                return dict(update[kind])
    raise AssertionError(f"the bot heard no {kind}")


def left(page: Page, testid: str) -> Locator:
    return page.get_by_test_id("pane-left").get_by_test_id(testid)


def right(page: Page, testid: str) -> Locator:
    return page.get_by_test_id("pane-right").get_by_test_id(testid)


async def write(page: Page, text: str) -> None:
    await left(page, "composer").fill(text)
    await left(page, "composer").press("Enter")


def seen(expected: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
    """Look from now on: what shows for seconds only must not be over before somebody looks."""
    return asyncio.ensure_future(expected)


def keys(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


# --- writing ---------------------------------------------------------------------------------------


async def test_written_text_reaches_the_bot_and_shows_as_own_bubble(page: Page, sandbox: Sandbox) -> None:
    await write(page, "Привет, секретарь")
    assert (await heard(sandbox, "message"))["text"] == "Привет, секретарь"
    await expect(left(page, "message")).to_contain_text("Привет, секретарь")
    await expect(left(page, "message")).to_have_attribute("data-own", "true")
    await expect(left(page, "composer")).to_have_value("")


async def test_shift_enter_starts_a_line_and_the_button_sends(page: Page, sandbox: Sandbox) -> None:
    await left(page, "composer").fill("раз")
    await left(page, "composer").press("Shift+Enter")
    await left(page, "composer").press_sequentially("два")
    await left(page, "send").click()
    assert (await heard(sandbox, "message"))["text"] == "раз\nдва"


async def test_start_button_of_an_untouched_chat_sends_start(page: Page, sandbox: Sandbox) -> None:
    await left(page, "start").click()
    assert (await heard(sandbox, "message"))["text"] == "/start"
    await expect(left(page, "start")).to_be_hidden()


async def test_long_text_arrives_in_several_messages(page: Page, sandbox: Sandbox) -> None:
    await write(page, "слово " * 1000)
    await expect(left(page, "message")).to_have_count(2)
    assert len((await heard(sandbox, "message"))["text"]) <= 4096


async def test_reply_from_the_menu_names_the_message(page: Page, sandbox: Sandbox) -> None:
    said = await bot(sandbox, "sendMessage", chat_id=ANNA, text="Во сколько?")
    await left(page, "message").click(button="right")
    await page.get_by_role("menuitem", name="Ответить").click()
    await write(page, "В десять")
    assert (await heard(sandbox, "message"))["reply_to_message"]["message_id"] == said["message_id"]
    await expect(left(page, "message").last.locator(".quote")).to_contain_text("Во сколько?")


async def test_arrow_up_edits_the_last_own_message(page: Page, sandbox: Sandbox) -> None:
    await write(page, "в деять")
    await expect(left(page, "message")).to_have_count(1)
    await left(page, "composer").press("ArrowUp")
    await expect(left(page, "composer")).to_have_value("в деять")
    await write(page, "в девять")
    assert (await heard(sandbox, "edited_message"))["text"] == "в девять"
    await expect(left(page, "message")).to_contain_text("изменено")


async def test_caption_of_an_own_picture_is_edited_from_the_menu(page: Page, sandbox: Sandbox) -> None:
    sandbox.world.say(ANNA, "Наша дсока", file=("photo", Upload("доска.png", "image/png", PIXEL)))
    await left(page, "message").get_by_text("Наша дсока").click(button="right")
    await page.get_by_role("menuitem", name="Изменить").click()
    await write(page, "Наша доска")
    assert (await heard(sandbox, "edited_message"))["caption"] == "Наша доска"
    await expect(left(page, "message")).to_contain_text("Наша доска")


async def test_attached_picture_is_sent_with_its_caption_and_shown(page: Page, sandbox: Sandbox) -> None:
    picture: Any = {"name": "доска.png", "mimeType": "image/png", "buffer": PIXEL}
    await left(page, "file-input").set_input_files(picture)
    await write(page, "Наша доска")
    message = await heard(sandbox, "message")
    assert (message["photo"][-1]["file_size"], message["caption"]) == (len(PIXEL), "Наша доска")
    shown = left(page, "message").locator("img")
    await expect(shown).to_have_js_property("naturalWidth", 1)


async def test_several_files_go_as_one_album(page: Page, sandbox: Sandbox) -> None:
    files: Any = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": PIXEL} for n in range(3)]
    await left(page, "file-input").set_input_files(files)
    await left(page, "send").click()
    await expect(left(page, "message").locator("img")).to_have_count(3)
    await expect(left(page, "message")).to_have_count(1)


async def test_command_menu_lists_the_bots_commands_and_sends_one(page: Page, sandbox: Sandbox) -> None:
    commands = [{"command": "help", "description": "Что я умею"}, {"command": "new", "description": "Заново"}]
    await bot(sandbox, "setMyCommands", commands=commands)
    await left(page, "command-menu").click()
    await expect(left(page, "command")).to_have_text(["/helpЧто я умею", "/newЗаново"])
    await left(page, "command").last.click()
    assert (await heard(sandbox, "message"))["text"] == "/new"


async def test_typed_slash_narrows_the_commands(page: Page, sandbox: Sandbox) -> None:
    commands = [{"command": "help", "description": "Что я умею"}, {"command": "new", "description": "Заново"}]
    await bot(sandbox, "setMyCommands", commands=commands)
    await expect(left(page, "command-menu")).to_be_visible()
    await left(page, "composer").press_sequentially("/n")
    await expect(left(page, "command")).to_have_count(1)
    await left(page, "composer").press("Enter")
    assert (await heard(sandbox, "message"))["text"] == "/new"


async def test_command_in_a_group_is_addressed_to_the_bot(page: Page, sandbox: Sandbox) -> None:
    await bot(sandbox, "sendMessage", chat_id=TEAM, text="Справка: /help")
    await left(page, "chat-item").and_(page.locator(f"[data-chat-id='{TEAM}']")).click()
    await left(page, "message").get_by_role("button", name="/help").click()
    assert (await heard(sandbox, "message"))["text"] == "/help@sekretar_bot"


# --- what the bot shows ------------------------------------------------------------------------------


async def test_press_of_a_button_reaches_the_bot_and_its_answer_shows(page: Page, sandbox: Sandbox) -> None:
    markup = keys({"text": "Да", "callback_data": "yes"}, {"text": "Нет", "callback_data": "no"})
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="Продолжаем?", reply_markup=markup)
    await expect(left(page, "inline-button")).to_have_text(["Да", "Нет"])
    await left(page, "inline-button").first.click()
    query = await heard(sandbox, "callback_query")
    assert (query["data"], query["from"]["id"]) == ("yes", ANNA)
    await expect(left(page, "inline-button").first).to_have_class(re.compile("pending"))
    toast = seen(expect(left(page, "toast")).to_have_text("Хорошо"))
    await bot(sandbox, "answerCallbackQuery", callback_query_id=query["id"], text="Хорошо")
    await toast
    await expect(left(page, "inline-button").first).not_to_have_class(re.compile("pending"))


async def test_alert_of_an_answer_stays_until_closed(page: Page, sandbox: Sandbox) -> None:
    markup = keys({"text": "Да", "callback_data": "yes"})
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="?", reply_markup=markup)
    await left(page, "inline-button").click()
    query = await heard(sandbox, "callback_query")
    await bot(sandbox, "answerCallbackQuery", callback_query_id=query["id"], text="Уже решено", show_alert=True)
    await expect(left(page, "alert")).to_contain_text("Уже решено")
    await page.keyboard.press("Escape")
    await expect(left(page, "alert")).to_have_count(0)


async def test_edit_replaces_the_text_and_keeps_the_button_alive(page: Page, sandbox: Sandbox) -> None:
    markup = keys({"text": "Стоп", "callback_data": "stop"})
    said = await bot(sandbox, "sendMessage", chat_id=ANNA, text="Пишу", reply_markup=markup)
    button = await left(page, "inline-button").element_handle()
    assert button is not None
    where = {"chat_id": ANNA, "message_id": said["message_id"]}
    await bot(sandbox, "editMessageText", **where, text="Пишу дальше", reply_markup=markup)
    await expect(left(page, "message")).to_contain_text("Пишу дальше")
    await expect(left(page, "message")).to_contain_text("изменено")
    assert await button.evaluate("node => node.isConnected")


async def test_deleted_message_vanishes(page: Page, sandbox: Sandbox) -> None:
    said = await bot(sandbox, "sendMessage", chat_id=ANNA, text="Ошибка")
    await expect(left(page, "message")).to_have_count(1)
    await bot(sandbox, "deleteMessage", chat_id=ANNA, message_id=said["message_id"])
    await expect(left(page, "message")).to_have_count(0)


async def test_entity_after_an_emoji_covers_the_right_words(page: Page, sandbox: Sandbox) -> None:
    entities = [{"type": "bold", "offset": 3, "length": 6}, {"type": "italic", "offset": 6, "length": 3}]
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="👋 жирный и нет", entities=entities)
    await expect(left(page, "message").locator("strong")).to_have_text("жирный")
    await expect(left(page, "message").locator("strong em")).to_have_text("ный")


async def test_overlapping_entities_are_cut_at_the_border(page: Page, sandbox: Sandbox) -> None:
    """A server would not let such entities pass, so a message with them is put into the chat directly."""
    entities = [{"type": "bold", "offset": 0, "length": 4}, {"type": "italic", "offset": 2, "length": 4}]
    said = await bot(sandbox, "sendMessage", chat_id=ANNA, text="абвгде")
    chat = sandbox.world.chat(ANNA)
    sandbox.world.replace(chat, {**chat.messages[said["message_id"]], "entities": entities})
    await expect(left(page, "message").locator("strong")).to_have_text("абвг")
    await expect(left(page, "message").locator("em")).to_have_text(["вг", "де"])


async def test_code_block_shows_its_language_and_copies_its_text(page: Page, sandbox: Sandbox) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = "def f(a):\n    return a < 2"
    entities = [{"type": "pre", "offset": 0, "length": len(code), "language": "python"}]
    await bot(sandbox, "sendMessage", chat_id=ANNA, text=code, entities=entities)
    block = left(page, "message").locator(".pre")
    await expect(block).to_contain_text("python")
    toast = seen(expect(left(page, "toast")).to_be_visible())
    await block.get_by_role("button").click()
    await toast
    assert await page.evaluate("navigator.clipboard.readText()") == code


async def test_spoiler_hides_its_text_until_it_is_pressed(page: Page, sandbox: Sandbox) -> None:
    entities = [{"type": "spoiler", "offset": 0, "length": 6}]
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="секрет", entities=entities)
    spoiler = left(page, "message").locator(".spoiler")
    await expect(spoiler).to_have_css("color", "rgba(0, 0, 0, 0)")
    await spoiler.press("Enter")
    await expect(spoiler).not_to_have_css("color", "rgba(0, 0, 0, 0)")


async def test_markup_in_a_text_stays_text(page: Page, sandbox: Sandbox) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    await bot(sandbox, "sendMessage", chat_id=ANNA, text=evil)
    await expect(left(page, "message")).to_contain_text(evil)
    await expect(left(page, "message").locator("img, script")).to_have_count(0)


async def test_link_that_would_run_a_script_is_no_link(page: Page, sandbox: Sandbox) -> None:
    """No server passes such a link on, so the message is put into the chat directly."""
    said = await bot(sandbox, "sendMessage", chat_id=ANNA, text="нажми сюда")
    chat = sandbox.world.chat(ANNA)
    link = {"type": "text_link", "offset": 0, "length": 5, "url": "javascript:alert(1)"}
    sandbox.world.replace(chat, {**chat.messages[said["message_id"]], "entities": [link], "edit_date": 1})
    await expect(left(page, "message")).to_contain_text("изменено")
    await expect(left(page, "message").locator("a")).to_have_count(0)


async def test_start_link_of_the_bot_is_played_in_the_page(page: Page, sandbox: Sandbox) -> None:
    markup = keys({"text": "Войти", "url": "https://t.me/sekretar_bot?start=invite42"})
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="Приглашение", reply_markup=markup)
    await left(page, "inline-button").click()
    assert (await heard(sandbox, "message"))["text"] == "/start invite42"


async def test_link_to_a_post_shows_it_to_whoever_is_in_the_channel(page: Page, sandbox: Sandbox) -> None:
    post = await bot(sandbox, "sendMessage", chat_id=NEWS, text="Скидка")
    link = f"https://t.me/c/1000000003/{post['message_id']}"
    for person in (ANNA, OLGA):
        await bot(sandbox, "sendMessage", chat_id=person, text=link)
    toast = seen(expect(left(page, "toast")).to_contain_text("Вас нет в этом чате"))
    await left(page, "message").get_by_role("link").click()
    await toast

    await page.get_by_test_id("pane-right").locator(f'[data-testid=chat-item][data-chat-id="{OLGA}"]').click()
    await right(page, "message").get_by_role("link").click()
    await expect(page.get_by_test_id("pane-right")).to_have_attribute("data-chat-id", str(NEWS))
    await expect(right(page, "message")).to_contain_text("Скидка")


async def test_draft_grows_and_vanishes_when_the_message_comes(page: Page, sandbox: Sandbox) -> None:
    await bot(sandbox, "sendMessageDraft", chat_id=ANNA, draft_id=7, text="")
    await expect(left(page, "draft")).to_contain_text("Думает")
    await bot(sandbox, "sendMessageDraft", chat_id=ANNA, draft_id=7, text="Во вторник")
    await expect(left(page, "draft")).to_contain_text("Во вторник")
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="Во вторник утром")
    await expect(left(page, "draft")).to_have_count(0)
    await expect(left(page, "message")).to_contain_text("Во вторник утром")


async def test_stop_on_a_draft_reaches_the_bot(page: Page, sandbox: Sandbox) -> None:
    await bot(sandbox, "sendMessageDraft", chat_id=ANNA, draft_id=7, text="Долгий", can_stop=True)
    await left(page, "stop-draft").click()
    assert (await heard(sandbox, "stopped_message_generation"))["draft_id"] == 7


async def test_typing_shows_until_the_message_comes(page: Page, sandbox: Sandbox) -> None:
    typing = seen(expect(left(page, "typing")).to_contain_text("печатает"))
    await bot(sandbox, "sendChatAction", chat_id=ANNA, action="typing")
    await typing
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="Готово")
    await expect(left(page, "typing")).to_have_count(0)


async def test_reply_keyboard_sends_the_words_on_its_key(page: Page, sandbox: Sandbox) -> None:
    markup = {"keyboard": [[{"text": "Мои напоминания"}]], "resize_keyboard": True}
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="Меню", reply_markup=markup)
    await page.reload()
    await left(page, "reply-button").click()
    assert (await heard(sandbox, "message"))["text"] == "Мои напоминания"


async def test_reply_keyboard_appears_without_a_reload(page: Page, sandbox: Sandbox) -> None:
    markup = {"keyboard": [[{"text": "Мои напоминания"}]], "resize_keyboard": True}
    await bot(sandbox, "sendMessage", chat_id=ANNA, text="Меню", reply_markup=markup)
    await expect(left(page, "reply-button")).to_have_text("Мои напоминания")


async def test_vote_in_a_poll_is_counted(page: Page, sandbox: Sandbox) -> None:
    options = [{"text": "Утром"}, {"text": "Вечером"}]
    await bot(sandbox, "sendPoll", chat_id=TEAM, question="Когда?", options=options)
    await left(page, "chat-item").and_(page.locator(f"[data-chat-id='{TEAM}']")).click()
    await left(page, "poll-option").first.click()
    await expect(left(page, "poll-option").first).to_contain_text("100%")


async def test_pinned_message_shows_above_the_chat(page: Page, sandbox: Sandbox) -> None:
    said = await bot(sandbox, "sendMessage", chat_id=ADMINS, text="Порядок допуска")
    await bot(sandbox, "pinChatMessage", chat_id=ADMINS, message_id=said["message_id"])
    await expect(page.get_by_test_id("pane-right").locator(".pinned")).to_contain_text("Порядок допуска")


async def test_channel_shows_what_a_post_can_be_and_its_owner_pins_and_forwards_it(
    page: Page, sandbox: Sandbox
) -> None:
    await right(page, "chat-item").filter(has_text="Новости").click()
    button = keys({"text": "Купить", "url": "https://example.org"})
    post = await bot(sandbox, "sendMessage", chat_id=NEWS, text="Скидка 20%", reply_markup=button)
    await bot(
        sandbox, "sendPoll", chat_id=NEWS, question="Какой день?", options=[{"text": "Пятница"}, {"text": "Среда"}]
    )
    sandbox.world.react(OLGA, post["message_id"], "👍", NEWS)
    shown = right(page, "message")
    await expect(shown.filter(has_text="Какой день?")).to_contain_text("Среда")
    first = shown.filter(has_text="Скидка 20%").first
    await expect(first).to_contain_text("👍")
    await expect(right(page, "inline-button")).to_contain_text("Купить")

    await first.click(button="right")
    await page.get_by_text("Закрепить", exact=True).click()
    await expect(page.get_by_test_id("pane-right").locator(".pinned")).to_contain_text("Скидка 20%")
    await shown.filter(has_text="Скидка 20%").first.click(button="right")
    await page.get_by_text("Переслать боту").click()
    message = await heard(sandbox, "message")
    assert message["forward_origin"]["message_id"] == post["message_id"]


async def whisper(sandbox: Sandbox, text: str, **more: Any) -> dict[str, Any]:
    """The bot says something in the team's group that only Анна sees."""
    only = {"receiver_user_id": ANNA}
    said = await bot(sandbox, "sendMessage", chat_id=TEAM, text=text, ephemeral_message_parameters=only, **more)
    return dict(said)


async def test_ephemeral_message_shows_to_its_person_alone_until_it_is_taken_away(page: Page, sandbox: Sandbox) -> None:
    await left(page, "chat-item").filter(has_text="Команда").click()
    await right(page, "chat-item").filter(has_text="Команда").click()
    await bot(sandbox, "sendMessage", chat_id=TEAM, text="Для всех")
    said = await whisper(sandbox, "Только для Анны")
    await expect(left(page, "message").last).to_contain_text("Только для Анны")
    await expect(left(page, "message").last).to_contain_text("Видите только вы")
    await expect(right(page, "message").last).to_contain_text("Для всех")

    await page.reload()
    await expect(left(page, "message").last).to_contain_text("Только для Анны")
    place = {"chat_id": TEAM, "receiver_user_id": ANNA, "ephemeral_message_id": said["ephemeral_message_id"]}
    await bot(sandbox, "editEphemeralMessageText", text="Другие слова", **place)
    await expect(left(page, "message").last).to_contain_text("Другие слова")
    await bot(sandbox, "deleteEphemeralMessage", **place)
    await expect(left(page, "message").last).to_contain_text("Для всех")


async def test_button_under_an_ephemeral_message_reaches_the_bot(page: Page, sandbox: Sandbox) -> None:
    await left(page, "chat-item").filter(has_text="Команда").click()
    said = await whisper(sandbox, "Ещё?", reply_markup=keys({"text": "Да", "callback_data": "yes"}))
    await left(page, "inline-button").click()
    query = await heard(sandbox, "callback_query")

    assert (query["data"], query["from"]["id"]) == ("yes", ANNA)
    assert query["message"]["ephemeral_message_id"] == said["ephemeral_message_id"]


async def test_topic_of_a_forum_shows_its_messages_alone(page: Page, sandbox: Sandbox) -> None:
    sandbox.world.add_chat(
        "supergroup",
        "Форум",
        chat_id=-1009,
        members={ANNA: "member", sandbox.world.bot["id"]: "administrator"},
        is_forum=True,
    )
    topic = await bot(sandbox, "createForumTopic", chat_id=-1009, name="Отчёты")
    await bot(sandbox, "sendMessage", chat_id=-1009, text="общее")
    thread = topic["message_thread_id"]
    await bot(sandbox, "sendMessage", chat_id=-1009, text="про отчёт", message_thread_id=thread)
    await left(page, "chat-item").and_(page.locator("[data-chat-id='-1009']")).click()
    await left(page, "topic").filter(has_text="Отчёты").click()
    await expect(left(page, "message").filter(has_text="общее")).to_have_count(0)
    await write(page, "готов")
    assert (await heard(sandbox, "message"))["message_thread_id"] == thread


# --- people and windows ---------------------------------------------------------------------------------


async def test_newcomer_and_admins_group_stand_side_by_side(page: Page) -> None:
    for side, user, chat in (("left", ANNA, ANNA), ("right", OLGA, ADMINS)):
        pane = page.get_by_test_id(f"pane-{side}")
        await expect(pane).to_be_visible()
        await expect(pane).to_have_attribute("data-user-id", str(user))
        await expect(pane).to_have_attribute("data-chat-id", str(chat))


async def test_admin_who_gets_requests_in_private_is_shown_there(browser: Browser) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    async with serve(limits=False, admin_chat=555) as sandbox:
        await page.goto(sandbox.url)
        await expect(page.get_by_test_id("pane-right")).to_have_attribute("data-chat-id", "555")
        await context.close()


async def test_answer_to_a_press_shows_to_the_presser_only(page: Page, sandbox: Sandbox) -> None:
    markup = keys({"text": "Одобрить", "callback_data": "approve"})
    await bot(sandbox, "sendMessage", chat_id=ADMINS, text="Просьба о доступе", reply_markup=markup)
    await right(page, "inline-button").click()
    query = await heard(sandbox, "callback_query")
    assert query["from"]["id"] == OLGA
    toast = seen(expect(right(page, "toast")).to_have_text("Готово"))
    await bot(sandbox, "answerCallbackQuery", callback_query_id=query["id"], text="Готово")
    await toast
    await expect(left(page, "toast")).to_have_count(0)


async def test_another_person_writes_in_the_own_name(page: Page, sandbox: Sandbox) -> None:
    await left(page, "person-select").select_option(str(BORIS))
    await write(page, "Это Борис")
    assert (await heard(sandbox, "message"))["from"]["id"] == BORIS


async def test_unread_messages_are_counted_until_the_chat_is_opened(page: Page, sandbox: Sandbox) -> None:
    for text in ("раз", "два"):
        await bot(sandbox, "sendMessage", chat_id=TEAM, text=text)
    await expect(left(page, "unread")).to_have_text("2")
    await left(page, "chat-item").filter(has=page.get_by_test_id("unread")).click()
    await expect(left(page, "unread")).to_have_count(0)


async def test_unsent_text_waits_in_its_chat(page: Page) -> None:
    await left(page, "composer").fill("не забыть")
    await left(page, "chat-item").last.click()
    await expect(left(page, "composer")).to_have_value("")
    await left(page, "chat-item").first.click()
    await expect(left(page, "composer")).to_have_value("не забыть")


async def test_blocked_bot_hears_of_it_and_can_be_unblocked(page: Page, sandbox: Sandbox) -> None:
    await left(page, "chat-menu").click()
    await page.get_by_role("menuitem", name="Заблокировать бота").click()
    assert (await heard(sandbox, "my_chat_member"))["new_chat_member"]["status"] == "kicked"
    await expect(left(page, "composer")).to_be_hidden()
    await page.get_by_role("button", name="Разблокировать бота").click()
    await expect(left(page, "composer")).to_be_visible()


async def test_owner_of_a_channel_takes_the_bot_out_and_back_as_an_admin(page: Page, sandbox: Sandbox) -> None:
    news = page.get_by_test_id("pane-right").locator(f'[data-testid=chat-item][data-chat-id="{NEWS}"]')
    await news.click()
    for label, status in ("Убрать бота из канала", "kicked"), ("Вернуть бота в канал", "administrator"):
        await right(page, "chat-menu").click()
        await page.get_by_role("menuitem").filter(has_text=label).click()
        change = await heard(sandbox, "my_chat_member")
        assert (change["from"]["id"], change["new_chat_member"]["status"]) == (OLGA, status)


async def test_group_that_becomes_a_supergroup_stays_open(page: Page, sandbox: Sandbox) -> None:
    members = {ANNA: "creator", sandbox.world.bot["id"]: "member"}
    group = sandbox.world.add_chat("group", "Кружок", members=members)
    await left(page, "chat-item").and_(page.locator(f"[data-chat-id='{group.id}']")).click()
    grown = sandbox.world.migrate(group.id)
    await expect(page.get_by_test_id("pane-left")).to_have_attribute("data-chat-id", str(grown.id))


async def test_narrow_screen_shows_one_window_with_tabs(page: Page, sandbox: Sandbox) -> None:
    await page.set_viewport_size({"width": 390, "height": 780})
    await expect(page.get_by_test_id("pane-left")).to_be_visible()
    await expect(page.get_by_test_id("pane-right")).to_be_hidden()
    await bot(sandbox, "sendMessage", chat_id=ADMINS, text="Просьба о доступе")
    await expect(page.get_by_test_id("tab-right")).to_contain_text("1")
    await page.get_by_test_id("tab-right").click()
    await expect(right(page, "message")).to_contain_text("Просьба о доступе")
    await expect(page.get_by_test_id("pane-left")).to_be_hidden()


async def test_narrow_window_goes_back_to_the_list_of_chats(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 780})
    await expect(left(page, "chat-item").first).to_be_hidden()
    await page.get_by_test_id("pane-left").get_by_role("button", name="К списку чатов").click()
    await left(page, "chat-item").filter(has_text="Команда").click()
    await expect(page.get_by_test_id("pane-left")).to_have_attribute("data-chat-id", str(TEAM))


async def test_narrow_page_does_not_scroll_sideways(page: Page, sandbox: Sandbox) -> None:
    await page.set_viewport_size({"width": 340, "height": 700})
    wide = "длинноеслово" * 30
    entities = [{"type": "pre", "offset": 0, "length": len(wide)}]
    await bot(sandbox, "sendMessage", chat_id=ANNA, text=wide)
    await bot(sandbox, "sendMessage", chat_id=ANNA, text=wide, entities=entities)
    await expect(left(page, "message")).to_have_count(2)
    overflow = """[document.documentElement, ...document.querySelectorAll('.scroller')]
        .map(e => e.scrollWidth - e.clientWidth)"""
    assert set(await page.evaluate(overflow)) == {0}


# --- the page itself ----------------------------------------------------------------------------------------


async def test_language_switch_turns_the_page_to_english(page: Page) -> None:
    await page.get_by_test_id("language").click()
    await expect(left(page, "send")).to_have_attribute("aria-label", "Send")
    await page.reload()
    await expect(left(page, "send")).to_have_attribute("aria-label", "Send")


async def test_theme_switch_makes_the_page_dark(page: Page) -> None:
    body = page.locator("body")
    await expect(body).to_have_css("background-color", "rgb(238, 242, 240)")
    await page.get_by_test_id("theme").click()
    await expect(body).to_have_css("background-color", "rgb(15, 20, 22)")


async def test_address_keeps_who_looks_at_which_chat(page: Page) -> None:
    await left(page, "person-select").select_option(str(BORIS))
    await page.reload()
    await expect(page.get_by_test_id("pane-left")).to_have_attribute("data-user-id", str(BORIS))


async def test_page_asks_no_other_host(page: Page, sandbox: Sandbox) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await expect(page.get_by_test_id("pane-left")).to_be_visible()
    assert asked
    assert [url for url in asked if not url.startswith(sandbox.url)] == []


async def test_page_says_when_the_sandbox_is_gone_and_catches_up(browser: Browser) -> None:
    context = await browser.new_context(locale="ru-RU")
    page = await context.new_page()
    port = free_port()
    async with serve(port, limits=False) as first:
        await page.goto(first.url)
        await expect(page.get_by_test_id("pane-left")).to_be_visible()
    await expect(page.get_by_test_id("offline")).to_be_visible()
    async with serve(port, limits=False) as second:
        await bot(second, "sendMessage", chat_id=ANNA, text="Я снова здесь")
        await expect(left(page, "message")).to_contain_text("Я снова здесь")
        await expect(page.get_by_test_id("offline")).to_be_hidden()
        await context.close()


async def test_every_control_has_a_name_for_screen_readers(page: Page, sandbox: Sandbox) -> None:
    await bot(
        sandbox,
        "sendMessage",
        chat_id=ANNA,
        text="?",
        reply_markup=keys({"text": "Да", "callback_data": "y"}),
    )
    await expect(left(page, "inline-button")).to_be_visible()
    nameless = """[...document.querySelectorAll('button, select, textarea, input, a')]
        .filter(e => e.checkVisibility() && !e.ariaLabel && !e.textContent.trim() && !e.labels?.length)
        .map(e => e.outerHTML)"""
    assert json.dumps(await page.evaluate(nameless)) == "[]"
