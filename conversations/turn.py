"""One turn: load, talk, save. No database connection is held while the model speaks."""

import asyncio
import time
from contextlib import aclosing

import structlog
from django.conf import settings
from django.db import DataError, InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import running, services
from conversations.running import Running
from conversations.services import Outcome, Question, State, Turn
from core.db import in_db_first
from core.trace import current_trace
from llm.client import Client
from llm.errors import ProviderError
from llm.types import End, Text, Usage
from telegram_bot.application import Context
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import plain
from telegram_bot.notices import notify_admins_async
from telegram_bot.outgoing import Place
from telegram_bot.streaming import Preview

log = structlog.get_logger(__name__)

# Seconds before a further try to save: an answer is paid for, a database that is away for a moment must not cost it.
SAVE_AGAIN = (0.2, 1.0, 3.0)

_client: Client | None = None


async def answer(context: Context, question: Question) -> None:
    """Answer ``question`` in its chat; whatever happens on the way, the person gets an answer or a sentence."""
    incoming = context.incoming
    turn = await in_db_first(services.begin, incoming, question, timezone.now())
    if turn is None:
        return
    outcome = await _talk(turn, incoming)
    log.info(
        "answered",
        request=turn.request.pk,
        model=turn.request.model_ref,
        state=outcome.state,
        error_kind=outcome.error_kind,
        ms=outcome.total_ms,
    )
    await _save(turn, outcome, incoming)


async def _save(turn: Turn, outcome: Outcome, incoming: Incoming) -> None:
    for pause in SAVE_AGAIN:
        try:
            await in_db_first(services.save, turn, outcome, incoming, timezone.now())
        except (OperationalError, InterfaceError) as error:
            log.warning("answer not saved", request=turn.request.pk, error=str(error), again_in=pause)
            await asyncio.sleep(pause)
        except (ValueError, DataError) as error:
            # Half a character or a NUL: a model may say it, no database takes it.
            log.warning("answer cleaned", request=turn.request.pk, error=str(error))
            outcome.text, outcome.error, outcome.raw = plain(outcome.text), plain(outcome.error), None
        else:
            return
    await in_db_first(services.save, turn, outcome, incoming, timezone.now())


async def _talk(turn: Turn, incoming: Incoming) -> Outcome:
    if turn.target is None:
        return Outcome(State.FAILED, error_kind="no_model")
    outcome, preview, began = Outcome(), _preview(turn, incoming), time.monotonic()
    talk = asyncio.create_task(_listen(turn, outcome, preview, began))
    run = Running(turn.request.pk, incoming, talk)
    with running.registered(run):
        preview.start()
        try:
            await talk
        except ProviderError as error:
            outcome.state, outcome.error_kind, outcome.error = State.FAILED, error.kind, str(error)
        except asyncio.CancelledError:
            if not run.ended:
                talk.cancel()
                raise  # the process ends: the update goes back to the inbox and is answered by the next one
            outcome.state, outcome.finish = State.STOPPED, run.ended
        except Exception as error:
            await _broke(outcome, error)
        finally:
            outcome.preview_id = await preview.close()
    outcome.total_ms = round((time.monotonic() - began) * 1000)
    return _judged(outcome)


async def _broke(outcome: Outcome, error: Exception) -> None:
    """A bug: what came of the answer is kept, the admins are told."""
    name = type(error).__name__
    outcome.state, outcome.error_kind, outcome.error = State.FAILED, "bug", f"{name}: {error}"
    log.exception("answer broke", exc_info=error)
    text = _("⚠️ An answer broke: %(name)s, trace %(trace)s.") % {"name": name, "trace": current_trace()}
    await notify_admins_async(f"bug-{name}", text)


async def _listen(turn: Turn, outcome: Outcome, preview: Preview, began: float) -> None:
    """Ask, and once more with less of the dialog when the model finds it too long."""
    try:
        await _read(turn, outcome, preview, began)
    except ProviderError as error:
        if error.kind != "context_too_long" or outcome.text or not services.trim(turn):
            raise
        log.info("history trimmed", request=turn.request.pk, turns=len(turn.call.turns))
        await _read(turn, outcome, preview, began)


async def _read(turn: Turn, outcome: Outcome, preview: Preview, began: float) -> None:
    """Read the stream into ``outcome`` piece by piece, so that what came is there however it ends."""
    assert turn.target is not None
    async with aclosing(client().stream(turn.target, turn.call)) as events:
        async for event in events:
            match event:
                case Text(text):
                    if outcome.first_token_ms is None:
                        outcome.first_token_ms = round((time.monotonic() - began) * 1000)
                    outcome.text += text
                    preview.show(outcome.text)
                case Usage():
                    outcome.usage = event
                case End():
                    outcome.finish = event.finish
                    outcome.raw = dict(event.raw) if event.raw else None


def _judged(outcome: Outcome) -> Outcome:
    """An end that is no answer is an error, whatever the provider called it."""
    outcome.text = outcome.text.strip()
    if outcome.state == State.DONE and outcome.finish == "blocked":
        outcome.state, outcome.error_kind = State.FAILED, "blocked"
    elif outcome.state == State.DONE and outcome.finish == "error":
        outcome.state, outcome.error_kind = State.FAILED, "server"
    elif outcome.state == State.DONE and not outcome.text:
        outcome.state, outcome.error_kind = State.FAILED, "empty"
    return outcome


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


def client() -> Client:
    """The providers' client of this process, made at the first question."""
    global _client
    if _client is None:
        _client = Client()
    return _client


async def close() -> None:
    """Close the connections to the providers; the next question opens new ones."""
    global _client
    await running.close()
    used, _client = _client, None
    if used is not None:
        await used.close()
