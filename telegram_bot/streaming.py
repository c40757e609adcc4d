"""A growing answer, shown by sparse edits (default) or drafts; the final text is not this module's business.

Previews are droppable: they ask the limiter for room and are skipped without it. Edits count as sends, so there are
few: the first words at once, then after 1, 3 and 6 seconds, then every 6, at most 10. A fast answer has none.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from telegram.error import BadRequest, EndPointNotFound, TelegramError

from telegram_bot import runtime
from telegram_bot.limiter import COSMETIC, Dropped
from telegram_bot.markdown import Part, tail
from telegram_bot.outgoing import Place

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Pace:
    """When a growing answer is shown, in seconds. An answer that is over within ``first`` is never previewed."""

    first: float = 0.08
    edits_at: tuple[float, ...] = (1.0, 3.0, 6.0)
    edit_every: float = 6.0
    most_edits: int = 10
    draft_every: float = 1.0
    # A draft vanishes after 30 s: one that does not grow is shown again before.
    draft_again: float = 25.0
    typing_after: float = 0.4
    # Telegram shows it for 5 s.
    typing_every: float = 4.5


OnFirst = Callable[[int], Awaitable[None]]


async def show_typing(place: Place) -> None:
    """For some five seconds, or until a message comes; skipped where there is no room for it."""
    thread = place.thread or None
    try:
        await runtime.bot().send_chat_action(
            place.chat_id, "typing", message_thread_id=thread, rate_limit_args=COSMETIC
        )
    except (Dropped, TelegramError) as error:
        log.debug("typing not shown", error=str(error))


@asynccontextmanager
async def typing(place: Place, pace: Pace = Pace()) -> AsyncIterator[None]:
    """Typing, as long as the block takes; nothing for one that takes a moment only."""
    task = asyncio.create_task(_keep_typing(place, pace))
    try:
        yield
    finally:
        task.cancel()
        (trouble,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(trouble, Exception):
            log.warning("typing broke", error=repr(trouble))


async def _keep_typing(place: Place, pace: Pace) -> None:
    await asyncio.sleep(pace.typing_after)
    while True:
        await show_typing(place)
        await asyncio.sleep(pace.typing_every)


class Preview:
    """Shows what exists of an answer. ``show`` never waits; ``close`` ends it and gives the message to edit."""

    def __init__(
        self,
        place: Place,
        *,
        mode: str,
        stop_markup: dict[str, Any] | None,
        on_first: OnFirst,
        pace: Pace = Pace(),
    ) -> None:
        self.place, self.pace = place, pace
        self.mode = "edit" if mode == "draft" and place.chat_id < 0 else mode
        self.message_id = place.edit
        self._stop = stop_markup
        self._on_first = on_first
        self._text = ""
        self._shown = Part("")
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._on_its_way: asyncio.Task[None] | None = None
        self._edits = 0

    def start(self) -> None:
        """Typing after a while. A fast answer costs a timer, not a task: most are over before anything is shown."""
        if self.mode != "off":
            self._timer = asyncio.get_running_loop().call_later(self.pace.typing_after, self._begin)

    def show(self, text: str) -> None:
        """Let people see ``text`` (the whole answer so far) when there is room."""
        if not self._text and self._timer is not None and self._task is None:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(self.pace.first, self._begin)
        self._text = text
        self._changed.set()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> int | None:
        """Stop previewing. The id of the preview's message, if there is one, to be edited into the final text."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                if self._cancelled_from_outside():
                    raise
            except Exception:
                log.exception("preview broke")
        if self._on_its_way is not None:
            # A message that is being sent has an id we must know, or it would stay as half a text.
            (trouble,) = await asyncio.gather(self._on_its_way, return_exceptions=True)
            if trouble is not None:
                log.warning("last preview broke", error=repr(trouble))
        return self.message_id

    def _cancelled_from_outside(self) -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async def _run(self) -> None:
        if not self._text:
            await self._type_until_words()
            await asyncio.sleep(self.pace.first)
        began = time.monotonic()
        while True:
            # Before, not after: words that come while these are on their way are news.
            self._changed.clear()
            self._on_its_way = asyncio.create_task(self._show_now())
            await asyncio.shield(self._on_its_way)
            await asyncio.sleep(self._pause(time.monotonic() - began))
            await self._news()

    async def _news(self) -> None:
        """Return when there are more words, or when a draft must be shown again."""
        try:
            async with asyncio.timeout(self.pace.draft_again if self.mode == "draft" else None):
                await self._changed.wait()
        except TimeoutError:
            self._shown = Part("")

    async def _type_until_words(self) -> None:
        while not self._changed.is_set():
            await show_typing(self.place)
            with suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it may swallow a cancellation that comes with the words.
                async with asyncio.timeout(self.pace.typing_every):
                    await self._changed.wait()

    def _pause(self, elapsed: float) -> float:
        """Seconds until the next preview."""
        if self.mode == "draft":
            return self.pace.draft_every
        if self._edits >= self.pace.most_edits:
            return float("inf")
        later = [moment for moment in self.pace.edits_at if moment > elapsed + 0.05]
        return later[0] - elapsed if later else self.pace.edit_every

    async def _show_now(self) -> None:
        part = tail(self._text)
        if part is None or part.text == self._shown.text:
            return
        try:
            if self.mode == "draft":
                await self._draft(part)
            else:
                await self._edit(part)
        except Dropped:
            self._changed.set()  # still news, also when the model falls silent now
        except (BadRequest, EndPointNotFound) as error:
            log.info("preview refused", error=str(error))
            self._fall_back()
        except TelegramError as error:
            log.info("preview not shown", error=str(error))
        else:
            self._shown = part

    def _fall_back(self) -> None:
        """Drafts refused: edits. An edit refused: its message is gone, the final text will be a new one."""
        if self.mode == "draft":
            self.mode = "edit"
        elif self.message_id is not None:
            self.message_id = None
            self._edits = self.pace.most_edits

    async def _draft(self, part: Part) -> None:
        params = {"draft_id": abs(self.place.reply_to or 1), "can_stop": True, "keep_on_stop": True}
        await self._call("sendMessageDraft", {**self._params(part), **params})

    async def _edit(self, part: Part) -> None:
        params = self._params(part)
        if self._stop is not None:
            params["reply_markup"] = self._stop
        if self.message_id is not None:
            self._edits += 1
            await self._call("editMessageText", {**params, "message_id": self.message_id})
            return
        if self.place.reply_to is not None and self.place.chat_id < 0:
            reply = {"message_id": self.place.reply_to, "allow_sending_without_reply": True}
            params["reply_parameters"] = reply
        answer = await self._call("sendMessage", params)
        self.message_id = answer["message_id"]
        await self._on_first(answer["message_id"])

    def _params(self, part: Part) -> dict[str, Any]:
        params: dict[str, Any] = {"chat_id": self.place.chat_id, "text": part.text}
        params["link_preview_options"] = {"is_disabled": True}
        if part.entities:
            params["entities"] = part.entities
        if self.place.thread:
            params["message_thread_id"] = self.place.thread
        return params

    async def _call(self, method: str, params: dict[str, Any]) -> Any:
        if method == "sendMessageDraft":
            params.pop("link_preview_options", None)
        return await runtime.bot().do_api_request(method, api_kwargs=params, rate_limit_args=COSMETIC)
