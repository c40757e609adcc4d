"""`AvitoWorld`: everything the fake remembers, and the handles a test holds it by."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from . import seeds
from .accounts import Account, Keys
from .errors import refused
from .figures import Metrics, number
from .troubles import Trouble, covers

MINUTE = timedelta(minutes=1)
# Requests a minute for one account (Avito's API description, items.json, cpa.json, calltracking.json, 2026).
LIMITS = {
    "stats_v2": 1,
    "spendings": 1,
    "cpa_v3": 1,
    "cpa_v2": 1,
    "item_list": 25,
    "calltracking": 5,
    "item": 500,
}
CALLS_KEPT = 50_000
Clock = Callable[[], datetime]


@dataclass
class Manners:
    """How the fake answers where life is not of one mind. An account may have manners of its own.

    gates: whether the limits by the minute hold; rate_headers: full (X-RateLimit-*), none, retry (Retry-After too)
    token_seconds: how long a token lives; expires_in: number, string, absent; expired: status for a dead token;
    new_token_revokes: a new token ends the one before
    v2: full, empty (`groupings: []`), timestamp (nothing but a timestamp); v2_type: grouping, dates
    v1: wrapped, bare (`result` is a list); gaps: items and days without events are left out of v1 and spendings
    lag: hours after midnight until yesterday is complete
    operations: wrapped, flat; cpa: flat, result, data
    messages: wrapped, bare; messages_order: newest, oldest
    ignore_page: every page of items is the first; extras: fields and slugs nobody has heard of
    """

    gates: bool = True
    rate_headers: str = "full"
    token_seconds: int = 86_400
    expires_in: str = "number"
    expired: int = 403
    new_token_revokes: bool = False
    v2: str = "full"
    v2_type: str = "grouping"
    v1: str = "wrapped"
    gaps: bool = False
    lag: int = 0
    operations: str = "wrapped"
    cpa: str = "flat"
    messages: str = "wrapped"
    messages_order: str = "newest"
    ignore_page: bool = False
    extras: bool = False


CHOICES: dict[str, tuple[object, ...]] = {
    "rate_headers": ("full", "none", "retry"),
    "expires_in": ("number", "string", "absent"),
    "expired": (401, 403),
    "v2": ("full", "empty", "timestamp"),
    "v2_type": ("grouping", "dates"),
    "v1": ("wrapped", "bare"),
    "operations": ("wrapped", "flat"),
    "cpa": ("flat", "result", "data"),
    "messages": ("wrapped", "bare"),
    "messages_order": ("newest", "oldest"),
}


def check_manners(said: dict[str, Any]) -> None:
    """ValueError for manners that do not exist or have another type."""
    usual = {item.name: item.default for item in fields(Manners)}
    for name, value in said.items():
        if name not in usual:
            raise ValueError(f"unknown manner {name!r}; known are {', '.join(usual)}")
        if type(value) is not type(usual[name]) or value not in CHOICES.get(name, (value,)):
            raise ValueError(f"{name} cannot be {value!r}")


@dataclass(slots=True)
class Call:
    """A request. `method` is a name of `troubles.METHODS` (or unknown), `body` the parsed JSON or form; the secret
    of a form is masked. `at` is the fake's time; `status` is 0 while the answer is on its way, or when it was cut.
    """

    n: int
    method: str
    http: str
    path: str
    uid: int | None
    body: Any
    at: datetime
    status: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As the control API shows it."""
        names = ("n", "method", "http", "path", "uid", "body", "status")
        return {name: getattr(self, name) for name in names} | {"at": self.at.isoformat()}


@dataclass
class Token:
    """What a token opens."""

    keys: Keys
    until: datetime


class AvitoWorld:
    """Accounts, keys, tokens, limits, troubles and what was called. `clock` gives an aware moment."""

    def __init__(self, clock: Clock | None = None, *, seed: bool = True) -> None:
        self._clock: Clock = clock or (lambda: datetime.now(UTC))
        self._shift = timedelta()
        self._still: datetime | None = None
        self.accounts: dict[int, Account] = {}
        self.keys: dict[str, Keys] = {}
        self.tokens: dict[str, Token] = {}
        self.manners = Manners()
        self.troubles: list[Trouble] = []
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._served: dict[tuple[int, str], deque[datetime]] = {}
        self._numbers = 0
        self._held = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        if seed:
            seeds.fill(self)

    # --- time ---------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The fake's moment, in UTC."""
        return (self._still or self._clock() + self._shift).astimezone(UTC)

    def set_clock(self, now: datetime | None, *, still: bool = False) -> None:
        """Go on from `now` (None: the usual clock again), or stand still there."""
        if now is not None and now.tzinfo is None:
            raise ValueError("the moment needs a zone")
        self._still = now if still else None
        self._shift = now - self._clock() if now is not None and not still else timedelta()

    def move_clock(self, by: timedelta) -> None:
        """Jump ahead (or back), standing still or not."""
        if self._still is not None:
            self._still += by
        else:
            self._shift += by

    # --- accounts and keys --------------------------------------------------------------------------------------

    def add(self, account: Account, *keys: tuple[str, str]) -> Account:
        """Put in an account with its pairs of client_id and client_secret."""
        self.accounts[account.uid] = account
        for client_id, secret in keys:
            self.keys[client_id] = Keys(client_id, secret, account.uid)
        return account

    def fill(self, uid: int, **said: Any) -> Account:
        """An account as a test wants it, see `seeds.generated`; the keys are `keys_of(uid)`."""
        account = seeds.generated(uid, self.now(), **said)
        return self.add(account, seeds.made_up_keys(uid))

    def keys_of(self, uid: int) -> Keys:
        """The first pair of keys of an account. KeyError when it has none."""
        for keys in self.keys.values():
            if keys.uid == uid:
                return keys
        raise KeyError(uid)

    def revoke(self, client_id: str, *, revoked: bool = True) -> None:
        """The owner revokes a pair of keys, or takes that back; its tokens die with it."""
        self.keys[client_id].revoked = revoked
        self._end_tokens(client_id)

    def regenerate(self, client_id: str) -> str:
        """A new secret for the pair; returns it."""
        keys = self.keys[client_id]
        keys.client_secret = seeds.secret(keys.client_secret)
        self._end_tokens(client_id)
        return keys.client_secret

    def expire_tokens(self, uid: int | None = None) -> int:
        """End all tokens now (of one account); returns how many lived."""
        now = self.now()
        living = [one for one in self.tokens.values() if one.until > now and uid in (None, one.keys.uid)]
        for token in living:
            token.until = now
        return len(living)

    def issue(self, keys: Keys) -> str:
        """A new token."""
        if self.manner(keys.uid).new_token_revokes:
            self._end_tokens(keys.client_id)
        self._numbers += 1
        value = "tK-" + "".join(f"{number(keys.client_id, self._numbers, part):016x}" for part in range(2))
        life = timedelta(seconds=self.manner(keys.uid).token_seconds)
        self.tokens[value] = Token(keys, self.now() + life)
        return value

    def _end_tokens(self, client_id: str) -> None:
        for token in self.tokens.values():
            if token.keys.client_id == client_id:
                token.until = min(token.until, self.now())

    def opened(self, value: str) -> Account | None:
        """The account a token opens now."""
        token = self.tokens.get(value)
        if token is None or token.until <= self.now() or token.keys.revoked:
            return None
        return self.accounts.get(token.keys.uid)

    # --- manners, troubles, limits ------------------------------------------------------------------------------

    def manner(self, uid: int | None = None) -> Manners:
        """The manners towards an account."""
        account = self.accounts.get(uid) if uid is not None else None
        return replace(self.manners, **account.manners) if account and account.manners else self.manners

    def behave(self, uid: int | None = None, **said: Any) -> None:
        """Change manners, of everybody or of one account. ValueError for unknown ones."""
        check_manners(said)
        if uid is not None:
            self.accounts[uid].manners.update(said)
        else:
            self.manners = replace(self.manners, **said)

    def trouble(self, section: str, kind: str | int, uid: int | None = None, **more: Any) -> Trouble:
        """Add a rule: see `troubles`. ValueError for unknown words."""
        rule = Trouble(section, str(kind), uid, **more)
        self.troubles.append(rule)
        return rule

    def calm(self) -> None:
        """No more troubles, but those that belong to an account."""
        self.troubles.clear()

    def trouble_for(self, method: str, account: Account | None) -> Trouble | None:
        """The trouble of this request: a rule, or what the account always has. Counts against the rule."""
        uid = account.uid if account else None
        for rule in self.troubles:
            if rule.takes(method, uid):
                return rule
        for section, kind in (account.closed if account else {}).items():
            rule = Trouble(section, kind)
            if rule.takes(method, uid):
                return rule
        return None

    def pass_gate(self, method: str, account: Account, style: str) -> None:
        """Count the request against the limit of its method. RefusedError (429) when there have been too many."""
        limit, manners = LIMITS.get(method), self.manner(account.uid)
        if limit is None or not manners.gates:
            return
        now = self.now()
        served = self._served.setdefault((account.uid, method), deque())
        while served and served[0] <= now - MINUTE:
            served.popleft()
        if len(served) < limit:
            served.append(now)
            return
        headers = {} if manners.rate_headers == "none" else {"X-RateLimit-Limit": f"{limit}"}
        if headers:
            headers["X-RateLimit-Remaining"] = "0"
        if manners.rate_headers == "retry":
            headers["Retry-After"] = str(math.ceil((served[0] + MINUTE - now).total_seconds()))
        raise refused(style, 429, headers=headers)

    def open_gates(self) -> None:
        """Forget what was counted against the limits."""
        self._served.clear()

    # --- what was called ----------------------------------------------------------------------------------------

    def record(self, method: str, http: str, path: str, body: Any) -> Call:
        """Remember a request that has just come."""
        self._numbers += 1
        call = Call(self._numbers, method, http, path, None, body, self.now())
        self.calls.append(call)
        self.changed()
        return call

    def count(self, method: str | None = None, uid: int | None = None, status: int | None = None) -> int:
        """How many requests there have been, of a method or family, of an account, with a status."""
        return len(self.found(method, uid, status))

    def found(self, method: str | None = None, uid: int | None = None, status: int | None = None) -> list[Call]:
        """Those requests, the oldest first."""
        return [
            call
            for call in self.calls
            if (method is None or covers(method, call.method))
            and uid in (None, call.uid)
            and status in (None, call.status)
        ]

    def changed(self) -> None:
        """Wake whoever waits in `until`."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until `condition()` holds; it is asked when a request comes or is answered. TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                future = asyncio.get_running_loop().create_future()
                self._waiting.append(future)
                await future

    def release(self) -> None:
        """Let every answer go that is held now."""
        self._held.set()
        self._held = asyncio.Event()

    async def held(self) -> None:
        """Wait for `release`."""
        await self._held.wait()

    # --- what will be said --------------------------------------------------------------------------------------

    def figures_of(self, uid: int, day: date) -> Metrics:
        """What the fake says now of a Moscow date of an account."""
        return self.accounts[uid].figures(day, self.now(), self.manner(uid).lag)
