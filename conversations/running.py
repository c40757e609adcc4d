"""The answers being written in this process, and what may end one before its time: a Stop, an edit of its question, or
another process that closed its request (/forget).

An edit waits in its chat's line behind the answer it makes void. So while answers are written, somebody looks into the
database: two queries in a while for all of them, none for an answer that is over sooner.
"""

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError
from django.db.models import QuerySet

from conversations.models import Request
from core.db import in_db
from telegram_bot.inbox import QUEUE
from telegram_bot.incoming import Incoming
from telegram_bot.lanes import Raw, body_of
from telegram_bot.models import Update

log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0  # seconds


@dataclass
class Running:
    """An answer that is being written, and the way to end it. ``ended``: why it was ended, as in Request.finish."""

    request_id: int
    incoming: Incoming
    talk: asyncio.Task[None]
    ended: str = ""
    since: float = field(default_factory=time.monotonic)

    def end(self, why: str) -> None:
        self.ended = self.ended or why
        self.talk.cancel()

    def is_void_by(self, message: Raw) -> bool:
        """Whether ``message`` is the question in other words. A question of several messages cannot be edited."""
        asked = body_of(self.incoming.update.raw)
        same = message.get("message_id") == asked.get("message_id") and len(self.incoming.ids) == 1
        return same and message.get("text") != asked.get("text")


# (chat, topic) -> the answer being written there; a lane is serial, so there is one.
_running: dict[tuple[int, int], Running] = {}
_watch: asyncio.Task[None] | None = None


def at(chat_id: int, thread: int) -> Running | None:
    return _running.get((chat_id, thread))


def of_request(request_id: int) -> Running | None:
    return next((one for one in _running.values() if one.request_id == request_id), None)


def end_of(user_id: int) -> None:
    """End all answers to one person in this process."""
    for run in _running.values():
        if run.incoming.user.pk == user_id:
            run.end("stopped")


@contextmanager
def registered(run: Running) -> Iterator[None]:
    """Let ``run`` be found, and ended, while the block lasts."""
    global _watch
    place = (run.incoming.chat_id, run.incoming.thread)
    _running[place] = run
    if _watch is None or _watch.done():
        _watch = asyncio.create_task(_end_what_is_void())
    try:
        yield
    finally:
        del _running[place]


async def close() -> None:
    global _watch
    watch, _watch = _watch, None
    if watch is not None:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _end_what_is_void() -> None:
    """End every answer whose question was edited or whose request was closed, until nothing is written any more."""
    await asyncio.sleep(LOOK_EVERY)
    while _running:
        old = time.monotonic() - LOOK_EVERY
        if runs := {run.incoming.update.lane: run for run in _running.values() if run.since <= old}:
            await _look(runs)
        await asyncio.sleep(LOOK_EVERY)


async def _look(runs: Mapping[str, Running]) -> None:
    """End those of ``runs`` (by lane) that nobody waits for any more."""
    try:
        edits, wanted = await in_db(_news, list(runs), [run.request_id for run in runs.values()])
    except DatabaseError as error:
        log.warning("edits not looked for", error=str(error))
        return
    for edit in edits:
        if runs[edit.lane].is_void_by(body_of(edit.raw)):
            runs[edit.lane].end("edited")
    for run in runs.values():
        if run.request_id not in wanted:
            run.end("stopped")


def _news(lanes: Collection[str], requests: Collection[int]) -> tuple[list[Update], set[int]]:
    """The edits that wait in ``lanes``, and those of ``requests`` that still run."""
    wanted = Request.objects.filter(pk__in=requests, state=Request.State.RUNNING)
    return list(waiting_edits(lanes)), set(wanted.values_list("pk", flat=True))


def waiting_edits(lanes: Collection[str]) -> QuerySet[Update]:
    """Edits that nobody has begun with. The condition stands in the text so that SQLite, too, uses the index."""
    waiting = Update.objects.filter(lane__in=lanes, kind="edited_message", state=Update.State.NEW)
    return waiting.extra(where=[QUEUE.open]).order_by("update_id")  # noqa: S610  (the text is our own)
