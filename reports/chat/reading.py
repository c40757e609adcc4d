"""What somebody writes of a profile: its name and its keys, one at a time, or all in one message. Pure functions."""

import re
from collections.abc import Sequence

NAME, CLIENT_ID, SECRET = "name", "client_id", "client_secret"
ORDER = (NAME, CLIENT_ID, SECRET)
# «client_id: abc», «Client Secret = abc», «название — Север».
LABELS = (
    (CLIENT_ID, r"client[\s_-]*id|id\s+клиента"),
    (SECRET, r"client[\s_-]*secret|секрет\w*(?:\s+клиента)?|secret"),
    (NAME, r"name|имя|название"),
)
LABELLED = [
    (what, re.compile(rf"\s*(?:{words})\s*(?:[:=—–]|-\s|\s)\s*(?P<value>\S.*)", re.I)) for what, words in LABELS
]
# Avito's keys are long runs of letters and digits; nobody calls a shop so.
KEY = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[!-~]{16,}")
# What may be a client_id: a question such as "where do I find it?" is none.
ID = re.compile(r"[!-~]{8,}")
LONGEST = 512  # characters of a key


def read(words: str, wanted: Sequence[str]) -> dict[str, str]:
    """Which of ``wanted`` (of ORDER, in it) are in ``words``. A line each, with labels or in order; in one line the
    last words that look like keys are those. An answer to one question is taken as it stands, blanks and all."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    if not lines:
        return {}
    if labelled := _labelled(lines):
        return {what: value for what, value in labelled.items() if what in wanted}
    if len(lines) == 1:
        lines = _in_one_line(lines[0], wanted)
    return dict(zip(wanted, lines, strict=False))


def _labelled(lines: Sequence[str]) -> dict[str, str]:
    """What lines say they are; a first line that says nothing is the name."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        named = next(((what, match) for what, label in LABELLED if (match := label.fullmatch(line))), None)
        if named is not None and named[0] not in found:
            found[named[0]] = named[1]["value"].strip()
        elif number == 0 and named is None and len(lines) > 1:
            found[NAME] = line
    return found if CLIENT_ID in found or SECRET in found else {}


def _in_one_line(line: str, wanted: Sequence[str]) -> list[str]:
    words = line.split()
    if wanted[0] == NAME and len(words) > 2 and all(KEY.fullmatch(word) for word in words[-2:]):
        return [" ".join(words[:-2]), *words[-2:]]
    if wanted[0] == CLIENT_ID and len(words) > 1 and SECRET in wanted and KEY.fullmatch(words[0]):
        return line.split(maxsplit=1)  # a secret may hold blanks, an id does not
    return [line]


def looks_like_key(text: str) -> bool:
    """Whether somebody wrote a key where something else was asked for."""
    return any(KEY.fullmatch(word) for word in text.split())


def is_key(text: str, what: str) -> bool:
    """Whether Avito could have given it as its CLIENT_ID or SECRET: nothing that no form could carry."""
    fits = ID.fullmatch(text) is not None if what == CLIENT_ID else bool(text) and text.isprintable()
    return fits and len(text) <= LONGEST
