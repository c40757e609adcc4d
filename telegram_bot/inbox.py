"""Draining of the lanes ``in:…``: claim the oldest update of a chat, let it through the gate, hand it to a handler.

At least once: a handler's effects carry the update's key, and the save that ends a turn marks the update done in the
same transaction. A poison update goes to "dead" and holds nobody up.
"""

import asyncio
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone, translation
from telegram import Update as TelegramUpdate

from accounts import services as accounts
from core import metrics
from core.claims import Queue, abandoned, claim_heads
from core.claims import waiting_lanes as waiting
from core.db import Together, in_db
from core.trace import trace
from delivery import pulse
from telegram_bot import incoming as gate
from telegram_bot import lanes, paste, refusals, runtime, services, trouble
from telegram_bot.application import current_incoming
from telegram_bot.incoming import Incoming, Verdict
from telegram_bot.models import Update

log = structlog.get_logger(__name__)

# Longer than the longest turn (LLM_TURN_TIMEOUT_SEC) and its shutdown.
QUEUE = Queue(Update, free="new", held="running", order="update_id", lease=timedelta(seconds=960))
MOST_ATTEMPTS = 5


async def drain(lane: str) -> bool:
    """Work on the oldest update of ``lane``; False when there is none that is free."""
    taken = await _take(lane)
    if taken is None:
        return False
    update, incoming = taken
    with trace(update.trace_id, update=update.update_id):
        if isinstance(incoming, Exception):
            await _put_back(update, [update.pk], incoming)
        elif incoming is not None:
            await _work(incoming)
    return True


# An update of ours now, and what the gate says; None: it is done. An error: the database did not answer the gate.
Taken = tuple[Update, Incoming | Exception | None]


def take(names: list[str]) -> list[Taken | None]:
    """Claim the heads of lanes and pass each through the gate; what is about nobody is done at once."""
    return [(update, _let_in(update)) if update else None for update in claim_heads(QUEUE, names)]


_take: Together[str, Taken | None] = Together(take, begin=2)


def _let_in(update: Update) -> Incoming | Exception | None:
    """Raises nothing: the others that were claimed along have nothing to do with it."""
    try:
        incoming = _check(update)
        if incoming is None or incoming.verdict is Verdict.IGNORE:
            services.finish([update.pk], timezone.now())
            _count(update, "ignored")
            return None
    except (OperationalError, InterfaceError) as error:
        return error
    return incoming


def _check(update: Update) -> Incoming | None:
    try:
        if moved := lanes.migration_of(update.raw):
            # Whoever reports it: the group's dialogs and its access must move along.
            accounts.migrate_chat(update.bot_id, *moved)
            return None
        if gate.is_news(update):
            _read(update)
            return None
        return gate.check(update, timezone.now())
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("update cannot be read", update=update.update_id)
        services.bury([update.pk], f"{type(error).__name__}: {error}", timezone.now())
        _count(update, "dead")
        return None


@transaction.atomic
def _read(update: Update) -> None:
    """News is counted once: what it leads to and that it is done are one."""
    gate.read(update, timezone.now())
    services.finish([update.pk], timezone.now())


async def _work(incoming: Incoming) -> None:
    passed = incoming.verdict is Verdict.PASS
    log.debug("let in" if passed else "refused", verdict=incoming.verdict, kind=incoming.update.kind)
    with translation.override(incoming.language):
        try:
            if passed:
                await _handle(incoming)
            else:
                await refusals.tell(incoming)
        except (OperationalError, InterfaceError) as error:
            await _later(incoming, error)
            return
        except Exception as error:
            await trouble.broke(incoming, error)
            _count(incoming.update, "dead")
            return
        if not incoming.finished:
            await in_db(services.finish, incoming.ids, timezone.now())
        _count(incoming.update, "done" if passed else "refused")


def _count(update: Update, outcome: str) -> None:
    kind = update.kind if update.kind in lanes.ALLOWED_UPDATES else "other"
    metrics.UPDATES.labels(kind, outcome).inc()


async def _handle(incoming: Incoming) -> None:
    raw = await paste.whole(incoming)
    application = runtime.application()
    update = TelegramUpdate.de_json(raw, application.bot)
    token = current_incoming.set(incoming)
    failed = trouble.failure.set([])
    try:
        await application.process_update(update)
        if errors := trouble.failure.get():
            raise errors[0]
    finally:
        trouble.failure.reset(failed)
        current_incoming.reset(token)


async def _later(incoming: Incoming, error: Exception) -> None:
    """The database did not answer: nothing is lost, the update waits in the inbox."""
    if incoming.update.attempts >= MOST_ATTEMPTS:
        await trouble.broke(incoming, error)
    else:
        await _put_back(incoming.update, incoming.ids, error)


async def _put_back(update: Update, ids: list[int], error: Exception) -> None:
    pause = min(60.0, 2.0**update.attempts)
    _count(update, "put back")
    log.warning("update put back", error=str(error), seconds=pause)
    for wait in (0.0, 0.5, 2.0):
        await asyncio.sleep(wait)
        try:
            await in_db(services.put_back, ids, str(error), timezone.now() + timedelta(seconds=pause))
        except (OperationalError, InterfaceError):
            continue
        return
    log.error("update stays held until its lease is over", update=update.update_id)


def waiting_lanes() -> dict[str, int]:
    return waiting(QUEUE)


def recover(*, everything: bool) -> int:
    """Give back what dead workers held; returns how many rows."""
    alive = pulse.workers() if everything else ()
    with transaction.atomic():
        ids = abandoned(QUEUE, everything=everything, alive=alive)
        for update in services.return_abandoned(ids, MOST_ATTEMPTS, timezone.now()) if ids else ():
            log.error("update buried", update=update.update_id, trace=update.trace_id, attempts=update.attempts)
            trouble.tell_buried(update)
    return len(ids)
