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
from core.claims import Queue, abandoned, claim_head
from core.claims import waiting_lanes as waiting
from core.db import in_db
from core.trace import trace
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
    update, incoming = await in_db(take, lane)
    if update is None:
        return False
    with trace(update.trace_id, update=update.update_id):
        if incoming is not None:
            await _work(incoming)
    return True


def take(lane: str) -> tuple[Update | None, Incoming | None]:
    """Claim the head of ``lane`` and pass it through the gate; what is about nobody is done at once."""
    update = claim_head(QUEUE, lane)
    if update is None:
        return None, None
    try:
        if moved := lanes.migration_of(update.raw):
            # Whoever reports it: the group's dialogs and its access must move along.
            accounts.migrate_chat(update.bot_id, *moved)
        incoming = None if moved else gate.check(update, timezone.now())
    except (OperationalError, InterfaceError) as error:
        services.put_back([update.pk], str(error), timezone.now() + timedelta(seconds=1))
        return update, None
    except Exception as error:
        log.exception("update cannot be read", update=update.update_id)
        services.bury([update.pk], f"{type(error).__name__}: {error}", timezone.now())
        return update, None
    if incoming is None or incoming.verdict is Verdict.IGNORE:
        services.finish([update.pk], timezone.now())
        return update, None
    return update, incoming


async def _work(incoming: Incoming) -> None:
    with translation.override(incoming.language):
        try:
            if incoming.verdict is Verdict.PASS:
                await _handle(incoming)
            else:
                await refusals.tell(incoming)
        except (OperationalError, InterfaceError) as error:
            await _later(incoming, error)
            return
        except Exception as error:
            await trouble.broke(incoming, error)
            return
        if not incoming.finished:
            await in_db(services.finish, incoming.ids, timezone.now())


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
    pause = min(60.0, 2.0**incoming.update.attempts)
    log.warning("update put back", error=str(error), seconds=pause)
    if incoming.update.attempts >= MOST_ATTEMPTS:
        await trouble.broke(incoming, error)
        return
    for wait in (0.0, 0.5, 2.0):
        await asyncio.sleep(wait)
        try:
            await in_db(services.put_back, incoming.ids, str(error), timezone.now() + timedelta(seconds=pause))
        except (OperationalError, InterfaceError):
            continue
        return
    log.error("update stays held until its lease is over", update=incoming.update.update_id)


def waiting_lanes() -> dict[str, int]:
    return waiting(QUEUE)


def recover(*, everything: bool) -> int:
    """Give back what dead workers held; returns how many rows."""
    ids = abandoned(QUEUE, everything=everything)
    if ids:
        with transaction.atomic():
            for update in services.return_abandoned(ids, MOST_ATTEMPTS, timezone.now()):
                log.error("update buried", update=update.update_id, trace=update.trace_id, attempts=update.attempts)
                trouble.tell_buried(update)
    return len(ids)
