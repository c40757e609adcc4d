"""Phrases that name an hour: at 6 pm, без четверти шесть, с 9 до 18, вечером."""

from collections.abc import Iterable, Sequence
from datetime import date

from delivery.words_of_time.lexicon import Token
from delivery.words_of_time.pieces import Clock, Clocks, Hours, Part, Piece, Wrong
from delivery.words_of_time.said import Question

# What an hour is when a part of the day goes with it: 7 in the evening is 19, 12 at night is the day's end.
HOURS_OF = {
    "am": {12: 0} | {hour: hour for hour in range(12)},
    "pm": {hour: hour + 12 for hour in range(1, 12)} | {hour: hour for hour in range(12, 24)},
    "morning": {hour: hour for hour in range(12)},
    "afternoon": {hour: hour + 12 for hour in range(1, 7)} | {hour: hour for hour in range(12, 19)},
    "evening": {12: 24} | {hour: hour + 12 for hour in range(3, 12)} | {hour: hour for hour in range(15, 25)},
    "night": {12: 24, 24: 24}
    | {hour: hour for hour in range(6)}
    | {hour: hour + 12 for hour in range(8, 12)}
    | {hour: hour for hour in range(20, 24)},
}


def values(tokens: Sequence[Token], *kinds: str) -> list[int]:
    """The values of the tokens of some kinds."""
    return [token.value for token in tokens if token.kind in kinds]


def kinds_of(tokens: Sequence[Token]) -> set[str]:
    return {token.kind for token in tokens}


def is_russian(texts: Iterable[str]) -> bool | None:
    """Whether the first of the texts that begins with a letter begins with a Russian one; None if none does."""
    return next(("Ѐ" <= text[0] <= "ӿ" for text in texts if text[0].isalpha()), None)


def _clock(hour: float, minute: float, tokens: Sequence[Token], written: str = "") -> Clock | Wrong | None:
    """The hour as a clock shows it, ``written`` so if it was."""
    if hour != int(hour) or minute != int(minute):
        return None
    hour, minute = int(hour), int(minute)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return Wrong(Question.IMPOSSIBLE_TIME)
    suffix = tokens[-1]
    if suffix.kind in {"meridiem", "ofpart", "dnya"}:
        part = "afternoon" if suffix.kind == "dnya" else suffix.value
        known = HOURS_OF[part].get(hour)
        return Wrong(Question.IMPOSSIBLE_TIME) if known is None else Clock(known, minute, night=part == "night")
    exact = hour > 12 or hour == 0 or written.startswith("0")
    russian = is_russian(token.text for token in tokens)
    return Clock(hour, minute, exact, written=bool(written), russian=russian)


def written(tokens: Sequence[Token], today: date) -> Piece | None:
    """18:30."""
    token = next(token for token in tokens if token.kind == "clock")
    return _clock(token.value[0], token.value[1], tokens, token.text)


def dotted(tokens: Sequence[Token], today: date) -> Piece | None:
    """9.30 or 9-30; 1,5 and 9.5 are no hours."""
    token = next(token for token in tokens if token.kind == "pair")
    if "," in token.text or "/" in token.text or token.text[-2] in ".-":
        return None
    hour, minute = token.value
    return _clock(hour, minute, tokens, token.text)


def bare_pair(tokens: Sequence[Token], today: date) -> Piece | None:
    """завтра 10-00; 2.13 is rather the number of something."""
    hour, minute = tokens[0].value
    return dotted(tokens, today) if 6 <= hour <= 24 and minute % 5 == 0 else None


def counted(tokens: Sequence[Token], today: date) -> Piece | None:
    """at 9, at nine thirty, 9 часов 30 минут, 6 pm. A larger number is no hour."""
    hour, *minutes = values(tokens, "number")
    if hour > 24 or (minutes and not _may_be_minutes(tokens)):
        return None
    return _clock(hour, minutes[0] if minutes else 0, tokens)


def _may_be_minutes(tokens: Sequence[Token]) -> bool:
    """in «9 30» yes, in «9 2» and «9 31» no; after «9 часов» anything is."""
    last = [token for token in tokens if token.kind == "number"][-1]
    return "minute" in kinds_of(tokens) or (last.value % 5 == 0 and len(last.text) > 1)


def no_hour(tokens: Sequence[Token], today: date) -> Piece | None:
    """at 25."""
    [hour] = values(tokens, "number")
    return Wrong(Question.IMPOSSIBLE_TIME) if 24 < hour < 100 else None


def one_oclock(tokens: Sequence[Token], today: date) -> Piece | None:
    """в час дня."""
    return _clock(1, 0, tokens)


def past(tokens: Sequence[Token], today: date) -> Piece | None:
    """quarter past six, ten past six."""
    *minutes, hour = values(tokens, "number")
    return _clock(hour, _minutes(tokens, minutes), tokens) if 1 <= hour <= 12 else None


def to(tokens: Sequence[Token], today: date) -> Piece | None:
    """quarter to six, без десяти шесть."""
    *minutes, hour = values(tokens, "number")
    before = _minutes(tokens, minutes)
    if not 1 <= hour <= 12 or not 1 <= before <= 30:
        return None
    return _clock(hour - 1 or 12, 60 - before, tokens)


def of_ordinal(tokens: Sequence[Token], today: date) -> Piece | None:
    """половина седьмого, четверть седьмого, 10 минут седьмого."""
    [hour] = values(tokens, "ord")
    minute = _minutes(tokens, values(tokens, "number"))
    return _clock(hour - 1 or 12, minute, tokens) if 1 <= hour <= 12 else None


def _minutes(tokens: Sequence[Token], numbers: Sequence[int]) -> int:
    return numbers[0] if numbers else 30 if "half" in kinds_of(tokens) else 15


def half_to(tokens: Sequence[Token], today: date) -> Piece | None:
    """полседьмого."""
    [hour] = values(tokens, "halfto")
    return _clock(hour or 12, 30, tokens)


def named(tokens: Sequence[Token], today: date) -> Piece | None:
    """noon, midnight."""
    [(hour, minute)] = [token.value for token in tokens if token.kind in {"noon", "midnight", "lunch"}]
    return Clock(hour, minute)


def end_of_day(tokens: Sequence[Token], today: date) -> Piece | None:
    """в конце дня."""
    return Clock(18)


def several(tokens: Sequence[Token], today: date) -> Piece | None:
    """в 9 и в 21, at 9 am and 9 pm."""
    clocks = [_any(part, today) for part in _split(tokens, {"and", "comma"})]
    wrong = next((clock for clock in clocks if not isinstance(clock, Clock)), None)
    return wrong or Clocks(tuple(clock for clock in clocks if isinstance(clock, Clock)))


def hours(tokens: Sequence[Token], today: date) -> Piece | None:
    """с 9 до 18, from 9 am to 6 pm, between 9 and 6."""
    first, last = (_any(part, today) for part in _split(tokens[1:], {"till", "to", "and", "dash"}))
    if not isinstance(first, Clock) or not isinstance(last, Clock):
        return first if isinstance(first, Wrong) else last if isinstance(last, Wrong) else None
    if last.hour <= first.hour and not last.exact and last.hour < 12:
        last = Clock(last.hour + 12, last.minute)
    return Hours(first, last)


def _any(tokens: Sequence[Token], today: date) -> Piece | None:
    kinds = kinds_of(tokens)
    read = written if "clock" in kinds else dotted if "pair" in kinds else counted
    return read(tokens, today)


def _split(tokens: Sequence[Token], kinds: set[str]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind in kinds:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def part(tokens: Sequence[Token], today: date) -> Piece | None:
    """вечером, in the morning, tonight."""
    [name] = [token.value for token in tokens if token.kind in {"daypart", "part", "ofpart", "tonight"}]
    return Part(name, today=bool(kinds_of(tokens) & {"tonight", "this"}))


def after_lunch(tokens: Sequence[Token], today: date) -> Piece | None:
    return Part("afternoon")


PHRASES = [
    ("from about? LOOSE (till|to|and|dash) at? LOOSE", hours),
    ("PREP LOOSE (SEP PREP? LOOSE){1,5} NOTCOUNTED", several),
    ("PREP? about? clock (SUFFIX|dnya)?", written),
    ("PREP? about? pair SUFFIX", dotted),
    ("about? at about? pair NOTCOUNTED", dotted),
    ("PREP? the? (half|quarter|number minute?) afterwards number SUFFIX?", past),
    ("PREP? the? (half|quarter|number minute?) to number SUFFIX?", to),
    ("PREP? without (quarter|number minute?) number hour? (SUFFIX|dnya)?", to),
    ("PREP? (half|quarter|number minute) ord SUFFIX?", of_ordinal),
    ("PREP? halfto SUFFIX?", half_to),
    ("PREP? about? number hour number minute (SUFFIX|dnya)?", counted),
    ("hour at number SUFFIX?", counted),
    ("(PREP about? number hour|PREP? about? number oclock) (SUFFIX|dnya)?", counted),
    ("PREP? about? number (number? SUFFIX|hour (SUFFIX|dnya))", counted),
    ("about? at about? number dnya", counted),
    ("PREP? hour (SUFFIX|dnya)", one_oclock),
    ("about? at about? number number NOTCOUNTED", counted),
    ("about? at about? number NOTCOUNTED", counted),
    ("PREP? the? end of? the? working? (day|dnya)", end_of_day),
    ("PREP? (noon|midnight)|at lunch", named),
    ("afterwards lunch", after_lunch),
    # «с днём рождения» wishes well, it does not say when.
    ("in the? part|from ofpart|about? at part|this part|(?<!from)daypart|tonight", part),
]
WEAK_PHRASES = [
    ("pair NOTCOUNTED", bare_pair),
    ("at hour", one_oclock),
    ("on about? number NOTCOUNTED", counted),
    ("at number NOTCOUNTED", no_hour),
]
