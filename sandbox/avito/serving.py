"""From a request to an answer: record it, open it with its token, count it, answer it, perhaps badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from . import token
from .accounts import Account
from .ask import Ask, Method
from .checks import Query
from .errors import RefusedError, Reply, refused
from .troubles import TRANSPORT, Trouble, reply_of
from .world import AvitoWorld, Call

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FORM = "application/x-www-form-urlencoded"
NOT_JSON = object()


def handler(world: AvitoWorld, method: Method) -> Handler:
    """Serve a method of the table."""

    async def handle(request: web.Request) -> web.StreamResponse:
        body = parsed(await request.read())
        call = world.record(method.name, request.method, request.path_qs, None if body is NOT_JSON else body)
        trouble: Trouble | None = None
        try:
            account = opened(world, method, request, call)
            trouble = world.trouble_for(method.name, account)
            intercepted(trouble, method.style)
            reply = Reply(200, answered(world, method, account, request, body))
        except RefusedError as refusal:
            reply = refusal.reply
        return await finish(world, request, call, reply, trouble)

    return handle


def token_handler(world: AvitoWorld) -> Handler:
    """Serve /token."""

    async def handle(request: web.Request) -> web.StreamResponse:
        form = form_of(request, await request.read())
        call = world.record("token", request.method, request.path_qs, masked(form))
        keys = world.keys.get((form or {}).get("client_id", ""))
        account = world.accounts.get(keys.uid) if keys else None
        call.uid = keys.uid if keys else None
        trouble = world.trouble_for("token", account)
        try:
            intercepted(trouble, "error")
            reply = Reply(200, token.issue(world, form))
        except RefusedError as refusal:
            reply = refusal.reply
        return await finish(world, request, call, reply, trouble)

    return handle


def opened(world: AvitoWorld, method: Method, request: web.Request, call: Call) -> Account:
    """The account that the token opens; the call is put down to it. RefusedError for a token that opens none."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise refused(method.style, 401)
    known = world.tokens.get(value)
    call.uid = known.keys.uid if known else None
    account = world.opened(value)
    if account is None:
        raise refused(method.style, world.manner(call.uid).expired, "access token expired")
    return account


def intercepted(trouble: Trouble | None, style: str) -> None:
    """RefusedError when something else than the answer is to be sent. It does not count against the limits."""
    if trouble is not None and trouble.kind not in TRANSPORT:
        raise RefusedError(reply_of(trouble, style))


def answered(world: AvitoWorld, method: Method, account: Account, request: web.Request, body: Any) -> Any:
    """The body of the answer. RefusedError: too often, another's account, or a request that is not right."""
    world.pass_gate(method.name, account, method.style)
    match = dict(request.match_info)
    if "uid" in match and match["uid"] != str(account.uid):
        raise refused(method.style, method.foreign)
    query = Query({name: ",".join(request.query.getall(name)) for name in request.query})
    manners = world.manner(account.uid)
    ask = Ask(world, account, manners, world.now(), method.style, match, query, body, request.headers)
    said = method.answer(ask)
    return {**said, "x_new_field": {"beta": True}} if manners.extras and isinstance(said, dict) else said


async def finish(
    world: AvitoWorld, request: web.Request, call: Call, reply: Reply, trouble: Trouble | None
) -> web.StreamResponse:
    """Send the reply, late or in half if that is the trouble."""
    if trouble is not None and trouble.kind == "slow":
        await asyncio.sleep(trouble.seconds)
    if trouble is not None and trouble.kind == "hold":
        await world.held()
    if trouble is not None and trouble.kind == "cut":
        response: web.StreamResponse = await cut(request, reply)
    else:
        call.status = reply.status
        response = respond(reply)
    world.changed()
    return response


def respond(reply: Reply) -> web.Response:
    """As an HTTP response; bodies that are text go out as they are."""
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body, ensure_ascii=False)
    headers = {"Content-Type": f"{reply.type}; charset=utf-8", **reply.headers}
    return web.Response(status=reply.status, body=text.encode(), headers=headers)


async def cut(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Promise the whole answer, send half of it and hang up."""
    content = json.dumps(reply.body).encode()
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": "application/json"})
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def parsed(raw: bytes) -> Any:
    """The JSON of a body, None without one."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return NOT_JSON


def form_of(request: web.Request, raw: bytes) -> dict[str, str] | None:
    """The fields of a form; None when the body is none."""
    if request.content_type != FORM:
        return None
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


def masked(form: dict[str, str] | None) -> dict[str, str] | None:
    """A form as it may be remembered."""
    return form and {name: "****" if name == "client_secret" else value for name, value in form.items()}
