"""The browser of this machine, with nothing on that calls anybody; tests that drive it are left out where it is not."""

import os

import pytest

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # milliseconds until a page shows what was awaited
START = 3 * PATIENCE  # the same for the start of the browser
NO_BROWSER = "" if os.path.exists(CHROMIUM) else f"there is no browser at {CHROMIUM}"
needs_chromium = pytest.mark.skipif(bool(NO_BROWSER), reason=NO_BROWSER)
