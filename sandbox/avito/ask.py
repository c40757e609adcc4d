"""A request as the methods of the fake see it, and a method as the server sees it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .accounts import Account
from .checks import Query, Reader
from .world import AvitoWorld, Manners

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of an account: `match` is what stands in the path, `style` how its refusals are worded."""

    world: AvitoWorld
    account: Account
    manners: Manners
    now: datetime
    style: str
    match: Mapping[str, str]
    query: Query
    body: Any
    headers: Mapping[str, str]

    def fields(self, *known: str) -> Reader:
        """The JSON body. RefusedError when it is no object, or has a field that is not known."""
        if not isinstance(self.body, dict):
            raise Reader({}, self.style, ()).wrong("body", "is not a JSON object")
        return Reader(self.body, self.style, known)

    def params(self, known: Collection[str]) -> Reader:
        """The query, likewise."""
        return Reader(self.query, self.style, known)


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its short name, where it is, who answers; `foreign` is the status for another's user id."""

    name: str
    http: str
    path: str
    answer: Callable[[Ask], Any]
    style: str = "error"
    foreign: int = 404
