"""config/asgi.py: requests share a few threads, and with them connections."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from config.asgi import KEPT, Web

together = threading.Barrier(KEPT + 2)


def who(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def who_of_many(_request: HttpRequest) -> HttpResponse:
    together.wait(60)
    return HttpResponse(str(threading.get_ident()))


def slow(_request: HttpRequest) -> HttpResponse:
    time.sleep(0.02)
    return HttpResponse(str(threading.get_ident()))


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


class Pieces(StreamingHttpResponse):
    """Tells where it was closed."""

    closed_in: list[int] = []

    def close(self) -> None:
        self.closed_in.append(threading.get_ident())
        super().close()


def pieces(_request: HttpRequest) -> StreamingHttpResponse:
    async def content() -> AsyncIterator[bytes]:
        yield b"a"
        assert not Pieces.closed_in
        yield b"b"

    Pieces.closed_in.clear()
    return Pieces(content())


urlpatterns = [
    path("who", who),
    path("many", who_of_many),
    path("slow", slow),
    path("echo", echo),
    path("pieces", pieces),
]


@pytest.fixture
def web(settings: Any) -> Web:
    settings.ROOT_URLCONF = "tests.config.test_asgi"
    settings.MIDDLEWARE = []
    return Web()


GONE = {"type": "http.disconnect"}


def part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def ask(web: Web, where: str, *parts: dict[str, Any], status: int = 200) -> bytes:
    """Send ``parts`` to ``where`` as a server does; the body of the answer."""
    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": where, "headers": headers, "query_string": b""}
    incoming = iter(parts or [part(b"", False)])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(incoming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await web(scope, receive, send)
    assert [message["status"] for message in sent[:1]] == ([status] if status else [])
    return b"".join(message.get("body", b"") for message in sent)


async def test_requests_one_after_another_share_a_thread(web: Web) -> None:
    assert len({await ask(web, "/who") for _ in range(5)}) == 1


async def test_requests_at_once_have_threads_of_their_own_and_some_stay(web: Web) -> None:
    threads = await asyncio.gather(*(ask(web, "/many") for _ in range(KEPT + 2)))
    assert len(set(threads)) == KEPT + 2
    assert len(web._idle) == KEPT


async def test_more_requests_than_there_is_room_for_wait(web: Web) -> None:
    """They would else each take a connection, of which the database has so many only."""
    web._room = asyncio.Semaphore(2)
    threads = await asyncio.gather(*(ask(web, "/slow") for _ in range(6)))
    assert len(set(threads)) == 2
    assert len(web._idle) == 2


async def test_body_comes_in_parts(web: Web) -> None:
    assert await ask(web, "/echo", part(b"a", True), part(b"b", False)) == b"ab"


async def test_who_goes_before_the_end_is_not_answered(web: Web) -> None:
    assert await ask(web, "/echo", part(b"a", True), GONE, status=0) == b""
    assert web._idle == []


async def test_unknown_page_is_not_found(web: Web) -> None:
    assert b"Not Found" in await ask(web, "/nothing", status=404)


async def test_content_that_is_still_made_is_closed_at_its_end_in_its_thread(web: Web) -> None:
    thread = await ask(web, "/who")
    assert await ask(web, "/pieces") == b"ab"
    assert [str(closed).encode() for closed in Pieces.closed_in] == [thread]


async def test_each_request_begins_and_ends(web: Web) -> None:
    heard: list[str] = []

    def begin(**_more: Any) -> None:
        heard.append("begun")

    def end(**_more: Any) -> None:
        heard.append("ended")

    request_started.connect(begin, sender=Web)
    request_finished.connect(end, sender=Web)
    await ask(web, "/who")
    await ask(web, "/pieces")
    assert heard == ["begun", "ended"] * 2


async def test_only_http_is_spoken(web: Web) -> None:
    with pytest.raises(ValueError, match="no websocket"):
        await web({"type": "websocket"}, None, None)


def test_connections_to_postgresql_outlive_a_request() -> None:
    database = settings.DATABASES["default"]
    kept = database["CONN_MAX_AGE"] > 0 if "postgresql" in database["ENGINE"] else database["CONN_MAX_AGE"] == 0
    assert kept
