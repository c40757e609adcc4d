"""The docs page of the REST API in Chromium: it shows every route and asks nobody but this site."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from tests.chromium import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.acceptance]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a web side of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = {**kept, "SEKRETAR_IGNORE_DOTENV": "1", "SECRET_KEY": "s" * 50, "DATABASE_URL": f"sqlite:///{tmp_path}/db"}
    server = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", "0"]
    with subprocess.Popen(server, cwd=settings.BASE_DIR, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            process.terminate()
            process.stderr.read()


def test_docs_page_shows_every_route_and_asks_this_site_only(site: str, browser: Browser) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{site}/api/docs")
    described = page.request.get(f"{site}/api/openapi.json", timeout=PATIENCE).json()["paths"]
    routes = sum(len(methods) for methods in described.values())
    assert {"/api/reminders/", "/api/posts/"} <= set(described)
    expect(page.locator(".opblock")).to_have_count(routes)
    expect(page.get_by_text("Create a reminder.")).to_be_visible()
    page.get_by_text("Create a reminder.").click()
    expect(page.get_by_text("Needs the scope reminders:write.")).to_be_visible()
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("data:")}
    assert (hosts, complaints) == ({urlsplit(site).netloc}, [])
    page.close()
