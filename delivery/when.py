"""When, as a model or a program writes it: plain words, a local time of ISO 8601, or the five fields of a cron."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from delivery.clocks import instant_of
from delivery.plain_words import Question, parse
from delivery.schedule import Once, Rule, RuleError, cron

ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
CRON = re.compile(r"@[a-z]+|(?:[\d*/,#L-]\S*\s+){4}\S+", re.IGNORECASE)
END_OF_DAY = time(23, 59)


class Unclear(Exception):
    """It cannot be read as a time; the text asks for what is missing, in the active language."""


@dataclass(frozen=True)
class When:
    """``assumed``: sentences about what was taken for granted."""

    rule: Rule
    assumed: list[str] = field(default_factory=list)


def read(words: str, now: datetime, zone: ZoneInfo, language: str) -> When:
    """Raises Unclear."""
    words = words.strip()
    try:
        if ISO.fullmatch(words):
            return When(Once(moment(words, zone)))
        if CRON.fullmatch(words):
            return When(cron(words))
    except RuleError as error:
        raise Unclear(str(error)) from error
    parsed = parse(words, now, zone, language)
    if parsed.rule is None or parsed.question not in (None, Question.NO_TEXT):
        raise Unclear(parsed.asks())
    return When(parsed.rule, [str(line) for line in parsed.assumed])


def moment(text: str, zone: ZoneInfo, at: time | None = None) -> datetime:
    """The instant of ``2026-11-21T18:00``, by the zone's clock unless it brings an offset; of a bare date at ``at``.
    Raises Unclear."""
    try:
        if len(text) == 10 and at is not None:
            return instant_of(datetime.combine(date.fromisoformat(text), at), zone)
        if len(text) > 10:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else instant_of(found, zone)
    except (ValueError, OverflowError):
        pass
    raise Unclear(_("Write the time like 2026-04-06T12:00."))
