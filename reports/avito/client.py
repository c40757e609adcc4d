"""One Avito account for one job: tokens, limits, other tries, and answers that somebody else has already got.

    async with Avito(keys_of(profile)) as avito:
        there = await account.money(avito)

What goes wrong is an ``AvitoError`` (errors.py). For the limit of a minute, and for another process that asks the same
or fetches the token, a call waits ``patience`` seconds in all; beyond that it raises rate_limited with ``retry_after``,
and the caller goes on later. No database connection is held across a call.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

import structlog
from django.utils import timezone

from core.db import in_db
from reports.avito import answers, gate
from reports.avito.access import Access
from reports.avito.errors import AvitoError, Kind
from reports.avito.failures import OF_TOKEN, RETRY_AFTER, Reply, asked_to_wait, remaining, value_of
from reports.avito.keys import Keys, digest_of, keys_of, mask_of
from reports.avito.methods import Method
from reports.avito.reading import parse
from reports.avito.tokens import Token
from reports.avito.waiting import STOPPED, Clock, Patience, Sleep, Tries
from reports.avito.wire import Wire, with_query

__all__ = ["Avito", "Keys", "digest_of", "keys_of", "mask_of"]

log = structlog.get_logger(__name__)

NO_QUERY: Mapping[str, Any] = MappingProxyType({})
# The text of an answer, and what it holds.
Told = tuple[str, Any]


@dataclass(frozen=True)
class Call:
    """``scope``: as `Avito.scope` was at its beginning; ``path``: whole, with its query; ``body``: goes as JSON."""

    scope: str
    method: Method
    path: str
    body: Any


class Avito:
    """See the module. ``calls``: requests sent to Avito, those for a token apart. ``within``: seconds that an answer
    may take. ``clock``, ``sleep``: for tests."""

    def __init__(
        self,
        keys: Keys,
        *,
        patience: float = 3.0,
        within: float = 25.0,
        clock: Clock = timezone.now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.calls = 0
        # Whose keys they are; `account.uid_of` finds it out.
        self.account_id = keys.account_id
        self._keys, self._clock, self._sleep, self._patience = keys, clock, sleep, patience
        self._wire = Wire(within)
        self._access = Access(keys, self._wire, clock, sleep)

    def __repr__(self) -> str:
        return f"<Avito {self.account_id or '?'}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._wire.close()

    @property
    def token_calls(self) -> int:
        return self._access.calls

    @property
    def scope(self) -> str:
        """Whose limits these calls count against (`CallGate`)."""
        return f"client:{self._keys.client}" if self.account_id is None else f"account:{self.account_id}"

    async def ask(
        self, method: Method, *, body: Any = None, query: Mapping[str, Any] = NO_QUERY, **places: str | int
    ) -> Any:
        """What Avito answers, None when without a content. ``places`` fill the method's path. Raises ``AvitoError``."""
        call = Call(self.scope, method, with_query(method.where(**places), query), body)
        try:
            return await self._shared(call) if method.fresh else (await self._fetch(call))[1]
        except AvitoError as error:
            raise error.of(method.section) from None

    async def has_at_hand(self, method: Method, *, body: Any = None, **places: str | int) -> bool:
        """Whether to `ask` this costs no call: somebody has the answer, or is getting it."""
        asked = answers.question(self.scope, method.name, with_query(method.where(**places), NO_QUERY), body)
        return await in_db(answers.is_at_hand, asked, self._clock(), method.fresh)

    async def _shared(self, call: Call) -> Any:
        """An answer that somebody has got a short while ago, or gets right now; else a call of our own."""
        asked = answers.question(call.scope, call.method.name, call.path, call.body)
        patience = Patience(self._patience, self._sleep)
        while True:
            state = await in_db(answers.look, asked, self._clock(), call.method.fresh)
            if isinstance(state, answers.Found):
                return parse(state.body) if state.body else None
            if isinstance(state, answers.Turn):
                return await self._ask_for_all(call, asked, state)
            await patience.look_again("Another process asks the same.")

    async def _ask_for_all(self, call: Call, asked: answers.Question, turn: answers.Turn) -> Any:
        try:
            told, value = await self._fetch(call)
        except STOPPED:
            await in_db(answers.release, asked, turn)
            raise
        await in_db(answers.keep, asked, told, self._clock())
        return value

    async def _fetch(self, call: Call) -> Told:
        """One call, with its other tries: after a limit, with a new token, after a failure of Avito or of the line."""
        patience, tries, renewed, limited = Patience(self._patience, self._sleep), Tries(self._sleep), False, None
        while True:
            token = await self._access.current(patience)
            taken = await patience.through(call.scope, call.method.name, self._clock, limited)
            try:
                return await self._once(call, token, taken)
            except AvitoError as error:
                if error.kind is Kind.RATE_LIMITED:
                    limited = error.status
                elif of_token(error) and not renewed:
                    renewed = True
                    if not await self._access.renew(token, error.status or 0, patience):
                        raise
                elif not await tries.another(error):
                    raise

    async def _once(self, call: Call, token: Token, taken: datetime) -> Told:
        """One request; the limiter is told what came of it."""
        self.calls += 1
        began, reply = time.monotonic(), None
        try:
            reply = await self._wire.ask(call.method, call.path, call.body, token.value)
            told = value_of(call.method, reply)
        except AvitoError as error:
            if error.kind is Kind.AVITO_DOWN and reply is not None:
                error.retry_after = asked_to_wait(reply.headers, self._clock(), RETRY_AFTER)
            log.info("avito_refused", method=call.method.name, kind=str(error.kind), status=error.status)
            await self._note(call, error, reply, taken)
            raise error.hiding(token.value, self._keys.client_id, self._keys.client_secret) from None
        log.debug("avito_answered", method=call.method.name, ms=round((time.monotonic() - began) * 1000))
        await self._note(call, None, reply, taken)
        return told

    async def _note(self, call: Call, error: AvitoError | None, reply: Reply | None, taken: datetime) -> None:
        now, headers, of = self._clock(), reply.headers if reply is not None else {}, (call.scope, call.method.name)
        if error is not None and error.kind is Kind.RATE_LIMITED:
            await in_db(gate.block, *of, taken, now, asked_to_wait(headers, now))
        elif error is not None and (error.kind is Kind.AVITO_DOWN or of_token(error)):
            await in_db(gate.give_back, *of, taken)
        else:
            await in_db(gate.answered, *of, taken, now, left=remaining(headers))


def of_token(error: AvitoError) -> bool:
    """Whether a new token may help."""
    return error.status in OF_TOKEN and error.kind is not Kind.AVITO_DOWN
