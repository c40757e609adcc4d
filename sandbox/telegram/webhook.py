"""Delivery of updates by POST: in order within a chat, again and again until the receiver says 2xx."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from .updates import Update, Updates

log = logging.getLogger(__name__)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
TIMEOUT = 60.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the name of a header)


def is_loopback(url: str) -> bool:
    """The URL points at this machine; the sandbox calls nobody else."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.hostname in LOOPBACK


def lane_of(update: Update) -> int | str:
    """Updates of one lane keep their order: the chat, or the kind for those without one."""
    kind, payload = next(((key, value) for key, value in update.items() if key != "update_id"), ("", None))
    if not isinstance(payload, dict):
        return kind
    message = payload.get("message")
    holder = message if isinstance(message, dict) else payload
    chat = holder.get("chat")
    return chat["id"] if isinstance(chat, dict) and isinstance(chat.get("id"), int) else kind


class Webhook:
    """The receiver that was set, and the deliveries on their way."""

    def __init__(self, updates: Updates, clock: Callable[[], float]) -> None:
        self.updates = updates
        self.clock = clock
        self.url = ""
        self.secret_token = ""
        self.max_connections = 40
        self.ip_address: str | None = None
        self.has_certificate = False
        self.last_error: tuple[int, str] | None = None
        self.first_pause = FIRST_PAUSE
        self._session: aiohttp.ClientSession | None = None
        self._main: asyncio.Task[None] | None = None
        self._lanes: dict[int | str, deque[Update]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(self.max_connections)

    def set(self, url: str, *, secret_token: str, max_connections: int, ip_address: str | None) -> None:
        """Deliver to this URL from now on; an empty one stops deliveries."""
        self._stop()
        self.url, self.secret_token, self.ip_address = url, secret_token, ip_address
        self.max_connections, self.last_error = max_connections, None
        self._slots = asyncio.Semaphore(max_connections)
        if url:
            self._main = asyncio.create_task(self._run())

    def info(self) -> dict[str, Any]:
        """The WebhookInfo object."""
        info: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": self.has_certificate,
            "pending_update_count": len(self.updates.pending),
        }
        if self.url:
            info |= {"max_connections": self.max_connections, "ip_address": self.ip_address or "127.0.0.1"}
        if self.last_error:
            info["last_error_date"], info["last_error_message"] = self.last_error
        if self.updates.allowed:
            info["allowed_updates"] = self.updates.allowed
        return info

    def _stop(self) -> None:
        """Cancel what is on its way; undelivered updates stay in the queue."""
        for task in [*self._workers, *([self._main] if self._main else [])]:
            task.cancel()
        self._workers.clear()
        self._lanes.clear()
        self._main = None

    async def close(self) -> None:
        """Stop and close the connections."""
        running = [*self._workers, *([self._main] if self._main else [])]
        self._stop()
        await asyncio.gather(*running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        """Sort new updates into lanes; each busy lane has one worker."""
        last = 0
        while True:
            fresh = []
            for update_id in reversed(self.updates.pending):
                if update_id <= last:
                    break
                fresh.append(self.updates.pending[update_id][1])
            for update in reversed(fresh):
                last = update["update_id"]
                self._enqueue(update)
            await self.updates.signal.wait()

    def _enqueue(self, update: Update) -> None:
        lane = lane_of(update)
        if lane in self._lanes:
            self._lanes[lane].append(update)
            return
        self._lanes[lane] = deque([update])
        worker = asyncio.create_task(self._drain(lane))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _drain(self, lane: int | str) -> None:
        """Deliver the updates of a lane one after another."""
        queue = self._lanes[lane]
        while queue:
            await self._deliver(queue[0])
            self.updates.remove(queue.popleft()["update_id"])
        del self._lanes[lane]

    async def _deliver(self, update: Update) -> None:
        """POST until the answer is 2xx, with growing pauses."""
        pause = self.first_pause
        while True:
            async with self._slots:
                problem = await self._post(update)
            if problem is None:
                return
            self.last_error = (int(self.clock()), problem)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _post(self, update: Update) -> str | None:
        """One attempt: None when taken, else what was wrong."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        headers = {SECRET_HEADER: self.secret_token} if self.secret_token else {}
        try:
            async with self._session.post(self.url, json=update, headers=headers, allow_redirects=False) as response:
                await response.read()
                if 200 <= response.status < 300:
                    return None
                return f"Wrong response from the webhook: {response.status} {response.reason}"
        except TimeoutError:
            return "Read timeout expired"
        except (aiohttp.ClientError, OSError) as error:
            log.debug("webhook not reached: %s", error)
            return "Connection refused"
