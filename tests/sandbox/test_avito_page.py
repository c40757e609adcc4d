"""The panel of Avito's sellers on the chat page, in Chromium."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from sandbox.avito import POLKA, REMONT, REMONT_KEYS, SEVER, SEVER_SECOND_KEYS
from sandbox.server import Sandbox, serve
from tests.chromium import CHROMIUM, FLAGS, needs_chromium

from .test_page_chat import seen

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


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, sandbox: Sandbox) -> AsyncIterator[Page]:
    """The page with its panel open; an error in its console fails the test."""
    context = await browser.new_context(locale="ru-RU", permissions=["clipboard-read", "clipboard-write"])
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    await opened.goto(sandbox.url)
    await opened.get_by_test_id("avito").click()
    await seller(opened, SEVER).wait_for()
    yield opened
    await context.close()
    assert [line for line in complaints if "ERR_" not in line and "400" not in line] == []


def seller(page: Page, uid: int) -> Locator:
    return page.locator(f'[data-testid="avito-account"][data-uid="{uid}"]')


def keys(page: Page, client_id: str) -> Locator:
    return page.locator(f'[data-testid="avito-keys"][data-client-id="{client_id}"]')


async def test_every_seller_is_there_with_a_word_about_it(page: Page) -> None:
    await expect(page.get_by_test_id("avito-account")).to_have_count(3)
    await expect(seller(page, SEVER)).to_contain_text("Магазин «Север»")
    await expect(seller(page, SEVER).get_by_test_id("avito-keys")).to_have_count(2)
    await expect(seller(page, REMONT)).to_contain_text("1200 объявлений")
    await expect(seller(page, POLKA)).to_contain_text("Ключ сотрудника")


@pytest.mark.parametrize(("button", "value"), [("copy-id", REMONT_KEYS[0]), ("copy-secret", REMONT_KEYS[1])])
async def test_a_key_is_copied_whole(page: Page, button: str, value: str) -> None:
    toast = seen(expect(page.get_by_test_id("avito-panel").get_by_test_id("toast")).to_have_text("Скопировано"))
    await keys(page, REMONT_KEYS[0]).get_by_test_id(button).click()
    await toast
    assert await page.evaluate("navigator.clipboard.readText()") == value


async def test_keys_are_revoked_and_restored_by_the_switch(page: Page, sandbox: Sandbox) -> None:
    known = sandbox.avito.keys[SEVER_SECOND_KEYS[0]]
    switch = keys(page, known.client_id).get_by_test_id("revoked")
    for revoked in (True, False):
        async with page.expect_response("**/avito/keys"):
            await switch.click()
        await expect(switch).to_be_checked(checked=revoked)
        assert known.revoked is revoked
    assert not sandbox.avito.keys_of(SEVER).revoked


async def test_the_panel_opens_as_things_are(page: Page, sandbox: Sandbox) -> None:
    await page.get_by_test_id("avito").click()
    await expect(page.get_by_test_id("avito-panel")).to_be_hidden()
    sandbox.avito.revoke(REMONT_KEYS[0])
    await page.get_by_test_id("avito").click()
    await expect(keys(page, REMONT_KEYS[0]).get_by_test_id("revoked")).to_be_checked()


async def test_what_the_sandbox_refuses_is_taken_back(page: Page, sandbox: Sandbox) -> None:
    del sandbox.avito.keys[REMONT_KEYS[0]]
    switch = keys(page, REMONT_KEYS[0]).get_by_test_id("revoked")
    toast = page.get_by_test_id("avito-panel").get_by_test_id("toast")
    refused = seen(expect(toast).to_contain_text("missing or unknown"))
    await switch.click()
    await refused
    await expect(switch).not_to_be_checked()


async def test_the_panel_closes_with_escape_and_gives_the_focus_back(page: Page) -> None:
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("avito-panel")).to_be_hidden()
    await expect(page.get_by_test_id("avito")).to_be_focused()
    await expect(page.get_by_test_id("avito")).to_have_attribute("aria-expanded", "false")


async def test_one_can_write_while_the_panel_is_open(page: Page, sandbox: Sandbox) -> None:
    left = page.get_by_test_id("pane-left")
    await left.get_by_test_id("composer").fill("/add_profile")
    await left.get_by_test_id("send").click()
    await expect(left.get_by_test_id("message")).to_contain_text("/add_profile")
    await expect(page.get_by_test_id("avito-panel")).to_be_visible()


async def test_the_panel_speaks_english_too(page: Page) -> None:
    await page.get_by_test_id("language").click()
    await expect(seller(page, POLKA)).to_contain_text("An employee's key")
    await expect(page.get_by_test_id("avito-panel")).to_contain_text("Send /add_profile")


async def test_every_control_of_the_panel_has_a_name(page: Page) -> None:
    nameless = """[...document.querySelectorAll('.avito button, .avito input')]
        .filter(e => !e.ariaLabel && !e.textContent.trim() && !e.labels?.length).map(e => e.outerHTML)"""
    assert await page.evaluate(nameless) == []
    names = "[...document.querySelectorAll('.avito [data-testid^=copy]')].map(e => e.ariaLabel)"
    labels = await page.evaluate(names)
    assert "Копировать: client_secret, Кофейня «Полка»" in labels


async def test_a_narrow_window_shows_the_panel_whole(page: Page) -> None:
    await page.set_viewport_size({"width": 340, "height": 700})
    box = await page.get_by_test_id("avito-panel").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 340
    assert await page.evaluate("document.documentElement.scrollWidth") == 340
