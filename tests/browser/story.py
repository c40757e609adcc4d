"""How a story is played on the sandbox's page in Chromium: everything is started as `make run` does without a token.

Pictures of the scenes go to test-results/<story>. Nothing hangs on a language: words that are looked for are names,
commands, figures, emoji and what a person wrote.
"""

import re
from contextlib import closing
from dataclasses import dataclass

from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.processes import ROOT, Database, Process, Sandbox, until
from tests.chromium import PATIENCE

ANNA, OLGA, ADMINS = "101", "100", "-1001000000001"

expect.set_options(timeout=PATIENCE)


@dataclass
class Running:
    """What the terminal told the newcomer, and the database behind it."""

    process: Process
    chat: str
    admin: str
    password: str
    database: Database

    def quiet(self) -> None:
        """Return when the bot has done with all that was sent to it, and has said what there was to say."""
        with closing(Sandbox(self.chat.rstrip("/"))) as sandbox:
            until(lambda: not sandbox.pending() and not self._open(), what="no open rows")

    def _open(self) -> int:
        said = "SELECT count(*) FROM delivery_delivery WHERE backend = 'telegram' AND state IN ('queued', 'sending')"
        return self.database.count("telegram_bot_update", "new", "running") + int(self.database.rows(said)[0][0])


def told(process: Process, pattern: str) -> str:
    found = re.search(pattern, process.output)
    assert found, process.output
    return found[1]


def open_page(browser: Browser, address: str, complaints: list[str]) -> Page:
    """A page in Russian; what its console calls an error goes into ``complaints``."""
    page = browser.new_page(locale="ru-RU", viewport={"width": 1400, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page


def asks_for_access(page: Page) -> None:
    expect(page.get_by_test_id("pane-left")).to_have_attribute("data-user-id", ANNA)
    expect(page.get_by_test_id("pane-right")).to_have_attribute("data-user-id", OLGA)
    expect(page.get_by_test_id("pane-right")).to_have_attribute("data-chat-id", ADMINS)
    left(page, "start").click()
    expect(of_bot(page)).to_have_count(1)
    card = right(page, "message").last
    expect(card).to_contain_text("Анна @anna 101")
    expect(card.get_by_test_id("inline-button")).to_have_count(3)


def is_let_in(page: Page) -> None:
    card = right(page, "message").last
    card.get_by_test_id("inline-button").filter(has_text="✅").click()
    expect(of_bot(page).last).to_contain_text("/models")
    expect(card).to_contain_text("Ольга")
    expect(card.get_by_test_id("inline-button")).to_have_count(0)


# --- how one acts on the page ---


def left(page: Page, testid: str) -> Locator:
    return page.get_by_test_id("pane-left").get_by_test_id(testid)


def right(page: Page, testid: str) -> Locator:
    return page.get_by_test_id("pane-right").get_by_test_id(testid)


def of_bot(page: Page) -> Locator:
    """The bot's messages on the left, oldest first."""
    return left(page, "message").and_(page.locator("[data-own=false]"))


def keys(message: Locator, text: str) -> Locator:
    """The buttons under a message whose labels hold ``text``."""
    return message.get_by_test_id("inline-button").filter(has_text=text)


def write(page: Page, text: str) -> None:
    left(page, "composer").fill(text)
    left(page, "composer").press("Enter")


def drawn(browser: Browser, sign: str, colours: str) -> bytes:
    """A PNG to be sent: an emoji on a field of those colours (CSS)."""
    page = browser.new_page(viewport={"width": 960, "height": 640})
    body = (
        f"margin:0;height:100vh;display:grid;place-items:center;font-size:260px;background:linear-gradient({colours})"
    )
    page.set_content(f'<body style="{body}">{sign}</body>')
    png = page.screenshot()
    page.close()
    return png


def picture(page: Page, story: str, name: str) -> None:
    folder = ROOT / "test-results" / story
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", animations="disabled")
