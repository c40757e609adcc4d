"""Reminders on the sandbox's page in Chromium: asked for, confirmed, come, put off, listed, deleted."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import story
from tests.browser.story import Running, asks_for_access, is_let_in, keys, of_bot, open_page, write
from tests.chromium import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.acceptance]

TEA = "выпить чаю"
COMES = 60_000 + 2 * PATIENCE  # milliseconds: the minute, and some patience


def test_person_is_reminded_puts_it_off_lists_it_and_deletes_it(running: Running, browser: Browser) -> None:
    complaints: list[str] = []
    page = open_page(browser, running.chat, complaints)
    asks_for_access(page)
    is_let_in(page)
    asks_to_be_reminded(page)
    says_where_they_are(page)
    says_yes(page)
    is_reminded(page)
    puts_it_off(page)
    lists_it(page)
    deletes_it(page)
    assert complaints == []


# --- the scenes, in their order ---


def asks_to_be_reminded(page: Page) -> None:
    write(page, f"напомни через 1 минуту {TEA}")
    expect(of_bot(page).last).to_contain_text("🌍")
    picture(page, "1-where")


def says_where_they_are(page: Page) -> None:
    keys(of_bot(page).last, "Москва").click()
    card = of_bot(page).last
    expect(card).to_contain_text(TEA)
    expect(card).to_contain_text("Europe/Moscow, UTC+3")
    expect(keys(card, "✅")).to_be_visible()
    picture(page, "2-card")


def says_yes(page: Page) -> None:
    card = of_bot(page).last
    keys(card, "✅").click()
    expect(card.locator(".bubble")).to_contain_text(f"✅ {TEA}")
    picture(page, "3-confirmed")


def is_reminded(page: Page) -> None:
    expect(of_bot(page).last.locator(".bubble")).to_contain_text(f"⏰ {TEA}", timeout=COMES)
    expect(of_bot(page).last.get_by_test_id("inline-button")).to_have_count(4)
    picture(page, "4-come")


def puts_it_off(page: Page) -> None:
    come = of_bot(page).last
    keys(come, "10").click()
    expect(come.locator(".bubble")).to_contain_text(re.compile(r"⏰ .*\d\d:\d\d"))
    expect(keys(come, "10")).to_have_count(0)
    picture(page, "5-put-off")


def lists_it(page: Page) -> None:
    write(page, "/reminders")
    entry = keys(of_bot(page).last, TEA)
    expect(entry).to_have_count(1)
    picture(page, "6-list")
    entry.click()
    expect(keys(of_bot(page).last, "🗑")).to_be_visible()
    picture(page, "7-one")


def deletes_it(page: Page) -> None:
    shown = of_bot(page).last
    keys(shown, "🗑").click()
    expect(shown.get_by_test_id("inline-button")).to_have_count(2)
    picture(page, "8-sure")
    keys(shown, "🗑").click()
    expect(shown.locator(".bubble")).to_contain_text("✖️")
    picture(page, "9-deleted")


def picture(page: Page, name: str) -> None:
    story.picture(page, "reminders", name)
