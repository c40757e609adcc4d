"""Clients over the one transport: what broke, and whether the request can have arrived."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from core.http import JSONClient, _named, _parsed, client, is_over, is_transport, never_left, pieces, transport
from tests.acceptance.processes import free_port

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Answer], Awaitable[str]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(answer)``: the address of a server that reads a request's head; ``answer`` does the rest."""
    servers: list[asyncio.Server] = []

    async def start(answer: Answer) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    yield start
    for server in servers:
        server.close()


async def error_of(url: str, timeout: httpx.Timeout | float = 30) -> httpx.HTTPError:
    async with client(timeout=timeout) as http:
        with pytest.raises(httpx.HTTPError) as caught:
            await http.post(url, json={})
    return caught.value


async def ok(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    await writer.drain()


async def moved(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client has gone


async def test_answer_comes_through(serve: Serve) -> None:
    async with client() as http:
        assert (await http.get(await serve(ok))).text == "hi"


PACKED = gzip.compress(b"a word, " * 1000)


async def packed(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED))
    writer.write(PACKED)
    await writer.drain()


async def halves(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\n\r\n2\r\nhi\r\n")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(b"3\r\n, b\r\n0\r\n\r\n")
    await writer.drain()


async def broken_off(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi")
    await writer.drain()
    writer.transport.abort()


async def streamed(url: str) -> tuple[list[bytes], bool]:
    """The pieces of a body, and whether it was known to be over after the last of them."""
    async with client() as http:
        response = await http.send(http.build_request("POST", url, content=b"{}"), stream=True)
        body = pieces(response)
        try:
            return [piece async for piece in body], is_over(body)
        finally:
            await response.aclose()


async def test_body_comes_piece_by_piece_as_it_was_before_packing(serve: Serve) -> None:
    assert await streamed(await serve(halves)) == ([b"hi", b", b"], True)
    assert b"".join((await streamed(await serve(packed)))[0]) == b"a word, " * 1000


async def test_body_that_breaks_off_is_an_error(serve: Serve) -> None:
    with pytest.raises(httpx.HTTPError):
        await streamed(await serve(broken_off))


async def test_body_of_json_is_exchanged_for_status_and_body(serve: Serve) -> None:
    limits = httpx.Timeout(30).as_dict()
    async with JSONClient(transport=transport(1)) as http:
        for answer, body in ((ok, b"hi"), (packed, b"a word, " * 1000), (halves, b"hi, b")):
            assert await http.exchange(await serve(answer), b"{}", "a bot", limits) == (200, body)
        with pytest.raises(httpx.HTTPError):
            await http.exchange(await serve(broken_off), b"{}", "a bot", limits)
        with pytest.raises(httpx.TimeoutException):
            await http.exchange(await serve(silent), b"{}", "a bot", {**limits, "read": 0.2})


@pytest.mark.parametrize(
    ("own", "remembered"),
    [(httpx.Headers({"Authorization": "Bearer once"}), (0, 0)), ({"Authorization": "Bearer often"}, (1, 1))],
)
async def test_nothing_is_remembered_of_a_request_of_the_long_way(
    serve: Serve, own: Any, remembered: tuple[int, int]
) -> None:
    _named.cache_clear()
    _parsed.cache_clear()
    async with client() as http:
        response = await http.send(http.build_request("POST", await serve(ok), headers=own, content=b"{}"))
    assert response.text == "hi"
    assert (_named.cache_info().currsize, _parsed.cache_info().currsize) == remembered


async def test_cookie_is_not_sent_back(serve: Serve) -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await halves(reader, writer)
            try:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                return

    async with client() as http:
        url = await serve(answer)
        for _time in range(2):
            assert (await http.get(url)).text == "hi, b"
    assert [b"ookie" in head for head in heads] == [False]


async def test_redirect_is_not_followed(serve: Serve) -> None:
    async with client() as http:
        assert (await http.get(await serve(moved))).status_code == 302


async def test_request_that_found_nobody_never_left() -> None:
    error = await error_of(f"http://127.0.0.1:{free_port()}")

    assert never_left(error)
    assert is_transport(error)


async def test_request_whose_line_was_cut_may_have_arrived(serve: Serve) -> None:
    error = await error_of(await serve(cut))

    assert not never_left(error)
    assert is_transport(error)


async def test_request_without_an_answer_may_have_arrived(serve: Serve) -> None:
    # Short only for the answer: a connection that is not made in a second would be another fault.
    error = await error_of(await serve(silent), timeout=httpx.Timeout(60, read=1.0))

    assert isinstance(error, httpx.TimeoutException)
    assert not never_left(error)
    assert is_transport(error)


def test_what_is_no_fault_of_the_line() -> None:
    assert not never_left(None)
    assert not is_transport(None)
    assert not is_transport(ValueError("no such thing"))


async def test_short_way_builds_the_same_request_as_the_library() -> None:
    async with client() as http:
        http.headers["Authorization"] = "Bearer mine"
        sent: dict[str, Any] = {
            "content": b"{}",
            "headers": {"User-Agent": "a bot", "Content-Type": "application/json"},
        }
        short = http.build_request("post", "http://127.0.0.1:1/v1?a=b", **sent)
        long = httpx.AsyncClient.build_request(http, "post", "http://127.0.0.1:1/v1?a=b", **sent)

    assert (short.method, short.url, short.content, short.extensions) == (
        long.method,
        long.url,
        long.content,
        long.extensions,
    )
    # Host and length are the transport's to add.
    left_out = {"host", "content-length"}
    assert sorted(short.headers.multi_items()) == sorted(
        (name, value) for name, value in long.headers.multi_items() if name not in left_out
    )


async def test_short_way_minds_what_is_new_in_the_headers() -> None:
    def authorization(**own: str) -> str:
        request = http.build_request("post", "http://127.0.0.1:1", content=b"{}", headers=own)
        request.headers["X-Once"] = "only here"
        return request.headers["Authorization"]

    async with client() as http:
        http.headers["Authorization"] = "old"
        said = [authorization(), authorization(authorization="own")]
        http.headers["Authorization"] = "new"
        said.append(authorization())
        last = http.build_request("post", "http://127.0.0.1:1", content=b"{}", headers={})

    assert said == ["old", "own", "new"]
    assert "X-Once" not in last.headers
