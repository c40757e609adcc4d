"""What adapters that speak HTTP share: one client, the way errors are told, the skeleton of a stream."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from types import MappingProxyType
from typing import Any, Self

import aiohttp
import httpx
from django.conf import settings

from core.http import client as http_client
from core.http import is_over, pieces
from llm.errors import ProviderError
from llm.providers import failures
from llm.providers.provider import Lesson
from llm.providers.sse import SSEReader
from llm.types import (
    Answer,
    ChatRequest,
    End,
    Event,
    FileRef,
    Image,
    ModelInfo,
    Part,
    Reasoning,
    Recognised,
    Text,
    ToolCall,
    Transcript,
    Usage,
)

CONNECTIONS = 1000  # at once to one provider; more would wait for a free one
DRAIN = 0.25  # seconds
MAX_MESSAGE = 500  # characters of a provider's sentence that are kept
Json = dict[str, Any]
# Something came that is not to be shown yet, as a piece of a tool call's arguments: a deadline begins anew.
PROGRESS = Reasoning("")
TRANSPORT = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError)


def collect(events: Iterable[Event]) -> Answer:
    """The sum of a stream."""
    text, reasoning, images, calls, usage = [], [], [], [], Usage()
    end = End("unknown")
    for event in events:
        match event:
            case Text():
                text.append(event.text)
            case Reasoning():
                reasoning.append(event.text)
            case Image():
                images.append(event)
            case ToolCall():
                calls.append(event)
            case Usage():
                usage = event
            case End():
                end = event
    return Answer("".join(text), end, "".join(reasoning), tuple(calls), usage, tuple(images))


def mapping(value: Any) -> Json:
    """``value`` if it is an object, else an empty one: what comes over the wire may be anything."""
    return value if isinstance(value, dict) else {}


def count(value: Any) -> int | None:
    """``value`` as a number of tokens, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < math.inf else None


_json = json.JSONDecoder().decode


class Reader:
    """Reads one answer. Subclasses give `take` (events of one object) and `end` (events of the end).

    ``refuse`` makes the error of an object that holds one. ``finished`` is set by `take` when the provider said
    how the answer ended; a stream that ends before that was cut.
    """

    def __init__(self, refuse: Callable[[Any], ProviderError]) -> None:
        self._refuse = refuse
        self._sse = SSEReader()
        self._objects = 0
        self.done = False
        self.finished = False

    def take(self, answer: Json) -> Iterator[Event]:
        raise NotImplementedError

    def end(self) -> Iterator[Event]:
        raise NotImplementedError

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events in a piece of the stream."""
        try:
            for data in self._sse.feed(chunk):
                if data == b"[DONE]":
                    self.done = True
                    return
                yield from self._event(data)
        except ValueError as error:
            raise ProviderError("server", f"The stream cannot be read: {error}.") from error

    def _event(self, data: bytes) -> Iterator[Event]:
        yield from self.whole(_json(data.decode("utf-8", "replace")))

    def whole(self, body: Any) -> Iterator[Event]:
        """The events of one object, or of a list of them. Raises the error that it holds."""
        if (error := failures.find_error(body)) is not None:
            raise self._refuse(error)
        for answer in body if isinstance(body, list) else [body]:
            self._objects += 1
            yield from self.take(mapping(answer))

    def close(self) -> Iterator[Event]:
        """The last events. Raises ``ProviderError`` when the answer did not come to its end."""
        if not self.done:
            yield from self._tail()
        if not self._objects:
            raise ProviderError("server", "The answer was empty.")
        if not (self.finished or self.done):
            raise ProviderError("network", "The answer was cut off.")
        yield from self.end()

    def _tail(self) -> Iterator[Event]:
        """What a body without a last blank line left over; half an object is a cut, not an error of its own."""
        for data in self._sse.end():
            if data == b"[DONE]":
                self.done = True
            elif failures.parse(data) is not None:
                yield from self._event(data)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read a body to its end, for only then the connection can be used again; a server that holds it open loses it."""
    with suppress(TimeoutError, *TRANSPORT):
        async with asyncio.timeout(DRAIN):
            async for _ in chunks:
                pass


class HTTPProvider:
    """An adapter over HTTP: addresses, headers, the client, errors. The key is in the headers and nowhere else."""

    uploads: frozenset[str] = frozenset()

    def __init__(self, name: str, base_url: str, key: str) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self._key = key
        self._http: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def headers(self) -> dict[str, str]:
        """What goes with every request."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def http(self) -> httpx.AsyncClient:
        """The client, made at the first call: it belongs to the event loop of that call."""
        if self._http is None:
            timeout = httpx.Timeout(
                connect=settings.LLM_CONNECT_TIMEOUT_SEC,
                read=settings.LLM_READ_TIMEOUT_SEC,
                write=settings.LLM_READ_TIMEOUT_SEC,
                pool=None,
            )
            self._http = http_client(connections=CONNECTIONS, timeout=timeout)
            self._http.headers.update(self.headers())
        return self._http

    async def close(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @asynccontextmanager
    async def open(
        self, method: str, path: str, body: Any = None, more: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is no refusal, closed after the block. ``body`` goes as JSON, with ``more`` headers."""
        headers = {**more} if body is None else {"Content-Type": "application/json", **more}
        content = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        async with self.send(method, self.base_url + path, content=content, headers=headers) as response:
            yield response

    @asynccontextmanager
    async def send(self, method: str, url: str, **sent: Any) -> AsyncIterator[httpx.Response]:
        """As `open`, for a whole address and whatever httpx can send: ``content``, or ``data`` and ``files``."""
        with self._transport():
            http = self.http()
            response = await http.send(http.build_request(method, url, **sent), stream=True)
            try:
                if response.status_code >= 300:
                    raise self.refused(response.status_code, response.headers, await response.aread())
                yield response
            finally:
                await response.aclose()

    @contextmanager
    def _transport(self) -> Iterator[None]:
        try:
            yield
        except TRANSPORT as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> ProviderError:
        """A failure below HTTP. The transport calls a dropped connection a timeout too, so its cause decides."""
        slow = isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
        said = f"{type(error.__cause__ or error).__name__} {error}".strip()
        return ProviderError("timeout" if slow else "network", self.masked(said))

    def masked(self, text: str) -> str:
        """``text`` without the key, short enough for a row."""
        return (text.replace(self._key, "***") if self._key else text)[:MAX_MESSAGE]

    def refused(self, status: int, headers: Mapping[str, str], content: bytes) -> ProviderError:
        """The error of a refusal."""
        if 300 <= status < 400:
            return ProviderError("server", "The address of the provider redirects elsewhere.", status=status)
        return self.failure(status, failures.parse(content), headers)

    def failure(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> ProviderError:
        """The error that ``body`` tells of; ``status`` is 200 when it came inside an answer."""
        complaint = failures.read_complaint(status, body)
        return ProviderError(
            failures.classify(complaint),
            self.masked(complaint.message),
            retry_after=failures.retry_after(headers or {}, complaint.message),
            param=complaint.param,
            status=complaint.status,
        )

    async def get_json(self, path: str) -> Json:
        """The object at ``path``. Raises ``ProviderError`` of kind server when it is something else."""
        return await self.ask_json("GET", path)

    async def ask_json(self, method: str, path: str, body: Any = None) -> Json:
        async with self.open(method, path, body) as response:
            return await self.read_json(response)

    async def read_json(self, response: httpx.Response) -> Json:
        """The object in an answer; raises as `get_json`."""
        body = failures.parse(await response.aread())
        if (error := failures.find_error(body)) is not None:
            raise self.failure(200, error)
        if isinstance(body, list):
            return {"data": body}
        if not isinstance(body, dict):
            raise ProviderError("server", "The answer is not JSON.")
        return body

    async def check_key(self) -> None:
        await self.get_json("/models")

    async def transcribe(self, model: str, audio: Part, language: str = "") -> Transcript:
        raise ProviderError("bad_request", f"{self.name} does not transcribe.", param="audio")

    async def ocr(self, model: str, document: Part) -> Recognised:
        raise ProviderError("bad_request", f"{self.name} does not read scans.", param="document")

    async def upload(self, part: Part) -> FileRef:
        raise ProviderError("bad_request", f"{self.name} takes no uploads.", param=part.kind)

    async def forget(self, ref: FileRef) -> None:
        """There is nothing to delete."""

    async def count_tokens(self, request: ChatRequest) -> int | None:
        return None

    def learn(self, request: ChatRequest, error: ProviderError) -> Lesson | None:
        return None

    # An adapter gives these four; the rest follows.

    async def list_models(self) -> list[ModelInfo]:
        raise NotImplementedError

    def path(self, request: ChatRequest, stream: bool) -> str:
        raise NotImplementedError

    def body(self, request: ChatRequest, stream: bool) -> Json:
        raise NotImplementedError

    def reader(self, request: ChatRequest) -> Reader:
        raise NotImplementedError

    def more_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """Headers of this request beside those of every one."""
        return {}

    def _ask(self, request: ChatRequest, *, stream: bool) -> AbstractAsyncContextManager[httpx.Response]:
        return self.open("POST", self.path(request, stream), self.body(request, stream), self.more_headers(request))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        reader = self.reader(request)
        async with self._ask(request, stream=True) as response:
            if "json" in response.headers.get("content-type", ""):
                for event in self._read(reader, await response.aread()):
                    yield event
                return
            chunks = pieces(response)
            async for chunk in chunks:
                for event in reader.feed(chunk):
                    yield event
                if reader.done:
                    break
            for event in reader.close():
                yield event
            if reader.done and not is_over(chunks):
                await _drain(chunks)

    async def chat(self, request: ChatRequest) -> Answer:
        async with self._ask(request, stream=False) as response:
            return collect(self._read(self.reader(request), await response.aread()))

    def _read(self, reader: Reader, content: bytes) -> Iterator[Event]:
        """The events of an answer that came in one piece."""
        body = failures.parse(content)
        if body is None:
            raise ProviderError("server", "The answer is empty or not JSON.")
        yield from reader.whole(body)
        yield from reader.close()

    @classmethod
    def from_settings(cls, name: str) -> Self | None:
        """The provider of ``<NAME>_API_KEY`` and ``<NAME>_BASE_URL``; None without a key."""
        key = getattr(settings, f"{name.upper()}_API_KEY", "")
        return cls(name, getattr(settings, f"{name.upper()}_BASE_URL", ""), key) if key else None
