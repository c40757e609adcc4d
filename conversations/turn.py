"""One turn: load, talk, save. No database connection is held while the model speaks."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing

import structlog
from django.conf import settings
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import attachments, calling, limits, running, services, summarising, words
from conversations.running import Running
from conversations.services import Outcome, Question, State, Turn
from core.db import in_db, in_db_first
from core.trace import current_trace
from llm.client import Client
from llm.errors import ProviderError
from llm.routing import PASSING_ON
from llm.types import End, Image, Part, Text, ToolCall, Usage, added
from llm.types import Turn as Said
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
_freshener: asyncio.Task[None] | None = None


async def answer(context: Context, question: Question) -> None:
    """Answer ``question`` in its chat; whatever happens on the way, the person gets an answer or a sentence."""
    incoming = context.incoming
    turn = await in_db_first(services.begin, incoming, question, timezone.now())
    if turn is None:
        return
    log.debug("asking", request=turn.request.pk, model=turn.request.model_ref, turns=len(turn.call.turns))
    outcome = await _talk(turn, incoming)
    if outcome.images:
        outcome.pictures = await in_db(attachments.keep_pictures, outcome.images, incoming.user, timezone.now())
    await _save(turn, outcome, incoming)
    log.info(
        "answered",
        request=turn.request.pk,
        model=turn.request.model_ref,
        state=outcome.state,
        error_kind=outcome.error_kind,
        ms=outcome.total_ms,
    )
    await summarising.after_answer(client(), turn, outcome, incoming)


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
    if turn.refused is not None:
        return Outcome(State.FAILED, error_kind=turn.refused.kind)
    if turn.target is None:
        return Outcome(State.FAILED, error_kind="no_model")
    outcome, preview, began = Outcome(), _preview(turn, incoming), time.monotonic()
    talk = asyncio.create_task(_listen(turn, incoming, outcome, preview, began))
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


async def _listen(turn: Turn, incoming: Incoming, outcome: Outcome, preview: Preview, began: float) -> None:
    """Ask, and while the model calls tools, do what it calls and tell it."""
    turn.whole = turn.call
    calls = await _round(turn, incoming, outcome, preview, began)
    if not calls:
        return
    try:
        async with asyncio.timeout(settings.LLM_TURN_TIMEOUT_SEC - (time.monotonic() - began)):
            for left in reversed(range(settings.MAX_TOOL_STEPS)):
                if not calls or not await _call(turn, incoming, outcome, calls, left):
                    break
                calls = await _round(turn, incoming, outcome, preview, began)
    except TimeoutError:
        raise ProviderError("timeout", "The answer with its tools took too long.") from None
    outcome.raw = None  # it is a part of the answer only


async def _call(turn: Turn, incoming: Incoming, outcome: Outcome, calls: Sequence[ToolCall], left: int) -> bool:
    """Do what the model calls and make the next round ready, the last one without tools. False: a Yes is needed."""
    wanted = calling.read(calls, turn)
    if questions := calling.note_asked(outcome, wanted):
        outcome.text = words.after(outcome.text, words.may_i(questions))
        return False
    turn.rounds += [await _done(one, incoming, outcome) for one in wanted]
    if not left:
        turn.tools = ()
    services.told(turn, outcome)
    assert turn.target is not None
    if refused := await in_db(limits.more, turn, turn.target, outcome.spent, incoming.user):
        outcome.text = words.after(outcome.text, refused)
    return not refused


async def _done(one: calling.Call, incoming: Incoming, outcome: Outcome) -> Said:
    began, how, text = time.monotonic(), one.kind, one.problem
    if not one.problem:
        try:
            async with asyncio.timeout(calling.SECONDS):
                how, text = await in_db(calling.perform, one.call.name, one.arguments, incoming.user.pk, incoming.chat)
        except TimeoutError:
            how, text = "timeout", "The tool took too long. Go on without it."
    log.info("tool called", tool=one.call.name, outcome=how)
    return calling.record(outcome, one, how, text, began)


async def _round(turn: Turn, incoming: Incoming, outcome: Outcome, preview: Preview, began: float) -> list[ToolCall]:
    """Ask the model; while it cannot and nothing was shown, those who may step in."""
    while True:
        try:
            return await _read(turn, outcome, preview, began)
        except ProviderError as error:
            if outcome.text or outcome.images:
                raise
            if not await _otherwise(turn, incoming, outcome, error):
                raise services.final(turn, outcome, error) from error
            log.info("asked otherwise", request=turn.request.pk, kind=error.kind, model=turn.request.model_ref)


async def _otherwise(turn: Turn, incoming: Incoming, outcome: Outcome, error: ProviderError) -> bool:
    """Whether there is another way to ask after ``error``: with less of the dialog, or another model."""
    if error.kind == "context_too_long" and services.trim(turn):
        return True
    if error.kind in PASSING_ON and turn.rest is None:
        turn.rest = await in_db(services.fallbacks, turn, incoming)
    target = services.next_after(turn, error)
    if target is None:
        return False
    if refused := await in_db(limits.more, turn, target, outcome.spent, incoming.user):
        log.info("no budget for another model", request=turn.request.pk, model=target.ref, why=refused)
        return False
    services.hand_over(turn, outcome, target, error)
    return True


async def _read(turn: Turn, outcome: Outcome, preview: Preview, began: float) -> list[ToolCall]:
    """Read the stream into ``outcome`` piece by piece, so that what came is there however it ends; what it calls."""
    assert turn.target is not None
    earlier, calls = outcome.text, list[ToolCall]()
    if turn.rounds:
        outcome.usage = Usage()  # until it is known, an estimate stands for all rounds
    async with aclosing(client().stream(turn.target, turn.call)) as events:
        async for event in events:
            match event:
                case Text(text):
                    if outcome.first_token_ms is None:
                        outcome.first_token_ms = round((time.monotonic() - began) * 1000)
                        log.debug("first words", request=turn.request.pk, ms=outcome.first_token_ms)
                    outcome.text += f"\n\n{text}" if earlier and outcome.text == earlier else text
                    preview.show(outcome.text)
                case Usage():
                    outcome.usage = added(outcome.spent, event) if turn.rounds else event
                case Image():
                    outcome.images.append(event)
                case ToolCall():
                    calls.append(event)
                case End():
                    outcome.finish = event.finish
                    outcome.raw = dict(event.raw) if event.raw else None
    if calls:
        said = (Part("text", outcome.text[len(earlier) :].strip()),) if outcome.text != earlier else ()
        turn.rounds.append(Said("assistant", said, calls, raw=outcome.raw, raw_model=turn.target.ref))
        outcome.spent = outcome.usage
    return calls


def _judged(outcome: Outcome) -> Outcome:
    """An end that is no answer is an error, whatever the provider called it."""
    outcome.text = outcome.text.strip()
    if outcome.state == State.DONE and outcome.finish == "blocked":
        outcome.state, outcome.error_kind = State.FAILED, "blocked"
    elif outcome.state == State.DONE and outcome.finish == "error":
        outcome.state, outcome.error_kind = State.FAILED, "server"
    elif outcome.state == State.DONE and not outcome.text and not outcome.images:
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
