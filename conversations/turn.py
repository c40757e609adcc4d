"""One turn: load, talk, save. No database connection is held while the model speaks."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import services
from conversations.services import Outcome, Question, State, Turn
from core.db import in_db
from llm.client import Client
from llm.errors import ProviderError
from llm.services import Target
from llm.types import ChatRequest, End, Text, Usage
from telegram_bot.application import Context
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Place
from telegram_bot.streaming import Preview

log = structlog.get_logger(__name__)

_client: Client | None = None


@dataclass
class Running:
    """An answer that is being written, and the way to end it."""

    request_id: int
    user_id: int
    talk: asyncio.Task[None]
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True
        self.talk.cancel()


# (chat, topic) -> the answer being written there; a lane is serial, so there is one.
_running: dict[tuple[int, int], Running] = {}


def running(chat_id: int, thread: int) -> Running | None:
    return _running.get((chat_id, thread))


def running_request(request_id: int) -> Running | None:
    return next((one for one in _running.values() if one.request_id == request_id), None)


async def answer(context: Context, question: Question) -> None:
    """Answer ``question`` in its chat; whatever happens on the way, the person gets an answer or a sentence."""
    incoming = context.incoming
    turn = await in_db(services.begin, incoming, question, timezone.now())
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
    await in_db(services.save, turn, outcome, incoming, timezone.now())


async def _talk(turn: Turn, incoming: Incoming) -> Outcome:
    if turn.target is None:
        return Outcome(State.FAILED, error_kind="no_model")
    outcome = Outcome()
    preview = _preview(turn, incoming)
    began = time.monotonic()
    talk = asyncio.create_task(_listen(turn.target, turn.call, outcome, preview, began))
    place = (incoming.chat_id, incoming.thread)
    run = _running[place] = Running(turn.request.pk, incoming.user.pk, talk)
    preview.start()
    try:
        await talk
    except ProviderError as error:
        outcome.state, outcome.error_kind, outcome.error = State.FAILED, error.kind, str(error)
    except asyncio.CancelledError:
        if not run.stopped:
            talk.cancel()
            raise  # the process ends: the update goes back to the inbox and is answered by the next one
        outcome.state, outcome.finish = State.STOPPED, "stopped"
    finally:
        del _running[place]
        outcome.preview_id = await preview.close()
    outcome.total_ms = round((time.monotonic() - began) * 1000)
    return _judged(outcome)


async def _listen(target: Target, call: ChatRequest, outcome: Outcome, preview: Preview, began: float) -> None:
    """Read the stream into ``outcome`` piece by piece, so that what came is there however it ends."""
    async with aclosing(client().stream(target, call)) as events:
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
        await in_db(services.remember_preview, turn.request, message_id)

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
    used, _client = _client, None
    if used is not None:
        await used.close()
