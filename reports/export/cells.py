"""What stands in a cell: only what Excel and XlsxWriter take as it is, and never a formula.

A cell holds 32,767 characters, counted in UTF-16 as Excel does (Microsoft, "Excel specifications and limits").
"""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

MOST_UNITS = 32_767
# What XML 1.0 does not take (https://www.w3.org/TR/xml/#charsets), and halves of a pair without the other one.
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Excel's calendar begins so; earlier, and beyond the year 9999, it knows no dates.
FIRST = datetime(1900, 1, 1, tzinfo=UTC)


def text(value: object) -> str:
    """``value`` as a cell takes it: without what cannot be shown, and cut with a mark where it is too long."""
    if value is None:
        return ""
    # A pair that came as two halves ("\ud83d\ude00" in JSON) is one character again.
    said = str(value).replace("\r\n", "\n").replace("\r", "\n")
    said = said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    said = _cut(NOT_XML.sub("", said))
    # XlsxWriter takes a string that looks so for XML of its own and does not escape it.
    return f"{said} " if said.startswith("<r>") and said.endswith("</r>") else said


def _cut(said: str) -> str:
    if len(said) * 2 <= MOST_UNITS or len(raw := said.encode("utf-16-le")) // 2 <= MOST_UNITS:
        return said
    mark = " … " + _("[cut: a cell of Excel takes no more]")
    # Half of a pair at the end is left out.
    return raw[: (MOST_UNITS - len(mark)) * 2].decode("utf-16-le", "ignore") + mark


def moment(seconds: Any, zone: ZoneInfo) -> datetime | None:
    """Seconds since 1970 as the clock in ``zone`` showed them, without a zone as Excel wants it; None for no time."""
    if not isinstance(seconds, int | float) or seconds <= 0:
        return None
    try:
        at = datetime.fromtimestamp(seconds, tz=zone)
    except (OverflowError, ValueError, OSError):
        return None
    return at.replace(tzinfo=None) if at >= FIRST else None


def number(value: object) -> str:
    """An id: as text, for Excel rounds numbers of more than 15 digits."""
    return "" if value is None else text(value)
