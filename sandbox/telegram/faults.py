"""Faults on order: what the network and the server do to a client on a bad day."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from .errors import ApiError, ControlError
from .updates import TWO_POLLS

KINDS = {"429", "500", "502_html", "403", "400", "401", "409", "hang", "cut", "cut_after", "slow", "hold"}
TEXTS = {
    "400": "Bad Request: chat not found",
    "401": "Unauthorized",
    "403": "Forbidden: bot was blocked by the user",
    "409": f"Conflict: {TWO_POLLS}",
    "500": "Internal Server Error",
}


@dataclass(slots=True)
class Rule:
    """Applies to matching calls number `after` + 1 and on, `times` times (None: until cleared).

    `hold`: the method runs, and answers, once the rules are cleared.
    """

    kind: str
    method: str = "*"
    chat_id: int | None = None
    times: int | None = 1
    after: int = 0
    retry_after: int = 1
    description: str | None = None
    seconds: float | None = None
    applied: int = 0

    def matches(self, method: str, chat_id: int | None) -> bool:
        """The rule is about this call."""
        return self.method in ("*", method.lower()) and self.chat_id in (None, chat_id)

    def error(self) -> ApiError | None:
        """The refusal this rule stands for, if it is one."""
        if self.kind == "429":
            text = self.description or f"Too Many Requests: retry after {self.retry_after}"
            return ApiError(429, text, {"retry_after": self.retry_after})
        text = self.description or TEXTS.get(self.kind, "")
        return ApiError(int(self.kind), text) if self.kind in TEXTS else None


class Faults:
    """The rules in force, in order; the first that matches a call is applied."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.cleared = asyncio.Event()

    def add(self, rules: list[dict[str, Any]]) -> None:
        """Append rules; ControlError for one that cannot be read."""
        self.rules += [parse(rule) for rule in rules]

    def clear(self) -> None:
        """No more faults; what is held goes on."""
        self.rules = []
        self.cleared.set()
        self.cleared = asyncio.Event()

    def take(self, method: str, chat_id: int | None) -> Rule | None:
        """The rule for this call, counted; None when the call goes through."""
        for rule in self.rules:
            if not rule.matches(method, chat_id):
                continue
            if rule.after > 0:
                rule.after -= 1
                continue
            if rule.times is None or rule.applied < rule.times:
                rule.applied += 1
                return rule
        return None


def parse(row: dict[str, Any]) -> Rule:
    """One rule of the control API; ControlError names what is wrong."""
    unknown = sorted(
        set(row) - {"kind", "method", "chat_id", "times", "after", "retry_after", "description", "seconds"}
    )
    if unknown:
        raise ControlError(f"unknown field {unknown[0]} in a fault rule")
    kind = str(row.get("kind"))
    if kind not in KINDS:
        raise ControlError(f"unknown kind of fault {kind}; there are {', '.join(sorted(KINDS))}")
    method = str(row.get("method") or "*").lower()
    return Rule(**{"times": 1, **row, "kind": kind, "method": method, "after": int(row.get("after") or 0)})
