"""Finding the phrases of time in a sentence.

A phrase is a regular expression whose letters are the kinds of tokens: ``in number hour``. Capitals stand for
the shorthands below. At each token the phrases are tried in the order of their tables; the first that says
something is taken. Every repetition is bounded, so the time this takes grows with the length of the text and
no faster.
"""

import functools
import re
from collections.abc import Callable, Sequence
from datetime import date

from delivery.words_of_time import again, clocks, days
from delivery.words_of_time.lexicon import KINDS, Token
from delivery.words_of_time.pieces import Found, Piece

SHORTHANDS = {
    "PREP": "about? (at|on)",
    "SPAN": "(second|minute|hour|day|dnya|week|month|year|quarter)",
    "WEEK": "week",
    "EXCEPTED": "(the|article)? (weekday|weekdays|workday|weekend|weekends)",
    "SUFFIX": "(meridiem|ofpart)",
    "SEP": "(comma and?|and)",
    "THEDAY": "(number|ord) dayword?",
    "NOTCOUNTED": "(?!counted|once|times|SPAN|monthname)",
    "LOOSE": "(clock SUFFIX?|pair SUFFIX?|number (hour|oclock)? SUFFIX?)",
    "HALVES": "((half|quarter) of? article? SPAN|number (with|from|and) article? half SPAN"
    "|(number|article)? SPAN (and|with|from) article? half)",
    "SIMPLE": "(article? number of? SPAN|article? SPAN|pair SPAN|article? halfspan)",
    "AMOUNTS": "article? (HALVES|SIMPLE (and? number SPAN){0,3})",
}

MOST_PHRASES = 40  # a text that speaks of more times is no sentence about one

Handler = Callable[[Sequence[Token], date], Piece | None]
Table = list[tuple["re.Pattern[str]", Handler, bool]]

# One character for each kind, none of which means anything to a regular expression.
LETTERS = {kind: chr(0xE000 + number) for number, kind in enumerate(sorted(KINDS))}


def _compiled(phrase: str) -> "re.Pattern[str]":
    while re.search("[A-Z]", phrase):
        phrase = re.sub("[A-Z]+", lambda name: f"(?:{SHORTHANDS[name.group()]})", phrase)
    letters = re.sub("[a-z]+", lambda kind: LETTERS[kind.group()], phrase)
    return re.compile(re.sub(r"\((?!\?)", "(?:", letters.replace(" ", "")))


def _table(weak: bool, phrases: Sequence[tuple[str, Handler]]) -> Table:
    return [(_compiled(phrase), handler, weak) for phrase, handler in phrases]


@functools.cache
def _tables() -> tuple[Table, "re.Pattern[str]"]:
    """All phrases, and what tells at once that no phrase begins here, as most words begin none. Made at the first
    sentence: it takes as long as a good part of the process's start."""
    # What comes again before days, for its phrases hold theirs; weak ones only where nothing else fits.
    table = [
        *_table(False, again.PHRASES),
        *_table(False, days.PHRASES),
        *_table(False, clocks.PHRASES),
        *_table(True, again.WEAK_PHRASES),
        *_table(True, days.WEAK_PHRASES),
        *_table(True, clocks.WEAK_PHRASES),
    ]
    return table, re.compile("|".join(pattern.pattern for pattern, _handler, _weak in table))


def found_in(tokens: Sequence[Token], today: date) -> list[Found]:
    """What the tokens say of time, from left to right."""
    letters = "".join(LETTERS[token.kind] for token in tokens)
    table, begins = _tables()
    found: list[Found] = []
    place = 0
    while place < len(tokens) and len(found) < MOST_PHRASES:
        piece = _found_at(place, letters, tokens, today, table) if begins.match(letters, place) else None
        if piece:
            found.append(piece)
        place = piece.end if piece else place + 1
    return found


def _found_at(place: int, letters: str, tokens: Sequence[Token], today: date, table: Table) -> Found | None:
    for pattern, handler, weak in table:
        match = pattern.match(letters, place)
        if match and match.end() > place:
            piece = handler(tokens[place : match.end()], today)
            if piece:
                return Found(piece, place, match.end(), weak)
    return None
