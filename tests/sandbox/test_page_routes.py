"""What the chat page's server part answers."""

import aiohttp
import pytest

from sandbox.server import Sandbox


async def fetch(url: str) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        await response.read()
        return response


async def test_page_allows_its_own_origin_only(sandbox: Sandbox) -> None:
    response = await fetch(sandbox.url + "/")
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("app.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
async def test_static_file_comes_with_its_type(sandbox: Sandbox, name: str, kind: str) -> None:
    response = await fetch(f"{sandbox.url}/page/{name}")
    assert (response.status, response.content_type) == (200, kind)


@pytest.mark.parametrize("name", ["routes.py", "no.js", "..%2Fserver.py", "%2e%2e%2Fpage%2Fapp.js"])
async def test_nothing_but_page_files_is_served(sandbox: Sandbox, name: str) -> None:
    response = await fetch(f"{sandbox.url}/page/{name}")
    assert response.status == 404
