"""What came over the wire may be anything: each of these gives the thing that was meant, or says that it is not there.

Numbers come as ``Decimal`` or ``int`` and never through a float (`parse`).
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from reports.avito.assumed import KOPECKS, ZONE

Json = dict[str, Any]
# Digits before the point that a figure of Avito's may have.
WIDEST = 15
# And after it.
FINEST = 6
NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?")
# Half a character, and what PostgreSQL does not keep.
UNKEPT = re.compile("[\x00\ud800-\udfff]")
# Moments that are milliseconds are far beyond any year we live in.
MILLISECONDS = 10**11


class Unreadable(ValueError):
    """The text is no JSON."""


def parse(text: str) -> Any:
    """The value of a JSON text. Raises ``Unreadable``."""
    try:
        return json.loads(text, parse_float=_decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unreadable("The answer is no JSON.") from None


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent beyond all reason
        raise ValueError(digits) from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def objects(value: Any) -> Iterator[Json]:
    """Those members of a list that are objects."""
    return (row for row in rows(value) if isinstance(row, dict))


def number(value: Any) -> Decimal | None:
    """A figure; None for what is none, or is too large to be one."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    figure = Decimal(value)
    if not figure.is_finite() or figure.adjusted() >= WIDEST:
        return None
    # Finer than that is what a float adds of its own, and would not fit when such figures are divided.
    finest = round(figure, FINEST)
    return figure if figure == finest else finest


def roubles(kopecks: Any) -> Decimal | None:
    """Money that was told in kopecks."""
    figure = number(kopecks)
    return None if figure is None else figure / KOPECKS


def whole(value: Any) -> int | None:
    """An id or a count."""
    figure = number(value)
    return int(figure) if figure is not None and figure == figure.to_integral_value() else None


def text(value: Any) -> str:
    """A text as it may be kept; empty for what is none."""
    return UNKEPT.sub("�", value) if isinstance(value, str) else ""


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def moment(value: Any) -> datetime | None:
    """A moment: Unix seconds or milliseconds, or ISO 8601; one without a zone is Moscow's. In UTC."""
    seconds = None if isinstance(value, str) and not value.isdecimal() else number(value)
    try:
        if seconds is not None:
            shift = 1000 if abs(seconds) >= MILLISECONDS else 1
            return datetime.fromtimestamp(float(seconds / shift), UTC) if seconds > 0 else None
        told = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    if told is None:
        return None
    return (told if told.tzinfo else told.replace(tzinfo=ZONE)).astimezone(UTC)


def day(value: Any) -> date | None:
    """The day that is meant by ``YYYY-MM-DD``, by a time, or by Unix seconds.

    Seconds are read in Moscow: so a day is the same whether its midnight in UTC was meant or Moscow's.
    """
    if isinstance(value, str) and len(value) == len("2026-03-02"):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    told = moment(value)
    return None if told is None else told.astimezone(ZONE).date()
