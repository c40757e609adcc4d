"""Reads requests strictly: what is missing, of a wrong type or unknown is refused with 400."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from .errors import invalid
from .figures import MOSCOW, moscow_day

DEPTH = 270  # days back from today that statistics reach
Json = dict[str, Any]


class Query(dict[str, str]):
    """The parameters of a URL, each once."""


class Reader:
    """A JSON body, or a query, read field by field; `style` is how mistakes are answered."""

    def __init__(self, said: Mapping[str, Any], style: str, known: Collection[str]) -> None:
        self.said, self.style = said, style
        for name in said:
            if name not in known:
                raise invalid(style, name, "is unknown")

    def wrong(self, name: str, why: str) -> Exception:
        """To be raised."""
        return invalid(self.style, name, why)

    def required(self, name: str) -> Any:
        """The value, which must be there and not null."""
        if self.said.get(name) is None:
            raise self.wrong(name, "is required")
        return self.said[name]

    def text(self, name: str) -> str:
        """A required string."""
        value = self.required(name)
        if not isinstance(value, str):
            raise self.wrong(name, "is not a string")
        return value

    def one_of(self, name: str, words: Collection[str], default: str | None = None) -> str:
        """A word of a list."""
        value = default if default is not None and self.said.get(name) is None else self.text(name)
        if value not in words:
            raise self.wrong(name, f"is not one of {', '.join(words)}")
        return str(value)

    def whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number; in a query it is written in digits."""
        value = self.said.get(name)
        if value is None:
            if default is None:
                raise self.wrong(name, "is required")
            return default
        if isinstance(value, str) and isinstance(self.said, Query) and re.fullmatch(r"-?\d{1,19}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "is not integer")
        if not least <= value <= most:
            raise self.wrong(name, f"must be from {least} to {most}")
        return value

    def words(self, name: str, known: Collection[str]) -> list[str]:
        """A required list of words, none of them unknown."""
        value = self.required(name)
        if not isinstance(value, list) or not value:
            raise self.wrong(name, "is not a list of strings")
        for word in value:
            if not isinstance(word, str) or word not in known:
                raise self.wrong(name, f"has the unknown {word!r}")
        return value

    def ids(self, name: str, most: int | None = None) -> list[int] | None:
        """A list of whole numbers, at most so many; None when it is not there."""
        value = self.said.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or any(isinstance(one, bool) or not isinstance(one, int) for one in value):
            raise self.wrong(name, "is not a list of integers")
        if most is not None and len(value) > most:
            raise self.wrong(name, f"has more than {most} ids")
        return value

    def inner(self, name: str, known: Collection[str]) -> Reader:
        """An object inside; an empty one when it is not there."""
        value = self.said.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(name, "is not an object")
        return Reader(value or {}, self.style, known)

    def day(self, name: str) -> date:
        """A required date, YYYY-MM-DD."""
        value = self.text(name)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is None or day.isoformat() != value:
            raise self.wrong(name, "is not a date in the format YYYY-MM-DD")
        return day

    def days(self, now: datetime, first: str = "dateFrom", last: str = "dateTo") -> tuple[date, date]:
        """The first and the last date of a period that is in order and not too long ago."""
        begin, end = self.day(first), self.day(last)
        if end < begin:
            raise self.wrong(last, f"is before {first}")
        if begin < moscow_day(now) - timedelta(days=DEPTH):
            raise self.wrong(first, f"is more than {DEPTH} days ago")
        return begin, end

    def moment(self, name: str) -> datetime:
        """A required date with a time; without a zone it is Moscow's."""
        value = self.text(name)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self.wrong(name, "is not a date with a time") from None
        if "T" not in value:
            raise self.wrong(name, "has no time")
        return moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)
