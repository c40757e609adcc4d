"""Every HTTP client of ours is built here, on one transport.

httpx's own transport is the ceiling under concurrency: a bot with 500 busy chats answered 150 messages a second at
6.7 ms CPU each with it, and 930 at 1.1 ms with aiohttp's transport under the same httpx (measured on loopback).
"""

import functools
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import aiohttp
import httpx
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import map_aiohttp_exceptions
from multidict import CIMultiDict


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes some 20 ms."""
    return httpx.create_ssl_context()


def transport(connections: int) -> "Transport":
    """A transport with at most ``connections`` connections, kept alive for the next call."""
    return Transport(
        verify=_certificates(),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30),
    )


Pairs = tuple[tuple[bytes, bytes], ...]


class Transport(AiohttpTransport):
    """The library's, but for what it makes anew for every request although it is the same: the address, the headers,
    the limits. Cookies are not kept. What was not built the short way does not go it."""

    def get_client(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self.limits.max_connections or 0,
            keepalive_timeout=self.limits.keepalive_expiry,
            ssl=self.ssl_context,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def ask(
        self, method: str, address: str, headers: Pairs, content: bytes, limits: Mapping[str, Any], *, unpack: bool
    ) -> aiohttp.ClientResponse:
        """Send a request and read the head of its answer, which the caller closes. ``limits``: seconds, as httpx names
        them. ``unpack``: the body as it was before packing. Raises what httpx does."""
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        try:
            return await self.client.request(
                method,
                _parsed(address),
                headers=_named(headers),
                data=content or None,
                allow_redirects=False,
                auto_decompress=unpack,
                timeout=_timeout(limits.get("connect"), limits.get("read"), limits.get("pool")),
            )
        except Exception:
            with map_aiohttp_exceptions():
                raise

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(request, Short):
            return await super().handle_async_request(request)
        limits = request.extensions.get("timeout", {})
        headers = tuple(request.headers.raw)
        answer = await self.ask(request.method, str(request.url), headers, request.content, limits, unpack=False)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)


class Short(httpx.Request):
    """A request that was built the short way: its address and its headers are remembered for the next one like it."""


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._answer.content.readany()
        except Exception:
            with map_aiohttp_exceptions():
                raise
        if not piece:
            raise StopAsyncIteration
        return piece

    @property
    def is_over(self) -> bool:
        return self._answer.content.at_eof()

    async def aclose(self) -> None:
        self._answer.release()


def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body of a streamed answer, each piece as soon as it is there. Raises what httpx does."""
    if isinstance(response.stream, _Body) and "content-encoding" not in response.headers:
        return response.stream  # there is nothing to unpack, so nothing needs to stand between
    return response.aiter_bytes()


def is_over(body: AsyncIterator[bytes]) -> bool:
    """Whether `pieces` has given all there was, as far as can be seen without waiting."""
    return isinstance(body, _Body) and body.is_over


@functools.lru_cache(maxsize=512)
def _parsed(address: str) -> yarl.URL:
    return yarl.URL(address)


@functools.lru_cache(maxsize=64)
def _named(headers: Pairs) -> CIMultiDict[str]:
    """The headers of a request as the transport takes them. To be read, not changed."""
    return CIMultiDict((name.decode("ascii"), value.decode("latin-1")) for name, value in headers)


@functools.lru_cache(maxsize=64)
def _timeout(connect: float | None, read: float | None, pool: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=pool, sock_connect=connect, sock_read=read)


# What a request of the short way may be made of.
SHORT = {"content", "headers", "timeout"}


class Client(httpx.AsyncClient):
    """An httpx client for servers of an API: a request goes to the transport, and its answer comes back.

    What httpx does around that (redirects, cookies, authentication, hooks, merging of addresses) is not wanted of
    them, and cost as much CPU as the request itself.
    """

    def build_request(self, method: str, url: httpx.URL | str, **sent: Any) -> httpx.Request:
        """A body that is ready (``content``) takes the short way, to a whole address."""
        content, own, timeout = sent.get("content"), sent.get("headers", {}), sent.get("timeout", self.timeout)
        if not (isinstance(content, bytes) and isinstance(own, dict) and sent.keys() <= SHORT):
            return super().build_request(method, url, **sent)
        headers = _headers(tuple(self.headers.raw), tuple(own.items()))
        limits = timeout if isinstance(timeout, httpx.Timeout) else self.timeout
        request = Short(
            method,
            _address(str(url)),
            headers=headers,
            stream=httpx.ByteStream(content),
            extensions={"timeout": limits.as_dict()},
        )
        request.headers.encoding = headers.encoding  # or it would look through all of them once more
        request.read()
        return request

    async def send(self, request: httpx.Request, *, stream: bool = False, **_unused: Any) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        response.request = request
        response.default_encoding = self._default_encoding
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response


class JSONClient(Client):
    """Sends the fields of a form as JSON when no file goes with them: encoding a form was a third of building a
    request. The Bot API takes either (https://core.telegram.org/bots/api#making-requests)."""

    async def request(self, method: str, url: httpx.URL | str, **sent: Any) -> httpx.Response:
        data, files = sent.pop("data", None), sent.pop("files", None)
        if data is None or files:
            return await super().request(method, url, data=data, files=files, **sent)
        sent["headers"] = {**sent.get("headers", {}), "Content-Type": "application/json"}
        return await self.send(self.build_request(method, url, content=json.dumps(data).encode(), **sent))

    async def exchange(self, url: str, body: bytes, agent: str, limits: Mapping[str, Any]) -> tuple[int, bytes]:
        """POST a body that is JSON already, the shortest way: the answer's status and body.

        ``limits``: seconds, as httpx names them. Raises what httpx does.
        """
        own = (("User-Agent", agent), ("Content-Type", "application/json"))
        headers = tuple(_headers(tuple(self.headers.raw), own).raw)
        answer = await cast(Transport, self._transport).ask("POST", url, headers, body, limits, unpack=True)
        try:
            return answer.status, await answer.read()
        except Exception:
            with map_aiohttp_exceptions():
                raise
        finally:
            answer.release()


@functools.lru_cache(maxsize=512)
def _address(text: str) -> httpx.URL:
    """The parsed address: parsing is a third of what httpx spends on building a request."""
    return httpx.URL(text)


@functools.lru_cache(maxsize=64)
def _headers(client: tuple[tuple[bytes, bytes], ...], own: tuple[tuple[str, str], ...]) -> httpx.Headers:
    """A client's headers under a request's own: the same few for every request. To be copied, not changed."""
    names = httpx.Headers(own)
    return httpx.Headers([*(pair for pair in client if pair[0].decode("ascii") not in names), *names.raw])


class Broken(Exception):
    """A download did not work out. The text names no address: there may be a secret in it."""


PIECE = 64 * 1024


async def save(client: httpx.AsyncClient, address: str, path: Path, most: int) -> bool:
    """Load what is at ``address`` into ``path``, piece by piece; False when it is more than ``most`` bytes.

    Raises ``Broken``.
    """
    try:
        response = await client.send(client.build_request("GET", address), stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                raise Broken(f"HTTP {response.status_code}")
            return await _write(response, path, most)
        finally:
            await response.aclose()
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        raise Broken(type(error).__name__) from None


async def _write(response: httpx.Response, path: Path, most: int) -> bool:
    """Written as it comes: a disk takes so small a piece in less time than a thread takes to be asked."""
    size = 0
    with path.open("wb") as file:
        async for piece in response.aiter_bytes(PIECE):
            size += len(piece)
            if size > most:
                return False
            file.write(piece)
    return True


def client(*, connections: int = 256, timeout: httpx.Timeout | float = 20.0) -> Client:
    """A client; the caller closes it. Timeouts are in seconds. Redirects are not followed."""
    return Client(transport=transport(connections), timeout=timeout)


def never_left(error: BaseException | None) -> bool:
    """True when the request behind ``error`` cannot have reached the server: no connection was made.

    The transport calls a connection that broke in the middle a ConnectTimeout too, so its cause decides.
    """
    cause = error.__cause__ if error is not None else None
    return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def is_transport(error: BaseException | None) -> bool:
    """True for a fault of the line itself, as against an answer that says no."""
    return isinstance(error, httpx.TransportError)


def is_timeout(error: BaseException | None) -> bool:
    """True when the answer, or the line to the server, took too long."""
    return isinstance(error, httpx.TimeoutException)


# --- one request to an address that is not ours to trust (core/outward.py says which may be called) ------------------

# Raises for an IP address that nothing may be sent to.
Allow = Callable[[str], None]
Exchanged = tuple[int, dict[str, str], bytes]


class Unanswered(Exception):
    """No answer came: ``kind`` is "address", "dns", "tls" or "line"."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class TooLarge(Exception):
    """The answer is longer than what was asked for."""


async def exchange(
    method: str, url: yarl.URL, *, headers: Mapping[str, str], body: bytes | None, allow: Allow, most_bytes: int
) -> Exchanged:
    """One request on a line of its own: status, headers (names in lower case), the body as it was before packing.

    ``allow`` is asked for every address that the name stands for and, once more, for the very one that is connected
    to. No redirect is followed, no cookie kept, no proxy asked. With ``most_bytes`` 0 no body is read. Raises
    ``Unanswered``, ``TooLarge`` and what ``allow`` raises; the caller bounds the time.
    """
    connector = aiohttp.TCPConnector(
        ssl=_certificates(), resolver=_Resolver(allow), socket_factory=_socket_factory(allow), force_close=True
    )
    jar, limits = aiohttp.DummyCookieJar(), aiohttp.ClientTimeout(total=None)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False, timeout=limits) as session,
            session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer,
        ):
            named = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, named, await _bounded(answer, most_bytes)
    except aiohttp.InvalidURL:  # 127.1, for example, which some take for 127.0.0.1
        raise Unanswered("address") from None
    except aiohttp.ClientConnectorDNSError:
        raise Unanswered("dns") from None
    except (aiohttp.ClientSSLError, ssl.SSLError):
        raise Unanswered("tls") from None
    except (aiohttp.ClientError, OSError, UnicodeError):
        raise Unanswered("line") from None


async def _bounded(answer: aiohttp.ClientResponse, most: int) -> bytes:
    if not most:
        return b""
    read = bytearray()
    async for piece in answer.content.iter_chunked(PIECE):
        read += piece
        if len(read) > most:
            raise TooLarge
    return bytes(read)


class _Resolver(AbstractResolver):
    """The system's resolver, with a look at each address it names."""

    def __init__(self, allow: Allow) -> None:
        self._allow = allow
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for address in found:
            self._allow(address["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _socket_factory(allow: Allow) -> Callable[[Any], socket.socket]:
    def make(info: Any) -> socket.socket:
        family, kind, protocol, _name, address = info
        allow(address[0])
        return socket.socket(family, kind, protocol)

    return make
