"""One turn: load, talk, save. No database connection is held while the model speaks."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import attachments, running, services, summarising
from conversations.running import Running
from conversations.services import Outcome, Question, State, Turn
from conversations.talking import Talk, judged, listen
from core.db import in_db, in_db_first, in_db_shared
from core.trace import current_trace
from llm.client import Client
from llm.errors import ProviderError
from telegram_bot.application import Context
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import plain
from telegram_bot.notices import notify_admins_async
from telegram_bot.outgoing import Place
from telegram_bot.streaming import Preview

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Seconds before a further try to save: an answer is paid for, a database that is away for a moment must not cost it.
SAVE_AGAIN = (0.2, 1.0, 3.0)

_client: Client | None = None
_freshener: asyncio.Task[None] | None = None


async def answer(context: Context, question: Question) -> None:
    """Answer ``question`` in its chat; whatever happens on the way, the person gets an answer or a sentence."""
    incoming = context.incoming
    turn = await in_db_shared(services.begin, incoming, question, timezone.now())
    if turn is None:
        return
    log.debug("asking", request=turn.request.pk, model=turn.request.model_ref, turns=len(turn.call.turns))
    outcome = await _talk(turn, incoming)
    if outcome.images:
        outcome.pictures = await in_db(attachments.keep_pictures, outcome.images, incoming.user, timezone.now())
    await saved(turn, outcome, lambda now: services.save(turn, outcome, incoming, now))
    log.info(
        "answered",
        request=turn.request.pk,
        model=turn.request.model_ref,
        state=outcome.state,
        error_kind=outcome.error_kind,
        ms=outcome.total_ms,
    )
    await summarising.after_answer(client(), turn, outcome, incoming)


async def saved(turn: Turn, outcome: Outcome, save: Callable[[datetime], T]) -> T:
    """Call ``save`` with the time, again and again while the database is away; what it gives."""
    for pause in SAVE_AGAIN:
        try:
            return await in_db_shared(save, timezone.now())
        except (OperationalError, InterfaceError) as error:
            log.warning("answer not saved", request=turn.request.pk, error=str(error), again_in=pause)
            await asyncio.sleep(pause)
        except (ValueError, DataError) as error:
            # Half a character or a NUL: a model may say it, no database takes it.
            log.warning("answer cleaned", request=turn.request.pk, error=str(error))
            outcome.text, outcome.error, outcome.raw = plain(outcome.text), plain(outcome.error), None
    return await in_db_shared(save, timezone.now())


async def _talk(turn: Turn, incoming: Incoming) -> Outcome:
    if turn.refused is not None:
        return Outcome(State.FAILED, error_kind=turn.refused.kind)
    if turn.target is None:
        return Outcome(State.FAILED, error_kind="no_model")
    preview = _preview(turn, incoming)
    talk = Talk(client(), turn, incoming, Outcome(), preview.show)
    outcome, listening = talk.outcome, asyncio.create_task(listen(talk))
    run = Running(turn.request.pk, incoming, listening)
    with running.registered(run):
        preview.start()
        try:
            await listening
        except ProviderError as error:
            outcome.state, outcome.error_kind, outcome.error = State.FAILED, error.kind, str(error)
        except asyncio.CancelledError:
            if not run.ended:
                listening.cancel()
                raise  # the process ends: the update goes back to the inbox and is answered by the next one
            outcome.state, outcome.finish = State.STOPPED, run.ended
        except Exception as error:
            await broke(outcome, error)
        finally:
            outcome.preview_id = await preview.close()
    outcome.total_ms = talk.ms
    return judged(outcome)


async def broke(outcome: Outcome, error: Exception) -> None:
    """A bug: what came of the answer is kept, the admins are told."""
    name = type(error).__name__
    outcome.state, outcome.error_kind, outcome.error = State.FAILED, "bug", f"{name}: {error}"
    log.exception("answer broke", exc_info=error)
    text = _("⚠️ An answer broke: %(name)s, trace %(trace)s.") % {"name": name, "trace": current_trace()}
    await notify_admins_async(f"bug-{name}", text)


def _preview(turn: Turn, incoming: Incoming) -> Preview:
    place = Place(
        incoming.bot_id,
        incoming.chat_id,
        incoming.thread,
        reply_to=turn.request.question_message_id,
        edit=turn.request.preview_message_id,
    )
    stop = {"inline_keyboard": [[{"text": _("⏹ Stop"), "callback_data": f"stop:{turn.request.pk}"}]]}

    async def on_first(message_id: int) -> None:
        # Until it is on record, a crash would leave half a text in the chat.
        await in_db_first(services.remember_preview, turn.request, message_id)

    return Preview(place, mode=settings.STREAM_MODE, stop_markup=stop, on_first=on_first)


async def startup() -> None:
    """Begin to keep the defaults fresh, so that no question waits for them."""
    global _freshener
    _freshener = asyncio.create_task(_keep_fresh())


async def _keep_fresh() -> None:
    while True:
        try:
            await in_db(services.ask_defaults)
        except DatabaseError as error:
            log.warning("defaults not asked", error=str(error))
        await asyncio.sleep(services.DEFAULT_SECONDS / 2)


def client() -> Client:
    """The providers' client of this process, made at the first question."""
    global _client
    if _client is None:
        _client = Client()
    return _client


async def shutdown() -> None:
    """Let the defaults be, and close the connections to the providers; the next question opens new ones."""
    global _client, _freshener
    freshener, _freshener = _freshener, None
    if freshener is not None:
        freshener.cancel()
        await asyncio.gather(freshener, return_exceptions=True)
    await running.close()
    used, _client = _client, None
    if used is not None:
        await used.close()
