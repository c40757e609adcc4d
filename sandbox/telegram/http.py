"""The edge: `/bot<token>/<method>` and `/file/bot<token>/<path>` over HTTP.

Each call is read, checked against the description of the API, run through faults and flood limits, answered
and listed.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from . import request as reading
from . import schema
from .calls import CallRecord
from .errors import ApiError, bad, not_found, unauthorized
from .faults import Rule
from .files import MAX_UPLOAD, Upload
from .methods import METHODS, Params
from .methods.common import find_chat, unsupported
from .world import World

Answer = Callable[[World, web.Request, CallRecord], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)
DOWNLOAD = "download"
WORLD = web.AppKey("world", World)
MAX_BODY = MAX_UPLOAD + 1024 * 1024
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
# Everything that shows something new in a chat costs; so do edits.
COSTLY = ("send", "edit", "copy", "forward")


class CutError(Exception):
    """The connection ends here without an answer."""


class RawAnswerError(Exception):
    """An answer that is not the API's: status, content type, body."""

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        super().__init__(status)
        self.status, self.content_type, self.body = status, content_type, body


def add_routes(app: web.Application) -> None:
    """Add the Bot API to an application that holds a World under WORLD."""
    app.router.add_route("*", "/bot{token:[^/]+}/{method}", call)
    app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", download)


async def call(request: web.Request) -> web.StreamResponse:
    """One method call."""
    return await listed_call(request, request.match_info["method"], result_of)


async def download(request: web.Request) -> web.StreamResponse:
    """A file by the path that getFile gave; for faults and in the list of calls a method named `download`."""
    return await listed_call(request, DOWNLOAD, content_of)


async def listed_call(request: web.Request, method: str, answer: Answer) -> web.StreamResponse:
    """What `answer` gives or how it fails, put into the list of calls."""
    world = request.app[WORLD]
    started = time.perf_counter()
    record = world.call_log.start(world.clock(), method, {})
    try:
        response = await answer(world, request, record)
    except ApiError as error:
        record.error_code, record.description = error.code, error.description
        return as_json(error.code, error.body())
    except RawAnswerError as raw:
        record.error_code = raw.status
        return web.Response(status=raw.status, body=raw.body, content_type=raw.content_type)
    except CutError:
        record.error_code = 0
        return cut(request)
    else:
        record.ok = True
        return response
    finally:
        record.duration = time.perf_counter() - started
        world.call_log.finish(record)
        world.news.notify()


def as_json(status: int, answer: dict[str, Any]) -> web.Response:
    """An answer of the API, with any half of a surrogate pair that somebody wrote."""
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return web.Response(status=status, body=body, content_type="application/json")


def cut(request: web.Request) -> web.Response:
    """Break the connection; the response is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def result_of(world: World, request: web.Request, record: CallRecord) -> web.Response:
    """The answer to a call that succeeds, or an exception that says how it ends."""
    check_token(world, request.match_info["token"])
    method = schema.find(request.match_info["method"])
    record.method = method.name
    raw, files = await reading.read(request)
    record.params = listed(raw)
    record.chat_id = chat_of(world, raw.get("chat_id"))
    cut_after = await obstacle(world, record) == "cut_after"
    try:
        params = Params(schema.check(method, raw, strict=world.strict), files)
        record.params = listed(params)
        result = await run(world, method.name, params)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        # Nested values of a shape nobody thought of; the real server never fails on them.
        log.exception("a call of %s could not be read", method.name)
        raise bad("the request has a wrong form") from error
    except ApiError as error:
        if cut_after:
            raise CutError from error
        raise
    if cut_after:
        raise CutError
    return as_json(200, {"ok": True, "result": result})


async def run(world: World, name: str, params: Params) -> Any:
    """Flood limits, then the method itself."""
    handler = METHODS.get(name)
    if handler is None:
        raise unsupported()
    if name.startswith(COSTLY) and "chat_id" in params:
        several = params.get("media") or params.get("message_ids")
        count = len(several) if isinstance(several, list) else 1
        world.limits.check(name, find_chat(world, params["chat_id"]), count)
    result = handler(world, params)
    return await result if inspect.isawaitable(result) else result


async def obstacle(world: World, record: CallRecord) -> str | None:
    """Let the fault that is due for a call happen, as far as it does before the method runs; its kind."""
    rule = world.faults.take(record.method, record.chat_id)
    if rule is not None:
        record.fault = rule.kind
        await before(world, rule)
    return record.fault


async def before(world: World, rule: Rule) -> None:
    """What a fault does before the method runs."""
    error = rule.error()
    if error is not None:
        raise error
    if rule.kind == "502_html":
        raise RawAnswerError(502, "text/html", BAD_GATEWAY)
    if rule.kind == "cut":
        raise CutError
    if rule.kind == "hang":
        await pause(world, 3600.0 if rule.seconds is None else rule.seconds)
        raise CutError
    if rule.kind == "slow":
        await pause(world, 1.0 if rule.seconds is None else rule.seconds)
    if rule.kind == "hold":
        await held(world)


async def pause(world: World, seconds: float) -> None:
    """Wait, but not longer than the server lives."""
    try:
        await asyncio.wait_for(world.closing.wait(), seconds)
    except TimeoutError:
        return


async def held(world: World) -> None:
    """Wait until the faults are cleared, but not longer than the server lives."""
    ends = [asyncio.create_task(event.wait()) for event in (world.faults.cleared, world.closing)]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()


def check_token(world: World, token: str) -> None:
    """401 for a revoked token, 404 for what cannot be one."""
    if token != world.token or not world.token_valid:
        raise unauthorized() if ":" in token and token.split(":", 1)[0].isdigit() else not_found()


def chat_of(world: World, value: Any) -> int | None:
    """The number of the chat a call is about, if it can be told."""
    try:
        found = schema.to_chat(value) if value is not None else None
    except ValueError:
        return None
    if isinstance(found, str):
        name = found.removeprefix("@").lower()
        chats = world.chats.values()
        return next((chat.id for chat in chats if chat.username and chat.username.lower() == name), None)
    return found


def listed(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters for the list of calls: files by name and size only."""
    if not any(isinstance(value, Upload) for value in values.values()):
        return dict(values)
    return {
        name: {"file": value.name, "size": len(value.content)} if isinstance(value, Upload) else value
        for name, value in values.items()
    }


async def content_of(world: World, request: web.Request, record: CallRecord) -> web.StreamResponse:
    """The bytes of a file; with `cut_after` half of them."""
    check_token(world, request.match_info["token"])
    record.params = {"file_path": request.match_info["path"]}
    fault = await obstacle(world, record)
    stored = world.files.at(request.match_info["path"])
    if stored is None:
        raise not_found()
    if fault == "cut_after":
        half = web.StreamResponse(headers={"Content-Length": str(len(stored.content))})
        await half.prepare(request)
        await half.write(stored.content[: len(stored.content) // 2])
        raise CutError
    return web.Response(body=stored.content, content_type="application/octet-stream")
