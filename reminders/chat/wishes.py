"""What somebody has said so far of a reminder they are making or changing, and what is still to be asked."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from delivery.plain_words import Parsed, Question, parse
from delivery.schedule import Once, Rule, from_json, to_json
from reminders.chat.insisting import taken_out


@dataclass
class Wish:
    """Kept as JSON while an answer is awaited. ``rule``: as a row keeps it; ``reminder``: the one that is changed.

    ``message``: where it was asked for; ``asked``: what the person was asked last ("text", "time", or nothing yet);
    ``tries``: how many of their answers in a row were none.
    """

    text: str = ""
    rule: dict[str, Any] | None = None
    nag: int | None = None
    assumed: list[str] = field(default_factory=list)
    message: int = 0
    asked: str = ""
    tries: int = 0
    reminder: str = ""

    @property
    def when(self) -> Rule | None:
        return from_json(self.rule) if self.rule else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def heard(wish: Wish, words: str, said_at: datetime, zone: ZoneInfo, language: str) -> str:
    """Take ``words`` into ``wish``; what is to be asked now, or nothing when all is known.

    ``said_at``: when the person wrote them, for "in an hour" counts from there.
    """
    if wish.asked == "text":
        wish.text = words.strip()
        return ""
    plain, nag = taken_out(words)
    wish.nag = nag or wish.nag
    parsed = _parsed(plain, said_at, zone, language, nag)
    wish.text = wish.text or parsed.text
    if parsed.rule is not None:
        wish.rule, wish.assumed = to_json(parsed.rule), [str(line) for line in parsed.assumed]
    if parsed.question in (None, Question.NO_TEXT):
        wish.asked = "" if wish.text else "text"
        return "" if wish.text else Parsed(None, "", Question.NO_TEXT).asks()
    wish.asked = "time"
    wish.tries = wish.tries + 1 if parsed.question == Question.NO_TIME else 0
    return parsed.asks()


def _parsed(words: str, said_at: datetime, zone: ZoneInfo, language: str, nag: int | None) -> Parsed:
    parsed = parse(words, said_at, zone, language)
    if parsed.question == Question.NO_TIME and nag and not parsed.words:
        # «напоминай каждые 5 минут, пока не сделаю»: the first time is the first of them.
        first = Once(said_at + timedelta(minutes=nag))
        return Parsed(first, parsed.text, None if parsed.text else Question.NO_TEXT)
    return parsed


def changed(wish: Wish, words: str, said_at: datetime, zone: ZoneInfo, language: str) -> str:
    """As ``heard``, of the reminder that is changed: a time, another text, or both. What is not said stays."""
    if wish.asked == "text":
        wish.text = words.strip()
        return ""
    plain, nag = taken_out(words)
    wish.nag = nag or wish.nag
    parsed = parse(plain, said_at, zone, language)
    if parsed.question == Question.NO_TIME and wish.asked != "time":
        wish.text = plain.strip() or wish.text
        return ""
    if parsed.rule is None:
        wish.asked = "time"
        wish.tries = wish.tries + 1 if parsed.question == Question.NO_TIME else 0
        return parsed.asks()
    wish.rule, wish.assumed = to_json(parsed.rule), [str(line) for line in parsed.assumed]
    wish.text = parsed.text or wish.text
    return ""
