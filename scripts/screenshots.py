"""Takes the pictures of the documentation: `python -m scripts.screenshots`.

Starts the whole of Sekretar with the sandbox on free ports and in a temporary folder, plays a newcomer's first minutes
in Chromium, and writes docs/images. It fails when something on the way does not show up.
"""

import os
import re
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

from playwright.sync_api import Browser, FilePayload, Locator, Page, ViewportSize, expect, sync_playwright

from sandbox.avito import SEVER_KEYS
from scripts.run import SANDBOX_TOKEN
from tests.files import documents

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
CAPTION = "Весна в пекарне: круассаны с фисташкой, завтраки до полудня и столики на улице. Ждём вас с 8:00!"
# A file of the question, the question, the answer.
CONTRACT = documents.pdf(
    [
        "Supply agreement. Delivery within 14 days of the order.",
        "Late delivery: 0.1 % of the price for each day, at most 10 %.",
        "Either side may end the agreement with 30 days of notice.",
    ]
)
FILE_QUESTION = "На что обратить внимание в этом договоре?"
FILE_ANSWER = """Три места, о которых стоит договориться заранее:

1. **Срок поставки** (стр. 1): 14 дней считаются от заказа, а не от оплаты.
2. **Неустойка** (стр. 2): 0,1 % в день, но не больше 10 %. Через сто дней она перестаёт расти.
3. **Расторжение** (стр. 3): достаточно предупредить за 30 дней, причину называть не нужно.

О том, кто платит за доставку, в договоре ни слова."""


VIEW: ViewportSize = {"width": 1400, "height": 900}
PATIENCE = 20_000  # milliseconds
SHOP = "Мебель «Север»"


@dataclass(frozen=True)
class Running:
    env: dict[str, str]
    chat: str
    admin: str


def refuse_boxes() -> None:
    """Without a font that has them, emoji would be boxes in every picture."""
    known = subprocess.run(["fc-list", ":charset=1f464"], stdout=subprocess.PIPE, check=True).stdout  # noqa: S607
    if not known:
        sys.exit("No font of this machine has emoji: install one, for example fonts-noto-color-emoji.")


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
        believable(env)
        host = "http://127.0.0.1:"
        yield Running(env, f"{host}{env['SANDBOX_PORT']}/", f"{host}{env['WEB_PORT']}/admin/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def believable(env: dict[str, str], *words: str) -> None:
    env = env | {"BOT_TOKEN": SANDBOX_TOKEN}  # channels belong to a bot
    subprocess.run([sys.executable, "-m", "scripts.believable", *words], cwd=ROOT, env=env, check=True)


def open_page(browser: Browser, address: str) -> Page:
    page = browser.new_page(locale="ru-RU", timezone_id="Europe/Moscow", viewport=VIEW, color_scheme="light")
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


def chat(browser: Browser, running: Running) -> None:
    """A newcomer asks to be let in; an admin presses a button; questions are answered until the budget is used up."""
    address = running.chat
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
    page.get_by_test_id("welcome").get_by_role("button").click()
    ask_about_a_file(page, address)
    look_at_the_dialog(page)
    ask_to_be_reminded(page)
    ask_for_more(page, running.env)
    page.goto(f"{address}#left=100:100")
    page.reload()
    run_it_from_the_chat(page)
    make_a_post(page, browser)
    get_a_report(page, address)


def ask_about_a_file(page: Page, address: str) -> None:
    rule = {"contains": FILE_QUESTION, "text": FILE_ANSWER, "pace": 400}
    page.request.post(f"{address}_sandbox/llm/rules", data=rule)
    contract: FilePayload = {"name": "Договор поставки.pdf", "mimeType": "application/pdf", "buffer": CONTRACT}
    ask(page, "/new")
    expect(newest(page, "left")).to_contain_text("✨", timeout=PATIENCE)
    page.get_by_test_id("pane-left").get_by_test_id("file-input").set_input_files([contract])
    ask(page, FILE_QUESTION)
    expect(newest(page, "left")).to_contain_text("ни слова", timeout=PATIENCE)
    expect(newest(page, "left").get_by_test_id("inline-button")).to_have_count(0, timeout=PATIENCE)
    take(page, "files")


def look_at_the_dialog(page: Page) -> None:
    shows_keys(page, "/context")
    shows_keys(page, "/dialogs")
    take(page, "dialogs")
    shows_keys(page, "/assistants")
    take(page, "assistants")


def ask_to_be_reminded(page: Page) -> None:
    """Where they are, once; then the card."""
    shows_keys(page, "напомни каждый будний день в 9:30 планёрка, пока не сделаю")
    newest(page, "left").get_by_test_id("inline-button").filter(has_text="Москва").click()
    expect(newest(page, "left")).to_contain_text("планёрка", timeout=PATIENCE)
    take(page, "reminders")


def shows_keys(page: Page, command: str) -> None:
    """Send ``command``; what comes has keys."""
    before = page.get_by_test_id("pane-left").get_by_test_id("message").count()
    ask(page, command)
    messages = page.get_by_test_id("pane-left").get_by_test_id("message")
    expect(messages).to_have_count(before + 2, timeout=PATIENCE)
    expect(messages.last.get_by_test_id("inline-button").first).to_be_visible(timeout=PATIENCE)


def ask_for_more(page: Page, env: dict[str, str]) -> None:
    """A day's budget is used up; the person asks for more, and the admins have a card."""
    believable(env, "limit", "101")
    shows_keys(page, "Переведи договор на английский")
    cards = page.get_by_test_id("pane-right").get_by_test_id("message")
    before = cards.count()
    newest(page, "left").get_by_test_id("inline-button").last.click()
    page.get_by_test_id("alert").get_by_role("button").click()
    expect(cards).to_have_count(before + 1, timeout=PATIENCE)
    expect(page.get_by_test_id("toast")).to_have_count(0, timeout=PATIENCE)
    take(page, "budget")


def run_it_from_the_chat(page: Page) -> None:
    """An admin in private: who waits, and a week in figures."""
    shows_keys(page, "/admin")
    shows_keys(page, "/admin stats")
    take(page, "admin-chat")


def make_a_post(page: Page, browser: Browser) -> None:
    """An editor's draft with a photo and buttons, for two channels."""
    photo: FilePayload = {"name": "croissant.png", "mimeType": "image/png", "buffer": drawn(browser)}
    page.get_by_test_id("pane-left").get_by_test_id("file-input").set_input_files([photo])
    ask(page, f"/post {CAPTION}")
    press(page, "🔗", "https://")
    ask(page, "Меню — https://example.com/menu | Забронировать столик — https://example.com/table")
    press(page, "📍", "Новости")
    for title in ("Новости", "Акции"):
        press(page, title, f"☑️ {title}")
    press(page, "✅", "Новости, Акции")
    page.mouse.wheel(0, 2000)
    take(page, "posts")


def get_a_report(page: Page, address: str) -> None:
    """An Avito shop is connected, and the week is reported with a chart."""
    page.request.post(f"{address}_sandbox/avito/manners", data={"gates": False})
    ask(page, "/add_profile " + "\n".join((SHOP, *SEVER_KEYS)))
    expect(newest(page, "left")).to_contain_text("90000001", timeout=PATIENCE)
    shows_keys(page, "/profiles")
    press(page, SHOP, "90000001")
    press(page, "🗓", SHOP)
    expect(newest(page, "left").get_by_test_id("inline-button").filter(has_text="⚙️")).to_have_count(0)
    newest(page, "left").get_by_test_id("inline-button").filter(has_text="7 ").first.click()
    expect(newest(page, "left").locator("img")).to_be_visible(timeout=PATIENCE)
    page.mouse.wheel(0, 2000)
    take(page, "reports")


def press(page: Page, label: str, shown: str) -> None:
    """Press a button of the newest message; then it, or what comes, shows ``shown``."""
    key = newest(page, "left").get_by_test_id("inline-button").filter(has_text=label)
    expect(key).to_be_visible(timeout=PATIENCE)
    key.click()
    expect(newest(page, "left")).to_contain_text(shown, timeout=PATIENCE)


def drawn(browser: Browser) -> bytes:
    """A picture to be posted."""
    page = browser.new_page(viewport={"width": 1000, "height": 420})
    field = "height:100vh; background:linear-gradient(150deg, #fff3dc, #e9b872)"
    look = f"{field}; margin:0; display:grid; place-items:center; font-size:190px"
    page.set_content(f'<body style="{look}">🥐☕🌷</body>')
    png = page.screenshot()
    page.close()
    return png


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
    a_shop(page, address)
    trace(page, address)


def a_shop(page: Page, address: str) -> None:
    """What an Avito shop did in 30 days."""
    page.goto(f"{address}reports/avitoprofile/")
    page.locator("#result_list tbody a[href*='/change/']").first.click()
    expect(page.locator("canvas").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_load_state("load")
    take(page, "shop")


def trace(page: Page, address: str) -> None:
    """The whole way of the question with a file."""
    page.goto(f"{address}conversations/request/?q=договоре")
    page.locator("#result_list tbody a[href*='/change/']").first.click()
    page.locator('a.text-link[href*="/admin/trace/"]').first.click()
    expect(page).to_have_url(re.compile("/admin/trace/."))
    page.wait_for_load_state("load")
    take(page, "trace")


PAGES = {
    "people": "accounts/user/",
    "requests": "conversations/request/",
    "models-admin": "llm/model/",
    "spending": "llm/spending/",
    "calendar": "posts/post/calendar/",
}


def main() -> None:
    refuse_boxes()
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        sekretar(environment(folder)) as running,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        chat(browser, running)
        admin(browser, running.admin)
        browser.close()


if __name__ == "__main__":
    main()
