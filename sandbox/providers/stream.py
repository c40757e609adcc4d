"""Writing an answer to the socket: at its pace, in its pieces, and broken where the plan says so."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from .state import Call, Models
from .wire import Plan, dumps, sse

COMMENT = b": keep-alive\n\n"
ARRAY = {"Content-Type": "application/json; charset=UTF-8"}
TICK = 0.1  # seconds between two looks at whether the client is still there
EVENTS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}


class BrokenError(Exception):
    """The answer ended as badly as planned; `response` is what was sent so far."""

    def __init__(self, response: web.StreamResponse) -> None:
        super().__init__("broken as scripted")
        self.response = response

    @classmethod
    def cut(cls, request: web.Request, response: web.StreamResponse | None = None) -> BrokenError:
        """Close the connection without the end the client waits for."""
        if request.transport is not None:
            request.transport.close()
        return cls(response or web.Response(status=500))


async def rest(models: Models, request: web.Request, seconds: float) -> None:
    """Wait. Raises ConnectionResetError when the client leaves meanwhile or the server closes."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while (left := end - clock()) > 0:
        await asyncio.sleep(min(left, TICK))
        if models.closing or request.transport is None or request.transport.is_closing():
            raise ConnectionResetError("the client left")


class Writer:
    """One response being written; `drip` writes it byte by byte."""

    def __init__(self, models: Models, request: web.Request, call: Call, plan: Plan) -> None:
        self.models, self.request, self.call, self.plan = models, request, call, plan
        self.response = web.StreamResponse()
        self.frames_before_text = 0

    async def open(self, headers: dict[str, str], filler: bytes) -> None:
        """The headers, and the time before the first byte: silent, or with fillers to keep the connection alive."""
        plan = self.plan
        endless = plan.fault == "hang" and plan.fault_arg == "keepalive"
        fillers = plan.keepalive if not endless else sys.maxsize
        if not fillers:
            await self.pause(plan.delay)
        self.response.headers.update(headers)
        await self.response.prepare(self.request)
        self.call.status = 200
        for _ in range(fillers):
            await self.write(filler)
            await self.pause(TICK if endless else plan.delay / fillers)

    async def write(self, data: bytes) -> None:
        if self.plan.crlf:
            data = data.replace(b"\n", b"\r\n")
        if self.plan.drip:
            for at in range(len(data)):
                await self.response.write(data[at : at + 1])
                await asyncio.sleep(0)
        elif data:
            await self.response.write(data)

    async def pause(self, seconds: float) -> None:
        await rest(self.models, self.request, seconds)

    async def hold(self) -> None:
        """Stop until the test lets go."""
        gate = self.models.gate(self.plan.hold)
        self.call.outcome = "held"
        self.models.changed()
        while not gate.is_set():
            await self.pause(0.01)

    def spoke(self) -> None:
        """Note when the first real byte went out."""
        self.call.first_byte = self.models.since(self.call)
        self.models.changed()

    def wrote(self, frames: int) -> None:
        """Note the first byte and the first words of a stream of which `frames` are out."""
        if self.call.first_byte is None:
            self.spoke()
        if self.call.first_text is None and frames > self.frames_before_text:
            self.call.first_text = self.models.since(self.call)


async def play(
    writer: Writer, frames: Sequence[bytes], half: int, error: Any = None, as_array: bool = False
) -> web.StreamResponse:
    """Stream the frames as planned.

    half: how many of them go out before the plan holds or breaks.
    error: the JSON value of an event that breaks the stream off, or None.
    as_array: the frames are the items of one JSON array, between which nothing else may stand.
    """
    plan, filler = writer.plan, b"\n" if as_array else COMMENT
    await writer.open(ARRAY if as_array else EVENTS, filler)
    if plan.keepalive and not as_array:
        frames = [frames[0], *(COMMENT + frame for frame in frames[1:])]
    await _write_timed(writer, frames, half)
    if error is not None:
        await writer.write(b",\r\n" + dumps(error).encode() + b"]" if as_array else sse(error))
    elif plan.fault:
        await _break(writer)
    await writer.response.write_eof()
    return writer.response


async def _write_timed(writer: Writer, frames: Sequence[bytes], half: int) -> None:
    """All frames over the plan's seconds, or at once: a busy machine could pause between two writes, and the client
    would see an answer grow that is meant to be quick.

    Only the first half when the plan breaks there.
    """
    plan = writer.plan
    breaks = bool(plan.fault or plan.stream_error)
    if plan.seconds <= 0 and not plan.hold and not breaks:
        await writer.write(b"".join(frames))
        writer.wrote(len(frames))
        return
    if plan.seconds <= 0:
        await writer.write(b"".join(frames[:half]))
        writer.wrote(half)
        if plan.hold:
            await writer.hold()
        await asyncio.sleep(0)
        await writer.write(b"" if breaks else b"".join(frames[half:]))
        return
    clock = asyncio.get_running_loop().time
    start, step = clock(), plan.seconds / max(1, len(frames) - 1)
    for index, frame in enumerate(frames[:half] if breaks else frames):
        await writer.pause(start + index * step - clock())
        await writer.write(frame)
        writer.wrote(index + 1)
        if plan.hold and index + 1 == half:
            await writer.hold()


async def _break(writer: Writer) -> None:
    """End a half-written stream the way the plan says."""
    if writer.plan.fault == "malformed":
        await writer.write(b'data: {"id":"broken","choices":[{"delta":{"conte\n\n')
    elif writer.plan.fault == "hang":
        await writer.pause(float("inf"))
    elif writer.plan.fault == "cut":
        raise BrokenError.cut(writer.request, writer.response)


async def send(writer: Writer, body: bytes) -> web.StreamResponse:
    """A JSON body as planned: whole, late, in drops, or only its first half."""
    plan, headers = writer.plan, {"Content-Type": "application/json"}
    half = body[: len(body) // 2]
    plan.delay += plan.seconds
    if plan.fault == "malformed":
        body = half
    if not (plan.keepalive or plan.drip or plan.hold or plan.fault in ("cut", "hang")):
        await writer.pause(plan.delay)
        writer.spoke()
        return web.Response(body=body, headers=headers)
    filled = plan.keepalive or plan.fault_arg == "keepalive"
    await writer.open(headers if filled else headers | {"Content-Length": str(len(body))}, b"\n")
    await _send_slowly(writer, body, half)
    await writer.response.write_eof()
    return writer.response


async def _send_slowly(writer: Writer, body: bytes, half: bytes) -> None:
    await writer.write(half)
    writer.spoke()
    if writer.plan.hold:
        await writer.hold()
    if writer.plan.fault in ("cut", "hang"):
        await _break(writer)
    await writer.write(body[len(half) :])
