"""An operator's page in Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from accounts.models import User
from tests.admin.conftest import client_of
from tests.chromium import CHROMIUM, FLAGS, PATIENCE, START


@contextmanager
def operators_page(url: str, operator: User) -> Iterator[Page]:
    """A page of the site at ``url`` for ``operator``, who is logged in. What it fetches from elsewhere, or complains
    of, fails the test."""
    session = client_of(operator).cookies["sessionid"].value
    trouble: list[str] = []
    ours = (url, "data:", "blob:")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=START)
        context = browser.new_context(locale="en-US", base_url=url)
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        opened = context.new_page()
        opened.on("pageerror", lambda error: trouble.append(str(error)))
        opened.on("console", lambda line: trouble.append(line.text) if line.type == "error" else None)
        opened.on("request", lambda sent: None if sent.url.startswith(ours) else trouble.append(sent.url))
        yield opened
        browser.close()
    assert trouble == []
