"""JSON from outside, read as RFC 8259 means it and not as Python is willing to.

Refused besides what is no JSON: names that come twice (one of the values would be lost), NaN, infinity and numbers
beyond a float, NUL (PostgreSQL keeps none), halves of surrogate pairs (no UTF-8 has them), and deep nesting.
"""

import json
import math
from typing import Any, NoReturn

from django.utils.translation import gettext as _

DEEPEST = 32  # objects and lists in one another


class BadJSON(ValueError):
    """A text that is refused; ``code`` is malformed, duplicate-name, bad-number, bad-text or too-deep."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def read(text: str | bytes, deepest: int = DEEPEST) -> Any:
    """The value of a JSON text. Raises ``BadJSON``."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
    except BadJSON:
        raise
    except RecursionError as error:
        raise _too_deep(deepest) from error
    except ValueError as error:  # also no UTF-8, and a number of thousands of digits
        raise BadJSON("malformed", _("This is no JSON.")) from error
    _look_through(value, deepest)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJSON("duplicate-name", _("A name stands twice in one object. Leave one of them out."))
    return found


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadJSON("bad-number", _("A number is too large."))
    return number


def _constant(_name: str) -> NoReturn:
    raise BadJSON("bad-number", _("NaN and infinity are no JSON. Write null instead."))


def _look_through(value: Any, deepest: int) -> None:
    """By levels and not by recursion: the caller decides how deep it goes."""
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
        depth += any(isinstance(item, dict | list) for item in level)
        if depth > deepest:
            raise _too_deep(deepest)
        level = below


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise BadJSON("bad-text", _("A text holds NUL or half a character. Leave it out."))


def _too_deep(deepest: int) -> BadJSON:
    return BadJSON("too-deep", _("This is nested deeper than %(most)d.") % {"most": deepest})
