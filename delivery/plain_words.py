"""A time in plain words, Russian or English: «позвонить маме завтра в 10», "every weekday at 9:30 stand-up".

    parse(text, now, zone)      Parsed: the rule, what to remind of, what is unclear, what was taken for granted

No model and no network. Wall times are in the person's zone; hours and minutes from now are elapsed time.
What contradicts itself, is over, or cannot be, is asked about and never guessed; what people usually leave out
(the hour, the half of the day, the year) is filled in and told. The words and the phrases are the tables of
``words_of_time``; here they become a rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from delivery.schedule import MACROS, Cron, Rule, RuleError
from delivery.words_of_time.again_rule import again
from delivery.words_of_time.choosing import chosen
from delivery.words_of_time.clocks import is_russian
from delivery.words_of_time.grammar import found_in
from delivery.words_of_time.left import left
from delivery.words_of_time.lexicon import Token, tokens_of
from delivery.words_of_time.meaning import Unclear, meaning_of
from delivery.words_of_time.once_rule import once
from delivery.words_of_time.pieces import Earlier, Found, Hours, OnDates, OnWeekdays, Repeat, Until
from delivery.words_of_time.said import Assumed, Assumption, Question, asked

__all__ = ["Assumed", "Assumption", "Parsed", "Question", "parse"]

MOST_QUOTED = 60  # characters of a person's words in a question
MOST_CRON = 200  # characters in which a literal cron must begin and end

CRON_FIELD = re.compile(r"(?:[\d*/,#L-]|MON|TUE|WED|THU|FRI|SAT|SUN)+")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a sentence says. Without a ``question`` there are a rule and a text.

    A question about the text alone (NO_TEXT) comes with the rule that was understood; ``words`` are those that
    the question is about.
    """

    rule: Rule | None
    text: str
    question: Question | None = None
    assumed: list[Assumed] = field(default_factory=list)
    words: str = ""

    def asks(self) -> str:
        """The question in the active language; empty when nothing is unclear."""
        return asked(self.question, self.words) if self.question else ""


def parse(text: str, now: datetime, zone: ZoneInfo, language: str | None = None) -> Parsed:
    """Read ``text`` as somebody in ``zone`` means it at ``now`` (aware).

    ``language`` ("ru", "en") decides only where the words do not: 6:30 without a word beside it.
    """
    return _literal_cron(text) or _in_words(text, now, zone, language)


def _literal_cron(text: str) -> Parsed | None:
    """«0 9 * * 1-5 отчёт», «@daily отчёт»: fields of a cron, a star among them, and what to remind of."""
    plain = left(text.replace("`", " "), [])
    fields = list(takewhile(CRON_FIELD.fullmatch, plain[:MOST_CRON].split()))
    macro = plain.split(maxsplit=1)[:1]
    if macro and macro[0].upper() in MACROS:
        fields = macro
    elif len(fields) < 5 or "*" not in "".join(fields[:5]):
        return None
    what = left("".join(plain.split(maxsplit=len(fields))[len(fields) :]), [])
    try:
        rule = Cron(" ".join(fields))
    except RuleError as error:
        return Parsed(None, what, Question.BAD_CRON, words=str(error))
    return Parsed(rule, what, None if what else Question.NO_TEXT)


def _in_words(text: str, now: datetime, zone: ZoneInfo, language: str | None) -> Parsed:
    today = now.astimezone(zone).date()
    tokens, found = _phrases(text, today)
    what = left(text, [(tokens[it.first].start, tokens[it.end - 1].end) for it in _taken(found, tokens)])
    russian = is_russian(token.text for token in tokens)
    try:
        meaning = meaning_of(found, now, zone, language == "ru" if russian is None else russian)
        rule = again(meaning) if meaning.comes_again else once(meaning)
    except Unclear as unclear:
        return Parsed(None, what, unclear.question, words=_words(unclear.found or found, text, tokens))
    return Parsed(rule, what, None if what else Question.NO_TEXT, meaning.assumed)


def _phrases(text: str, today: date) -> tuple[list[Token], list[Found]]:
    """The phrases of time; what stands in quotes is one only when there is none outside."""
    for quotes in (True, False):
        tokens = tokens_of(text, quotes)
        found = chosen(found_in(tokens, today), tokens)
        if found:
            break
    return tokens, found


def _taken(found: Sequence[Found], tokens: Sequence[Token]) -> list[Found]:
    """Those whose words leave the text, which would not be whole without the others: see ``_stays``."""
    again = any(isinstance(it.piece, Repeat | OnWeekdays | OnDates) for it in found)
    within = any(isinstance(it.piece, Repeat) and it.piece.span in {"minute", "hour"} for it in found)
    begins = {it.first for it in found} | {len(tokens)}
    return [it for it in found if not _stays(it, again, within, followed=it.end in begins, last=tokens[it.end - 1])]


def _stays(found: Found, again: bool, within: bool, followed: bool, last: Token) -> bool:
    """Whether the words say more than when: дежурство «с 9 до 18», сдать «до пятницы», «за час до» встречи.

    ``again``: something comes again, ``within`` a day; ``followed`` by another phrase or by nothing.
    """
    match found.piece:
        case Hours():
            return not within
        case Until(short):
            return not again or (short and not within)
        case Earlier():
            return last.kind in {"till", "before"} and not followed
    return False


def _words(found: Sequence[Found], text: str, tokens: Sequence[Token]) -> str:
    """The person's words that a question is about."""
    words = ""
    end = 0
    for it in found:
        start = tokens[it.first].start
        words += text[end:start] if words and text[end:start].isspace() else " … " if words else ""
        end = tokens[it.end - 1].end
        words += text[start:end]
    words = " ".join(words.split())
    return words if len(words) <= MOST_QUOTED else words[:MOST_QUOTED].rstrip() + "…"
