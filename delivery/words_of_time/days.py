"""Phrases that name a day, or how far away it is: в пятницу, 5 марта, in two weeks, через час с половиной."""

from collections.abc import Sequence
from datetime import date, timedelta

from delivery.words_of_time.clocks import kinds_of, values
from delivery.words_of_time.lexicon import Token
from delivery.words_of_time.pieces import After, Day, Earlier, Part, Piece, Until, Wrong
from delivery.words_of_time.said import Assumption, Question

MINUTES = {"second": 1 / 60, "minute": 1, "hour": 60}
DAYS = {"day": 1, "dnya": 1, "week": 7}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
SPANS = {*MINUTES, *DAYS, *MONTHS}
INVERTED = [
    "секунд",
    "минут",
    "минуты",
    "часа",
    "часов",
    "дня",
    "дней",
    "недели",
    "недель",
    "месяца",
    "месяцев",
    "года",
    "лет",
]
MOST_DAYS = 36_600  # of what is counted at all; what is allowed is less


def relative(tokens: Sequence[Token], today: date) -> Piece | None:
    """сегодня, tomorrow, day after tomorrow; before today nothing can be planned."""
    [days] = values(tokens, "dayrel")
    days += "afterwards" in kinds_of(tokens)
    return Wrong(Question.PAST) if days < 0 else Day(today + timedelta(days))


def weekday(tokens: Sequence[Token], today: date) -> Piece | None:
    """on Friday; next Friday and Friday next week are of the next calendar week."""
    [day] = values(tokens, "weekday")
    coming = (day - today.weekday()) % 7
    if "next" not in kinds_of(tokens):
        return Day(today + timedelta(coming), step="week", weekday=day)
    monday = 7 - today.weekday()
    note = Assumption.NEXT_WEEK if coming < monday else None
    return Day(today + timedelta(monday + day), weekday=day, note=note)


def weekend(tokens: Sequence[Token], today: date) -> Piece | None:
    """at the weekend: on Saturday."""
    saturday = today + timedelta((5 - today.weekday()) % 7)
    if "next" in kinds_of(tokens) and today.weekday() != 6:
        saturday += timedelta(7)
    return Day(saturday, step="week", weekday=5, note=Assumption.DATE)


def next_span(tokens: Sequence[Token], today: date) -> Piece | None:
    """next week: its Monday; next month and next year: the first day."""
    kinds = kinds_of(tokens)
    if "week" in kinds:
        return Day(today + timedelta(7 - today.weekday()), note=Assumption.DATE)
    return Day(next_month(today) if "month" in kinds else date(today.year + 1, 1, 1), note=Assumption.DATE)


def next_month(day: date) -> date:
    """The first of the month after."""
    return (day.replace(day=1) + timedelta(32)).replace(day=1)


def last_day(tokens: Sequence[Token], today: date) -> Piece | None:
    """в последний день месяца, at the end of the year."""
    if "year" in kinds_of(tokens):
        return Day(date(today.year, 12, 31), step="year")
    after = next_month(today)
    if "next" in kinds_of(tokens):
        after = next_month(after)
    return Day(after - timedelta(1), monthday=31, note=Assumption.ONCE)


def of_month(tokens: Sequence[Token], today: date) -> Piece | None:
    """5 числа, on the 5th: of the first month from this one on that has such a day."""
    [day] = values(tokens, "number", "ord")
    if not 1 <= day <= 31 or day != int(day):
        return Wrong(Question.IMPOSSIBLE_DATE)
    return Day(month_day(today.replace(day=1), day), step="month", monthday=day)


def month_day(first: date, day: int) -> date:
    """``day`` in the month of ``first``, or in the next month that has it."""
    while True:
        try:
            return first.replace(day=day)
        except ValueError:
            first = next_month(first)


def named_date(tokens: Sequence[Token], today: date) -> Piece | None:
    """5 марта 2027, March 5th."""
    [month] = values(tokens, "monthname")
    day, *year = values(tokens, "number", "ord")
    if (year and not 1000 <= year[0] <= 9999) or 1000 <= day <= 9999:  # March 2027 is no date
        return None
    return _date(day, month, year[0] if year else None, today)


def written_date(tokens: Sequence[Token], today: date) -> Piece | None:
    """5.03.2027 and 5/3/2027: the day first unless that cannot be; 2027-03-05."""
    token = next(token for token in tokens if token.kind in {"date", "iso"})
    if token.kind == "iso":
        year, month, day = token.value
        return _date(day, month, year, today)
    return _day_first(token, today)


def short_date(tokens: Sequence[Token], today: date) -> Piece | None:
    """31.12, 5/3."""
    token = next(token for token in tokens if token.kind == "pair")
    return None if set(token.text) & set(",-") else _day_first(token, today)


def sure_short_date(tokens: Sequence[Token], today: date) -> Piece | None:
    """31.12, but not 2.5: only what has two digits for the month, and is a date."""
    found = short_date(tokens, today) if tokens[-1].text[-3] in "./" else None
    _day, month = tokens[-1].value
    return found if isinstance(found, Day) or 1 <= month <= 12 else None


def _day_first(token: Token, today: date) -> Piece | None:
    day, month, *year = token.value
    slashed = "/" in token.text
    if slashed and month > 12:
        day, month = month, day
    note = Assumption.DAY_FIRST if slashed and day <= 12 and day != month else None
    return _date(day, month, year[0] if year else None, today, note)


def _date(day: int, month: int, year: int | None, today: date, note: Assumption | None = None) -> Day | Wrong:
    try:
        if year is not None:
            return Day(date(year + 2000 if year < 100 else year, month, day), note=note)
        if (day, month) == (29, 2):
            return Day(leap_day(today), step="year", note=note)
        return Day(date(today.year, month, day), step="year", note=note)
    except (ValueError, TypeError, OverflowError):
        return Wrong(Question.IMPOSSIBLE_DATE)


def leap_day(today: date) -> date:
    """The first 29 February from today on."""
    year = today.year
    while year % 4 or (year % 100 == 0 and year % 400) or date(year, 2, 29) < today:
        year += 1
    return date(year, 2, 29)


# --- how far away ---------------------------------------------------------------------------------------------------


def after(tokens: Sequence[Token], today: date) -> Piece | None:
    """через 2 часа 15 минут, in an hour and a half."""
    minutes = days = months = 0.0
    for count, span in amounts(tokens):
        minutes += count * MINUTES.get(span, 0)
        days += count * DAYS.get(span, 0)
        months += count * MONTHS.get(span, 0)
    if days != int(days):  # полтора дня
        minutes, days = minutes + days * 24 * 60, 0
    if months != int(months):
        return Wrong(Question.INEXPRESSIBLE)
    if minutes / 60 / 24 + days + months * 30 > MOST_DAYS:
        return Wrong(Question.TOO_FAR)
    if minutes * 60 < 1 and not days and not months:
        return Wrong(Question.PAST)
    # «через день» means both tomorrow and every other day.
    both = {"in", "day"} == kinds_of(tokens) and len(tokens) == 2 and tokens[1].text[0].lower() == "д"
    return After(minutes, int(days), int(months), Assumption.ONCE if both else None)


def after_about(tokens: Sequence[Token], today: date) -> Piece | None:
    """минут через 10, через часа два; «через час 10 …» is something else."""
    return after(tokens, today) if any(token.text.lower() in INVERTED for token in tokens) else None


def amounts(tokens: Sequence[Token]) -> list[tuple[float, str]]:
    """(how many, of what) of each span, taking what stands before it for its number, or the last number of all."""
    found: list[tuple[float, str]] = []
    count: float | None = None
    for token in tokens:
        if token.kind == "number":
            count = (count or 0) + token.value
        elif token.kind == "pair":
            count = float(token.text.replace(",", ".").replace("/", ".").replace("-", "."))
        elif token.kind == "half":
            count = (count or 0) + 0.5
        elif token.kind == "quarter" and tokens[-1] is not token:
            count = 0.25
        elif token.kind == "halfspan":
            found.append((0.5 * (count or 1), token.value))
        elif token.kind in SPANS:
            found.append((1 if count is None else count, token.kind))
            count = None
    if count is not None and found:
        number, span = found.pop()
        found.append((number + count if tokens[-1].kind == "half" else count, span))
    return found


def earlier(tokens: Sequence[Token], today: date) -> Piece | None:
    """за 10 минут до, an hour before."""
    far = after(tokens, today)
    if not isinstance(far, After):
        return far
    return Wrong(Question.INEXPRESSIBLE) if far.months else Earlier(far.minutes + far.days * 24 * 60)


def weekday_after(tokens: Sequence[Token], today: date) -> Piece | None:
    """через неделю в пятницу: the Friday of the week that far away."""
    [day] = values(tokens, "weekday")
    far = after([token for token in tokens if token.kind != "weekday"], today)
    if not isinstance(far, After) or far.minutes or far.months or far.days % 7:
        return far if isinstance(far, Wrong) else None
    return Day(today + timedelta(far.days + day - today.weekday()), weekday=day, note=Assumption.DATE)


def until(tokens: Sequence[Token], today: date) -> Piece | None:
    """до пятницы, for two weeks; for ten minutes is the end of nothing that comes once a day."""
    spans = kinds_of(tokens) & SPANS
    return Until(short=bool(spans) and spans <= {*MINUTES})


def until_hour(tokens: Sequence[Token], today: date) -> Piece | None:
    """до 18:00."""
    return Until(short=True)


def part_of_day(tokens: Sequence[Token], today: date) -> Piece | None:
    """The morning of «tomorrow morning»."""
    return Part(tokens[-1].value)


PHRASES = [
    ("in AMOUNTS PREP weekday", weekday_after),
    ("remind me? for AMOUNTS (?!till|before)|for AMOUNTS (till|before)|AMOUNTS before", earlier),
    ("in about? SPAN about? number|SPAN in about? number", after_about),
    ("in about? AMOUNTS", after),
    ("AMOUNTS (from now|afterwards (?!number|dayrel))", after),
    ("(at during|for) AMOUNTS", until),
    ("(till|before) (dayrel|weekday|the? (number|ord) (of? monthname|dayword)|monthname ord|date|pair)", until),
    ("(till|before) the? end of? (the|this|next)? (day|week|month|year)", until),
    ("(till|before) about? LOOSE", until_hour),
    ("PREP? (the? last day|the? end) of? (the|this|next)? (month|year)", last_day),
    ("PREP? the? day afterwards dayrel", relative),
    ("(PREP|from|starting|starting from)? dayrel", relative),
    ("(PREP|from)? the? (number|ord) (of? monthname|of monthname) (comma? number (year|yearword)?)", named_date),
    ("(PREP|from)? the? (number|ord) of? monthname", named_date),
    ("(PREP|from)? monthname the? (number|ord) comma? number", named_date),
    ("(PREP|from)? monthname the? (number|ord) NOTCOUNTED", named_date),
    ("(PREP|from)? (date|iso) (year|yearword)?", written_date),
    ("on pair NOTCOUNTED", short_date),
    ("PREP? the? ord day of? (the|this)? month", of_month),
    ("(PREP|from)? the? (number|ord) dayword|on the ord", of_month),
    ("(PREP|from) the? (next|this)? weekday (PREP? the? next week)?", weekday),
    ("PREP? next week PREP? weekday|(next|this) weekday|weekday PREP? next week", weekday),
    ("PREP the? (next|this)? weekend|(next|this) weekend", weekend),
    ("(PREP the? starting of?)? PREP? next (week|month|year)", next_span),
]
WEAK_PHRASES = [
    ("part", part_of_day),
    ("weekday", weekday),
    ("pair NOTCOUNTED", sure_short_date),
    ("PREP? the? ord", of_month),
]
