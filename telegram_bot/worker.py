"""The bot's process: receive, drain the lanes, send. Everything that must survive it is a row.

Any number of processes may work beside it (`manage.py runworker`): they hear nothing, and send, fire and do the rest.
"""

import asyncio
import gc
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from typing import Any

import structlog
import uvloop
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from telegram.error import BadRequest, EndPointNotFound, InvalidToken, RetryAfter, TelegramError

from core.db import in_db
from delivery import engine, pulse
from delivery.engine.local import LocalEngine
from telegram_bot import commands, runtime, services
from telegram_bot.application import App, build
from telegram_bot.hearing import WebhookWatch
from telegram_bot.heart import Heart
from telegram_bot.lanes import ALLOWED_UPDATES
from telegram_bot.limiter import seconds_of
from telegram_bot.outgoing import bot_id
from telegram_bot.patience import Attempts, at_start, first_line
from telegram_bot.poll import Poller, TokenRevoked

log = structlog.get_logger(__name__)

# Lanes of one kind at the same time in this process. A lane mostly waits for a model, so many are cheap.
CONCURRENCY = 512
FINISH_SECONDS = 20.0
# The kind of lanes that only the process that hears Telegram drains.
HEARD = "in"
WATCH_SECONDS = 3.0

Watch = Callable[[], str]


class Stopped(Exception):
    """The process must end; the text says why, for the operator."""


def run(whole: Coroutine[Any, Any, None]) -> None:
    """Run it on uvloop's event loop: a crowd is answered sooner by it (docs/adr/0014)."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(whole)


async def work(watch: Watch, *, leads: bool = False, hears: bool = True) -> None:
    """Run until SIGTERM or SIGINT. ``watch`` is asked every few seconds in a thread; a text from it ends the work.
    ``leads``: the operator's jobs run in this process. ``hears``: it is the one that receives, and answers.

    Raises TokenRevoked, Stopped, and GaveUp when Telegram was waited for as long as the settings say.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    application = build()
    local = LocalEngine({kind: path for kind, path in settings.LANES.items() if hears or kind != HEARD})
    heart = Heart(local, leads=leads, name=pulse.BOT if hears else pulse.WORKER_HERE)
    runtime.use(application)
    engine.use(local)
    tasks: list[asyncio.Task[None]] = []
    try:
        await _initialize(application, stop)
        if stop.is_set():
            return
        # Before anything is claimed: what nobody living holds is taken back.
        await heart.beat()
        if hears:
            await _call_modules("startup")
        await local.start(CONCURRENCY)
        settle_memory()
        running = {
            "engine": local.run(CONCURRENCY),
            "watch": _watch(watch, stop),
            "heart": heart.run(stop),
            **{path: import_string(path)(stop) for path in settings.SERVICES},
        }
        if hears:
            running |= {"receive": _receive(application, heart, stop), "health": heart.watch(stop)}
        tasks = [asyncio.create_task(one, name=name) for name, one in running.items()]
        stopper = asyncio.create_task(stop.wait())
        done, _rest = await asyncio.wait({*tasks, stopper}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        for task in done - {stopper}:
            task.result()
    finally:
        await _finish(application, local, heart, tasks)


def settle_memory() -> None:
    """What the start loaded stays for ever: leave it out of the collector's rounds, and make those rarer.

    A full round walks half a million objects of Django and python-telegram-bot, in the middle of somebody's answer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


async def _initialize(application: App, stop: asyncio.Event) -> None:
    """Ask Telegram who we are; it may be away at our start, so with patience."""
    if await _patiently(application.initialize, stop):
        log.info("started", bot=application.bot.username, bot_id=bot_id())


async def _patiently(
    call: Callable[[], Awaitable[object]], stop: asyncio.Event, attempts: Attempts | None = None
) -> bool:
    """Call until Telegram answers; False when it is time to stop. Raises TokenRevoked, GaveUp."""
    attempts = attempts or telegram_at_start()
    while not stop.is_set():
        try:
            await call()
        except (InvalidToken, EndPointNotFound) as error:
            # Not the library's words: they hold the token.
            raise TokenRevoked("Unauthorized") from error
        except (TelegramError, OSError) as error:
            wished = seconds_of(error) if isinstance(error, RetryAfter) else 0.0
            said = first_line(error).replace(settings.BOT_TOKEN, "***")
            await _sleep_or(stop, attempts.failed(said, at_least=wished))
        else:
            attempts.succeeded()
            return True
    return False


def telegram_at_start() -> Attempts:
    where = f"Check the network and TELEGRAM_API_URL ({settings.TELEGRAM_API_URL})"
    return at_start("Telegram", f"{where}, then start Sekretar again.")


async def _receive(application: App, heart: Heart, stop: asyncio.Event) -> None:
    async def store(batch: list[dict[str, object]]) -> None:
        await in_db(services.store, bot_id(), batch, timezone.now())

    await in_db(commands.show_to_all)
    if settings.WEBHOOK_URL:
        await _receive_by_webhook(application, heart, stop)
    # A webhook that is left from another time refuses every poll.
    elif await _patiently(application.bot.delete_webhook, stop):
        heart.receiver = poller = Poller(application.bot, store)
        await poller.run(stop)


async def _receive_by_webhook(application: App, heart: Heart, stop: asyncio.Event) -> None:
    async def register() -> None:
        try:
            await application.bot.set_webhook(
                settings.WEBHOOK_URL, secret_token=settings.WEBHOOK_SECRET, allowed_updates=ALLOWED_UPDATES
            )
        except BadRequest as error:
            raise Stopped(f"Telegram refuses WEBHOOK_URL ({error}). Correct it, or leave it empty to poll.") from error

    if await _patiently(register, stop):
        log.info("receiving by webhook", url=settings.WEBHOOK_URL)
        heart.receiver = watch = WebhookWatch(application.bot)
        await watch.run(stop)


async def _watch(watch: Watch, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if trouble := await asyncio.to_thread(watch):
            raise Stopped(trouble)
        await _sleep_or(stop, WATCH_SECONDS)


async def _sleep_or(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _call_modules(name: str) -> None:
    """Call ``name`` of each module of handlers that has it."""
    for path in settings.BOT_MODULES:
        if (function := getattr(import_module(path), name, None)) is not None:
            await function()


async def _finish(application: App, local: LocalEngine, heart: Heart, tasks: list[asyncio.Task[None]]) -> None:
    """Receive no more, let running answers end (20 s at most), send what they said, then close."""
    began = time.monotonic()
    for task in tasks:
        if task.get_name() != "receive":
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    ended = await local.stop(HEARD, FINISH_SECONDS)
    for kind in settings.LANES.keys() - {HEARD}:
        await heart.beat()  # what is held meanwhile is still ours
        await local.stop(kind, max(2.0, FINISH_SECONDS - (time.monotonic() - began)))
    await heart.end()
    log.info("stopped", seconds=round(time.monotonic() - began, 2), all_answers_finished=ended)
    engine.use(None)
    await _call_modules("shutdown")
    await application.shutdown()
    # An application that was never let in does not close its bot's connections.
    await application.bot.shutdown()
    runtime.use(None)
