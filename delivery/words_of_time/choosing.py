"""Which of the phrases of time in a sentence are meant: «купи билет на завтра сегодня вечером» speaks of two days.

Phrases that stand together are a group. The fullest group is believed, and of others only what it does not say;
what comes after «напомни» is believed before what comes ahead of it.
"""

from collections.abc import Sequence

from delivery.words_of_time.lexicon import Token
from delivery.words_of_time.pieces import Clock, Clocks, Day, Found, OnDates, OnWeekdays, Part, Wrong
from delivery.words_of_time.said import Question

# Tokens that may stand between phrases that belong together.
GLUE = {"comma", "and", "at", "on", "dash", "the", "about", "starting", "from"}
# After these a day is spoken of, not meant.
MENTIONS = {"for", "of", "except"}


def chosen(found: Sequence[Found], tokens: Sequence[Token]) -> list[Found]:
    """The phrases that say when, at most one of each sort unless the sentence contradicts itself."""
    believed = _without_doubtful(found, tokens)
    groups = _groups(believed, tokens)
    asked_at = max((place for place, token in enumerate(tokens) if token.kind == "remind"), default=-1)
    groups.sort(key=lambda group: _rank(group, asked_at, len(tokens)), reverse=True)
    taken: list[Found] = []
    for number, group in enumerate(groups):
        sorts = {sort_of(piece) for piece in taken}
        alike = number and _rank(group, asked_at, len(tokens)) == _rank(groups[0], asked_at, len(tokens))
        taken += [piece for piece in group if alike or sort_of(piece) not in sorts]
    return sorted(taken, key=lambda piece: piece.first)


def sort_of(found: Found) -> str:
    """What a phrase tells of: two of the same sort contradict each other."""
    match found.piece:
        case Clock() | Clocks():
            return "clock"
        case OnWeekdays() | OnDates():
            return "dates"
        case piece:
            return type(piece).__name__.lower()


def _without_doubtful(found: Sequence[Found], tokens: Sequence[Token]) -> list[Found]:
    strong = [piece for piece in found if not piece.weak and not _mentioned(piece, tokens)]
    if not strong:
        strong = [piece for piece in found if not piece.weak]
    sorts = {sort_of(piece) for piece in strong}
    kept = list(strong)
    for piece in found:
        if piece in kept or sort_of(piece) in sorts or _mentioned(piece, tokens):
            continue
        if any(_together(piece, other, tokens) for other in kept) or _at_edge(piece, tokens):
            kept.append(piece)
    return sorted(kept, key=lambda piece: piece.first)


def _mentioned(found: Found, tokens: Sequence[Token]) -> bool:
    """«отчёт за пятницу», report of Friday; 60 км «в час»."""
    before = tokens[found.first - 1].kind if found.first else ""
    asked = found.first > 1 and tokens[found.first - 2].kind == "remind"  # a reminder for tomorrow
    return (found.weak and before == "counted") or (isinstance(found.piece, Day) and before in MENTIONS and not asked)


def _together(one: Found, other: Found, tokens: Sequence[Token]) -> bool:
    first, second = sorted((one, other), key=lambda piece: piece.first)
    return all(token.kind in GLUE for token in tokens[first.end : second.first])


def _at_edge(found: Found, tokens: Sequence[Token]) -> bool:
    if isinstance(found.piece, Part) or found.piece == Wrong(Question.IMPOSSIBLE_TIME):
        return False
    if isinstance(found.piece, Clock) and tokens[found.first].kind == "pair":  # 10-15 отжиманий
        return False
    ahead, behind = tokens[: found.first], tokens[found.end :]
    return not any(_counts(token) for token in ahead) or not any(_counts(token) for token in behind)


def _counts(token: Token) -> bool:
    return token.kind not in {"sign", "remind", "me", "comma", "dash"}


def _groups(found: Sequence[Found], tokens: Sequence[Token]) -> list[list[Found]]:
    groups: list[list[Found]] = []
    for piece in found:
        if groups and _together(groups[-1][-1], piece, tokens):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _rank(group: Sequence[Found], asked_at: int, length: int) -> tuple[bool, int]:
    return 0 <= asked_at < group[0].first and asked_at > 0, len({sort_of(piece) for piece in group})
