"""config/asgi.py: requests share a few threads, and with them connections."""

import asyncio
import threading
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.asgi import KEPT, Web

together = threading.Barrier(KEPT + 2)


def who(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def who_of_many(_request: HttpRequest) -> HttpResponse:
    together.wait(30)
    return HttpResponse(str(threading.get_ident()))


urlpatterns = [path("who", who), path("many", who_of_many)]


@pytest.fixture
def web(settings: Any) -> Web:
    settings.ROOT_URLCONF = "tests.config.test_asgi"
    settings.MIDDLEWARE = []
    return Web()


async def ask(web: Web, where: str) -> bytes:
    """GET ``where`` as a server asks; the body of the answer."""
    scope = {"type": "http", "method": "GET", "path": where, "headers": [(b"host", b"localhost")], "query_string": b""}
    answered = asyncio.Event()
    incoming = iter([{"type": "http.request", "body": b"", "more_body": False}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        for message in incoming:
            return message
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await web(scope, receive, send)
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent)


async def test_requests_one_after_another_share_a_thread(web: Web) -> None:
    assert len({await ask(web, "/who") for _ in range(5)}) == 1


async def test_requests_at_once_have_threads_of_their_own_and_some_stay(web: Web) -> None:
    threads = await asyncio.gather(*(ask(web, "/many") for _ in range(KEPT + 2)))
    assert len(set(threads)) == KEPT + 2
    assert len(web._idle) == KEPT


async def test_only_http_is_spoken(web: Web) -> None:
    with pytest.raises(ValueError, match="no websocket"):
        await web({"type": "websocket"}, None, None)


def test_connections_to_postgresql_outlive_a_request() -> None:
    database = settings.DATABASES["default"]
    kept = database["CONN_MAX_AGE"] > 0 if "postgresql" in database["ENGINE"] else database["CONN_MAX_AGE"] == 0
    assert kept
