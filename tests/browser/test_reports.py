"""Avito reports on the sandbox's page in Chromium: two shops are connected, a weekly report is planned and one is made
at once, a group asks for all shops of which one's keys are refused, and the chats are opened as an Excel file."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Locator, Page, expect

from sandbox.avito import REMONT_KEYS, SEVER, SEVER_KEYS, figures_of
from tests.acceptance.processes import until
from tests.browser import story
from tests.browser.story import (
    Running,
    asks_for_access,
    is_let_in,
    keys,
    left,
    of_bot,
    open_page,
    right,
    write,
)
from tests.chromium import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.acceptance]

TEAM, PRIVATE = "-1001000000002", "101"
EVERY_WEEK = 2  # among the ways to repeat
GREETED = "SELECT 1 FROM delivery_delivery WHERE key LIKE 'decided:chat:%' AND state = 'sent'"
NORTH, REPAIR = "Север", "Ремонт"
COMES = 60_000 + 2 * PATIENCE  # milliseconds: Avito answers once a minute, and some patience


def test_owner_connects_two_shops_plans_a_report_gets_one_asks_in_a_group_and_exports_the_chats(
    running: Running, browser: Browser, tmp_path: Path
) -> None:
    complaints: list[str] = []
    page = open_page(browser, running.chat, complaints)
    asks_for_access(page)
    is_let_in(page)
    connects_a_shop_question_by_question(page)
    connects_another_in_one_message(page)
    plans_a_weekly_report(page)
    gets_one_now(page)
    exports_the_chats(page, tmp_path)
    group_is_let_in(page, running)
    shows_both_shops_to_the_group(page)
    keys_of_one_are_revoked(page)
    group_asks_for_all(page)
    site = open_page(browser, running.admin, complaints)
    operator_finds_it_all(site, running.password)
    assert complaints == []


# --- the scenes, in their order ---


def connects_a_shop_question_by_question(page: Page) -> None:
    page.get_by_test_id("avito").click()
    panel = page.get_by_test_id("avito-panel")
    expect(panel).to_contain_text(SEVER_KEYS[0])
    picture(page, "01-sellers")
    page.get_by_test_id("avito").click()
    write(page, "/add_profile")
    for said in (NORTH, *SEVER_KEYS):
        asks(page, said)
    expect(keys(last(page), "⚙️")).to_be_visible(timeout=COMES)
    expect(last(page)).to_contain_text("90000001")
    picture(page, "02-connected")
    no_key_is_left(page)


def connects_another_in_one_message(page: Page) -> None:
    write(page, "/add_profile " + "\n".join((REPAIR, *REMONT_KEYS)))
    expect(last(page)).to_contain_text("90000002", timeout=COMES)
    expect(last(page)).to_contain_text("🚫")  # the messenger needs a subscription
    picture(page, "03-another")
    no_key_is_left(page)


def no_key_is_left(page: Page) -> None:
    for key in (*SEVER_KEYS, *REMONT_KEYS):
        expect(left(page, "message").filter(has_text=key)).to_have_count(0)


def plans_a_weekly_report(page: Page) -> None:
    opens(page, NORTH)
    keys(last(page), "⚙️").click()
    keys(last(page), "🔁").click()
    expect(keys(last(page), "🔁")).to_have_count(0)
    last(page).get_by_test_id("inline-button").nth(EVERY_WEEK).click()
    keys(last(page), "☑️").wait_for()  # the weekdays, one of them chosen
    keys(last(page), "«").click()
    expect(keys(last(page), "☑️")).to_have_count(0)
    keys(last(page), "«").click()
    keys(last(page), "▶️").click()
    expect(last(page)).to_contain_text("🔔")
    expect(keys(last(page), "⏸")).to_be_visible()
    expect(keys(last(page), "🖼")).to_be_visible()  # with a chart
    picture(page, "04-weekly")


def gets_one_now(page: Page) -> None:
    """The figures of the last whole week are those of the seller, added up by hand."""
    opens(page, NORTH)
    keys(last(page), "📊").click()
    chart = last(page).locator("img")
    expect(chart).to_be_visible(timeout=COMES)
    report = of_bot(page).nth(-2)
    days = last_week()
    views = sum(int(figures_of(SEVER, day)["views"]) for day in days)
    kopecks = sum(int(figures_of(SEVER, day)["allSpending"]) for day in days)
    expect(report).to_contain_text(spaced(views))
    expect(report).to_contain_text(f"{spaced(kopecks // 100)},{kopecks % 100:02d} ₽")
    expect(report).to_contain_text(spaced(250_000) + ",50 ₽")  # the wallet
    picture(page, "05-now")


def exports_the_chats(page: Page, folder: Path) -> None:
    opens(page, NORTH)
    keys(last(page), "💬").click()
    expect(keys(last(page), "💬")).to_have_count(0)
    last(page).get_by_test_id("inline-button").first.click()  # all of them
    file = last(page).get_by_role("link").filter(has_text=".xlsx")
    expect(file).to_be_visible(timeout=COMES)
    picture(page, "06-export")
    with page.expect_download() as download:
        file.click()
    download.value.save_as(folder / "chats.xlsx")
    book = load_workbook(folder / "chats.xlsx", read_only=True)
    chats, messages = book.worksheets[0], book.worksheets[1]
    assert chats.max_row > 30
    assert messages.max_row > chats.max_row
    texts = {cell.value for row in messages.iter_rows() for cell in row if isinstance(cell.value, str)}
    assert any(text.startswith("=HYPERLINK") for text in texts)  # a text, not a formula


def group_is_let_in(page: Page, running: Running) -> None:
    left_chat(page, TEAM)
    write(page, "/profiles")
    card = right(page, "message").last
    keys(card, "✅").click()
    expect(keys(card, "✅")).to_have_count(0)
    until(lambda: running.database.rows(GREETED), what="the group is told")  # another chat than the card's
    asks(page, "/stats")
    expect(last(page)).to_contain_text("/profiles")  # how a profile comes to be shown here
    picture(page, "07-nothing-yet")


def shows_both_shops_to_the_group(page: Page) -> None:
    for name in (NORTH, REPAIR):
        asks(page, "/profiles")
        keys(last(page), name).click()
        keys(last(page), "✅").click()
        expect(keys(last(page), "✅")).to_have_count(0)
    asks(page, "/profiles")
    expect(keys(last(page), "☑️")).to_have_count(2)
    picture(page, "08-shown-here")


def keys_of_one_are_revoked(page: Page) -> None:
    page.get_by_test_id("avito").click()
    panel = page.get_by_test_id("avito-panel")
    box = panel.locator(f'[data-client-id="{REMONT_KEYS[0]}"]').get_by_test_id("revoked")
    box.check()
    expect(box).to_be_checked()
    picture(page, "09-revoked")
    page.get_by_test_id("avito").click()


def group_asks_for_all(page: Page) -> None:
    write(page, "/stats")
    told = of_bot(page).filter(has_text=NORTH).last
    expect(told).to_contain_text("⚠️", timeout=COMES)
    expect(told).to_contain_text(REPAIR)
    picture(page, "10-stats")
    left_chat(page, PRIVATE)
    notice = of_bot(page).filter(has_text="🔑").last
    expect(notice).to_contain_text(REPAIR)
    expect(notice.get_by_test_id("inline-button").first).to_be_visible()  # she can enter new keys at once
    picture(page, "11-told")


def operator_finds_it_all(site: Page, password: str) -> None:
    site.fill("input[name=username]", "admin")
    site.fill("input[name=password]", password)
    site.press("input[name=password]", "Enter")
    site.locator("a[href='/admin/reports/avitoprofile/']").first.click()
    rows = site.locator("#result_list tbody tr")
    expect(rows).to_have_count(2)
    picture(site, "12-admin-list")
    rows.filter(has_text=NORTH).get_by_role("link").first.click()
    expect(site.locator("canvas.chart")).to_have_count(4)
    text = site.content()
    assert not [key for key in (*SEVER_KEYS, *REMONT_KEYS) if key in text]
    picture(site, "13-admin-profile")


# --- how one acts ---


def last(page: Page) -> Locator:
    return of_bot(page).last


def asks(page: Page, said: str) -> None:
    """Write, and wait for the answer. What else the bot said may go meanwhile: a notice in a group does not stay."""
    own = left(page, "message").and_(page.locator("[data-own=true]"))
    before = own.count()
    write(page, said)
    expect(own).to_have_count(before + 1)
    expect(left(page, "message").last).to_have_attribute("data-own", "false")


def opens(page: Page, name: str) -> None:
    """The card of a profile."""
    asks(page, "/profiles")
    keys(last(page), name).click()
    expect(keys(last(page), "⚙️")).to_be_visible()


def left_chat(page: Page, chat: str) -> None:
    left(page, "chat-item").and_(page.locator(f'[data-chat-id="{chat}"]')).click()
    expect(page.get_by_test_id("pane-left")).to_have_attribute("data-chat-id", chat)


def last_week() -> list[date]:
    """The last whole week, Monday to Sunday, of Moscow's calendar."""
    today = datetime.now(ZoneInfo("Europe/Moscow")).date()
    monday = today - timedelta(days=today.weekday() + 7)
    return [monday + timedelta(days=number) for number in range(7)]


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def picture(page: Page, name: str) -> None:
    story.picture(page, "reports", name)
