"""`GET /_sandbox/events`: the feed as server-sent events, with replay of what was missed."""

from __future__ import annotations

import json
from contextlib import suppress

from aiohttp import web

from .feed import Event, Feed
from .http import WORLD

KEEP_ALIVE_SECONDS = 15.0


async def events(request: web.Request) -> web.StreamResponse:
    """Stream events, of one chat with `?chat_id=`; `Last-Event-ID` or `?after=` replays what came since."""
    feed = request.app[WORLD].feed
    chat_id = int(request.query["chat_id"]) if request.query.get("chat_id") else None
    given = request.headers.get("Last-Event-ID") or request.query.get("after") or ""
    last = int(given) if given.isdigit() else feed.last_id
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    with suppress(ConnectionResetError):  # the tab was closed
        await response.prepare(request)
        await _follow(feed, response, last, chat_id)
    return response


async def _follow(feed: Feed, response: web.StreamResponse, last: int, chat_id: int | None) -> None:
    """Write what comes after event ``last`` until the feed is closed; ConnectionResetError when nobody reads."""
    await response.write(b": sandbox\n\n")
    while not feed.closed:
        fresh, newest = feed.after(last, chat_id), feed.last_id
        if fresh:
            await response.write(b"".join(map(written, fresh)))
        last = newest
        if feed.last_id == last and not await feed.signal.wait(KEEP_ALIVE_SECONDS):
            await response.write(b": still here\n\n")


def written(event: Event) -> bytes:
    """One event on the wire."""
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode("utf-8", "replace")
