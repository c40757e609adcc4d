"""Takes the pictures of the documentation: `python -m scripts.screenshots`.

Starts the whole of Sekretar with the sandbox on free ports and in a temporary folder, plays a newcomer's first minutes
in Chromium, and writes docs/images. It fails when something on the way does not show up.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

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


@dataclass(frozen=True)
class Running:
    chat: str
    admin: str


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def sekretar(folder: str) -> Iterator[Running]:
    """Everything as `make run` starts it, with nothing of this machine's settings."""
    web, sandbox = free_port(), free_port()
    blank = {
        f"{name}_{part}": "" for name in ("GEMINI", "MISTRAL", "DEEPSEEK", "OPENAI") for part in ("API_KEY", "BASE_URL")
    }
    env = {**os.environ, **blank, "BOT_TOKEN": "", "ADMIN_PASSWORD": PASSWORD, "LOG_LEVEL": "WARNING"}
    env |= {
        "DATABASE_URL": f"sqlite:///{folder}/play.sqlite3",
        "FILES_DIR": f"{folder}/files",
        "TIME_ZONE": "Europe/Moscow",
    }
    env |= {"WEB_PORT": str(web), "SANDBOX_PORT": str(sandbox)}
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.run"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if "Sekretar is running" in line:
                break
        else:
            sys.exit("Sekretar did not start; the lines above say why.")
        yield Running(f"http://127.0.0.1:{sandbox}/", f"http://127.0.0.1:{web}/admin/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def take(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")
    print(f"docs/images/{name}.png")


def newest(page: Page, side: str) -> Locator:
    return page.get_by_test_id(f"pane-{side}").get_by_test_id("message").last


def ask(page: Page, text: str) -> None:
    composer = page.get_by_test_id("pane-left").get_by_test_id("composer")
    composer.fill(text)
    composer.press("Enter")


def chat(browser: Browser, address: str) -> None:
    """A newcomer asks to be let in; an admin presses a button; a question is answered."""
    page = browser.new_page(locale="ru-RU", viewport={"width": 1280, "height": 800}, color_scheme="light")
    page.goto(address)
    page.get_by_test_id("pane-left").get_by_test_id("start").click()
    approve = newest(page, "right").get_by_test_id("inline-button").first
    expect(approve).to_be_visible(timeout=20_000)
    take(page, "access")
    approve.click()
    expect(newest(page, "left")).to_contain_text("/models", timeout=20_000)
    for question, words in DIALOG.items():
        page.request.post(f"{address}_sandbox/llm/rules", data={"contains": question, "text": words})
        ask(page, question)
        stop = newest(page, "left").get_by_test_id("inline-button").filter(has_text="⏹")
        expect(stop).to_be_visible(timeout=20_000)
        if question == next(iter(DIALOG)):
            page.wait_for_timeout(2500)  # so that the picture shows an answer in the middle
            take(page, "streaming")
        expect(stop).to_have_count(0, timeout=60_000)
    page.wait_for_timeout(1000)
    take(page, "chat")
    ask(page, "/models")
    expect(newest(page, "left").get_by_test_id("inline-button").first).to_be_visible(timeout=20_000)
    take(page, "models")


def admin(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="ru-RU", viewport={"width": 1280, "height": 800}, color_scheme="light")
    page.goto(address)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")
    take(page, "admin")
    for name, path in {
        "people": "accounts/user/",
        "requests": "conversations/request/",
        "models-admin": "llm/model/",
    }.items():
        answer = page.goto(address + path)
        if answer is None or not answer.ok:
            sys.exit(f"{path} of the admin site does not show up.")
        take(page, name)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sekretar(folder) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        chat(browser, running.chat)
        admin(browser, running.admin)
        browser.close()


if __name__ == "__main__":
    main()
