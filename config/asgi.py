"""The web side: admin, REST and webhook. No Telegram application lives here."""

import asyncio
import contextvars
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import django
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import FileResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

T = TypeVar("T")

# Threads that stay, each with its connection to the database. More requests at once get threads of their own, up to
# MOST in all; others wait: PostgreSQL has 100 connections, and the bot wants some.
KEPT, MOST = 8, 32


class Web(ASGIHandler):
    """Django's handler for views that are all sync: a request is one call in one thread, and the threads are kept.

    Django's own gives every request a new thread, which needs a new connection, and changes threads for every
    middleware: with it other services made 70 reminders a second on PostgreSQL where they now make 200.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._idle: list[ThreadPoolExecutor] = []
        self._room = asyncio.Semaphore(MOST)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"This is a site and speaks HTTP only, no {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            async with self._room, self._thread() as thread:
                response = await _in(thread, lambda: self._answer(scope, body))
                if response.streaming:
                    await self.send_response(response, send)
                    await _in(thread, response.close)
                    return
            await self.send_response(response, send)  # whoever reads slowly holds no thread

    def _answer(self, scope: Any, body: Any) -> HttpResponseBase:
        """All that Django does for a request, which ends here unless its content is still to be made."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response: HttpResponseBase = self.get_response(request) if request else refusal or HttpResponseBadRequest()
        response._handler_class = type(self)  # type: ignore[attr-defined]  # who sends the signal of its end
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()
        return response

    @asynccontextmanager
    async def _thread(self) -> AsyncIterator[ThreadPoolExecutor]:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(max_workers=1, thread_name_prefix="web")
        try:
            yield thread
        finally:
            if len(self._idle) < KEPT:
                self._idle.append(thread)
            else:
                thread.submit(connections.close_all)
                thread.shutdown(wait=False)


async def _in(thread: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    """What ``call`` returns, run there with the context of here."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(thread, lambda: context.run(call))


def refuse_half_configured() -> None:
    """End the process, with the sentences of the checks, when something serious is wrong in the settings."""
    from config.checks import settings_problems

    if serious := [problem for problem in settings_problems() if problem.is_serious()]:
        sys.exit("\n".join(f"{problem.id}: {problem.msg}" for problem in serious))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)
refuse_half_configured()
application = Web()
