"""The token that one job's calls go with: taken over from others, fetched, and renewed once it is refused."""

import asyncio
import re
from typing import Any

from core.db import in_db
from reports.avito import gate, tokens
from reports.avito.errors import AvitoError, Kind
from reports.avito.failures import Reply, asked_to_wait, is_page, read, sentence
from reports.avito.keys import Keys
from reports.avito.reading import mapping
from reports.avito.waiting import STOPPED, Clock, Patience, Sleep, Tries
from reports.avito.wire import Wire

# The limiter's name of it.
METHOD = "token"
# What a header bears.
TOKEN = re.compile(r"[!-~]+")


class Access:
    """``calls``: requests for a token that were sent."""

    def __init__(self, keys: Keys, wire: Wire, clock: Clock, sleep: Sleep) -> None:
        self.calls = 0
        self._keys, self._wire, self._clock, self._sleep = keys, wire, clock, sleep
        self._token: tokens.Token | None = None
        # The generation that came in place of a refused one.
        self._renewed: int | None = None
        # The latest failure, and how many there were: who waited for it meanwhile fails with it.
        self._failure: AvitoError | None = None
        self._failures = 0
        self._one_at_a_time = asyncio.Lock()

    async def current(self, patience: Patience) -> tokens.Token:
        """Raises ``AvitoError``: bad_credentials, avito_down, rate_limited."""
        failures = self._failures
        async with self._one_at_a_time:
            if self._token is None or self._token.renew_at <= self._clock():
                self._token = await self._get(patience, None, failures)
            return self._token

    async def renew(self, refused: tokens.Token, status: int, patience: Patience) -> bool:
        """Whether another token is there to try. False for a 403 of one that has just come in place of a refused one:
        then it is not the token's fault. Raises as ``current``."""
        failures = self._failures
        async with self._one_at_a_time:
            if self._token is not None and self._token.generation > refused.generation:
                return True
            if status == 403 and refused.generation == self._renewed:
                return False
            self._token = await self._get(patience, refused.generation, failures)
            self._renewed = self._token.generation
            return True

    async def _get(self, patience: Patience, refused: int | None, failures: int) -> tokens.Token:
        if self._failure is not None and self._failures > failures:
            raise self._failure.hiding()
        try:
            return await self._taken_over(patience, refused)
        except AvitoError as error:
            self._failure, self._failures = error, self._failures + 1
            raise

    async def _taken_over(self, patience: Patience, refused: int | None) -> tokens.Token:
        while True:
            state = await in_db(tokens.look, self._keys, self._clock(), refused)
            if isinstance(state, tokens.Token):
                return state
            if isinstance(state, tokens.Turn):
                return await self._fetch(state, patience)
            await patience.look_again("Another process fetches the token.")

    async def _fetch(self, turn: tokens.Turn, patience: Patience) -> tokens.Token:
        try:
            answer = await self._ask(patience)
        except STOPPED:
            await in_db(tokens.release, self._keys, turn)
            raise
        return await in_db(tokens.keep, self._keys, answer["access_token"], answer.get("expires_in"), self._clock())

    async def _ask(self, patience: Patience) -> dict[str, Any]:
        tries, scope, limited = Tries(self._sleep), f"client:{self._keys.client}", None
        while True:
            taken = await patience.through(scope, METHOD, self._clock, limited)
            self.calls += 1
            try:
                reply = await self._wire.ask_token(self._keys)
                if reply.status == 429:
                    limited, now = 429, self._clock()
                    await in_db(gate.block, scope, METHOD, taken, now, asked_to_wait(reply.headers, now))
                    continue
                return granted(reply)
            except AvitoError as error:
                if not await tries.another(error):
                    raise error.hiding(self._keys.client_id, self._keys.client_secret) from None


def granted(reply: Reply) -> dict[str, Any]:
    """What /token gave, with an ``access_token``. Raises ``AvitoError``: its errors are not described
    (authorization.json, 2026), so whatever is a word of Avito's own and no token speaks against the keys."""
    body, status = read(reply.content), reply.status
    answer = mapping(body)
    token = answer.get("access_token")
    if 200 <= status < 300 and isinstance(token, str) and TOKEN.fullmatch(token):
        return answer
    told = isinstance(body, dict) or (400 <= status < 500 and not is_page(body)) or status == 401
    if told and status < 500 and not 300 <= status < 400 and status != 408:
        raise AvitoError(Kind.BAD_CREDENTIALS, sentence(body), status=status)
    raise AvitoError(Kind.AVITO_DOWN, "No token, and no word why.", status=status)
