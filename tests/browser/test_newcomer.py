"""A newcomer's first minutes as one story: what `make run` starts without a token, in Chromium."""

import re
import signal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.processes import Process
from tests.browser import story
from tests.browser.story import ANNA, Running, of_bot, open_page, write

QUESTION = "Чем отличается список от кортежа?"
# What the model of play says to it; it waits halfway until it is told to go on.
ANSWER = [
    "Список можно менять.",
    *[f"Пример {number}: в список добавляют, а кортеж таков, как есть." for number in range(12)],
]
ANSWER += ["Кортеж менять нельзя."]

pytestmark = [pytest.mark.browser, pytest.mark.acceptance]


def test_newcomer_is_let_in_chooses_a_model_gets_an_answer_and_finds_it_all_in_the_admin(
    running: Running, browser: Browser
) -> None:
    complaints: list[str] = []
    chat = open_page(browser, running.chat, complaints)
    asks_for_access(chat)
    is_let_in(chat)
    model = chooses_a_model(chat)
    watches_an_answer_grow(chat, running.chat)
    running.quiet()
    site = open_page(browser, running.admin, complaints)
    logs_in(site, running.password)
    finds_the_person(site)
    finds_the_request(site, model)
    assert complaints == []
    stops_with_ctrl_c(running.process)


# --- the scenes, in their order ---


def asks_for_access(page: Page) -> None:
    expect(page.get_by_test_id("pane-left")).to_have_attribute("data-user-id", ANNA)
    picture(page, "1-opened")
    story.asks_for_access(page)
    picture(page, "2-asked")


def is_let_in(page: Page) -> None:
    story.is_let_in(page)
    picture(page, "3-let-in")


def chooses_a_model(page: Page) -> str:
    """The name of the chosen model, as its key called it."""
    write(page, "/models")
    menu = of_bot(page).last
    keys = menu.get_by_test_id("inline-button")
    expect(keys).to_have_count(4)
    picture(page, "4-providers")
    keys.filter(has_text="Mistral").click()
    expect(keys.filter(has_text="Mistral Small").first).to_be_visible()
    picture(page, "5-models")
    chosen = keys.filter(has_text="Mistral Small").first
    name = chosen.inner_text().removesuffix(" 🖼").strip()
    chosen.click()
    expect(of_bot(page).last.locator(".bubble")).to_contain_text(name)
    return name


def watches_an_answer_grow(page: Page, sandbox: str) -> None:
    rule = {"contains": QUESTION, "text": "\n\n".join(ANSWER), "hold": "story"}
    assert page.request.post(f"{sandbox}_sandbox/llm/rules", data=rule).ok
    before = of_bot(page).count()
    write(page, QUESTION)
    expect(of_bot(page)).to_have_count(before + 1)
    answer = of_bot(page).last
    stop = answer.get_by_test_id("inline-button").filter(has_text="⏹")
    expect(stop).to_be_visible()
    expect(answer).to_contain_text(ANSWER[0])
    expect(answer).not_to_contain_text(ANSWER[-1])
    picture(page, "6-growing")
    assert page.request.post(f"{sandbox}_sandbox/llm/release", data={"name": "story"}).ok
    expect(answer).to_contain_text(ANSWER[-1])
    expect(stop).to_have_count(0)
    picture(page, "7-answered")


def logs_in(page: Page, password: str) -> None:
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    expect(page.locator("canvas").first).to_be_visible()
    picture(page, "8-overview")


def finds_the_person(page: Page) -> None:
    page.locator("a[href='/admin/accounts/user/']").first.click()
    row = page.locator("#result_list tbody tr").filter(has_text="@anna")
    expect(row).to_contain_text(ANNA)
    picture(page, "9-people")
    row.get_by_role("link", name="Анна").click()
    expect(page).to_have_url(re.compile(r"/accounts/user/\d+/change/"))
    expect(page.get_by_text(ANNA, exact=True)).to_be_visible()
    picture(page, "10-person")


def finds_the_request(page: Page, model: str) -> None:
    page.locator("a[href='/admin/conversations/request/']").first.click()
    row = page.locator("#result_list tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("mistral:")
    expect(row).to_contain_text(re.compile(r"[1-9]\d* → [1-9]\d*"))
    picture(page, "11-requests")
    row.get_by_role("link").first.click()
    expect(page.get_by_text(QUESTION).first).to_be_visible()
    expect(page.locator("body")).to_contain_text(model)
    picture(page, "12-request")


def stops_with_ctrl_c(process: Process) -> None:
    process.popen.send_signal(signal.SIGINT)
    assert process.wait() == 0
    assert "Stopping…" in process.output
    assert [line for line in process.output.splitlines() if "Traceback" in line or "error" in line.lower()] == []


def picture(page: Page, name: str) -> None:
    story.picture(page, "newcomer", name)
