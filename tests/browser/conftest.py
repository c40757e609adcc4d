"""The playground, running, and a browser; where there is none, the stories are left out."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.processes import PATIENCE, Database, Process, playground
from tests.browser.story import Running, told
from tests.chromium import CHROMIUM, FLAGS, NO_BROWSER, START


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Everything, started on free ports with nothing of this machine's settings."""
    process = Process("run", ["-m", "scripts.run"], playground(tmp_path), tmp_path)
    try:
        # Tables are made before, and three processes started.
        process.says("Sekretar is running", 5 * PATIENCE)
        process.says("For the real Telegram")
        yield Running(
            process,
            told(process, r"Chat +(\S+)"),
            told(process, r"Admin +(\S+)"),
            told(process, r"shown only now: (\S+)"),
            Database(f"sqlite:///{tmp_path}/play.sqlite3"),
        )
        print(process.tail())  # noqa: T201  (shown by pytest when the story failed)
    finally:
        # Not a kill: it would leave the bot and the servers behind.
        process.popen.send_signal(signal.SIGTERM)
        process.wait()


@pytest.fixture
def browser() -> Iterator[Browser]:
    if NO_BROWSER:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=START)
        yield chromium
        chromium.close()
