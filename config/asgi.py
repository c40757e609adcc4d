"""The web side: admin, REST and webhook. No Telegram application lives here."""

import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import django
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase

# Threads that stay, each with its connection to the database. More requests at once get threads of their own.
KEPT = 8


class Web(ASGIHandler):
    """Django's handler for views that are all sync: a request is one call in one thread, and the threads are kept.

    Django's own gives every request a new thread, which needs a new connection, and changes threads for every
    middleware: with it other services made 70 reminders a second on PostgreSQL where they now make 190.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"This is a site and speaks HTTP only, no {scope['type']}.")
        async with self._thread() as thread, ThreadSensitiveContext(executor=thread):
            await self.handle(scope, receive, send)

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

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        response._handler_class = type(self)  # type: ignore[attr-defined]
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response


def refuse_half_configured() -> None:
    """End the process, with the sentences of the checks, when something serious is wrong in the settings."""
    from config.checks import settings_problems

    if serious := [problem for problem in settings_problems() if problem.is_serious()]:
        sys.exit("\n".join(f"{problem.id}: {problem.msg}" for problem in serious))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)
refuse_half_configured()
application = Web()
