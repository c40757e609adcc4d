"""Takes the pictures of the documentation: `python -m scripts.screenshots`.

Starts the whole of Sekretar with the sandbox on free ports and in a temporary folder, plays a newcomer's first minutes
in Chromium, and writes docs/images. It fails when something on the way does not show up.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PASSWORD = "only-for-the-pictures"  # noqa: S105  (of a database that lives for a minute)
# What is asked, and what the model of play is told to say.
DIALOG = {
    "Чем отличается список от кортежа?": """**Список** можно менять, **кортеж** нельзя.

```python
days = ["пн", "вт"]        # список
days.append("ср")

point = (55.75, 37.62)     # кортеж
point[0] = 0               # TypeError
```

Поэтому кортеж годится в ключи словаря, а список нет. Если порядок и состав значений заданы раз и навсегда, берите \
кортеж; если они растут и меняются, берите список.""",
    "Составь план встречи на час": """## План встречи

1. **Начало** (5 минут): цель и кто ведёт записи
2. **Что сделано** (15 минут): по одному предложению от каждого
3. **Главный вопрос** (30 минут)
   - что мешает
   - что решаем сегодня
4. **Итог** (10 минут): кто, что, к какому дню

> Если к середине решения нет, назначьте того, кто принесёт два варианта.""",
}


VIEW: ViewportSize = {"width": 1400, "height": 900}
PATIENCE = 20_000  # milliseconds


@dataclass(frozen=True)
class Running:
    chat: str
    admin: str


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def environment(folder: str) -> dict[str, str]:
    """A playground in ``folder`` with nothing of this machine's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "SEKRETAR_IGNORE_DOTENV": "1",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ADMIN_PASSWORD": PASSWORD,
        "DATABASE_URL": f"sqlite:///{folder}/play.sqlite3",
        "FILES_DIR": f"{folder}/files",
        "TIME_ZONE": "Europe/Moscow",
        "LOG_LEVEL": "WARNING",
        "WEB_PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
    }


@contextmanager
def sekretar(env: dict[str, str]) -> Iterator[Running]:
    """Everything as `make run` starts it, with a month of a team's use in the database."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.run"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        if not any("Sekretar is running" in line for line in process.stdout):
            sys.exit("Sekretar did not start; the lines above say why.")
        subprocess.run([sys.executable, "-m", "scripts.believable"], cwd=ROOT, env=env, check=True)
        host = "http://127.0.0.1:"
        yield Running(f"{host}{env['SANDBOX_PORT']}/", f"{host}{env['WEB_PORT']}/admin/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def open_page(browser: Browser, address: str) -> Page:
    page = browser.new_page(locale="ru-RU", viewport=VIEW, color_scheme="light")
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    return page


def take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)  # what the pointer stands on looks different
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")
    print(f"docs/images/{name}.png")


def newest(page: Page, side: str) -> Locator:
    return page.get_by_test_id(f"pane-{side}").get_by_test_id("message").last


def ask(page: Page, text: str) -> None:
    composer = page.get_by_test_id("pane-left").get_by_test_id("composer")
    composer.fill(text)
    composer.press("Enter")


def chat(browser: Browser, address: str) -> None:
    """A newcomer asks to be let in; an admin presses a button; a question is answered."""
    page = open_page(browser, address)
    page.get_by_test_id("pane-left").get_by_test_id("start").click()
    approve = newest(page, "right").get_by_test_id("inline-button").first
    expect(approve).to_be_visible(timeout=PATIENCE)
    take(page, "access")
    approve.click()
    expect(newest(page, "left")).to_contain_text("/models", timeout=PATIENCE)
    for question, words in DIALOG.items():
        answered(page, address, question, words)
    expect(page.get_by_test_id("toast")).to_have_count(0, timeout=PATIENCE)
    take(page, "chat")
    ask(page, "/models")
    expect(newest(page, "left").get_by_test_id("inline-button").first).to_be_visible(timeout=PATIENCE)
    newest(page, "left").get_by_test_id("inline-button").filter(has_text="Mistral").click()
    expect(newest(page, "left")).to_contain_text("Mistral Small", timeout=PATIENCE)
    take(page, "models")


def answered(page: Page, address: str, question: str, words: str) -> None:
    """Ask; the model says ``words``. In the first answer it pauses halfway, for a picture."""
    pauses = question == next(iter(DIALOG))
    rule = {"contains": question, "text": words, "pace": 100, "delay": 0.4} | ({"hold": "picture"} if pauses else {})
    page.request.post(f"{address}_sandbox/llm/rules", data=rule)
    ask(page, question)
    if pauses:
        expect(newest(page, "left")).to_contain_text("point[0]", timeout=PATIENCE)  # the middle
        expect(newest(page, "left").get_by_test_id("inline-button")).to_contain_text("⏹")
        take(page, "streaming")
        page.request.post(f"{address}_sandbox/llm/release", data={"name": "picture"})
    last = words.split()[-1]
    expect(newest(page, "left")).to_contain_text(last, timeout=PATIENCE)
    expect(newest(page, "left").get_by_test_id("inline-button")).to_have_count(0, timeout=PATIENCE)


def admin(browser: Browser, address: str) -> None:
    page = open_page(browser, address)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page.locator("canvas").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_load_state("load")
    take(page, "admin")
    for name, path in PAGES.items():
        answer = page.goto(address + path)
        if answer is None or not answer.ok:
            sys.exit(f"{path} of the admin site does not show up.")
        take(page, name)


PAGES = {
    "people": "accounts/user/",
    "requests": "conversations/request/",
    "models-admin": "llm/model/",
}


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        sekretar(environment(folder)) as running,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        chat(browser, running.chat)
        admin(browser, running.admin)
        browser.close()


if __name__ == "__main__":
    main()
