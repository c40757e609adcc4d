"""`Models`: everything the fake model servers remember, and the handles a test holds them by.

models = Models(pace=0)
models.rule(provider="openai", error="429", retry_after=2, times=1)
models.rule(contains="погода", tool={"name": "weather", "arguments": {"city": "Oslo"}})
models.catalogues["mistral"].retire("mistral-small-2603", "mistral-medium-3-5")
await models.until(lambda: len(models.calls) == 2)
models.calls[-1].body["messages"]
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from . import catalogue, faults
from .script import BEHAVIOURS, STREAM_ERRORS
from .wire import Json

PROVIDERS = tuple(catalogue.DESCRIBE)
ENDPOINTS = {"chat", "models", "count_tokens", "files", "ocr", "transcriptions", "balance", "*"}


@dataclass
class Rule:
    """When a request matches, what happens to it (behaviours: see `script`).

    None or "" matches anything. `contains` is looked for in the user's last message. The first `after`
    matching requests are let through; `times` is how many are then served (None: all). The first rule that
    matches decides; a rule that only sets the pace is a default under all others.
    """

    provider: str = ""
    model: str = ""
    contains: str = ""
    endpoint: str = "chat"
    times: int | None = None
    after: int = 0
    behaviour: Json = field(default_factory=dict)
    matched: int = 0

    def matches(self, endpoint: str, provider: str, model: str, text: str) -> bool:
        return (
            self.endpoint in ("*", endpoint)
            and self.provider in ("", provider)
            and self.model in ("", model)
            and self.contains in text
        )

    def takes(self) -> bool:
        """Count one matching request; whether it is this rule's to serve."""
        self.matched += 1
        served = self.matched - self.after
        return served > 0 and (self.times is None or served <= self.times)


MATCHERS = {item.name for item in fields(Rule)} - {"behaviour", "matched"}


def _check_error(error: object, provider: str | None) -> None:
    """ValueError for an error that no provider (or not this one) has."""
    if error is None:
        return
    known = STREAM_ERRORS.union(*(faults.kinds(name) for name in ([provider] if provider else PROVIDERS)))
    kind = str(error).split()[0]
    if kind not in known:
        raise ValueError(f"unknown error {kind}; known are {', '.join(sorted(known))}")


@dataclass(slots=True)
class Call:
    """One recorded request. Keys in `headers` and `path` are masked; `body` is the parsed JSON, or None.

    `time` is `time.time()`; `duration`, `first_byte` and `first_text` (a stream's first words) are seconds since
    then, None until it happened.
    `outcome`: open, held (by `hold`), answered, refused, broken (as scripted), gone (the client left).
    """

    n: int
    time: float
    provider: str
    endpoint: str
    method: str
    path: str
    headers: Json
    body: Any = None
    model: str = ""
    stream: bool = False
    status: int = 0
    outcome: str = "open"
    first_byte: float | None = None
    first_text: float | None = None
    duration: float | None = None

    def as_dict(self) -> Json:
        return asdict(self)


class Models:
    """The state of all model servers of one sandbox.

    pace: tokens a second at which answers are streamed (a token is four characters); 0 answers at once.
    keep: how many calls are remembered. max_body: bytes; a longer request is refused with 413.
    """

    def __init__(self, *, pace: float = 30.0, keep: int = 2000, max_body: int = 20 * 2**20) -> None:
        self.pace = pace
        self.max_body = max_body
        self.rules: list[Rule] = []
        self.calls: deque[Call] = deque(maxlen=keep)
        self.total = 0
        self.active = 0
        self.peak = 0
        self.closing = False
        self.catalogues = catalogue.seeded()
        self.files: dict[str, Json] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def rule(self, **said: Any) -> Rule:
        """Add a rule: matchers and behaviours as keywords. Raises ValueError for unknown words."""
        unknown = said.keys() - MATCHERS - BEHAVIOURS
        if unknown:
            raise ValueError(f"unknown in a rule: {', '.join(sorted(unknown))}")
        matchers = {name: said[name] for name in MATCHERS & said.keys() if said[name] is not None}
        if matchers.get("provider", "") not in ("", *PROVIDERS):
            raise ValueError(f"unknown provider: {matchers['provider']}")
        if matchers.get("endpoint", "*") not in ENDPOINTS:
            raise ValueError(f"unknown endpoint: {matchers['endpoint']}")
        _check_error(said.get("error"), matchers.get("provider"))
        behaviour = {name: said[name] for name in BEHAVIOURS & said.keys()}
        self.rules.append(Rule(**matchers, behaviour=behaviour))
        return self.rules[-1]

    def behaviour(self, endpoint: str, provider: str, model: str, text: str) -> Json:
        """What the rules want for this request; counts it against the rule that decides."""
        default: Json = {}
        for rule in self.rules:
            if not rule.matches(endpoint, provider, model, text):
                continue
            if rule.behaviour.keys() == {"pace"}:
                default = rule.behaviour
            elif rule.takes():
                return default | rule.behaviour
        return dict(default)

    def record(self, provider: str, endpoint: str, method: str, path: str, headers: Mapping[str, str]) -> Call:
        """Remember a request that has just begun."""
        self.total += 1
        self.active += 1
        self.peak = max(self.peak, self.active)
        call = Call(self.total, time.time(), provider, endpoint, method, path, dict(headers))
        self.calls.append(call)
        self.changed()
        return call

    def finish(self, call: Call) -> None:
        """The request is over."""
        self.active -= 1
        call.duration = time.time() - call.time
        self.changed()

    def since(self, call: Call) -> float:
        """Seconds since the call began."""
        return time.time() - call.time

    def changed(self) -> None:
        """Wake whoever waits in `until`."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until `condition()` holds; it is asked whenever a call begins, gets its body, speaks or ends.

        Raises TimeoutError after `seconds`. Only from the event loop the server runs in.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                future = asyncio.get_running_loop().create_future()
                self._waiting.append(future)
                await future

    def gate(self, name: str) -> asyncio.Event:
        """What an answer with `hold` waits for."""
        return self._gates.setdefault(name, asyncio.Event())

    def release(self, name: str = "hold") -> None:
        """Let every answer held under this name go on, those now waiting only."""
        if gate := self._gates.pop(name, None):
            gate.set()

    def clear_calls(self) -> None:
        """Forget the calls; numbers go on."""
        self.calls.clear()

    def clear_rules(self) -> None:
        """Forget the rules: the usual behaviour again."""
        self.rules.clear()
