"""Talking with a model: its stream is read piece by piece, what it calls is done, another steps in when it cannot.

Whoever asks (a person's update, a planned task) brings the turn, and a function that shows the words as they grow.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from django.conf import settings

from accounts.models import Chat, User
from conversations import calling, limits, services, words
from conversations.services import Outcome, State, Turn
from core.db import in_db
from llm.client import Client
from llm.errors import ProviderError
from llm.routing import PASSING_ON
from llm.types import End, Image, Part, Text, ToolCall, Usage, added
from llm.types import Turn as Said

log = structlog.get_logger(__name__)


class Asker(Protocol):
    """On whose behalf a model is asked, and where: an update, a planned task."""

    @property
    def user(self) -> User: ...

    @property
    def chat(self) -> Chat: ...


@dataclass
class Talk:
    """One talk with a model, and with those who step in for it. ``show`` is told the words as far as they came."""

    client: Client
    turn: Turn
    asker: Asker
    outcome: Outcome
    show: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)

    @property
    def ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)


async def listen(talk: Talk) -> None:
    """Ask, and while the model calls tools, do what it calls and tell it. Raises ProviderError."""
    turn = talk.turn
    turn.whole = turn.call
    calls = await _round(talk)
    if not calls:
        return
    try:
        async with asyncio.timeout(settings.LLM_TURN_TIMEOUT_SEC - (time.monotonic() - talk.began)):
            for left in reversed(range(settings.MAX_TOOL_STEPS)):
                if not calls or not await _call(talk, calls, left):
                    break
                calls = await _round(talk)
    except TimeoutError:
        raise ProviderError("timeout", "The answer with its tools took too long.") from None
    talk.outcome.raw = None  # it is a part of the answer only


async def _call(talk: Talk, calls: Sequence[ToolCall], left: int) -> bool:
    """Do what the model calls and make the next round ready, the last one without tools. False: a Yes is needed."""
    turn, outcome = talk.turn, talk.outcome
    wanted = calling.read(calls, turn)
    if questions := calling.note_asked(outcome, wanted):
        outcome.text = words.after(outcome.text, words.may_i(questions))
        return False
    turn.rounds += [await _done(talk, one) for one in wanted]
    if not left:
        turn.tools = ()
    if turn.task is not None:
        outcome.text = ""  # what it says on its way to a tool is for nobody
    services.told(turn, outcome)
    assert turn.target is not None
    if refused := await in_db(limits.more, turn, turn.target, outcome.spent, talk.asker.user):
        outcome.text = words.after(outcome.text, refused)
    return not refused


async def _done(talk: Talk, one: calling.Call) -> Said:
    began, how, text = time.monotonic(), one.kind, one.problem
    if not one.problem:
        try:
            async with asyncio.timeout(calling.SECONDS):
                how, text = await calling.perform(one, calling.asked_by(talk.turn, talk.asker.user, talk.asker.chat))
        except TimeoutError:
            how, text = "timeout", "The tool took too long. Go on without it."
    log.info("tool called", tool=one.call.name, outcome=how)
    return calling.record(talk.outcome, one, how, text, began)


async def _round(talk: Talk) -> list[ToolCall]:
    """Ask the model; while it cannot and nothing was shown, those who may step in."""
    turn, outcome = talk.turn, talk.outcome
    while True:
        try:
            return await _read(talk)
        except ProviderError as error:
            if outcome.text or outcome.images:
                raise
            if not await _otherwise(talk, error):
                raise services.final(turn, outcome, error) from error
            log.info("asked otherwise", request=turn.request.pk, kind=error.kind, model=turn.request.model_ref)


async def _otherwise(talk: Talk, error: ProviderError) -> bool:
    """Whether there is another way to ask after ``error``: with less of the dialog, or another model."""
    turn, outcome = talk.turn, talk.outcome
    if error.kind == "context_too_long" and services.trim(turn):
        return True
    if error.kind in PASSING_ON and turn.rest is None:
        turn.rest = await in_db(services.fallbacks, turn, talk.asker.chat)
    target = services.next_after(turn, error)
    if target is None:
        return False
    if refused := await in_db(limits.more, turn, target, outcome.spent, talk.asker.user):
        log.info("no budget for another model", request=turn.request.pk, model=target.ref, why=refused)
        return False
    services.hand_over(turn, outcome, target, error)
    return True


async def _read(talk: Talk) -> list[ToolCall]:
    """Read the stream into ``outcome`` piece by piece, so that what came is there however it ends; what it calls."""
    turn, outcome = talk.turn, talk.outcome
    assert turn.target is not None
    earlier, calls = outcome.text, list[ToolCall]()
    if turn.rounds:
        outcome.usage = Usage()  # until it is known, an estimate stands for all rounds
    async with aclosing(talk.client.stream(turn.target, turn.call)) as events:
        async for event in events:
            match event:
                case Text(text):
                    if outcome.first_token_ms is None:
                        outcome.first_token_ms = talk.ms
                        log.debug("first words", request=turn.request.pk, ms=outcome.first_token_ms)
                    outcome.text += f"\n\n{text}" if earlier and outcome.text == earlier else text
                    talk.show(outcome.text)
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


def judged(outcome: Outcome) -> Outcome:
    """An end that is no answer is an error, whatever the provider called it."""
    outcome.text = outcome.text.strip()
    if outcome.state == State.DONE and outcome.finish == "blocked":
        outcome.state, outcome.error_kind = State.FAILED, "blocked"
    elif outcome.state == State.DONE and outcome.finish == "error":
        outcome.state, outcome.error_kind = State.FAILED, "server"
    elif outcome.state == State.DONE and not outcome.text and not outcome.images:
        outcome.state, outcome.error_kind = State.FAILED, "empty"
    return outcome
