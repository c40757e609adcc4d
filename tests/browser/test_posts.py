"""Posts on the sandbox's page in Chromium: made, seen, planned for two channels, of which one has thrown the bot out
when their time comes; and what the operator finds of it on the admin site."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests.acceptance.reporting import moment
from tests.browser import story
from tests.browser.story import (
    ADMINS,
    ANNA,
    Running,
    asks_for_access,
    drawn,
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

NEWS, SALES = "-1001000000003", "-1001000000004"
CAPTION = "Весна в пекарне: круассаны с фисташкой и завтраки до полудня. Ждём с 8:00!"
QUESTION = "Во сколько мы открываемся?"
OFFER = "Завтраки со скидкой 20 % всю неделю."
MENU, TABLE = "https://example.com/menu", "https://example.com/table"
ALL_OF_THEM = [CAPTION, QUESTION, OFFER]
RETRY = "Повторить неудачные"  # under the notice
PUBLISHED = re.compile(r"Опубликован (?!не |в \d+ )")
# More than the scenes before take on any machine; what is left of it then nobody waits for.
IN_MINUTES = "через 12 минут"
SOON = 5.0  # seconds


def test_editor_plans_an_album_a_quiz_and_buttons_and_mends_what_a_channel_refused(
    running: Running, browser: Browser
) -> None:
    complaints: list[str] = []
    page = open_page(browser, running.chat, complaints)
    becomes_an_editor(page)
    channels_are_let_in(page)
    makes_an_album(page, browser)
    makes_a_quiz(page)
    makes_a_text_with_buttons(page)
    bot_is_thrown_out_of(page, SALES)
    their_time_comes(running)
    hears_that_it_is_published_in_a_part(page)
    let_in(page, SALES)
    running.quiet()  # another chat's news: who presses at once may be quicker than they are
    retries_what_failed(page)
    finds_everything_once(page)
    lists_and_counts(page)
    site = open_page(browser, running.admin, complaints)
    operator_finds_it_all(site, running.password)
    assert complaints == []


# --- the scenes, in their order ---


def becomes_an_editor(page: Page) -> None:
    asks_for_access(page)
    is_let_in(page)
    admin_writes(page, f"/admin role {ANNA} editor")
    expect(right(page, "message").last).to_contain_text("Анна")
    picture(page, "01-editor")


def channels_are_let_in(page: Page) -> None:
    """Their owner adds the bot; an admin of the bot approves them."""
    for channel in (NEWS, SALES):
        throw_out(page, channel)
        let_in(page, channel)
    admins = right(page, "message")
    open_chat(page, ADMINS)
    for title in ("Новости", "Акции"):
        card = admins.filter(has_text=title)
        keys(card, "✅").click()
        expect(keys(card, "✅")).to_have_count(0)
    picture(page, "02-channels")


def makes_an_album(page: Page, browser: Browser) -> None:
    write(page, "/post")
    expect(of_bot(page).last).to_contain_text("📝")
    photos = [("🌷", "#fde, #f9c"), ("🏙", "#cef, #79c"), ("🥐", "#fed, #c96")]
    files: list[FilePayload] = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": drawn(browser, sign, colours)}
        for number, (sign, colours) in enumerate(photos)
    ]
    left(page, "file-input").set_input_files(files)
    write(page, CAPTION)
    expect(keys(card(page), "🚀")).to_be_visible()
    shown = preview(page)
    expect(shown.locator("img")).to_have_count(3)
    expect(shown).to_contain_text(CAPTION)
    picture(page, "03-album")
    for_both_channels(page)
    picture(page, "04-where")
    in_minutes(page)
    picture(page, "05-planned")


def makes_a_quiz(page: Page) -> None:
    write(page, f"/poll {QUESTION}\n7:00\n+ 8:00\n9:00\n💡 Первые круассаны выходят из печи ровно в восемь.")
    expect(keys(card(page), "📊")).to_be_visible()
    shown = preview(page)
    expect(shown).to_contain_text(QUESTION)
    expect(shown.get_by_test_id("poll-option")).to_have_count(3)
    picture(page, "06-quiz")
    for_both_channels(page)
    in_minutes(page)


def makes_a_text_with_buttons(page: Page) -> None:
    write(page, f"/post {OFFER}")
    expect(card(page)).to_contain_text(OFFER)
    expect(keys(card(page), "🚀")).to_be_visible()
    keys(card(page), "🔗").click()
    expect(card(page)).to_contain_text("https://")
    picture(page, "07-buttons")
    write(page, f"Меню — {MENU} | Столик — {TABLE}")
    expect(keys(card(page), "🚀")).to_be_visible()
    expect(of_bot(page).filter(has_text=OFFER)).to_have_count(2)  # the preview and the card
    links = preview(page).get_by_test_id("inline-button")
    expect(links).to_have_text(["Меню", "Столик"])
    expect(links.first).to_have_attribute("href", MENU)
    picture(page, "08-text")
    for_both_channels(page)
    in_minutes(page)


def bot_is_thrown_out_of(page: Page, channel: str) -> None:
    throw_out(page, channel)
    notice = of_bot(page).last
    expect(notice).to_contain_text("⚠️")
    for said in ALL_OF_THEM:
        expect(notice).to_contain_text(said[:20])
    picture(page, "09-thrown-out")


def their_time_comes(running: Running) -> None:
    """The first in SOON seconds, the others as far behind it as they were planned."""
    planned = [moment(at) for (at,) in running.database.rows("SELECT planned_at FROM posts_post")]
    sooner = min(planned) - datetime.now(UTC) - timedelta(seconds=SOON)
    assert sooner > timedelta(0)
    for table, column in (("posts_post", "planned_at"), ("delivery_schedule", "next_at")):
        mine = "WHERE source = 'post'" if table == "delivery_schedule" else ""
        for number, at in running.database.rows(f"SELECT id, {column} FROM {table} {mine}"):
            earlier = f"{moment(at) - sooner:%Y-%m-%d %H:%M:%S.%f}"
            running.database.rows(f"UPDATE {table} SET {column} = %s WHERE id = %s", earlier, number)


def hears_that_it_is_published_in_a_part(page: Page) -> None:
    news = with_key(page, RETRY)
    expect(news).to_have_count(3, timeout=3 * PATIENCE)
    for said in ALL_OF_THEM:
        expect(news.filter(has_text=said[:20])).to_have_count(1)
    expect(news.first).to_contain_text("✅ Новости")
    expect(news.first).to_contain_text("❌ Акции")
    expect(with_key(page, "Повторить неудавшееся")).to_have_count(3)  # the cards have followed, without a press
    open_chat(page, NEWS)
    expect(posts_of(page)).to_have_count(3)
    picture(page, "10-in-a-part")


def retries_what_failed(page: Page) -> None:
    pending = with_key(page, RETRY)
    for still in (2, 1, 0):
        keys(pending.first, "🔁").click()
        expect(pending).to_have_count(still)
    expect(of_bot(page).filter(has_text=PUBLISHED)).to_have_count(3)  # each says so by itself
    picture(page, "11-retried")


def finds_everything_once(page: Page) -> None:
    """Three posts in each of the channels, as they were shown, in the order of their time."""
    for channel in (NEWS, SALES):
        open_chat(page, channel)
        found = posts_of(page)
        expect(found).to_have_count(3)
        for said in ALL_OF_THEM:
            expect(found.filter(has_text=said)).to_have_count(1)
        expect(found.filter(has_text=CAPTION).locator("img")).to_have_count(3)
        expect(found.filter(has_text=QUESTION).get_by_test_id("poll-option")).to_have_count(3)
        expect(found.filter(has_text=OFFER).get_by_test_id("inline-button")).to_have_text(["Меню", "Столик"])
        picture(page, f"12-channel{channel}")


def lists_and_counts(page: Page) -> None:
    write(page, "/posts")
    keys(of_bot(page).last, "✅").click()
    expect(keys(of_bot(page).last, "✅")).to_have_count(3)
    picture(page, "13-list")
    keys(of_bot(page).last, OFFER[:15]).click()
    expect(of_bot(page).last).to_contain_text("✅ Акции")
    picture(page, "14-one")
    write(page, "/poststats")
    expect(of_bot(page).last).to_contain_text("📈")
    expect(of_bot(page).last).to_contain_text("🟢")
    picture(page, "15-figures")


def operator_finds_it_all(site: Page, password: str) -> None:
    site.fill("input[name=username]", "admin")
    site.fill("input[name=password]", password)
    site.press("input[name=password]", "Enter")
    site.locator("a[href='/admin/posts/post/']").first.click()
    rows = site.locator("#result_list tbody tr")
    expect(rows).to_have_count(3)
    picture(site, "16-admin-list")
    rows.filter(has_text=OFFER[:20]).get_by_role("link").first.click()
    expect(site).to_have_url(re.compile(r"/posts/post/[0-9a-f-]+/change/"))
    expect(site.locator("body")).to_contain_text("Акции")
    picture(site, "17-admin-post")


# --- how one acts ---


def throw_out(page: Page, channel: str) -> None:
    """The owner of the channel removes the bot."""
    _change(page, channel, "Убрать бота из канала")
    expect(head(page)).to_contain_text("·")  # the bot is not here


def let_in(page: Page, channel: str) -> None:
    _change(page, channel, "Вернуть бота в канал")
    expect(head(page)).not_to_contain_text("·")


def _change(page: Page, channel: str, label: str) -> None:
    open_chat(page, channel)
    right(page, "chat-menu").click()
    page.get_by_role("menuitem").filter(has_text=label).click()


def head(page: Page) -> Locator:
    return page.get_by_test_id("pane-right").locator(".chat-head .quiet")


def admin_writes(page: Page, text: str) -> None:
    right(page, "composer").fill(text)
    right(page, "composer").press("Enter")


def open_chat(page: Page, chat: str) -> None:
    right(page, "chat-item").and_(page.locator(f'[data-chat-id="{chat}"]')).click()
    expect(page.get_by_test_id("pane-right")).to_have_attribute("data-chat-id", chat)


def posts_of(page: Page) -> Locator:
    """What stands in the open channel."""
    return right(page, "message").and_(page.locator(":not([data-service])"))


def card(page: Page) -> Locator:
    return of_bot(page).last


def with_key(page: Page, label: str) -> Locator:
    """The bot's messages that have such a button."""
    return of_bot(page).filter(has=page.get_by_test_id("inline-button").filter(has_text=label))


def preview(page: Page) -> Locator:
    """What stands right above the card."""
    return of_bot(page).nth(-2)


def for_both_channels(page: Page) -> None:
    keys(card(page), "📍").click()
    for title in ("Новости", "Акции"):
        keys(card(page), title).click()
        expect(keys(card(page), f"☑️ {title}")).to_be_visible()
    keys(card(page), "✅").click()
    expect(card(page).locator(".bubble")).to_contain_text("Новости, Акции")


def in_minutes(page: Page) -> None:
    keys(card(page), "🕙").click()
    expect(keys(card(page), "«")).to_be_visible()
    write(page, IN_MINUTES)
    keys(card(page), "✅").click()
    expect(card(page).locator(".bubble")).to_contain_text("🗓")


def picture(page: Page, name: str) -> None:
    story.picture(page, "posts", name)
