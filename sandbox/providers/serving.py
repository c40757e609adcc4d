"""From a request to an answer: record it, read it, plan it, and let the plan happen on the wire."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from . import faults, script
from .state import Call, Models
from .stream import BrokenError, Writer, play, rest, send
from .wire import Json, Piece, Plan, RefusedError, Reply, Wire, dumps

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Work = Callable[[web.Request, Call], Awaitable[web.StreamResponse]]
SECRET_HEADERS = {"authorization", "x-goog-api-key", "api-key", "x-api-key"}


def mask(secret: str) -> str:
    """A key as it may be shown: at most its last four characters."""
    return f"****{secret[-4:]}" if len(secret) > 8 else "****"


def _masked(request: web.Request) -> tuple[str, Json]:
    """The path with its query, and the headers, without keys."""
    headers: Json = {}
    for name, value in request.headers.items():
        scheme, space, key = value.rpartition(" ")
        headers[name] = f"{scheme}{space}{mask(key)}" if name.lower() in SECRET_HEADERS else value
    path = request.path_qs
    if secret := request.query.get("key"):
        path = path.replace(secret, mask(secret))
    return path, headers


def recorded(models: Models, provider: str, endpoint: str, work: Work) -> Handler:
    """A handler that records the call around `work` and turns a `RefusedError` into its answer."""

    async def handle(request: web.Request) -> web.StreamResponse:
        path, headers = _masked(request)
        call = models.record(provider, endpoint, request.method, path, headers)
        try:
            response = await work(request, call)
        except RefusedError as refusal:
            call.status, call.outcome = refusal.reply.status, "refused"
            return respond(refusal.reply)
        except BrokenError as broken:
            call.status, call.outcome = broken.response.status, "broken"
            return broken.response
        except ConnectionError:
            # No error of ours: whoever asked was stopped, or died.
            call.outcome = "gone"
            return BrokenError.cut(request).response
        else:
            call.status, call.outcome = response.status, "answered"
            return response
        finally:
            models.finish(call)

    return handle


def respond(reply: Reply) -> web.Response:
    """A refusal as an HTTP response; bodies that are text go out as they are."""
    text = reply.body if isinstance(reply.body, str) else dumps(reply.body)
    headers = {"Content-Type": "application/json", **reply.headers}
    return web.Response(status=reply.status, body=text.encode(), headers=headers)


async def read_body(request: web.Request, provider: str, limit: int) -> bytes:
    """The request's bytes. Raises `RefusedError` (413) above `limit`, whatever aiohttp allows."""
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise RefusedError(faults.error(provider, "too_large"))
    return b"".join(parts)


def parse(raw: bytes, provider: str) -> Json:
    """The body as a JSON object. Raises `RefusedError` when it is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(faults.error(provider, "bad_request"))
    return body


def chat(models: Models, wire: Wire) -> Handler:
    """The handler of a provider's conversation endpoint."""

    async def work(request: web.Request, call: Call) -> web.StreamResponse:
        raw = await read_body(request, wire.NAME, models.max_body)
        wire.check_key(request)
        call.body = parse(raw, wire.NAME)
        turn = wire.read(models, call.body, request)
        turn.number, turn.created = call.n, int(call.time)
        call.model, call.stream = turn.model, turn.stream
        models.changed()
        plan = script.make_plan(models, turn)
        await obstacles(models, request, plan)
        writer = Writer(models, request, call, plan)
        if not turn.stream:
            body = wire.error_body(turn, plan.stream_error) if plan.stream_error else wire.whole(turn, plan)
            return await send(writer, wire.BLANK + dumps(body).encode())
        pieces = script.pieces(plan)
        frames = wire.frames(turn, plan, pieces)
        error = wire.error_body(turn, plan.stream_error) if plan.stream_error else None
        as_array = bool(turn.options.get("array"))
        writer.frames_before_text = len(frames) - wire.TAIL - sum(kind == "text" for kind, _ in pieces)
        return await play(writer, frames, halfway(frames, pieces, wire.TAIL), error, as_array)

    return recorded(models, wire.NAME, "chat", work)


def halfway(frames: Sequence[bytes], pieces: Sequence[Piece], tail: int) -> int:
    """How many frames bring half of the text, or half of everything when nothing is said."""
    texts = sum(kind == "text" for kind, _ in pieces)
    return max(1, len(frames) - tail - texts // 2 if texts else len(frames) // 2)


async def obstacles(models: Models, request: web.Request, plan: Plan) -> None:
    """What keeps an answer from even beginning: an HTTP error, silence, a closed or an empty connection."""
    if plan.error:
        await rest(models, request, plan.delay)
        raise RefusedError(plan.error)
    if plan.fault == "hang" and not plan.fault_arg:
        await rest(models, request, float("inf"))
    if plan.fault == "cut" and plan.fault_arg == "0":
        raise BrokenError.cut(request)
    if plan.fault == "empty":
        raise BrokenError(web.Response(body=b"", content_type="application/json"))


Simple = Callable[[web.Request, Call], Awaitable[Any]]


def plain(models: Models, wire: Wire, endpoint: str, answer: Simple) -> Handler:
    """The handler of any other endpoint: `answer` gives a JSON value or a whole response.

    Rules for the endpoint apply (errors, delays, broken connections); `contains` sees nothing here.
    """

    async def work(request: web.Request, call: Call) -> web.StreamResponse:
        wire.check_key(request)
        plan = script.transport_plan(models, wire.NAME, endpoint)
        await obstacles(models, request, plan)
        answered = await answer(request, call)
        if isinstance(answered, web.StreamResponse):
            return answered
        return await send(Writer(models, request, call, plan), dumps(answered).encode())

    return recorded(models, wire.NAME, endpoint, work)
