"""A newcomer's first minutes as one story: what `make run` starts without a token, in Chromium.

Pictures of the scenes go to test-results/newcomer. Nothing hangs on a language: words that are looked for are
names, commands, figures and what the newcomer wrote.
"""

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.acceptance.processes import ROOT, Process, playground

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = ROOT / "test-results" / "newcomer"
ANNA, OLGA, ADMINS = "101", "100", "-1001000000001"
QUESTION = "Чем отличается список от кортежа?"
PATIENCE = 60_000  # milliseconds until the page shows what was awaited
# What the model of play says to it; it waits halfway until it is told to go on.
ANSWER = [
    "Список можно менять.",
    *[f"Пример {number}: в список добавляют, а кортеж таков, как есть." for number in range(12)],
]
ANSWER += ["Кортеж менять нельзя."]

expect.set_options(timeout=PATIENCE)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.acceptance,
    pytest.mark.skipif(not os.path.exists(CHROMIUM), reason=f"there is no browser at {CHROMIUM}"),
]


@dataclass
class Running:
    """What the terminal told the newcomer."""

    process: Process
    chat: str
    admin: str
    password: str


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Everything, started on free ports with nothing of this machine's settings."""
    process = Process("run", ["-m", "scripts.run"], playground(tmp_path), tmp_path)
    try:
        process.says("Sekretar is running")
        process.says("For the real Telegram")
        yield Running(
            process,
            told(process, r"Chat +(\S+)"),
            told(process, r"Admin +(\S+)"),
            told(process, r"shown only now: (\S+)"),
        )
        print(process.tail())  # noqa: T201  (shown by pytest when the story failed)
    finally:
        # Not a kill: it would leave the bot and the servers behind.
        process.popen.send_signal(signal.SIGTERM)
        process.wait()


def told(process: Process, pattern: str) -> str:
    found = re.search(pattern, process.output)
    assert found, process.output
    return found[1]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def open_page(browser: Browser, address: str, complaints: list[str]) -> Page:
    """A page in Russian; what its console calls an error goes into ``complaints``."""
    page = browser.new_page(locale="ru-RU", viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page


def test_newcomer_is_let_in_chooses_a_model_gets_an_answer_and_finds_it_all_in_the_admin(
    running: Running, browser: Browser
) -> None:
    complaints: list[str] = []
    chat = open_page(browser, running.chat, complaints)
    asks_for_access(chat)
    is_let_in(chat)
    model = chooses_a_model(chat)
    watches_an_answer_grow(chat, running.chat)
    site = open_page(browser, running.admin, complaints)
    logs_in(site, running.password)
    finds_the_person(site)
    finds_the_request(site, model)
    assert complaints == []
    stops_with_ctrl_c(running.process)


# --- the scenes, in their order ---


def asks_for_access(page: Page) -> None:
    expect(page.get_by_test_id("pane-left")).to_have_attribute("data-user-id", ANNA)
    expect(page.get_by_test_id("pane-right")).to_have_attribute("data-user-id", OLGA)
    expect(page.get_by_test_id("pane-right")).to_have_attribute("data-chat-id", ADMINS)
    picture(page, "1-opened")
    left(page, "start").click()
    expect(of_bot(page)).to_have_count(1)
    card = right(page, "message").last
    expect(card).to_contain_text("Анна @anna 101")
    expect(card.get_by_test_id("inline-button")).to_have_count(3)
    picture(page, "2-asked")


def is_let_in(page: Page) -> None:
    card = right(page, "message").last
    card.get_by_test_id("inline-button").filter(has_text="✅").click()
    expect(of_bot(page).last).to_contain_text("/models")
    expect(card).to_contain_text("Ольга")
    expect(card.get_by_test_id("inline-button")).to_have_count(0)
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


# --- how one acts on the page ---


def left(page: Page, testid: str) -> Locator:
    return page.get_by_test_id("pane-left").get_by_test_id(testid)


def right(page: Page, testid: str) -> Locator:
    return page.get_by_test_id("pane-right").get_by_test_id(testid)


def of_bot(page: Page) -> Locator:
    """The bot's messages on the left, oldest first."""
    return left(page, "message").and_(page.locator("[data-own=false]"))


def write(page: Page, text: str) -> None:
    left(page, "composer").fill(text)
    left(page, "composer").press("Enter")


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
