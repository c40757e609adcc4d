"""Times as programs write them (RFC 3339), with or without an offset."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from core.problem import Flaw, HttpProblem
from delivery.clocks import instant_of

FORM = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}([.]\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})?"
_TIME = re.compile(FORM, re.ASCII)


class BadTime(ValueError):
    """A time that cannot be read; ``code`` is bad-time or no-zone."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code

    def flaw(self, field: str) -> Flaw:
        return Flaw(field, self.code, str(self))


def parse(text: str) -> datetime:
    """What is written: an instant (UTC), or a naive time if there is no offset. Raises ``BadTime``."""
    if not _TIME.fullmatch(text):
        raise BadTime("bad-time", unreadable())
    try:
        found = datetime.fromisoformat(text.upper())
        return found if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # no such day, hour or offset; beyond the calendar
        raise BadTime("bad-time", unreadable()) from error


def read_time(text: str, zone: ZoneInfo | None) -> datetime:
    """The instant (UTC). Without an offset it is what the clock of ``zone`` shows. Raises ``BadTime``."""
    found = parse(text)
    if found.tzinfo is not None:
        return found
    if zone is None:
        raise no_zone()
    try:
        return instant_of(found, zone)
    except (ValueError, OverflowError) as error:  # beyond the calendar
        raise BadTime("bad-time", unreadable()) from error


def no_zone() -> BadTime:
    return BadTime("no-zone", _("Write the offset (such as Z or +03:00), or send a timezone."))


def instant(field: str, text: str, zone: ZoneInfo | None = None) -> datetime:
    """As `read_time`; raises HttpProblem for ``field``."""
    try:
        return read_time(text, zone)
    except BadTime as error:
        raise HttpProblem(400, flaws=[error.flaw(field)]) from error


def unreadable() -> str:
    return _("Write a time that exists, like 2026-04-06T12:00:00Z.")


def written(at: datetime | None) -> str | None:
    """An instant as we answer it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
